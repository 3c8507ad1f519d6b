// Version, instruction set, threads and namespaces. Every other header includes this one first.
#pragma once

#include <cstddef>  // the macros of the standard library that say whether it has threads

// The version of the library. project(VERSION) in CMakeLists.txt must be the same: a test compares them.
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
// (-march=native, -mavx2 -mfma, ...). Define TINYFIQA_SCALAR for plain C++ without xsimd, TINYFIQA_SMALL for the same
// with the fewest bytes of code: one tile for each kernel, and no threads. Both compute the same bits.
#if defined(TINYFIQA_SMALL)
#define TINYFIQA_ISA scalar_small
#ifndef TINYFIQA_SCALAR
#define TINYFIQA_SCALAR 1
#endif
#ifndef TINYFIQA_NO_THREADS
#define TINYFIQA_NO_THREADS 1
#endif
#elif defined(TINYFIQA_SCALAR)
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

/// "avx512", "avx2", "sse42", "sse2", "neon", "scalar" or "scalar_small".
#define TINYFIQA_ISA_NAME TINYFIQA_STRINGIZE(TINYFIQA_ISA)

// TINYFIQA_NO_THREADS: no header includes <thread>, <mutex> or <condition_variable>, and a run uses its caller alone.
// It is defined here where the standard library has no threads: on bare metal, and with MinGW's win32 threads. A
// program can define it elsewhere too, for all of its files.
#if !defined(TINYFIQA_NO_THREADS)
#if !__STDC_HOSTED__ || (defined(__GLIBCXX__) && !defined(_GLIBCXX_HAS_GTHREADS)) || \
    defined(_LIBCPP_HAS_NO_THREADS)
#define TINYFIQA_NO_THREADS 1
#elif defined(_LIBCPP_HAS_THREADS)  // libc++ 20 and newer: 0 or 1
#if !_LIBCPP_HAS_THREADS
#define TINYFIQA_NO_THREADS 1
#endif
#endif
#endif

// Everything is in tinyfiqa::<abi>, an inline namespace named after the instruction set. So two objects
// compiled with different -march flags never share an inline function. Otherwise the linker would keep
// whichever copy comes first, and a program might run AVX-512 code on a machine that lacks it.
// Passing a tinyfiqa type from one such object to the other fails at link time, with both names.
//
// A program that carries several instruction sets defines TINYFIQA_ABI to one word for all of its
// objects. Types are then shared, and only the kernels (namespace tinyfiqa::<abi>::kernels::<isa>)
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
#define TINYFIQA_ISA_BEGIN(folder) \
  TINYFIQA_BEGIN                   \
  namespace folder {               \
  inline namespace TINYFIQA_ISA {
#define TINYFIQA_ISA_END \
  }                      \
  }                      \
  TINYFIQA_END

// For small functions of base/ that kernels call. They must leave no out-of-line copy, which the linker could
// take from an object of another instruction set.
#if defined(__GNUC__) || defined(__clang__)
#define TINYFIQA_INLINE inline __attribute__((always_inline))
// For lambdas that capture registers: [&](...) TINYFIQA_INLINE_LAMBDA { ... }.
#define TINYFIQA_INLINE_LAMBDA __attribute__((always_inline))
#define TINYFIQA_RESTRICT __restrict__
// For functions that are not hot but called from many places: inlining them only slows the compiler.
#define TINYFIQA_NOINLINE __attribute__((noinline))
#else
#define TINYFIQA_NOINLINE __declspec(noinline)
#define TINYFIQA_INLINE __forceinline
#define TINYFIQA_INLINE_LAMBDA
#define TINYFIQA_RESTRICT __restrict
#endif
