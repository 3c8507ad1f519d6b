// 8-bit maps: levels 0..255 that stand for numbers. docs/numerics.md has the arithmetic of 8-bit networks.
#pragma once

#include <tinyfiqa/base/config.hpp>
#include <tinyfiqa/base/float_bits.hpp>

#ifdef __ARM_FEATURE_SAT
#include <arm_acle.h>
#endif
#include <cmath>
#include <cstdint>

TINYFIQA_BEGIN

/// What the levels of a map stand for: number = scale (level - zero).
struct Quantisation {
  float scale = 1.0f;     ///< above 0
  std::int32_t zero = 0;  ///< the level that stands for 0; 0..255

  constexpr bool operator==(const Quantisation& other) const {
    // (Bits, not numbers, would need C++20. A scale is never NaN.)
    return !(scale < other.scale) && !(scale > other.scale) && zero == other.zero;
  }
  constexpr bool operator!=(const Quantisation& other) const { return !(*this == other); }
};

/// Weights are -63..63. The sum of two products with levels then fits 16 bits: AVX2 adds products in pairs (vpmaddubsw), and
/// would limit larger sums without a word.
inline constexpr std::int32_t largest_weight = 63;

/// How a result becomes a level: `zero` is added to it, and it is limited to `lowest`..255. ReLU is lowest = zero.
struct LevelRange {
  std::int32_t zero = 0;    ///< 0..255
  std::int32_t lowest = 0;  ///< 0..255
};

/// The factor of numbers of at most `most`, limited so that results stay below 2^29. Levels end at 255 anyway; larger results
/// would become negative integers on some processors. (Only scales that no quantiser makes are that far apart.)
TINYFIQA_INLINE float limited_factor(float factor, float most) {
  const float largest = 536870912.0f / most;
  return factor < largest ? factor : largest;
}

/// The level of y, which counts from the level zero: rounded to the nearest whole number, halves to the even one, as
/// processors round. |y| is at most 2^30.
TINYFIQA_INLINE std::uint8_t to_level(float y, LevelRange range) {
  const long level = std::lrint(y) + range.zero;
  return static_cast<std::uint8_t>(level < range.lowest ? range.lowest : level > 255 ? 255 : level);
}

/// The same for processors on which lrint() is a function of many instructions.
class SmallLevels {
 public:
  explicit SmallLevels(LevelRange range) : range_(range) {}
  TINYFIQA_INLINE std::uint8_t operator()(float y) const {
    const std::int32_t level = rounded(y) + range_.zero;
    return limited(level < range_.lowest ? range_.lowest : level);
  }
  /// The same if zero and lowest are 0, as behind ReLU.
  static TINYFIQA_INLINE std::uint8_t from_zero(float y) { return limited(rounded(y)); }
  static bool is_from_zero(LevelRange range) { return range.zero == 0 && range.lowest == 0; }

 private:
  LevelRange range_;

  static TINYFIQA_INLINE std::int32_t rounded(float y) {
#if defined(__ARM_FP) && !defined(__aarch64__)
    float bits;  // an integer's
    asm("vcvtr.s32.f32 %0, %1" : "=t"(bits) : "t"(y));
    return static_cast<std::int32_t>(detail::float_bits(bits));
#else
    // Floats from 2^23 to 2^24 are whole numbers, and their bits count by ones: y + 1.5 * 2^23 is rounded. (A |y| above 2^22
    // gives other bits, which count in the same direction; those of negative sums are taken as 0.)
#if defined(__GNUC__) || defined(__clang__)
    asm("" : "+m"(y));  // the product that y is must not be fused with the sum
#endif
    const auto bits = static_cast<std::int32_t>(detail::float_bits(y + 12582912.0f));
    return (bits < 0 ? 0 : bits) - 0x4b400000;
#endif
  }
  static TINYFIQA_INLINE std::uint8_t limited(std::int32_t level) {
#ifdef __ARM_FEATURE_SAT
    return static_cast<std::uint8_t>(__usat(level, 8));
#else
    return static_cast<std::uint8_t>(level < 0 ? 0 : level > 255 ? 255 : level);
#endif
  }
};

TINYFIQA_END
