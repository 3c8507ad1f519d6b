// NEON: 4 floats; 32 registers on 64-bit ARM, 16 on 32-bit ARM, which has no NEON instruction for division and square root:
// xsimd divides within 2 ulp there. simd/vec.hpp says what each function means.
#pragma once

#include <tinyfiqa/simd/by_lane.hpp>
#include <tinyfiqa/simd/xsimd_math.hpp>

#ifdef TINYFIQA_SIMD_NEON

#include <cmath>

TINYFIQA_ISA_BEGIN(simd)

/// ARM's arithmetic has no memory operands, so a loaded value is in a register anyway.
TINYFIQA_INLINE vf keep(vf v) { return v; }

TINYFIQA_INLINE void add_to(double* sums, vf v) {
  float lanes[width];
  store(lanes, v);
  for (int i = 0; i < width; ++i) sums[i] += static_cast<double>(lanes[i]);
}

#ifndef TINYFIQA_ARM64
/// xsimd's two steps of Newton's method lose bits.
TINYFIQA_INLINE vf sqrt(vf x) {
  float lanes[width];
  store(lanes, x);
  for (float& lane : lanes) lane = std::sqrt(lane);
  return load(lanes);
}
#endif

TINYFIQA_ISA_END

#endif
