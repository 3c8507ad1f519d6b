// One vector of floats: the interface that kernels are written against. This folder alone names xsimd and
// intrinsics. Each instruction set has a file with its functions (avx512.hpp, avx2.hpp, sse.hpp, neon.hpp,
// vector4.hpp, scalar.hpp; instruction_set.hpp chooses). Functions that are made of those are below, in exp.hpp and in
// by_lane.hpp.
//
// Types and constants
//   vf                   one vector of `width` floats; + - * / work on each lane
//   width                floats of a vector: 16 AVX-512, 8 AVX2, 4 SSE, NEON and vector4, 1 scalar
//   registers            vector registers of the processor: 32 AVX-512, 64-bit ARM, POWER and IBM Z, otherwise 16
//
// Memory. No address needs alignment. Nothing but the floats that are named is read or written.
//   load(p)              `width` floats at p
//   store(p, v)
//   load_part(p, count)  the first `count` floats at p, then zeros; 0 < count < width
//   store_part(p, v, count)
//   load_up_to(p, count), store_up_to(p, v, count)    the same for 0 < count <= width
//   load_binary16(p)     `width` IEEE half floats at p, converted; exists if TINYFIQA_CONVERTS_HALVES is
//                        defined
//   add_to(sums, v)      sums[i] += v[i] in double, for `width` doubles at sums
//   prefetch(p)          asks for the cache line at p; p may be any address
//
// Arithmetic on each lane
//   splat(s)             s in all lanes
//   fma(a, b, c)         a b + c; rounded once if the instruction set has FMA, else twice
//   max(a, b)            a > b ? a : b, so a NaN in b is the result, as in PyTorch: write max(limit, x)
//   min(a, b)            a < b ? a : b
//   select_less(a, b, yes, no), select_equal(a, b, yes, no)    a < b ? yes : no,  a == b ? yes : no
//   sqrt(x)
//   exp(x)               e to the x; results above 1e38 or below 1e-38 are near these. Not with scalar.
//   sigmoid(x)           1 / (1 + exp(-x))
//   nearest(x), times_power_of_2(v, n)    of which exp is made: the nearest integer; v 2^n for an integer n
//   keep(v)              v, held in a register. x86 compilers fold a load into each operation that uses it,
//                        and so load it again each time; keep prevents that.
//
// The lower half of a vector. AVX-512 alone has it (has_halves): a 256-bit multiply-add costs less than a
// 512-bit one on processors that execute the latter in two steps, and the same on others. Elsewhere a half is
// the whole vector.
//   vh                   a half vector
//   low_half(v)          the lower half of v
//   load_half(p)         the lower half of the vector at p
//   fma(a, b, c)         of three halves
//   widen(h)             a vector with h below and zeros above
//
// Moving lanes, for planar maps (kernels/planar.hpp). These exist if TINYFIQA_PLANAR is defined: with AVX2
// and AVX-512, because planar kernels are only worth it with vectors of 8 floats or more.
//   shift_up(v, s)       s v0 v1 v2 ...
//   shift_down(v, s)     v1 v2 ... s
//   even_lanes(a, b)     a0 a2 ... b0 b2 ...
//   odd_lanes(a, b)      a1 a3 ... b1 b3 ...
//   dealt_even(a, b), dealt_odd(a, b), in_order(v)
//                        even_lanes(a, b) = in_order(dealt_even(a, b)), odd_lanes likewise. The dealt forms
//                        have the same lanes in another order, and cost less. Lane-by-lane arithmetic can
//                        work on them and put the result in order once.
//   load_pixel_pairs(p, even, odd)    6 vectors of pixels of 3 channels, t = 0, 1, 2:
//                        even[t] = p[t],     p[t + 6], p[t + 12], ...    channel t of pixels 0, 2, 4, ...
//                        odd[t]  = p[t + 3], p[t + 9], p[t + 15], ...    channel t of pixels 1, 3, 5, ...
//   transpose(v)         v [width] vectors: exchanges lane i of v[j] with lane j of v[i]
#pragma once

#include <tinyfiqa/simd/avx2.hpp>
#include <tinyfiqa/simd/avx512.hpp>
#include <tinyfiqa/simd/by_lane.hpp>
#include <tinyfiqa/simd/exp.hpp>
#include <tinyfiqa/simd/neon.hpp>
#include <tinyfiqa/simd/scalar.hpp>
#include <tinyfiqa/simd/sse.hpp>
#include <tinyfiqa/simd/vector4.hpp>

TINYFIQA_ISA_BEGIN(simd)

#ifdef TINYFIQA_SIMD_32_REGISTERS
inline constexpr int registers = 32;
#else
inline constexpr int registers = 16;
#endif

TINYFIQA_INLINE void prefetch(const float* p) {
#if defined(__GNUC__) || defined(__clang__)
  __builtin_prefetch(p, 0, 2);
#else
  (void)p;
#endif
}

#ifndef TINYFIQA_SIMD_AVX512
inline constexpr bool has_halves = false;
using vh = vf;
TINYFIQA_INLINE vh low_half(vf v) { return v; }
TINYFIQA_INLINE vh load_half(const float* p) { return load(p); }
TINYFIQA_INLINE vf widen(vh h) { return h; }
#endif

TINYFIQA_INLINE vf load_up_to(const float* p, int count) {
  return count == width ? load(p) : load_part(p, count);
}
TINYFIQA_INLINE void store_up_to(float* p, vf v, int count) {
  if (count == width)
    store(p, v);
  else
    store_part(p, v, count);
}

#ifdef TINYFIQA_PLANAR
/// log2(width) steps. Each moves the lowest bit of a lane's index to the top of its row's index.
TINYFIQA_INLINE void transpose(vf (&v)[width]) {
#pragma GCC unroll 4
  for (int done = 1; done < width; done *= 2) {
    vf next[width];
#pragma GCC unroll 8
    for (int i = 0; i < width / 2; ++i) {
      next[i] = even_lanes(v[2 * i], v[2 * i + 1]);
      next[i + width / 2] = odd_lanes(v[2 * i], v[2 * i + 1]);
    }
#pragma GCC unroll 16
    for (int i = 0; i < width; ++i) v[i] = next[i];
  }
}
#endif

TINYFIQA_ISA_END
