// 8-bit maps lane by lane, for instruction sets that have no file of their own. simd/levels.hpp says what each function means.
#pragma once

#include <tinyfiqa/base/quantisation.hpp>
#include <tinyfiqa/simd/vec.hpp>

#if !defined(TINYFIQA_SIMD_X86_LEVELS) && !defined(TINYFIQA_SIMD_NEON_LEVELS) && \
    !defined(TINYFIQA_SIMD_WASM_LEVELS)

#include <cstdint>
#include <cstring>

// Arm's instructions for two halves of a 32-bit register: Cortex-M4, M7, M33, M55 and others, without vectors.
#if defined(__ARM_FEATURE_SIMD32) && defined(TINYFIQA_SIMD_SCALAR)
#define TINYFIQA_SIMD_ARM_HALVES
#include <arm_acle.h>
#endif

TINYFIQA_ISA_BEGIN(simd)

#ifndef TINYFIQA_SIMD_VECTOR4  // simd/vector4.hpp has the type
struct vi {
  std::int32_t lanes[width];
  TINYFIQA_INLINE std::int32_t& operator[](int i) { return lanes[i]; }
  TINYFIQA_INLINE std::int32_t operator[](int i) const { return lanes[i]; }
};
#endif

inline constexpr int level_offset = 0;

template <class Lane>
TINYFIQA_INLINE vi ints_of(const Lane& lane) {
  vi v;
  for (int i = 0; i < width; ++i) v[i] = lane(i);
  return v;
}

TINYFIQA_INLINE vi load_ints(const std::int32_t* p) {
  return ints_of([&](int i) TINYFIQA_INLINE_LAMBDA { return p[i]; });
}
TINYFIQA_INLINE vi load_level_ints(const std::uint8_t* p) {
  return ints_of([&](int i) TINYFIQA_INLINE_LAMBDA { return std::int32_t{p[i]}; });
}
TINYFIQA_INLINE vi load_level_ints_up_to(const std::uint8_t* p, int count) {
  return ints_of([&](int i) TINYFIQA_INLINE_LAMBDA { return i < count ? std::int32_t{p[i]} : 0; });
}
TINYFIQA_INLINE vi add(vi a, vi b) {
  return ints_of([&](int i) TINYFIQA_INLINE_LAMBDA { return a[i] + b[i]; });
}
TINYFIQA_INLINE vf to_floats(vi v) {
  float lanes[width];
  for (int i = 0; i < width; ++i) lanes[i] = static_cast<float>(v[i]);
  return load(lanes);
}

#ifdef TINYFIQA_SIMD_ARM_HALVES

