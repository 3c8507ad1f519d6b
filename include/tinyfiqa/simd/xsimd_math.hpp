// Arithmetic by xsimd, for all instruction sets but AVX-512, which has its own. simd/vec.hpp says what each
// function means.
#pragma once

#include <tinyfiqa/simd/xsimd_common.hpp>

#if !defined(TINYFIQA_SIMD_SCALAR) && !defined(TINYFIQA_SIMD_AVX512)

#include <initializer_list>

TINYFIQA_ISA_BEGIN(simd)

#if !defined(TINYFIQA_SIMD_NEON) || defined(TINYFIQA_ARM64)  // simd/neon.hpp has one for 32-bit ARM
TINYFIQA_INLINE vf sqrt(vf x) { return xsimd::sqrt(x); }
#endif
TINYFIQA_INLINE vf max(vf a, vf b) { return xsimd::max(a, b); }
TINYFIQA_INLINE vf min(vf a, vf b) { return xsimd::min(a, b); }

/// exp(x) = 2^n exp(r), n = round(x / ln 2), |r| <= ln 2 / 2: Taylor's series to degree 7, within 2 ulp. ln 2
/// is split into two floats so that r keeps its low bits. x is clamped so that the result is a normal number.
///
/// xsimd's own exp is too large for the compiler to inline everywhere, and the name of an out-of-line copy
/// would not contain the instruction set (tests/structure/check_isa_objects.sh).
TINYFIQA_INLINE vf exp(vf x) {
  x = max(splat(-87.0f), min(splat(88.0f), x));
  const vf n = xsimd::nearbyint(x * splat(1.44269504089f));
  const vf r = fma(n, splat(2.12194440e-4f), fma(n, splat(-0.693359375f), x));
  vf p = splat(1.0f / 5040.0f);
  for (const float c : {1.0f / 720.0f, 1.0f / 120.0f, 1.0f / 24.0f, 1.0f / 6.0f, 0.5f, 1.0f, 1.0f})
    p = fma(p, r, splat(c));
  return xsimd::ldexp(p, xsimd::to_int(n));
}
TINYFIQA_INLINE vf sigmoid(vf x) { return splat(1.0f) / (splat(1.0f) + exp(splat(0.0f) - x)); }

TINYFIQA_ISA_END

#endif
