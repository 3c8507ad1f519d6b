// Version, instruction set, threads and namespaces. Every other header includes this one first.
#ifndef TINYFIQA_BASE_CONFIG_HPP  // not #pragma once: each inclusion must reach the last lines
#define TINYFIQA_BASE_CONFIG_HPP

#if (defined(_MSVC_LANG) && _MSVC_LANG < 201703L) || (!defined(_MSVC_LANG) && __cplusplus < 201703L)
#error "tinyfiqa needs C++17 or newer: compile with -std=c++17 (MSVC: /std:c++17)"
// No such file: gcc and clang go on after #error, and would report a thousand errors more.
#include <tinyfiqa/compilation_ends_here>
#endif

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

// Names for the processor's features: MSVC has others than gcc and clang, or none. Its /arch:AVX2 includes FMA.
#if defined(__x86_64__) || defined(_M_X64) || defined(__i386__) || defined(_M_IX86)
#define TINYFIQA_X86 1
#endif
#if defined(__aarch64__) || defined(_M_ARM64)
#define TINYFIQA_ARM64 1
#endif
#if defined(__SSE2__) || defined(_M_X64) || (defined(_M_IX86_FP) && _M_IX86_FP >= 2)
#define TINYFIQA_SSE2 1
#endif
#if defined(__FMA__) || defined(__ARM_FEATURE_FMA) || (defined(_MSC_VER) && defined(__AVX2__))
#define TINYFIQA_FMA 1
#endif

// A remark of the compiler. clang calls it a warning; -Werror lets it pass. Define TINYFIQA_NO_NOTES to hear none.
#ifdef TINYFIQA_NO_NOTES
#define TINYFIQA_NOTE(text)
#elif defined(_MSC_VER)
#define TINYFIQA_NOTE(text) __pragma(message("tinyfiqa: " text))
#else
#define TINYFIQA_PRAGMA_(x) _Pragma(#x)
#define TINYFIQA_NOTE(text) TINYFIQA_PRAGMA_(message("tinyfiqa: " text))
#endif

// The instruction set that this translation unit is compiled for. It follows the compiler's flags
// (-march=native, -mavx2 -mfma, ...). Three macros choose another one:
//   TINYFIQA_VECTOR4   the compiler's own vectors of four floats. The default where xsimd is missing or has nothing for the
//                      processor, if gcc or clang compiles and the processor has such vectors.
//   TINYFIQA_SCALAR    plain C++. The default where there is nothing else.
//   TINYFIQA_SMALL     plain C++ with the fewest bytes of code: one tile for each kernel, and no threads. It computes the
//                      same bits as TINYFIQA_SCALAR.
#if defined(TINYFIQA_SMALL)
#ifndef TINYFIQA_SCALAR
#define TINYFIQA_SCALAR 1
#endif
#ifndef TINYFIQA_NO_THREADS
#define TINYFIQA_NO_THREADS 1
#endif
#endif

// The processor, by these flags, has vectors for which xsimd has kernels; or others of four floats. (IBM Z has vectors
// of floats since z14, WebAssembly with -msimd128.)
#if defined(TINYFIQA_SSE2) || defined(TINYFIQA_ARM64) || defined(__ARM_NEON)
#define TINYFIQA_XSIMD_VECTORS_ 1
#elif defined(__wasm_simd128__) || defined(__VSX__) || (defined(__VX__) && __ARCH__ >= 12)
#define TINYFIQA_OTHER_VECTORS_ 1
#endif
#if defined(TINYFIQA_VECTOR4) && !defined(__GNUC__) && !defined(__clang__)
#error "TINYFIQA_VECTOR4 needs gcc or clang: other compilers have no vectors of their own"
#endif
#if defined(TINYFIQA_SCALAR) || defined(TINYFIQA_VECTOR4)
// The program has chosen.
#elif defined(TINYFIQA_XSIMD_VECTORS_) && __has_include(<xsimd/xsimd.hpp>)
// xsimd has the vectors.
#elif defined(TINYFIQA_XSIMD_VECTORS_) && (defined(__GNUC__) || defined(__clang__))
#define TINYFIQA_VECTOR4 1
TINYFIQA_NOTE(
    "there is no xsimd, so the kernels use the compiler's own vectors of four floats; install xsimd for the "
    "processor's full width, or define TINYFIQA_VECTOR4")
