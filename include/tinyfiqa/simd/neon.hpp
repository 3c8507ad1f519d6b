// NEON on 64-bit ARM: 4 floats, 32 registers. simd/vec.hpp says what each function means.
#pragma once

#include <tinyfiqa/simd/by_lane.hpp>
#include <tinyfiqa/simd/xsimd_math.hpp>

#ifdef TINYFIQA_SIMD_NEON

TINYFIQA_ISA_BEGIN(simd)

/// ARM's arithmetic has no memory operands, so a loaded value is in a register anyway.
TINYFIQA_INLINE vf keep(vf v) { return v; }

TINYFIQA_INLINE void add_to(double* sums, vf v) {
  float lanes[width];
  store(lanes, v);
  for (int i = 0; i < width; ++i) sums[i] += static_cast<double>(lanes[i]);
}

TINYFIQA_ISA_END

#endif
