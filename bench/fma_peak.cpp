#include "fma_peak.hpp"

#include <algorithm>
#include <chrono>
#include <cstdio>

namespace bench {
namespace {

constexpr int chains = 12;  // independent sums: latency 4, two a cycle, and some to spare
constexpr long steps = 2000000;

// One body for each instruction set, by the compiler's vector types: no library is measured here.
#define FMA_PEAK(name, isa, bytes)                                                                       \
  isa double name() {                                                                                    \
    typedef float vec __attribute__((vector_size(bytes)));                                               \
    vec sum[chains], a, b;                                                                               \
    for (unsigned i = 0; i < bytes / 4; ++i) {                                                           \
      a[i] = 0.999f;                                                                                     \
      b[i] = 1e-3f;                                                                                      \
    }                                                                                                    \
    for (auto& s : sum) s = b;                                                                           \
    const auto start = std::chrono::steady_clock::now();                                                 \
    for (long n = 0; n < steps; ++n) {                                                                   \
      for (auto& s : sum) s = s * a + b;                                                                 \
      asm volatile("" : "+x"(sum[0]), "+x"(sum[1]), "+x"(sum[2]), "+x"(sum[3]), "+x"(sum[4]), "+x"(sum[5])); \
      asm volatile("" : "+x"(sum[6]), "+x"(sum[7]), "+x"(sum[8]), "+x"(sum[9]), "+x"(sum[10]), "+x"(sum[11])); \
    }                                                                                                    \
    const double s = std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();   \
    return static_cast<double>(steps) * chains * (bytes / 4) / s * 1e-9;                                 \
  }

#if defined(__x86_64__)
FMA_PEAK(peak_avx512, __attribute__((target("avx512f,fma"), optimize("fp-contract=fast"))), 64)
FMA_PEAK(peak_avx2, __attribute__((target("avx2,fma"), optimize("fp-contract=fast"))), 32)
#endif
FMA_PEAK(peak_16, , 16)

}  // namespace

double fma_peak_gmac_per_s() {
  double best = 0;
  for (int i = 0; i < 5; ++i) {
#if defined(__x86_64__)
    if (__builtin_cpu_supports("avx512f")) best = std::max(best, peak_avx512());
    if (__builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma")) best = std::max(best, peak_avx2());
#endif
    best = std::max(best, peak_16());
  }
  return best;
}

}  // namespace bench
