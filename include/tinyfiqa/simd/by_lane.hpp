// Parts of vectors for instruction sets without a masked load or store (SSE, NEON): through an array on the
// stack. simd/vec.hpp says what each function means.
#pragma once

#include <tinyfiqa/simd/xsimd_common.hpp>

#if defined(TINYFIQA_SIMD_SSE) || defined(TINYFIQA_SIMD_NEON)

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

TINYFIQA_ISA_END

#endif
