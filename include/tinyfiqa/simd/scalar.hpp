// Plain C++: a vector is one float. For processors that xsimd does not support, and as a second opinion in
// tests. simd/vec.hpp says what each function means.
#pragma once

#include <tinyfiqa/simd/instruction_set.hpp>

#ifdef TINYFIQA_SIMD_SCALAR

#include <cmath>

TINYFIQA_ISA_BEGIN(simd)

using vf = float;
inline constexpr int width = 1;

TINYFIQA_INLINE vf load(const float* p) { return *p; }
TINYFIQA_INLINE void store(float* p, vf v) { *p = v; }
TINYFIQA_INLINE vf splat(float s) { return s; }
TINYFIQA_INLINE vf fma(vf a, vf b, vf c) { return a * b + c; }
TINYFIQA_INLINE vf max(vf a, vf b) { return a > b ? a : b; }
TINYFIQA_INLINE vf min(vf a, vf b) { return a < b ? a : b; }
TINYFIQA_INLINE vf select_less(vf a, vf b, vf yes, vf no) { return a < b ? yes : no; }
TINYFIQA_INLINE vf select_equal(vf a, vf b, vf yes, vf no) { return a == b ? yes : no; }
TINYFIQA_INLINE vf sqrt(vf x) { return std::sqrt(x); }
TINYFIQA_INLINE vf sigmoid(vf x) { return 1.0f / (1.0f + std::exp(-x)); }
TINYFIQA_INLINE vf load_part(const float* p, int) { return *p; }
TINYFIQA_INLINE void store_part(float* p, vf v, int) { *p = v; }
TINYFIQA_INLINE vf keep(vf v) { return v; }
TINYFIQA_INLINE void add_to(double* sums, vf v) { *sums += static_cast<double>(v); }

TINYFIQA_ISA_END

#endif
