// Weights of 7 bits: from a convolution's folded floats to what the kernels for 8-bit maps take. docs/numerics.md has the
// arithmetic.
#pragma once

#include <tinyfiqa/base/quantisation.hpp>
#include <tinyfiqa/nn/operations.hpp>
#include <tinyfiqa/runtime/step.hpp>

#include <cmath>
#include <cstdint>

TINYFIQA_BEGIN

/// A convolution in whole numbers. `rows` are the constants of the epilogue (kernels/quantised/epilogue.hpp), one row after
/// the other: factor; three and six of hswish and hsigmoid; negative of PReLU.
struct QuantisedConv {
  std::int8_t* weight = nullptr;  ///< [Cout][Cin / G][K][K], -63..63
  std::int32_t* bias = nullptr;   ///< [Cout]
  float* rows = nullptr;          ///< [3][Cout]
};

namespace detail {

/// Sums, and what is added to them, stay below this: floats hold them exactly.
inline constexpr double most_offset = 4194304.0;  // 2^22

/// The scale of an output channel's weights. Large enough that its bias and hswish's 6 fit beside the sums: a channel whose
/// weights are tiny beside its bias is as good as constant.
inline double weight_scale(const float* weight, int count, int taps, const LevelScale* levels, double bias,
                           double x_scale, Act act) {
  double most = 0.0;
  for (int i = 0; i < count; ++i) {
    const double by = levels == nullptr ? 1.0 : static_cast<double>(levels->scale[i / taps % 3]);
    const double w = std::fabs(static_cast<double>(weight[i]) * by);
    most = w > most ? w : most;
  }
  const double limit = act == Act::hswish || act == Act::hsigmoid ? std::fabs(bias) + 6.0 : std::fabs(bias);
  const double by_weights = most / largest_weight, by_limit = limit / (x_scale * most_offset);
  const double scale = by_weights > by_limit ? by_weights : by_limit;
  return scale > 1e-30 ? scale : 1e-30;
}

/// Multiplies the weights of a convolution by the level factors of the channels that they are for, or divides them.
inline void scale_by_inputs(const Op& op, const float* factors, bool divide, float* weight) {
  const int cin = op.in_channels / op.groups, taps = op.window * op.window;
  for (int o = 0; o < op.channels; ++o)
    for (int c = 0; c < cin; ++c) {
      const float f = factors[o / (op.channels / op.groups) * cin + c];
      for (int t = 0; t < taps; ++t) *weight++ *= divide ? 1 / f : f;
    }
}

/// The epilogue's constants of channel o of n, whose sums count in units of `unit` and are at most `most`. `y_scale` is 1 for
/// an output of floats. `slope` is PReLU's.
inline void quantise_epilogue(Act act, bool floats, double unit, double y_scale, double most, float slope,
                              int o, int n, float* rows) {
  double factor = floats ? unit : unit / y_scale;
  if (!floats && act == Act::hsigmoid) factor /= 6.0;
  if (!floats && act == Act::hswish) factor *= unit / 6.0;
  // Levels are limited to 0..255 anyway; beyond 2^30 they would not fit an integer before that.
  const double largest = 1073741824.0 / (most * (act == Act::hswish ? 6.0 / unit : 1.0) + 1.0);
  factor = floats || factor < largest ? factor : largest;
  rows[o] = static_cast<float>(factor);
  rows[n + o] = static_cast<float>(act == Act::prelu ? factor * static_cast<double>(slope) : 3.0 / unit);
  rows[2 * n + o] = static_cast<float>(6.0 / unit);
}

}  // namespace detail

/// Quantises the weights of each output channel symmetrically, by its largest; the bias takes the zero of x into account.
/// Weights that are whole multiples of 1/63 of their channel's largest are kept exactly.
inline void quantise_conv(const FoldedConv& conv, const QuantisedConv& to) {
  const int n = conv.shape.cout, depth = conv.shape.depth(), taps = conv.shape.window * conv.shape.window;
  const LevelScale* const levels = conv.levels;
  const double x_scale = levels == nullptr ? static_cast<double>(conv.x.scale) : 1.0;
  for (int o = 0; o < n; ++o) {
    const float* const weight = conv.weight + std::ptrdiff_t{o} * depth;
    const double bias = static_cast<double>(conv.bias[o]);
    const double scale = detail::weight_scale(weight, depth, taps, levels, bias, x_scale, conv.shape.act);
    const double unit = scale * x_scale;
    double offset = bias / unit, most = std::fabs(offset);
    for (int i = 0; i < depth; ++i) {
      const int channel = i / taps % 3;
      const double by = levels == nullptr ? 1.0 : static_cast<double>(levels->scale[channel]);
      const double zero = levels == nullptr ? conv.x.zero : static_cast<double>(levels->mean[channel]);
      const auto q = static_cast<std::int8_t>(std::lrint(static_cast<double>(weight[i]) * by / scale));
      to.weight[std::ptrdiff_t{o} * depth + i] = q;
      offset -= zero * q;
      most += 255.0 * std::fabs(static_cast<double>(q));
    }
    to.bias[o] = static_cast<std::int32_t>(std::lrint(offset));
    detail::quantise_epilogue(conv.shape.act, conv.shape.out == DType::f32, unit,
                              static_cast<double>(conv.y.scale) *
                                  (conv.y_factor == nullptr ? 1.0 : static_cast<double>(conv.y_factor[o])),
                              most, conv.slope == nullptr ? 0.0f : conv.slope[o], o, n, to.rows);
  }
}

TINYFIQA_END
