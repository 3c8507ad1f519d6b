// Large arrays, on large pages where the system has them. With pages of 4 KiB, the first access to a network's
// weights and maps takes longer than computing the network.
#pragma once

#include <tinyfiqa/base/config.hpp>

#include <algorithm>
#include <cstddef>
#include <limits>
#include <memory>
#include <new>
#include <type_traits>
#include <utility>

#if defined(__linux__)
#include <sys/mman.h>
#endif

TINYFIQA_BEGIN

/// `size` uninitialised numbers, aligned to 64 bytes; to 2 MiB from that size on.
template <class T>
class LargeArray {
  static_assert(std::is_trivial_v<T>, "tinyfiqa::LargeArray: for numbers, which need no construction");

 public:
  LargeArray() = default;
  /// Throws std::bad_alloc, as std::vector does.
  explicit LargeArray(std::size_t size)
      : LargeArray(size, ::operator new(bytes_of(size), alignment_of(size))) {}

  LargeArray(const LargeArray& other) : LargeArray(other.size_) { std::copy_n(other.data(), size_, data()); }
  LargeArray& operator=(const LargeArray& other) { return *this = LargeArray(other); }
  LargeArray(LargeArray&& other) noexcept
      : data_(std::move(other.data_)), size_(std::exchange(other.size_, 0)) {}
  LargeArray& operator=(LargeArray&& other) noexcept {
    data_ = std::move(other.data_);
    size_ = std::exchange(other.size_, 0);
    return *this;
  }
  ~LargeArray() = default;

  /// Empty (data() is null) when there is not enough memory.
  static LargeArray or_empty(std::size_t size) {
    void* const memory = ::operator new(bytes_of(size), alignment_of(size), std::nothrow);
    return memory == nullptr ? LargeArray() : LargeArray(size, memory);
  }

  T* data() { return data_.get(); }
  const T* data() const { return data_.get(); }
  std::size_t size() const { return size_; }
  const T* begin() const { return data(); }
  const T* end() const { return data() + size_; }

 private:
  static constexpr std::size_t page = std::size_t{2} << 20u;
  /// When the product does not fit: more than any allocation can have.
  static std::size_t bytes_of(std::size_t size) {
    constexpr std::size_t most = std::numeric_limits<std::ptrdiff_t>::max();
    return size > most / sizeof(T) ? most : size * sizeof(T);
  }
  static std::align_val_t alignment_of(std::size_t size) {
    return static_cast<std::align_val_t>(bytes_of(size) < page ? 64 : page);
  }
  struct Free {
    std::align_val_t alignment{};
    void operator()(T* p) const { ::operator delete(p, alignment); }
  };

  LargeArray(std::size_t size, void* memory)
      : data_(static_cast<T*>(memory), Free{alignment_of(size)}), size_(size) {
#if defined(__linux__)
    // Only whole large pages: the rest stays on small ones, so that no more memory is used than was asked for.
    // It is no error when the system has no large pages.
    const std::size_t bytes = size * sizeof(T);
    if (bytes >= page) (void)::madvise(memory, bytes / page * page, MADV_HUGEPAGE);
#endif
  }

  std::unique_ptr<T[], Free> data_;
  std::size_t size_ = 0;
};

TINYFIQA_END
