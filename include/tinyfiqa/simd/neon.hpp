// NEON: 4 floats; 32 registers on 64-bit ARM, 16 on 32-bit ARM, which has no NEON instruction for division and square root:
// xsimd divides within 2 ulp there. simd/vec.hpp says what each function means.
#pragma once

#include <tinyfiqa/simd/by_lane.hpp>
#include <tinyfiqa/simd/xsimd_math.hpp>

#ifdef TINYFIQA_SIMD_NEON

TINYFIQA_ISA_BEGIN(simd)

/// ARM's arithmetic has no memory operands, so a loaded value is in a register anyway.
TINYFIQA_INLINE vf keep(vf v) { return v; }

TINYFIQA_ISA_END

#endif
