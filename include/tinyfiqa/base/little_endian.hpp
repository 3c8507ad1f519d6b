// Numbers to and from little-endian bytes.
#pragma once

#include <tinyfiqa/base/config.hpp>

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <type_traits>

TINYFIQA_BEGIN
namespace detail {

/// Reads an integer or a floating-point number from little-endian bytes, at any alignment, on any machine.
template <class T>
TINYFIQA_INLINE T load_le(const unsigned char* bytes) {
#if defined(__BYTE_ORDER__) && __BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__
  T value;  // (compilers do not vectorise loops over the general code below)
  std::memcpy(&value, bytes, sizeof(T));
  return value;
#else
  std::uint64_t bits = 0;
  for (std::size_t i = 0; i < sizeof(T); ++i) bits |= static_cast<std::uint64_t>(bytes[i]) << (8 * i);
  if constexpr (std::is_integral_v<T>) {
    return static_cast<T>(bits);
  } else {
    static_assert(sizeof(T) == 4 || sizeof(T) == 8, "tinyfiqa::load_le: float or double");
    const std::conditional_t<sizeof(T) == 4, std::uint32_t, std::uint64_t> exact =
        static_cast<std::conditional_t<sizeof(T) == 4, std::uint32_t, std::uint64_t>>(bits);
    T value;
    std::memcpy(&value, &exact, sizeof(T));
    return value;
  }
#endif
}

/// Writes the lowest `count` bytes of `value`, little-endian.
inline void store_le(unsigned char* bytes, std::uint64_t value, std::size_t count) {
  for (std::size_t i = 0; i < count; ++i) bytes[i] = static_cast<unsigned char>(value >> (8 * i));
}

}  // namespace detail
TINYFIQA_END
