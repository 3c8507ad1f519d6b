// exp and sigmoid, made of the functions of each instruction set but scalar. simd/vec.hpp says what each function means.
#pragma once

#include <tinyfiqa/simd/avx512.hpp>
#include <tinyfiqa/simd/vector4.hpp>
#include <tinyfiqa/simd/xsimd_math.hpp>

#ifndef TINYFIQA_SIMD_SCALAR

#include <initializer_list>

TINYFIQA_ISA_BEGIN(simd)

// Results are normal numbers. AVX-512 alone scales by a power of 2 that is no normal number.
#ifdef TINYFIQA_SIMD_AVX512
inline constexpr float exp_lowest = -104.0f, exp_highest = 89.0f;
#else
inline constexpr float exp_lowest = -87.0f, exp_highest = 88.0f;
#endif

/// exp(x) = 2^n exp(r), n = round(x / ln 2), |r| <= ln 2 / 2: Taylor's series to degree 7, within 2 ulp. ln 2
/// is split into two floats so that r keeps its low bits. x is clamped to what times_power_of_2 can do.
///
/// xsimd's own exp is too large for the compiler to inline everywhere, and the name of an out-of-line copy
/// would not contain the instruction set (tests/structure/check_isa_objects.sh).
TINYFIQA_INLINE vf exp(vf x) {
  x = max(splat(exp_lowest), min(splat(exp_highest), x));
  const vf n = nearest(x * splat(1.44269504089f));
  const vf r = fma(n, splat(2.12194440e-4f), fma(n, splat(-0.693359375f), x));
  vf p = splat(1.0f / 5040.0f);
  for (const float c : {1.0f / 720.0f, 1.0f / 120.0f, 1.0f / 24.0f, 1.0f / 6.0f, 0.5f, 1.0f, 1.0f})
    p = fma(p, r, splat(c));
  return times_power_of_2(p, n);
}
TINYFIQA_INLINE vf sigmoid(vf x) { return splat(1.0f) / (splat(1.0f) + exp(splat(0.0f) - x)); }

TINYFIQA_ISA_END

#endif
