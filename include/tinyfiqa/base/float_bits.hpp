// Conversions on the bits of floats: subnormal numbers to zero, binary16 and bfloat16 (IEEE 754) to float
// and back.
#pragma once

#include <tinyfiqa/base/config.hpp>

#include <cstdint>
#include <cstring>

TINYFIQA_BEGIN
namespace detail {

// With -ffreestanding, std::memcpy is always a call.
#if defined(__GNUC__) || defined(__clang__)
#define TINYFIQA_COPY_BITS __builtin_memcpy
#else
#define TINYFIQA_COPY_BITS std::memcpy
#endif
TINYFIQA_INLINE std::uint32_t float_bits(float value) {
  std::uint32_t bits;
  TINYFIQA_COPY_BITS(&bits, &value, sizeof(bits));
  return bits;
}
TINYFIQA_INLINE float float_from_bits(std::uint32_t bits) {
  float value;
  TINYFIQA_COPY_BITS(&value, &bits, sizeof(value));
  return value;
}
#undef TINYFIQA_COPY_BITS

/// The float nearest to `value`, or zero if that is subnormal. Dead channels leave subnormal numbers behind,
/// and each multiply-add on one is slow. Works on bits so that compilers vectorise loops over it.
TINYFIQA_INLINE float without_subnormals(double value) {
  const auto rounded = static_cast<float>(value);
  const std::uint32_t bits = float_bits(rounded);
  return float_from_bits(bits & (0u - static_cast<std::uint32_t>((bits & 0x7f800000u) != 0)));
}

/// binary16 -> float, exact for all 65536 patterns (subnormals, infinities, NaN payloads). Branch-free, so
/// that compilers vectorise loops over it.
TINYFIQA_INLINE float half_to_float(std::uint16_t half) {
  const std::uint32_t sign = static_cast<std::uint32_t>(half & 0x8000u) << 16u;
  const std::uint32_t magnitude = static_cast<std::uint32_t>(half & 0x7fffu) << 13u;
  const auto where = [](bool yes) { return 0u - static_cast<std::uint32_t>(yes); };
  // The bias of the exponent is 112 larger in a float. Infinity and NaN have the largest exponent in both.
  const std::uint32_t last = where(magnitude >= 0x0f800000u), first = where(magnitude < 0x00800000u);
  const std::uint32_t normal = magnitude + 0x38000000u + (last & 0x38000000u);
  // A subnormal is fraction * 2^-24 = 2^-14 * (1 + fraction / 1024) - 2^-14.
  const float subnormal = float_from_bits(magnitude + 0x38800000u) - float_from_bits(0x38800000u);
  return float_from_bits(sign | (normal & ~first) | (float_bits(subnormal) & first));
}

/// float -> binary16, rounded to nearest, ties to even. 65520 and more become infinity; NaN stays NaN.
inline std::uint16_t float_to_half(float value) {
  const std::uint32_t bits = float_bits(value);
  const std::uint32_t sign = (bits >> 16u) & 0x8000u;
  const std::uint32_t magnitude = bits & 0x7fffffffu;
  if (magnitude > 0x7f800000u) return static_cast<std::uint16_t>(sign | 0x7e00u);
  if (magnitude >= 0x477ff000u)
    return static_cast<std::uint16_t>(sign | 0x7c00u);  // 65520: rounds to infinity
  std::uint32_t kept, dropped, halfway;
  if (magnitude >= 0x38800000u) {  // 2^-14 and above: normal
    kept = (magnitude - 0x38000000u) >> 13u;
    dropped = magnitude & 0x1fffu;
    halfway = 0x1000u;
  } else if (magnitude >= 0x33000000u) {  // 2^-25 and above: subnormal, or rounds up to the smallest one
    const std::uint32_t shift = 126u - (magnitude >> 23u);
    const std::uint32_t fraction = (magnitude & 0x7fffffu) | 0x800000u;
    kept = fraction >> shift;
    dropped = fraction & ((1u << shift) - 1u);
    halfway = 1u << (shift - 1u);
  } else {
    return static_cast<std::uint16_t>(sign);
  }
  if (dropped > halfway || (dropped == halfway && (kept & 1u) != 0))
    ++kept;  // a carry into the exponent gives the right number
  return static_cast<std::uint16_t>(sign | kept);
}

/// bfloat16 -> float, exact: its bits are the upper half of a float's.
inline float bfloat16_to_float(std::uint16_t bits) {
  return float_from_bits(static_cast<std::uint32_t>(bits) << 16u);
}

}  // namespace detail
TINYFIQA_END
