// What happens to a result on its way to memory: activation, then residual.
#pragma once

#include <tinyfiqa/base/act.hpp>
#include <tinyfiqa/simd/vec.hpp>

TINYFIQA_ISA_BEGIN(kernels)

using simd::vf;

/// act(x); `slope` is used by prelu alone.
template <Act A>
TINYFIQA_INLINE vf activate(vf x, vf slope) {
  (void)slope;
  const vf zero = simd::splat(0.0f);
  if constexpr (A == Act::relu)
    return simd::max(zero, x);
  else if constexpr (A == Act::hsigmoid)
    return simd::min(simd::splat(1.0f),
                     simd::max(zero, simd::fma(x, simd::splat(1.0f / 6.0f), simd::splat(0.5f))));
  else if constexpr (A == Act::hswish)
    return x * activate<Act::hsigmoid>(x, slope);
  else if constexpr (A == Act::sigmoid)
    return simd::sigmoid(x);
  else if constexpr (A == Act::silu)
    return x * simd::sigmoid(x);
  else if constexpr (A == Act::prelu)
    return simd::fma(slope, simd::min(zero, x), simd::max(zero, x));
  else
    return x;
}

/// The same, chosen at run time.
TINYFIQA_INLINE vf activate(Act act, vf x, vf slope) {
  switch (act) {
    case Act::none:
      return x;
    case Act::relu:
      return activate<Act::relu>(x, slope);
    case Act::hswish:
      return activate<Act::hswish>(x, slope);
    case Act::hsigmoid:
      return activate<Act::hsigmoid>(x, slope);
    case Act::sigmoid:
      return activate<Act::sigmoid>(x, slope);
    case Act::silu:
      return activate<Act::silu>(x, slope);
    case Act::prelu:
      return activate<Act::prelu>(x, slope);
  }
  return x;
}

TINYFIQA_ISA_END
