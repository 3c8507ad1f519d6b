// Products of levels on Cortex-M: with the instructions for two halves of a 32-bit register (Cortex-M4, M7, M33 and others), and
// in small programs with Helium's vectors (Cortex-M55, M85). simd/levels.hpp says what each function means.
#pragma once

#include <tinyfiqa/base/quantisation.hpp>
#include <tinyfiqa/simd/instruction_set.hpp>

#if defined(__ARM_FEATURE_SIMD32) && defined(TINYFIQA_SIMD_SCALAR)
#define TINYFIQA_SIMD_CORTEX_M
#if defined(TINYFIQA_SMALL) && defined(__ARM_FEATURE_MVE) && (__ARM_FEATURE_MVE & 2)
#define TINYFIQA_SIMD_HELIUM
#include <arm_mve.h>
#else
#include <arm_acle.h>
#endif

#include <cstdint>

TINYFIQA_ISA_BEGIN(simd)

TINYFIQA_INLINE std::uint32_t load_word(const void* p) {
  std::uint32_t word;
  __builtin_memcpy(&word, p, 4);  // with -ffreestanding, std::memcpy is always a call
  return word;
}
TINYFIQA_INLINE std::uint32_t load_part_of_word(const std::uint8_t* p, int n) {
  std::uint32_t word = p[0];
  if (n > 1) word |= std::uint32_t{p[1]} << 8;
  if (n > 2) word |= std::uint32_t{p[2]} << 16;
  return word;
}
TINYFIQA_INLINE std::uint32_t load_rest_of_word(const std::uint8_t* p, int n, bool longer) {
  return longer ? load_word(p + n - 4) >> (32 - 8 * n) : load_part_of_word(p, n);
}

#define TINYFIQA_MULTIPLY_ROWS

#ifdef TINYFIQA_SIMD_HELIUM

/// Four levels, each minus 128: Helium multiplies signed bytes.
struct quad {
  std::uint32_t levels;
};
TINYFIQA_INLINE quad signed_quad(std::uint32_t word) { return {word ^ 0x80808080u}; }
TINYFIQA_INLINE quad splat_quad(const std::uint8_t* p) { return signed_quad(load_word(p)); }
TINYFIQA_INLINE quad splat_quad_part(const std::uint8_t* p, int n) {
  return signed_quad(load_part_of_word(p, n));
}
TINYFIQA_INLINE quad splat_quad_rest(const std::uint8_t* p, int n, bool longer) {
  return signed_quad(load_rest_of_word(p, n, longer));
}

inline constexpr int small_rows = 4;
inline constexpr int small_padding = 3;  // the products below read four quads at once

/// Adds the products of four quads of N columns, and of four rows whose quads lie in turns.
template <int N>
TINYFIQA_INLINE void multiply_four(const quad* x, const int8x16_t (&w)[N], std::int32_t (&sum)[4][N]) {
  const int32x4x4_t rows = vld4q_s32(reinterpret_cast<const std::int32_t*>(x));
#pragma GCC unroll 2
  for (int v = 0; v < N; ++v) {
    const std::int32_t offset = 128 * vaddvq_s8(w[v]);  // what the levels miss
#pragma GCC unroll 4
    for (int r = 0; r < 4; ++r)
      sum[r][v] = vmladavaq_s8(sum[r][v] + offset, vreinterpretq_s8_s32(rows.val[r]), w[v]);
  }
}
TINYFIQA_INLINE void multiply_rows(const quad* x, const quad* end, const std::int8_t* w,
                                   std::int32_t (&sum)[4][1]) {
  for (int left = static_cast<int>(end - x) / 4; left > 0; left -= 4, x += 16, w += 16) {
    const auto* const words = reinterpret_cast<const std::int32_t*>(w);
    const int32x4_t column = vldrwq_z_s32(words, vctp32q(static_cast<std::uint32_t>(left)));
    multiply_four<1>(x, {vreinterpretq_s8_s32(column)}, sum);
  }
}
TINYFIQA_INLINE void multiply_rows(const quad* x, const quad* end, const std::int8_t* w,
                                   std::int32_t (&sum)[4][2]) {
  int left = static_cast<int>(end - x) / 4;
  const auto* words = reinterpret_cast<const std::int32_t*>(w);
  for (; left >= 4; left -= 4, x += 16, words += 8) {
    const int32x4x2_t columns = vld2q_s32(words);
    multiply_four<2>(x, {vreinterpretq_s8_s32(columns.val[0]), vreinterpretq_s8_s32(columns.val[1])}, sum);
  }
  if (left == 0) return;
  const mve_pred16_t there = vctp32q(static_cast<std::uint32_t>(left));
  const uint32x4_t column = vidupq_n_u32(0, 8);
  multiply_four<2>(x,
                   {vreinterpretq_s8_s32(vldrwq_gather_offset_z_s32(words, column, there)),
                    vreinterpretq_s8_s32(vldrwq_gather_offset_z_s32(words + 1, column, there))},
                   sum);
}