/// Four levels or weights as halves of 16 bits: the first and the third, the second and the fourth.
struct quad {
  std::int32_t even, odd;
};
using quads = quad;
TINYFIQA_INLINE std::uint32_t load_word(const void* p) {
  std::uint32_t word;
  __builtin_memcpy(&word, p, 4);  // with -ffreestanding, std::memcpy is always a call
  return word;
}
/// (Assembler, because compilers rotate by an instruction of its own.)
TINYFIQA_INLINE quad level_halves(std::uint32_t word) {
  std::int32_t even, odd;
  asm("uxtb16 %0, %1" : "=r"(even) : "r"(word));
  asm("uxtb16 %0, %1, ror #8" : "=r"(odd) : "r"(word));
  return {even, odd};
}
TINYFIQA_INLINE quad splat_quad(const std::uint8_t* p) { return level_halves(load_word(p)); }
TINYFIQA_INLINE quad splat_quad_part(const std::uint8_t* p, int n) {
  std::uint32_t word = p[0];
  if (n > 1) word |= std::uint32_t{p[1]} << 8;
  if (n > 2) word |= std::uint32_t{p[2]} << 16;
  return level_halves(word);
}
TINYFIQA_INLINE quads load_quads(const std::int8_t* p) {
  const std::uint32_t word = load_word(p);
  std::int32_t even, odd;
  asm("sxtb16 %0, %1" : "=r"(even) : "r"(word));
  asm("sxtb16 %0, %1, ror #8" : "=r"(odd) : "r"(word));
  return {even, odd};
}
TINYFIQA_INLINE vi dot(vi sum, quad x, quads w) {
  return {{__smlad(x.odd, w.odd, __smlad(x.even, w.even, sum[0]))}};
}
/// sum[r][v] += dot() of pairs of quads, x[2 i] and x[2 i + 1] up to `end`, and of weights for two lanes each. 17 instructions for
/// 16 products: compilers take 24.
TINYFIQA_INLINE void multiply_2x2(const quad* x, const quad* end, const std::int8_t* w,
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
/// sum[i] += x[i] w[i] of four neighbouring channels.
TINYFIQA_INLINE void add_four(const std::uint8_t* x, const std::int8_t* w, std::int32_t (&sum)[4]) {
  const quad levels = splat_quad(x), weights = load_quads(w);
  sum[0] = __smlabb(levels.even, weights.even, sum[0]);
  sum[1] = __smlabb(levels.odd, weights.odd, sum[1]);
  sum[2] = __smlatt(levels.even, weights.even, sum[2]);
  sum[3] = __smlatt(levels.odd, weights.odd, sum[3]);
}

#else

struct quad {
  std::uint8_t level[4];
};
struct quads {
  const std::int8_t* weights;
};
TINYFIQA_INLINE quad splat_quad(const std::uint8_t* p) { return {{p[0], p[1], p[2], p[3]}}; }
TINYFIQA_INLINE quad splat_quad_part(const std::uint8_t* p, int n) {
  const std::uint8_t none = 0;
  return {{p[0], n > 1 ? p[1] : none, n > 2 ? p[2] : none, none}};
}
TINYFIQA_INLINE quads load_quads(const std::int8_t* p) { return {p}; }
TINYFIQA_INLINE vi dot(vi sum, quad x, quads w) {
  return ints_of([&](int i) TINYFIQA_INLINE_LAMBDA {
    const std::int8_t* const at = w.weights + 4 * i;
    return sum[i] + x.level[0] * at[0] + x.level[1] * at[1] + x.level[2] * at[2] + x.level[3] * at[3];
  });
}
/// sum[i] += x[i] w[i] of four neighbouring channels.
TINYFIQA_INLINE void add_four(const std::uint8_t* x, const std::int8_t* w, std::int32_t (&sum)[4]) {
  for (int i = 0; i < 4; ++i) sum[i] += x[i] * w[i];
}

#endif

template <int N, bool InRowBlock = false>  // there are no row blocks
TINYFIQA_INLINE void store_levels(std::uint8_t* p, const vf (&y)[N], LevelRange range, int count) {
  float lanes[N * width];
  for (int v = 0; v < N; ++v) store(lanes + v * width, y[v]);
#ifdef TINYFIQA_SMALL
  const SmallLevels level(range);
  for (int i = 0; i < count; ++i) p[i] = level(lanes[i]);
#else
  for (int i = 0; i < count; ++i) p[i] = to_level(lanes[i], range);
#endif
}

struct vb {
  std::uint8_t byte[16];
};
TINYFIQA_INLINE vb load_16(const std::uint8_t* p) {
  vb b;
  std::memcpy(b.byte, p, 16);
  return b;
}
TINYFIQA_INLINE void store_16(std::uint8_t* p, const vb& b) { std::memcpy(p, b.byte, 16); }
TINYFIQA_INLINE vb max(vb a, const vb& b) {
  for (int i = 0; i < 16; ++i) a.byte[i] = a.byte[i] > b.byte[i] ? a.byte[i] : b.byte[i];
  return a;
}
TINYFIQA_INLINE vb interleave_low(const vb& a, const vb& b) {
  vb r;
  for (int i = 0; i < 8; ++i) r.byte[2 * i] = a.byte[i], r.byte[2 * i + 1] = b.byte[i];
  return r;
}
TINYFIQA_INLINE vb interleave_high(const vb& a, const vb& b) {
  vb r;
  for (int i = 0; i < 8; ++i) r.byte[2 * i] = a.byte[i + 8], r.byte[2 * i + 1] = b.byte[i + 8];
  return r;
}

/// Through memory: no compiler fuses operations over that.
TINYFIQA_INLINE vf rounded(vf v) {
  float lanes[width];
  store(lanes, v);
#if defined(__GNUC__) || defined(__clang__)
  asm("" : "+m"(lanes));
#endif
  return load(lanes);
}

TINYFIQA_ISA_END

#endif
