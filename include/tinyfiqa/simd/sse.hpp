// SSE2 and SSE4.2: 4 floats. Also AVX without AVX2, where xsimd's vector has 8. simd/vec.hpp says what each
// function means.
#pragma once

#include <tinyfiqa/simd/by_lane.hpp>
#include <tinyfiqa/simd/xsimd_math.hpp>

#ifdef TINYFIQA_SIMD_SSE

#include <initializer_list>

TINYFIQA_ISA_BEGIN(simd)

TINYFIQA_INLINE vf keep(vf v) {
#if defined(__GNUC__) && defined(__SSE2__)
  asm("" : "+x"(v.data));
#endif
  return v;
}

#ifdef __AVX__
TINYFIQA_INLINE void add_to(double* sums, vf v) {
  const __m128 halves[2] = {_mm256_castps256_ps128(v), _mm256_extractf128_ps(v, 1)};
  for (const int h : {0, 1})
    _mm256_storeu_pd(sums + 4 * h, _mm256_add_pd(_mm256_loadu_pd(sums + 4 * h), _mm256_cvtps_pd(halves[h])));
}
#endif

TINYFIQA_ISA_END

#endif
