// A pointer and a length: C++17 has no std::span.
#pragma once

#include <tinyfiqa/base/config.hpp>

#include <cstddef>

TINYFIQA_BEGIN

/// `size` elements that somebody else owns and keeps alive.
template <class T>
struct Span {
  T* data = nullptr;
  std::size_t size = 0;

  constexpr Span() = default;
  constexpr Span(T* first, std::size_t count) : data(first), size(count) {}
  /// Span<float> -> Span<const float>.
  template <class U, class = decltype(static_cast<T (*)[]>(static_cast<U (*)[]>(nullptr)))>
  constexpr Span(Span<U> other) : data(other.data), size(other.size) {}
  /// From any contiguous container with data() and size(): std::vector, std::array, std::string.
  template <class Container, class = decltype(static_cast<T*>(static_cast<Container*>(nullptr)->data()))>
  constexpr Span(Container& c) : data(c.data()), size(c.size()) {}

  constexpr T& operator[](std::size_t i) const { return data[i]; }
  constexpr T* begin() const { return data; }
  constexpr T* end() const { return data + size; }
  constexpr bool empty() const { return size == 0; }
};

/// Bytes that somebody else owns.
using Bytes = Span<const unsigned char>;

TINYFIQA_END
