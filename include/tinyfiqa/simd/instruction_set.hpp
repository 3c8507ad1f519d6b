// Which instruction set the vectors of this translation unit use. Defines exactly one of
// TINYFIQA_SIMD_{SCALAR,VECTOR4,AVX512,AVX2,SSE,NEON} from the compiler's flags; the file of that set then has
// contents, the others are empty. TINYFIQA_SIMD_32_REGISTERS: the processor has 32 vector registers or more, not 16.
// TINYFIQA_SIMD_{X86,NEON,WASM}_LEVELS: 8-bit maps have functions of their own (simd/levels_x86.hpp, ...).
#pragma once

#include <tinyfiqa/base/config.hpp>

#if defined(TINYFIQA_SCALAR)
#define TINYFIQA_SIMD_SCALAR
#elif defined(TINYFIQA_VECTOR4)
#define TINYFIQA_SIMD_VECTOR4
#elif defined(__AVX512F__)
#define TINYFIQA_SIMD_AVX512
#elif defined(__AVX2__)
#define TINYFIQA_SIMD_AVX2
#elif defined(TINYFIQA_SSE2)
#define TINYFIQA_SIMD_SSE
#else
#define TINYFIQA_SIMD_NEON
#endif

#ifndef TINYFIQA_SIMD_SCALAR
#if defined(TINYFIQA_SIMD_AVX512) || defined(TINYFIQA_ARM64) || defined(__VSX__) || defined(__VX__)
#define TINYFIQA_SIMD_32_REGISTERS
#endif
#endif

#if defined(TINYFIQA_SIMD_AVX512) || defined(TINYFIQA_SIMD_AVX2) || \
    (defined(TINYFIQA_SIMD_SSE) && defined(__SSE4_1__) && !defined(__AVX__))
#define TINYFIQA_SIMD_X86_LEVELS
#elif defined(TINYFIQA_SIMD_NEON)
#define TINYFIQA_SIMD_NEON_LEVELS
#elif defined(TINYFIQA_SIMD_VECTOR4) && defined(__wasm_simd128__)
#define TINYFIQA_SIMD_WASM_LEVELS
#endif
