// 8-bit maps with WebAssembly's vectors (SIMD128). simd/levels.hpp says what each function means.
//
// The products of 16 bits that are added in pairs are what engines turn into one instruction on all processors. So quads are
// spread to 16 bits: the first and the third level in one vector, the second and the fourth in another.
#pragma once

#include <tinyfiqa/base/quantisation.hpp>
#include <tinyfiqa/simd/vec.hpp>

#ifdef TINYFIQA_SIMD_WASM_LEVELS

#include <wasm_simd128.h>

#include <cstdint>
#include <cstring>

TINYFIQA_ISA_BEGIN(simd)

inline constexpr int level_offset = 0;

TINYFIQA_INLINE std::uint32_t part_of_quad(const std::uint8_t* p, int n) {
  std::uint32_t part = p[0];
  if (n > 1) part |= std::uint32_t{p[1]} << 8;
  if (n > 2) part |= std::uint32_t{p[2]} << 16;
  return part;
}

TINYFIQA_INLINE vi load_ints(const std::int32_t* p) { return wasm_v128_load(p); }
TINYFIQA_INLINE vi ints_of_levels(v128_t bytes) {
  return wasm_u32x4_extend_low_u16x8(wasm_u16x8_extend_low_u8x16(bytes));
}
TINYFIQA_INLINE vi load_level_ints(const std::uint8_t* p) { return ints_of_levels(wasm_v128_load32_zero(p)); }
TINYFIQA_INLINE vi load_level_ints_up_to(const std::uint8_t* p, int count) {
  return count == 4 ? load_level_ints(p)
                    : ints_of_levels(wasm_i32x4_splat(static_cast<std::int32_t>(part_of_quad(p, count))));
}
TINYFIQA_INLINE vi add(vi a, vi b) { return wasm_i32x4_add(a, b); }
TINYFIQA_INLINE vf to_floats(vi v) { return reinterpret_cast<vf>(wasm_f32x4_convert_i32x4(v)); }

/// Quads, spread to 16 bits.
struct wide_quads {
  v128_t even, odd;
};
TINYFIQA_INLINE wide_quads spread_levels(v128_t quads) {
  return {wasm_v128_and(quads, wasm_i16x8_const_splat(0xff)), wasm_u16x8_shr(quads, 8)};
}
TINYFIQA_INLINE wide_quads splat_quad(const std::uint8_t* p) {
  return spread_levels(wasm_v128_load32_splat(p));
}
TINYFIQA_INLINE wide_quads splat_quad_part(const std::uint8_t* p, int n) {
  return spread_levels(wasm_i32x4_splat(static_cast<std::int32_t>(part_of_quad(p, n))));
}
TINYFIQA_INLINE wide_quads load_quads(const std::int8_t* p) {
  const v128_t quads = wasm_v128_load(p);
  return {wasm_i16x8_shr(wasm_i16x8_shl(quads, 8), 8), wasm_i16x8_shr(quads, 8)};
}
TINYFIQA_INLINE vi dot(vi sum, const wide_quads& x, const wide_quads& w) {
  return wasm_i32x4_add(wasm_i32x4_add(sum, wasm_i32x4_dot_i16x8(x.even, w.even)),
                        wasm_i32x4_dot_i16x8(x.odd, w.odd));
}

#define TINYFIQA_PRODUCT_ROWS
/// Rows of a tile with 1 and 2 vectors: sums, weights, levels and a product are 6x1 + 2 + 2 + 1 = 11 and 4x2 + 4 + 2 + 1 = 15 of
/// the 16 registers of x86.
inline constexpr int product_rows[] = {6, 4};

