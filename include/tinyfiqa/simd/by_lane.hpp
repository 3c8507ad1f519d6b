// What instruction sets do lane by lane, through an array on the stack: parts of vectors where there is no masked load or
// store (SSE, NEON, the compiler's vectors), sums in double, square roots where there is no instruction that is exact.
// simd/vec.hpp says what each function means.
#pragma once

#include <tinyfiqa/simd/vector4.hpp>
#include <tinyfiqa/simd/xsimd_common.hpp>

#if defined(TINYFIQA_SIMD_SSE) || defined(TINYFIQA_SIMD_NEON) || defined(TINYFIQA_SIMD_VECTOR4)

#include <cmath>

TINYFIQA_ISA_BEGIN(simd)

TINYFIQA_INLINE vf load_part(const float* p, int count) {
  float part[width] = {};
  for (int i = 0; i < count; ++i) part[i] = p[i];
  return load(part);
}

TINYFIQA_INLINE void store_part(float* p, vf v, int count) {
  float part[width];
  store(part, v);
  for (int i = 0; i < count; ++i) p[i] = part[i];
}

#if !defined(TINYFIQA_SIMD_SSE) || !defined(__AVX__)  // simd/sse.hpp has one for AVX
TINYFIQA_INLINE void add_to(double* sums, vf v) {
  float lanes[width];
  store(lanes, v);
  for (int i = 0; i < width; ++i) sums[i] += static_cast<double>(lanes[i]);
}
#endif

#if defined(TINYFIQA_SIMD_VECTOR4) || (defined(TINYFIQA_SIMD_NEON) && !defined(TINYFIQA_ARM64))
/// For 32-bit NEON too: xsimd's two steps of Newton's method lose bits.
TINYFIQA_INLINE vf sqrt(vf x) {
  float lanes[width];
  store(lanes, x);
  for (float& lane : lanes) lane = std::sqrt(lane);
  return load(lanes);
}
#endif

TINYFIQA_ISA_END

#endif
