// The compiler's own vectors of four floats (GCC's vector extensions, which clang has too): for processors that xsimd does
// not support, such as WebAssembly, POWER and IBM Z, and for programs without xsimd. The compiler chooses the
// instructions. simd/vec.hpp says what each function means.
#pragma once

#include <tinyfiqa/simd/instruction_set.hpp>

#ifdef TINYFIQA_SIMD_VECTOR4

#include <cstdint>
#include <cstring>

TINYFIQA_ISA_BEGIN(simd)

typedef float vf __attribute__((vector_size(16)));
typedef std::int32_t vi __attribute__((vector_size(16)));
typedef std::uint32_t vu __attribute__((vector_size(16)));
inline constexpr int width = 4;

TINYFIQA_INLINE vf load(const float* p) {
  vf v;
  std::memcpy(&v, p, sizeof v);
  return v;
}
TINYFIQA_INLINE void store(float* p, vf v) { std::memcpy(p, &v, sizeof v); }
TINYFIQA_INLINE vf splat(float s) { return vf{s, s, s, s}; }

/// One expression, so that compilers fuse it where the processor can.
TINYFIQA_INLINE vf fma(vf a, vf b, vf c) { return a * b + c; }
// One instruction where gcc would make three for x86, and clang three or six for WebAssembly.
#if defined(__wasm_simd128__)
TINYFIQA_INLINE vf max(vf a, vf b) { return __builtin_wasm_pmax_f32x4(b, a); }
TINYFIQA_INLINE vf min(vf a, vf b) { return __builtin_wasm_pmin_f32x4(b, a); }
#elif defined(TINYFIQA_SSE2)
TINYFIQA_INLINE vf max(vf a, vf b) { return __builtin_ia32_maxps(a, b); }
TINYFIQA_INLINE vf min(vf a, vf b) { return __builtin_ia32_minps(a, b); }
#else
TINYFIQA_INLINE vf max(vf a, vf b) { return a > b ? a : b; }
TINYFIQA_INLINE vf min(vf a, vf b) { return a < b ? a : b; }
#endif
TINYFIQA_INLINE vf select_less(vf a, vf b, vf yes, vf no) { return a < b ? yes : no; }
TINYFIQA_INLINE vf select_equal(vf a, vf b, vf yes, vf no) { return a == b ? yes : no; }

TINYFIQA_INLINE vf keep(vf v) {
#ifdef TINYFIQA_X86
  asm("" : "+x"(v));
#endif
  return v;
}

/// The nearest integer, |x| < 2^31. It adds and truncates: adding a large number and subtracting it again would be
/// shorter, but -ffast-math would leave out both.
TINYFIQA_INLINE vf nearest(vf x) {
  const vf half = splat(0.5f);
  return __builtin_convertvector(__builtin_convertvector(x < splat(0.0f) ? x - half : x + half, vi), vf);
}
TINYFIQA_INLINE vf times_power_of_2(vf v, vf n) {
  const vu exponent = reinterpret_cast<vu>(__builtin_convertvector(n, vi)) + 127u;
  return v * reinterpret_cast<vf>(exponent << 23);
}

TINYFIQA_ISA_END

#endif
