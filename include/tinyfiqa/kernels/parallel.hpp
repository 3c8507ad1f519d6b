// Work split over OpenMP threads; one thread where there is no OpenMP.
#pragma once

#include <tinyfiqa/base/config.hpp>

#ifdef _OPENMP
#include <omp.h>
#endif

TINYFIQA_ISA_BEGIN(kernels)

/// Calls body(begin, end, thread) for consecutive parts of 0 .. count, at most `threads` at once.
template <class Body>
void parallel_for(int threads, int count, const Body& body) {
#ifdef _OPENMP
  if (threads > count) threads = count;
  if (threads > 1) {
#pragma omp parallel num_threads(threads)
    {
      const long long t = omp_get_thread_num(), team = omp_get_num_threads();
      body(static_cast<int>(count * t / team), static_cast<int>(count * (t + 1) / team), static_cast<int>(t));
    }
    return;
  }
#endif
  (void)threads;
  if (count > 0) body(0, count, 0);
}

/// How many threads a job of `macs` multiply-adds is worth: starting a team costs some microseconds.
TINYFIQA_INLINE int worth_threads(int threads, double macs) { return macs < 2e5 ? 1 : threads; }

TINYFIQA_ISA_END