#define TINYFIQA_TAP_SUMS
inline constexpr int taps_together = 2;  // 255 63 2 = 32130
struct tap_sums {
  v128_t low, high;
};
using vt = tap_sums;
TINYFIQA_INLINE vt load_tap_levels(const std::uint8_t* p) {
  return {wasm_u16x8_load8x8(p), wasm_u16x8_load8x8(p + 8)};
}
TINYFIQA_INLINE vt load_tap_weights(const std::int8_t* p) {
  return {wasm_i16x8_load8x8(p), wasm_i16x8_load8x8(p + 8)};
}
TINYFIQA_INLINE tap_sums tap_products(const vt& x, const vt& w) {
  return {wasm_i16x8_mul(x.low, w.low), wasm_i16x8_mul(x.high, w.high)};
}
TINYFIQA_INLINE tap_sums add_tap_products(const tap_sums& sum, const vt& x, const vt& w) {
  return {wasm_i16x8_add(sum.low, wasm_i16x8_mul(x.low, w.low)),
          wasm_i16x8_add(sum.high, wasm_i16x8_mul(x.high, w.high))};
}
TINYFIQA_INLINE void add_tap_sums(const tap_sums& sum, vi (&to)[4]) {
  to[0] = add(to[0], wasm_i32x4_extend_low_i16x8(sum.low));
  to[1] = add(to[1], wasm_i32x4_extend_high_i16x8(sum.low));
  to[2] = add(to[2], wasm_i32x4_extend_low_i16x8(sum.high));
  to[3] = add(to[3], wasm_i32x4_extend_high_i16x8(sum.high));
}

/// The nearest whole number, halves to the even one, of numbers up to 2^15; larger ones become that. (Floats from 2^23 to 2^24
/// are whole numbers. WebAssembly's own conversion takes several instructions on x86.)
TINYFIQA_INLINE v128_t nearest_ints(vf y) {
  const vf limited = max(min(y, splat(32768.0f)), splat(-32768.0f)), shift = splat(12582912.0f);
  return wasm_i32x4_sub(reinterpret_cast<v128_t>(limited + shift), reinterpret_cast<v128_t>(shift));
}

template <int N, bool InRowBlock = false>  // there are no row blocks
TINYFIQA_INLINE void store_levels(std::uint8_t* p, const vf (&y)[N], LevelRange range, int count) {
  static_assert(N <= 4);
  v128_t v[4];
#pragma GCC unroll 4
  for (int i = 0; i < N; ++i) v[i] = nearest_ints(y[i]);
  const v128_t zero = wasm_i16x8_splat(static_cast<std::int16_t>(range.zero));
  const auto words = [&](int i) TINYFIQA_INLINE_LAMBDA {
    return wasm_i16x8_add_sat(wasm_i16x8_narrow_i32x4(v[i], v[i + 1 < N ? i + 1 : i]), zero);
  };
  const v128_t low = words(0), high = N > 2 ? words(2) : low;
  const v128_t bytes = wasm_u8x16_max(wasm_u8x16_narrow_i16x8(low, high),
                                      wasm_i8x16_splat(static_cast<std::int8_t>(range.lowest)));
  if (count == 16) return wasm_v128_store(p, bytes);
  if (N > 1 && count == 8) return wasm_v128_store64_lane(p, bytes, 0);
  if (count == 4) return wasm_v128_store32_lane(p, bytes, 0);
  std::uint8_t all[16];
  wasm_v128_store(all, bytes);
  for (int i = 0; i < count; ++i) p[i] = all[i];
}

using vb = v128_t;
TINYFIQA_INLINE vb load_16(const std::uint8_t* p) { return wasm_v128_load(p); }
TINYFIQA_INLINE void store_16(std::uint8_t* p, vb b) { wasm_v128_store(p, b); }
TINYFIQA_INLINE vb max(vb a, vb b) { return wasm_u8x16_max(a, b); }
TINYFIQA_INLINE vb interleave_low(vb a, vb b) {
  return wasm_i8x16_shuffle(a, b, 0, 16, 1, 17, 2, 18, 3, 19, 4, 20, 5, 21, 6, 22, 7, 23);
}
TINYFIQA_INLINE vb interleave_high(vb a, vb b) {
  return wasm_i8x16_shuffle(a, b, 8, 24, 9, 25, 10, 26, 11, 27, 12, 28, 13, 29, 14, 30, 15, 31);
}

TINYFIQA_INLINE vf rounded(vf v) { return v; }  // there is no fused multiply-add

TINYFIQA_ISA_END

#endif