using four_sums = int32x4_t;
TINYFIQA_INLINE four_sums load_four_sums(const std::int32_t* p) { return vldrwq_s32(p); }
TINYFIQA_INLINE void store_four_sums(std::int32_t* p, four_sums s) { vstrwq_s32(p, s); }
TINYFIQA_INLINE void add_four(const std::uint8_t* x, const std::int8_t* w, four_sums& sum) {
  sum = vaddq_s32(sum, vmulq_s32(vreinterpretq_s32_u32(vldrbq_u32(x)), vldrbq_s32(w)));
}

/// to_level() of sums times factors.
TINYFIQA_INLINE int32x4_t levels_of_sums(int32x4_t sums, float32x4_t factors, LevelRange range) {
  const int32x4_t level = vaddq_n_s32(vcvtnq_s32_f32(vmulq_f32(vcvtq_f32_s32(sums), factors)), range.zero);
  return vminq_s32(vmaxq_s32(level, vdupq_n_s32(range.lowest)), vdupq_n_s32(255));
}
TINYFIQA_INLINE void store_four_levels(std::uint8_t* to, const std::int32_t* sums, const float* factors,
                                       LevelRange range) {
  vstrbq_s32(reinterpret_cast<std::int8_t*>(to),
             levels_of_sums(vldrwq_s32(sums), vldrwq_f32(factors), range));
}
/// The first `rows` rows of a tile.
TINYFIQA_INLINE void store_tile(std::uint8_t* to, std::ptrdiff_t stride, int rows,
                                const std::int32_t (&sums)[4][2], const float* factors, LevelRange range) {
  const auto down = static_cast<std::uint32_t>(stride);
  const uint32x4_t at = {0, 1, down, down + 1}, column = {0, 4, 0, 4};
  const float32x4_t by = vldrwq_gather_offset_f32(factors, column);
  for (int r = 0; r < rows; r += 2, to += 2 * stride)
    vstrbq_scatter_offset_p_s32(reinterpret_cast<std::int8_t*>(to), at,
                                levels_of_sums(vldrwq_s32(sums[r]), by, range),
                                vctp32q(2 * static_cast<std::uint32_t>(rows - r)));
}

#else

