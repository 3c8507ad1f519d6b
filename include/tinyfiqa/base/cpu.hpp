// Which instruction sets this machine can run.
#pragma once

#include <tinyfiqa/base/config.hpp>

#if defined(TINYFIQA_X86) && defined(__GNUC__)
#include <cpuid.h>
#elif defined(TINYFIQA_ARM64) && defined(__linux__)
#include <sys/auxv.h>
#endif

TINYFIQA_BEGIN

namespace detail {
constexpr bool same_text(const char* a, const char* b) {
  while (*a != '\0' && *a == *b) ++a, ++b;
  return *a == *b;
}
#if defined(TINYFIQA_X86) && defined(__GNUC__)
/// The processor's own word: clang's __builtin_cpu_supports() learned the name late.
inline bool cpu_has_avxvnni() {
  unsigned a = 0, b = 0, c = 0, d = 0;
  return __get_cpuid_count(7, 1, &a, &b, &c, &d) != 0 && (a & 1u << 4) != 0;
}
#endif
}  // namespace detail

/// True if the machine and its operating system can run code compiled for `isa`: "avx512vnni", "avx512", "avxvnni",
/// "avx2", "sse42", "sse2", "neondotprod", "neon", "vector4", "scalar" or "scalar_small". False for any other name.
inline bool cpu_can_run(const char* isa) {
  const auto is = [isa](const char* name) { return detail::same_text(isa, name); };
  // These are compiled with the flags of the program itself.
  if (is("vector4") || is("scalar") || is("scalar_small")) return true;
#if defined(TINYFIQA_X86) && defined(__GNUC__)
  if (is("sse2")) return __builtin_cpu_supports("sse2") != 0;
  if (is("sse42")) return __builtin_cpu_supports("sse4.2") != 0;
  const bool avx2 = __builtin_cpu_supports("avx2") != 0 && __builtin_cpu_supports("fma") != 0;
  const bool avx512 = __builtin_cpu_supports("avx512f") != 0 && __builtin_cpu_supports("avx512dq") != 0 &&
                      __builtin_cpu_supports("avx512bw") != 0 && __builtin_cpu_supports("avx512vl") != 0;
  if (is("avx2")) return avx2;
  if (is("avxvnni")) return avx2 && detail::cpu_has_avxvnni();
  if (is("avx512")) return avx512;
  if (is("avx512vnni")) return avx512 && __builtin_cpu_supports("avx512vnni") != 0;
  return false;
#elif defined(TINYFIQA_ARM64) || \
    defined(__ARM_NEON)  // every 64-bit ARM has it; 32-bit code is compiled for it, or not
#if defined(TINYFIQA_ARM64) && defined(__linux__)
  constexpr unsigned long dot_products = 1ul << 20;  // HWCAP_ASIMDDP, which older headers do not have
  if (is("neondotprod")) return (getauxval(AT_HWCAP) & dot_products) != 0;
#endif
  return is("neon") || is(TINYFIQA_ISA_NAME);
#else
  return is(TINYFIQA_ISA_NAME);  // nobody to ask: what this file is compiled for
#endif
}

TINYFIQA_END
