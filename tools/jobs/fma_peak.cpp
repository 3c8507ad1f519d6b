#include "jobs/fma_peak.hpp"

#include <algorithm>
#include <chrono>

#if defined(__x86_64__)
#include <immintrin.h>
#elif defined(__aarch64__)
#include <arm_neon.h>
#endif

namespace bench {
namespace {

constexpr int chains = 12;  // independent sums: latency 4 times two a cycle needs 8
constexpr long steps = 2000000;

// The empty asm statements keep the compiler from shortening the loop.
#define TINYFIQA_FMA_PEAK(name, target, vec, set1, fma, floats)                                             \
  target double name() {                                                                                    \
    const vec a = set1(0.999f), b = set1(1e-3f);                                                            \
    vec s0 = b, s1 = b, s2 = b, s3 = b, s4 = b, s5 = b, s6 = b, s7 = b, s8 = b, s9 = b, s10 = b, s11 = b;   \
    const auto start = std::chrono::steady_clock::now();                                                    \
    for (long n = 0; n < steps; ++n) {                                                                      \
      s0 = fma(s0, a, b), s1 = fma(s1, a, b), s2 = fma(s2, a, b), s3 = fma(s3, a, b);                       \
      s4 = fma(s4, a, b), s5 = fma(s5, a, b), s6 = fma(s6, a, b), s7 = fma(s7, a, b);                       \
      s8 = fma(s8, a, b), s9 = fma(s9, a, b), s10 = fma(s10, a, b), s11 = fma(s11, a, b);                   \
      asm volatile(""                                                                                       \
                   : TINYFIQA_KEEP(s0), TINYFIQA_KEEP(s1), TINYFIQA_KEEP(s2), TINYFIQA_KEEP(s3),            \
                     TINYFIQA_KEEP(s4), TINYFIQA_KEEP(s5));                                                 \
      asm volatile(""                                                                                       \
                   : TINYFIQA_KEEP(s6), TINYFIQA_KEEP(s7), TINYFIQA_KEEP(s8), TINYFIQA_KEEP(s9),            \
                     TINYFIQA_KEEP(s10), TINYFIQA_KEEP(s11));                                               \
    }                                                                                                       \
    const double seconds = std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count(); \
    return static_cast<double>(steps) * chains * (floats) / seconds * 1e-9;                                 \
  }

#if defined(__x86_64__)
#define TINYFIQA_KEEP(s) "+x"(s)
TINYFIQA_FMA_PEAK(peak_avx2, __attribute__((target("avx2,fma"))), __m256, _mm256_set1_ps, _mm256_fmadd_ps, 8)
#undef TINYFIQA_KEEP
#define TINYFIQA_KEEP(s) "+v"(s)
TINYFIQA_FMA_PEAK(peak_avx512, __attribute__((target("avx512f"))), __m512, _mm512_set1_ps, _mm512_fmadd_ps,
                  16)
#elif defined(__aarch64__)
#define TINYFIQA_KEEP(s) "+w"(s)
float32x4_t neon_fma(float32x4_t s, float32x4_t a, float32x4_t b) { return vfmaq_f32(b, s, a); }
TINYFIQA_FMA_PEAK(peak_neon, , float32x4_t, vdupq_n_f32, neon_fma, 4)
#endif

double one_run() {
#if defined(__x86_64__)
  double best = 0;
  if (__builtin_cpu_supports("avx512f")) best = std::max(best, peak_avx512());
  if (__builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma")) best = std::max(best, peak_avx2());
  return best;
#elif defined(__aarch64__)
  return peak_neon();
#else
  return 0;
#endif
}

}  // namespace

double fma_peak_gmac_per_s() {
  double best = 0;
  for (int i = 0; i < 5; ++i) best = std::max(best, one_run());
  return best;
}

}  // namespace bench
