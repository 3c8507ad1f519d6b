// Arithmetic by xsimd, for all of its instruction sets but AVX-512, which has its own. simd/vec.hpp says what each
// function means.
#pragma once

#include <tinyfiqa/simd/xsimd_common.hpp>

#if !defined(TINYFIQA_SIMD_SCALAR) && !defined(TINYFIQA_SIMD_VECTOR4) && !defined(TINYFIQA_SIMD_AVX512)

TINYFIQA_ISA_BEGIN(simd)

#if !defined(TINYFIQA_SIMD_NEON) || defined(TINYFIQA_ARM64)  // simd/by_lane.hpp has one for 32-bit ARM
TINYFIQA_INLINE vf sqrt(vf x) { return xsimd::sqrt(x); }
#endif
TINYFIQA_INLINE vf max(vf a, vf b) { return xsimd::max(a, b); }
TINYFIQA_INLINE vf min(vf a, vf b) { return xsimd::min(a, b); }
TINYFIQA_INLINE vf nearest(vf x) { return xsimd::nearbyint(x); }
TINYFIQA_INLINE vf times_power_of_2(vf v, vf n) { return xsimd::ldexp(v, xsimd::to_int(n)); }

TINYFIQA_ISA_END

#endif
