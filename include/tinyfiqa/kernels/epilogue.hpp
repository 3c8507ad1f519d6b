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

/// True for activations that compute exp(): about 25 instructions a vector.
constexpr bool has_exp(Act act) { return act == Act::sigmoid || act == Act::silu; }

/// values[i] = act(values[i]) for whole vectors of floats and an activation with has_exp(). Not inlined: a copy of exp()
/// for each register of each tile would be half of a small program.
TINYFIQA_NOINLINE inline void activate_by_exp(Act act, int vectors, float* values) {
  for (int i = 0; i < vectors; ++i, values += simd::width) {
    const vf x = simd::load(values), y = simd::sigmoid(x);
    simd::store(values, act == Act::silu ? x * y : y);
  }
}

/// acc[r][v] = act(acc[r][v]) for a tile in registers. slope[v] is PReLU's. The activation is chosen once for a tile, so
/// that its values stay in registers; only those with has_exp() go through memory.
template <int MR, int NV>
TINYFIQA_INLINE void activate_tile(Act act, const vf (&slope)[NV], vf (&acc)[MR][NV]) {
  const auto each = [&](const auto& body) TINYFIQA_INLINE_LAMBDA {
#pragma GCC unroll 16
    for (int r = 0; r < MR; ++r)
#pragma GCC unroll 4
      for (int v = 0; v < NV; ++v) body(r, v);
  };
  const auto as = [&](auto tag) TINYFIQA_INLINE_LAMBDA {
    each([&](int r, int v)
             TINYFIQA_INLINE_LAMBDA { acc[r][v] = activate<decltype(tag)::act>(acc[r][v], slope[v]); });
  };
  if (has_exp(act)) {
    float values[MR * NV * simd::width];
    each([&](int r, int v)
             TINYFIQA_INLINE_LAMBDA { simd::store(values + (r * NV + v) * simd::width, acc[r][v]); });
    activate_by_exp(act, MR * NV, values);
    each([&](int r, int v)
             TINYFIQA_INLINE_LAMBDA { acc[r][v] = simd::load(values + (r * NV + v) * simd::width); });
  } else if (act == Act::relu) {
    as(ActTag<Act::relu>{});
  } else if (act == Act::hswish) {
    as(ActTag<Act::hswish>{});
  } else if (act == Act::hsigmoid) {
    as(ActTag<Act::hsigmoid>{});
  } else if (act == Act::prelu) {
    as(ActTag<Act::prelu>{});
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
