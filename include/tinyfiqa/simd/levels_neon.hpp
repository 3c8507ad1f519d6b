// 8-bit maps with NEON, and with its 8-bit dot product (SDOT) where the program is compiled for it. simd/levels.hpp says what
// each function means.
//
// These instructions multiply signed bytes, so levels are multiplied minus 128: level_offset. That only changes their highest
// bit.
#pragma once

#include <tinyfiqa/base/quantisation.hpp>
#include <tinyfiqa/simd/vec.hpp>

#ifdef TINYFIQA_SIMD_NEON_LEVELS

#include <arm_neon.h>

#include <cstdint>
#include <cstring>

#if defined(__ARM_FEATURE_DOTPROD) && defined(TINYFIQA_ARM64)
#define TINYFIQA_SDOT
#endif

TINYFIQA_ISA_BEGIN(simd)

using vi = int32x4_t;
inline constexpr int level_offset = 128;

TINYFIQA_INLINE std::uint32_t four_bytes(const void* p) {
  std::uint32_t four;
  std::memcpy(&four, p, 4);
  return four;
}
TINYFIQA_INLINE std::uint32_t part_of_quad(const std::uint8_t* p, int n) {
  std::uint32_t part = p[0];
  if (n > 1) part |= std::uint32_t{p[1]} << 8;
  if (n > 2) part |= std::uint32_t{p[2]} << 16;
  return part;
}

TINYFIQA_INLINE vi load_ints(const std::int32_t* p) { return vld1q_s32(p); }
TINYFIQA_INLINE vi ints_of_levels(std::uint32_t four) {
  const uint8x8_t bytes = vreinterpret_u8_u32(vdup_n_u32(four));
  return vreinterpretq_s32_u32(vmovl_u16(vget_low_u16(vmovl_u8(bytes))));
}
TINYFIQA_INLINE vi load_level_ints(const std::uint8_t* p) { return ints_of_levels(four_bytes(p)); }
TINYFIQA_INLINE vi load_level_ints_up_to(const std::uint8_t* p, int count) {
  return ints_of_levels(count == 4 ? four_bytes(p) : part_of_quad(p, count));
}
TINYFIQA_INLINE vi add(vi a, vi b) { return vaddq_s32(a, b); }
TINYFIQA_INLINE vf to_floats(vi v) { return vf(vcvtq_f32_s32(v)); }

/// 16 levels, as they are multiplied.
TINYFIQA_INLINE int8x16_t signed_levels(uint8x16_t levels) {
  return vreinterpretq_s8_u8(veorq_u8(levels, vdupq_n_u8(level_offset)));
}
TINYFIQA_INLINE int8x16_t splat_word(std::uint32_t quad) {
  return signed_levels(vreinterpretq_u8_u32(vdupq_n_u32(quad)));
}
TINYFIQA_INLINE int8x16_t splat_quad(const std::uint8_t* p) { return splat_word(four_bytes(p)); }
TINYFIQA_INLINE int8x16_t splat_quad_part(const std::uint8_t* p, int n) {
  return splat_word(part_of_quad(p, n));
}
TINYFIQA_INLINE int8x16_t load_quads(const std::int8_t* p) { return vld1q_s8(p); }

TINYFIQA_INLINE int16x8_t low_products(int8x16_t a, int8x16_t b) {
  return vmull_s8(vget_low_s8(a), vget_low_s8(b));
}
TINYFIQA_INLINE int16x8_t high_products(int8x16_t a, int8x16_t b) {
#ifdef TINYFIQA_ARM64
  return vmull_high_s8(a, b);
#else
  return vmull_s8(vget_high_s8(a), vget_high_s8(b));
#endif
}
TINYFIQA_INLINE int16x8_t add_low_products(int16x8_t sum, int8x16_t a, int8x16_t b) {
  return vmlal_s8(sum, vget_low_s8(a), vget_low_s8(b));
}
TINYFIQA_INLINE int16x8_t add_high_products(int16x8_t sum, int8x16_t a, int8x16_t b) {
#ifdef TINYFIQA_ARM64
  return vmlal_high_s8(sum, a, b);
#else
  return vmlal_s8(sum, vget_high_s8(a), vget_high_s8(b));
#endif
}

#ifndef TINYFIQA_SDOT
/// sum + the sums of four neighbouring products, of which a pair fits 16 bits: two bytes are at most 128 63 2 = 16128.
TINYFIQA_INLINE vi add_products_of_quads(vi sum, int16x8_t low, int16x8_t high) {
#ifdef TINYFIQA_ARM64
  return vpadalq_s16(sum, vpaddq_s16(low, high));
#else
  return vpadalq_s16(sum, vcombine_s16(vpadd_s16(vget_low_s16(low), vget_high_s16(low)),
                                       vpadd_s16(vget_low_s16(high), vget_high_s16(high))));
#endif
}
#endif