#elif defined(TINYFIQA_XSIMD_VECTORS_)
#define TINYFIQA_SCALAR 1
TINYFIQA_NOTE(
    "there is no xsimd, so the kernels are plain C++ without SIMD; install xsimd, or define "
    "TINYFIQA_SCALAR")
#elif defined(TINYFIQA_OTHER_VECTORS_) && (defined(__GNUC__) || defined(__clang__))
#define TINYFIQA_VECTOR4 1
#else
#define TINYFIQA_SCALAR 1
#if defined(__arm__) && defined(__ARM_ARCH) && __ARM_ARCH >= 7 && __ARM_ARCH_PROFILE == 'A'
TINYFIQA_NOTE(
    "without -mfpu=neon (or -mfpu=neon-vfpv4) the kernels are plain C++; define TINYFIQA_SCALAR if that is "
    "meant")
#elif defined(__wasm__)
TINYFIQA_NOTE("without -msimd128 the kernels are plain C++; define TINYFIQA_SCALAR if that is meant")
#elif defined(__riscv_vector)
TINYFIQA_NOTE(
    "no kernels use this processor's vectors, they are plain C++; define TINYFIQA_SCALAR if that is known")
#endif
#endif
#undef TINYFIQA_XSIMD_VECTORS_
#undef TINYFIQA_OTHER_VECTORS_

#if defined(TINYFIQA_SMALL)
#define TINYFIQA_ISA scalar_small
#elif defined(TINYFIQA_SCALAR)
#define TINYFIQA_ISA scalar
#elif defined(TINYFIQA_VECTOR4)
#define TINYFIQA_ISA vector4
#elif defined(__AVX512F__) && defined(__AVX512DQ__) && defined(__AVX512BW__) && defined(__AVX512VL__)
#if defined(__AVX512VNNI__)
#define TINYFIQA_ISA avx512vnni
#else
#define TINYFIQA_ISA avx512
#endif
#elif defined(__AVX2__) && defined(TINYFIQA_FMA) && defined(__AVXVNNI__)
#define TINYFIQA_ISA avxvnni
#elif defined(__AVX2__) && defined(TINYFIQA_FMA)
#define TINYFIQA_ISA avx2
#elif defined(__SSE4_2__)
#define TINYFIQA_ISA sse42
#elif defined(TINYFIQA_SSE2)
#define TINYFIQA_ISA sse2
#elif defined(TINYFIQA_ARM64) && defined(__ARM_FEATURE_DOTPROD)
#define TINYFIQA_ISA neondotprod
#else
#define TINYFIQA_ISA neon
#endif

/// "avx512vnni", "avx512", "avxvnni", "avx2", "sse42", "sse2", "neondotprod", "neon", "vector4", "scalar" or
/// "scalar_small".
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

// g++ takes the int in `float x[N]`, N a template parameter, for a conversion to unsigned. clang's check of conversions,
// under which the headers are clean, does not.
#if defined(__GNUC__) && !defined(__clang__)
#define TINYFIQA_WARNINGS_BEGIN \
  _Pragma("GCC diagnostic push") _Pragma("GCC diagnostic ignored \"-Wsign-conversion\"")
#define TINYFIQA_WARNINGS_END _Pragma("GCC diagnostic pop")
#elif defined(_MSC_VER) && !defined(__clang__)  // MSVC doesn't know #pragma GCC unroll
#define TINYFIQA_WARNINGS_BEGIN __pragma(warning(push)) __pragma(warning(disable : 4068))
#define TINYFIQA_WARNINGS_END __pragma(warning(pop))
#else
#define TINYFIQA_WARNINGS_BEGIN
#define TINYFIQA_WARNINGS_END
#endif

#define TINYFIQA_BEGIN    \
  TINYFIQA_WARNINGS_BEGIN \
  namespace tinyfiqa {    \
  inline namespace TINYFIQA_ABI {
#define TINYFIQA_END \
  }                  \
  }                  \
  TINYFIQA_WARNINGS_END

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
#if !defined(_MSC_VER) || defined(__clang__)
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

#endif  // TINYFIQA_BASE_CONFIG_HPP

// <windows.h> defines these two as macros, unless NOMINMAX is defined before it. libstdc++ undefines them likewise.
#undef min
#undef max
