// What all instruction sets share that xsimd supports. simd/vec.hpp says what each function means.
#pragma once

#include <tinyfiqa/simd/instruction_set.hpp>

#if !defined(TINYFIQA_SIMD_SCALAR) && !defined(TINYFIQA_SIMD_VECTOR4)

#include <xsimd/xsimd.hpp>

TINYFIQA_ISA_BEGIN(simd)

using vf = xsimd::batch<float>;
inline constexpr int width = static_cast<int>(vf::size);

TINYFIQA_INLINE vf load(const float* p) { return vf::load_unaligned(p); }
TINYFIQA_INLINE void store(float* p, vf v) { v.store_unaligned(p); }
TINYFIQA_INLINE vf splat(float s) { return vf(s); }
TINYFIQA_INLINE vf fma(vf a, vf b, vf c) { return xsimd::fma(a, b, c); }
TINYFIQA_INLINE vf select_less(vf a, vf b, vf yes, vf no) { return xsimd::select(a < b, yes, no); }
TINYFIQA_INLINE vf select_equal(vf a, vf b, vf yes, vf no) { return xsimd::select(a == b, yes, no); }

TINYFIQA_ISA_END

#endif
