// One step of Adam or AdamW on a run of parameters.
//
//   g' = g + decay p
//   m  = b1 m + c1 g'
//   v  = b2 v + c2 g'^2
//   p  = keep p - step m / (sqrt(v) root + eps)
//
// base/adam_step.hpp says what the constants are. Reads and writes exactly `count` floats of each array.
#pragma once

#include <tinyfiqa/base/adam_step.hpp>
#include <tinyfiqa/simd/vec.hpp>

#include <cstddef>

TINYFIQA_ISA_BEGIN(kernels)

/// gradient, m, v, p: [count] each, dense, not null; no two overlap. m and v are the first and second moment.
inline void adam(const AdamStep& a, std::ptrdiff_t count, const float* gradient, float* m, float* v,
                 float* p) {
  using simd::vf;
  const auto all = [](float s) TINYFIQA_INLINE_LAMBDA { return simd::splat(s); };
  for (std::ptrdiff_t i = 0; i < count; i += simd::width) {
    const int part = count - i < simd::width ? static_cast<int>(count - i) : simd::width;
    const vf old = simd::load_up_to(p + i, part);
    const vf g = simd::fma(all(a.decay), old, simd::load_up_to(gradient + i, part));
    const vf first = simd::fma(all(a.b1), simd::load_up_to(m + i, part), all(a.c1) * g);
    const vf second = simd::fma(all(a.b2), simd::load_up_to(v + i, part), all(a.c2) * g * g);
    const vf change = all(a.step) * first / simd::fma(simd::sqrt(second), all(a.root), all(a.eps));
    simd::store_up_to(m + i, first, part);
    simd::store_up_to(v + i, second, part);
    simd::store_up_to(p + i, old * all(a.keep) - change, part);
  }
}

TINYFIQA_ISA_END
