// Version, instruction set and namespaces. Every other header includes this one first.
#pragma once

// The version of the library; project(VERSION) of CMakeLists.txt must agree (tests/structure/check_version.sh).
#define TINYFIQA_VERSION_MAJOR 0
#define TINYFIQA_VERSION_MINOR 1
#define TINYFIQA_VERSION_PATCH 0
/// 10000 * major + 100 * minor + patch, for #if.
#define TINYFIQA_VERSION_NUMBER \
  (TINYFIQA_VERSION_MAJOR * 10000 + TINYFIQA_VERSION_MINOR * 100 + TINYFIQA_VERSION_PATCH)

#define TINYFIQA_STRINGIZE_(x) #x
#define TINYFIQA_STRINGIZE(x) TINYFIQA_STRINGIZE_(x)
/// "major.minor.patch".
#define TINYFIQA_VERSION                     \
  TINYFIQA_STRINGIZE(TINYFIQA_VERSION_MAJOR) \
  "." TINYFIQA_STRINGIZE(TINYFIQA_VERSION_MINOR) "." TINYFIQA_STRINGIZE(TINYFIQA_VERSION_PATCH)

// The instruction set that this translation unit is compiled for. It follows the compiler's flags
// (-march=native, -mavx2 -mfma, ...); TINYFIQA_SCALAR asks for plain C++ without xsimd.
#if defined(TINYFIQA_SCALAR)
#define TINYFIQA_ISA scalar
#elif defined(__AVX512F__) && defined(__AVX512DQ__) && defined(__AVX512BW__) && defined(__AVX512VL__)
#define TINYFIQA_ISA avx512
#elif defined(__AVX2__) && defined(__FMA__)
#define TINYFIQA_ISA avx2
#elif defined(__SSE4_2__)
#define TINYFIQA_ISA sse42
#elif defined(__SSE2__) || defined(_M_X64)
#define TINYFIQA_ISA sse2
#elif defined(__ARM_NEON) && defined(__aarch64__)
#define TINYFIQA_ISA neon
#else
#define TINYFIQA_ISA scalar
#define TINYFIQA_SCALAR 1
#endif

/// "avx512", "avx2", "sse42", "sse2", "neon" or "scalar".
#define TINYFIQA_ISA_NAME TINYFIQA_STRINGIZE(TINYFIQA_ISA)

// Everything lives in tinyfiqa::<abi>, an inline namespace named after the instruction set. Two objects
// compiled with different -march flags thus never share an inline function: without this the linker
// keeps whichever copy comes first, and a program may run AVX-512 code on a machine that lacks it.
// Handing a tinyfiqa type from one such object to the other fails at link time, by name.
//
// A program that carries several instruction sets defines TINYFIQA_ABI to one word for all of its
// objects: types are then shared, and only the kernels (namespace tinyfiqa::<abi>::kernels::<isa>)
// differ. See docs/architecture.md, "Several instruction sets in one program".
#ifndef TINYFIQA_ABI
#define TINYFIQA_ABI TINYFIQA_ISA
#endif

#define TINYFIQA_BEGIN \
  namespace tinyfiqa { \
  inline namespace TINYFIQA_ABI {
#define TINYFIQA_END \
  }                  \
  }

// For simd/ and kernels/: code that is compiled once for each instruction set.
#define TINYFIQA_ISA_BEGIN(room) \
  TINYFIQA_BEGIN                 \
  namespace room {               \
  inline namespace TINYFIQA_ISA {
#define TINYFIQA_ISA_END \
  }                      \
  }                      \
  TINYFIQA_END

// For small functions of base/ that kernels call: they must leave no out-of-line copy behind.
#if defined(__GNUC__) || defined(__clang__)
#define TINYFIQA_INLINE inline __attribute__((always_inline))
// For lambdas that capture registers: [&](...) TINYFIQA_INLINE_LAMBDA { ... }.
#define TINYFIQA_INLINE_LAMBDA __attribute__((always_inline))
#define TINYFIQA_RESTRICT __restrict__
// For what runs once, is called a thousand times over, and would only make the compiler slow.
#define TINYFIQA_NOINLINE __attribute__((noinline))
#else
#define TINYFIQA_NOINLINE __declspec(noinline)
#define TINYFIQA_INLINE __forceinline
#define TINYFIQA_INLINE_LAMBDA
#define TINYFIQA_RESTRICT __restrict
#endif