TINYFIQA_INLINE vi dot(vi sum, int8x16_t x, int8x16_t w) {
#ifdef TINYFIQA_SDOT
  return vdotq_s32(sum, w, x);
#else
  return add_products_of_quads(sum, low_products(x, w), high_products(x, w));
#endif
}

#define TINYFIQA_QUAD_LANES
#define TINYFIQA_PRODUCT_ROWS
/// Rows of a tile with 1, 2 and 3 vectors. Registers: sums, a vector of levels for each row, two of weights for
/// each vector:
///   SDOT          12x1 + 12 + 2 = 26    8x2 + 8 + 4 = 28    6x3 + 6 + 6 = 30
///   others         8x1 + 8 + 2 = 18     6x2 + 6 + 4 = 22    4x3 + 4 + 6 = 22, and four for products
///   16 registers   4x1 + 4 + 2 = 10     2x2 + 2 + 4 = 10    2x3 + 2 + 6 = 14, and four for products
#ifdef TINYFIQA_SDOT
inline constexpr int product_rows[] = {12, 8, 6};
#elif defined(TINYFIQA_ARM64)
inline constexpr int product_rows[] = {8, 6, 4};
#else
inline constexpr int product_rows[] = {4, 2, 2};
#endif
TINYFIQA_INLINE int8x16_t load_four_quads(const std::uint8_t* p) { return signed_levels(vld1q_u8(p)); }
TINYFIQA_INLINE int8x16_t load_two_quads(const std::uint8_t* p) {
  return signed_levels(vcombine_u8(vld1_u8(p), vdup_n_u8(0)));
}
template <int Quad, int N>
TINYFIQA_INLINE void dot_two(vi (&sum)[N], int8x16_t x, const int8x16_t (&w)[N], const int8x16_t (&next)[N]) {
#ifdef TINYFIQA_SDOT
#pragma GCC unroll 4
  for (int v = 0; v < N; ++v) sum[v] = vdotq_laneq_s32(sum[v], w[v], x, Quad);
#pragma GCC unroll 4
  for (int v = 0; v < N; ++v) sum[v] = vdotq_laneq_s32(sum[v], next[v], x, Quad + 1);
#else
  const int32x4_t quads = vreinterpretq_s32_s8(x);
  const int32x2_t half = Quad < 2 ? vget_low_s32(quads) : vget_high_s32(quads);
  const int8x16_t first = vreinterpretq_s8_s32(vdupq_lane_s32(half, 0)),
                  second = vreinterpretq_s8_s32(vdupq_lane_s32(half, 1));
  // Sums of four products fit 16 bits: 128 63 4 = 32256.
#pragma GCC unroll 4
  for (int v = 0; v < N; ++v) {
    sum[v] = add_products_of_quads(sum[v], add_low_products(low_products(first, w[v]), second, next[v]),
                                   add_high_products(high_products(first, w[v]), second, next[v]));
#ifdef __GNUC__
    asm("" : "+w"(sum[v]));  // g++ 12 would begin with all products, and spill them
#endif
  }
#endif
}

#define TINYFIQA_TAP_SUMS
using vt = int8x16_t;
TINYFIQA_INLINE vt load_tap_levels(const std::uint8_t* p) { return signed_levels(vld1q_u8(p)); }
TINYFIQA_INLINE vt load_tap_weights(const std::int8_t* p) { return vld1q_s8(p); }
inline constexpr int taps_together = 4;  // 128 63 4 = 32256
struct tap_sums {
  int16x8_t low, high;
};
TINYFIQA_INLINE tap_sums tap_products(vt x, vt w) { return {low_products(x, w), high_products(x, w)}; }
TINYFIQA_INLINE tap_sums add_tap_products(const tap_sums& sum, vt x, vt w) {
  return {add_low_products(sum.low, x, w), add_high_products(sum.high, x, w)};
}
TINYFIQA_INLINE void add_tap_sums(const tap_sums& sum, vi (&to)[4]) {
  to[0] = vaddw_s16(to[0], vget_low_s16(sum.low));
  to[1] = vaddw_s16(to[1], vget_high_s16(sum.low));
  to[2] = vaddw_s16(to[2], vget_low_s16(sum.high));
  to[3] = vaddw_s16(to[3], vget_high_s16(sum.high));
}