/// Four levels or weights as halves of 16 bits: the first and the third, the second and the fourth.
struct quad {
  std::int32_t even, odd;
};
using quads = quad;
/// (Assembler, because compilers rotate by an instruction of its own.)
TINYFIQA_INLINE quad level_halves(std::uint32_t word) {
  std::int32_t even, odd;
  asm("uxtb16 %0, %1" : "=r"(even) : "r"(word));
  asm("uxtb16 %0, %1, ror #8" : "=r"(odd) : "r"(word));
  return {even, odd};
}
TINYFIQA_INLINE quad splat_quad(const std::uint8_t* p) { return level_halves(load_word(p)); }
TINYFIQA_INLINE quad splat_quad_part(const std::uint8_t* p, int n) {
  return level_halves(load_part_of_word(p, n));
}
TINYFIQA_INLINE quad splat_quad_rest(const std::uint8_t* p, int n, bool longer) {
  return level_halves(load_rest_of_word(p, n, longer));
}
TINYFIQA_INLINE quads load_quads(const std::int8_t* p) {
  const std::uint32_t word = load_word(p);
  std::int32_t even, odd;
  asm("sxtb16 %0, %1" : "=r"(even) : "r"(word));
  asm("sxtb16 %0, %1, ror #8" : "=r"(odd) : "r"(word));
  return {even, odd};
}
template <class Int>  // std::int32_t, or a vector of one
TINYFIQA_INLINE Int dot(Int sum, quad x, quads w) {
  return {{__smlad(x.odd, w.odd, __smlad(x.even, w.even, sum[0]))}};
}

TINYFIQA_INLINE void multiply_rows(const quad* x, const quad* end, const std::int8_t* w,
                                   std::int32_t (&sum)[2][1]) {
  std::int32_t first = sum[0][0], second = sum[1][0];
  for (; x < end; x += 2, w += 4) {
    const quads weights = load_quads(w);
    first = __smlad(x[0].odd, weights.odd, __smlad(x[0].even, weights.even, first));
    second = __smlad(x[1].odd, weights.odd, __smlad(x[1].even, weights.even, second));
  }
  sum[0][0] = first;
  sum[1][0] = second;
}
/// 17 instructions for 16 products: compilers take 24.
TINYFIQA_INLINE void multiply_rows(const quad* x, const quad* end, const std::int8_t* w,
                                   std::int32_t (&sum)[2][2]) {
  std::int32_t s00 = sum[0][0], s01 = sum[0][1], s10 = sum[1][0], s11 = sum[1][1];
  asm(".Ltinyfiqa_pairs%=:\n"
      "ldmia %[x]!, {r4, r5, r6, r8}\n"
      "ldr r9, [%[w]], #4\n"
      "sxtb16 r10, r9\n"
      "sxtb16 r9, r9, ror #8\n"
      "smlad %[s00], r4, r10, %[s00]\n"
      "smlad %[s10], r6, r10, %[s10]\n"
      "smlad %[s00], r5, r9, %[s00]\n"
      "smlad %[s10], r8, r9, %[s10]\n"
      "ldr r9, [%[w]], #4\n"
      "sxtb16 r10, r9\n"
      "sxtb16 r9, r9, ror #8\n"
      "smlad %[s01], r4, r10, %[s01]\n"
      "smlad %[s11], r6, r10, %[s11]\n"
      "cmp %[x], %[end]\n"
      "smlad %[s01], r5, r9, %[s01]\n"
      "smlad %[s11], r8, r9, %[s11]\n"
      "bne .Ltinyfiqa_pairs%=\n"
      : [s00] "+r"(s00), [s01] "+r"(s01), [s10] "+r"(s10), [s11] "+r"(s11), [x] "+r"(x), [w] "+r"(w)
      : [end] "r"(end)
      : "r4", "r5", "r6", "r8", "r9", "r10", "cc", "memory");
  sum[0][0] = s00;
  sum[0][1] = s01;
  sum[1][0] = s10;
  sum[1][1] = s11;
}

template <class FourSums>
TINYFIQA_INLINE void add_four(const std::uint8_t* x, const std::int8_t* w, FourSums& sum) {
  const quad levels = splat_quad(x), weights = load_quads(w);
  sum.lane[0] = __smlabb(levels.even, weights.even, sum.lane[0]);
  sum.lane[1] = __smlabb(levels.odd, weights.odd, sum.lane[1]);
  sum.lane[2] = __smlatt(levels.even, weights.even, sum.lane[2]);
  sum.lane[3] = __smlatt(levels.odd, weights.odd, sum.lane[3]);
}

#endif

TINYFIQA_ISA_END

#endif
