// The epilogue of a kernel: what is done to a result while it is in registers, before it is stored.
// Activation first, then the residual: y = act(sum) + residual.
#pragma once

#include <tinyfiqa/base/act.hpp>
#include <tinyfiqa/simd/vec.hpp>

TINYFIQA_ISA_BEGIN(kernels)

using simd::vf;

/// act(x) on each lane; base/act.hpp has the formulas. `slope` is PReLU's, others ignore it. NaN stays NaN.
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

/// Makes an activation that is known at run time a compile-time constant: calls body(tag), where
/// decltype(tag)::act equals `act`.
template <Act A>
struct ActTag {
  static constexpr Act act = A;
};
template <class Body>
TINYFIQA_INLINE void with_act(Act act, const Body& body) {
  switch (act) {
    case Act::none:
      return body(ActTag<Act::none>{});
    case Act::relu:
      return body(ActTag<Act::relu>{});
    case Act::hswish:
      return body(ActTag<Act::hswish>{});
    case Act::hsigmoid:
      return body(ActTag<Act::hsigmoid>{});
    case Act::sigmoid:
      return body(ActTag<Act::sigmoid>{});
    case Act::silu:
      return body(ActTag<Act::silu>{});
    case Act::prelu:
      return body(ActTag<Act::prelu>{});
  }
}

#ifdef TINYFIQA_SMALL
/// act(x) for an activation known at run time, other than ReLU: one function for all kernels.
TINYFIQA_NOINLINE inline vf activate_rarely(Act act, vf x, vf slope) {
  vf y = x;
  with_act(act, [&](auto tag) { y = activate<decltype(tag)::act>(x, slope); });
  return y;
}
TINYFIQA_INLINE vf activate_small(Act act, vf x, vf slope) {
  return act == Act::relu ? activate<Act::relu>(x, slope) : activate_rarely(act, x, slope);
}
#endif

/// act(x) for an activation known at run time. Branches on each call; in a hot loop, put with_act around it.
TINYFIQA_INLINE vf activate(Act act, vf x, vf slope) {
  vf y = x;
  with_act(act, [&](auto tag) TINYFIQA_INLINE_LAMBDA { y = activate<decltype(tag)::act>(x, slope); });
  return y;
}

TINYFIQA_ISA_END