/// The nearest whole number, halves to the even one.
TINYFIQA_INLINE vi nearest_ints(float32x4_t y) {
#if defined(TINYFIQA_ARM64) || (defined(__ARM_ARCH) && __ARM_ARCH >= 8)
  return vcvtnq_s32_f32(y);
#else
  // Floats from 2^23 to 2^24 are whole numbers. Levels end long before 2^15.
  const float32x4_t limit = vdupq_n_f32(32768.0f), shift = vdupq_n_f32(12582912.0f);
  float32x4_t limited = vminq_f32(vmaxq_f32(y, vnegq_f32(limit)), limit);
#ifdef __GNUC__
  asm("" : "+w"(limited));  // the product that y is must not be fused with the sum
#endif
  return vsubq_s32(vreinterpretq_s32_f32(vaddq_f32(limited, shift)), vreinterpretq_s32_f32(shift));
#endif
}

/// Writes bytes 4 i .. 4 i + 3; i is 0 or 2.
TINYFIQA_INLINE void store_four(std::uint8_t* p, uint8x16_t bytes, int i) {
  const uint32x4_t words = vreinterpretq_u32_u8(bytes);
  const std::uint32_t four = i == 0 ? vgetq_lane_u32(words, 0) : vgetq_lane_u32(words, 2);
  std::memcpy(p, &four, 4);
}
/// Writes the first `count` of 16 bytes, in parts of 8, 4, 2 and 1.
TINYFIQA_INLINE void store_bytes(std::uint8_t* p, uint8x16_t bytes, int count) {
  if ((count & 8) != 0) {
    vst1_u8(p, vget_low_u8(bytes));
    bytes = vextq_u8(bytes, bytes, 8);
    p += 8;
  }
  if ((count & 4) != 0) {
    store_four(p, bytes, 0);
    bytes = vextq_u8(bytes, bytes, 4);
    p += 4;
  }
  if ((count & 3) == 0) return;
  const std::uint32_t rest = vgetq_lane_u32(vreinterpretq_u32_u8(bytes), 0);
  for (int i = 0; i < (count & 3); ++i) p[i] = static_cast<std::uint8_t>(rest >> (8 * i));
}

template <int N, bool InRowBlock = false>  // there are no row blocks
TINYFIQA_INLINE void store_levels(std::uint8_t* p, const vf (&y)[N], LevelRange range, int count) {
  static_assert(N <= 4);
  int16x4_t v[4];
#pragma GCC unroll 4
  for (int i = 0; i < N; ++i) v[i] = vqmovn_s32(nearest_ints(y[i]));
  const int16x8_t zero = vdupq_n_s16(static_cast<std::int16_t>(range.zero));
  const uint8x16_t lowest = vdupq_n_u8(static_cast<std::uint8_t>(range.lowest));
  const auto bytes_of = [&](int i) TINYFIQA_INLINE_LAMBDA {
    return vqmovun_s16(vqaddq_s16(vcombine_s16(v[i], v[i + 1 < N ? i + 1 : i]), zero));
  };
  const uint8x8_t low = bytes_of(0), high = N > 2 ? bytes_of(2) : low;
  const uint8x16_t bytes = vmaxq_u8(vcombine_u8(low, high), lowest);
  if (count != 4 * N) return store_bytes(p, bytes, count);
  if (N == 4) return vst1q_u8(p, bytes);
  if (N > 1) vst1_u8(p, vget_low_u8(bytes));
  if (N % 2 == 1) store_four(p + 4 * (N - 1), bytes, N - 1);
}

using vb = uint8x16_t;
TINYFIQA_INLINE vb load_16(const std::uint8_t* p) { return vld1q_u8(p); }
TINYFIQA_INLINE void store_16(std::uint8_t* p, vb b) { vst1q_u8(p, b); }
TINYFIQA_INLINE vb max(vb a, vb b) { return vmaxq_u8(a, b); }
TINYFIQA_INLINE vb interleave_low(vb a, vb b) {
  const uint8x8x2_t both = vzip_u8(vget_low_u8(a), vget_low_u8(b));
  return vcombine_u8(both.val[0], both.val[1]);
}
TINYFIQA_INLINE vb interleave_high(vb a, vb b) {
  const uint8x8x2_t both = vzip_u8(vget_high_u8(a), vget_high_u8(b));
  return vcombine_u8(both.val[0], both.val[1]);
}

TINYFIQA_INLINE vf rounded(vf v) {
  float32x4_t register_of = v;
#ifdef __GNUC__
  asm("" : "+w"(register_of));
#endif
  return vf(register_of);
}

TINYFIQA_ISA_END

#endif
