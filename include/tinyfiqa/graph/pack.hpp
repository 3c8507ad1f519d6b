// From PyTorch's tensors to what kernels read: batch norm folded into the weights, weights in the kernel's
// order.
#pragma once

#include <tinyfiqa/graph/plan.hpp>

#include <cmath>
#include <cstring>

TINYFIQA_BEGIN

/// Floats of working memory that pack_weights needs.
inline std::size_t pack_room_floats(const Plan& plan, Span<const Op> ops) {
  std::size_t most = 0;
  for (int i = 0; i < plan.step_count; ++i) {
    const Op& op = ops[static_cast<std::size_t>(plan.steps[i].first_op)];
    if (op.kind != OpKind::conv) continue;
    const auto weights =
        static_cast<std::size_t>(op.channels) * static_cast<std::size_t>(conv_shape(op).depth());
    const std::size_t floats = 2 * weights + static_cast<std::size_t>(op.channels);
    if (floats > most) most = floats;
  }
  return most;
}

namespace detail {

/// Subnormal numbers, left behind by dead channels, would slow every multiply-add that meets them.
inline float without_subnormals(double value) {
  return std::fabs(value) < static_cast<double>(std::numeric_limits<float>::min())
             ? 0.0f
             : static_cast<float>(value);
}

/// y = (conv(x, w) - mean) / sqrt(var + eps) * gamma + beta  =  conv(x, w * s) + (bias - mean) * s + beta,
/// s = gamma / sqrt(var + eps); in double, so that one rounding is left.
inline void fold(const Op& op, const float* params, float* weight, float* bias) {
  const int depth = conv_shape(op).depth();
  for (int c = 0; c < op.channels; ++c) {
    double s = 1.0, shift = op.bias >= 0 ? static_cast<double>(params[op.bias + c]) : 0.0;
    if (op.has_norm()) {
      const double var = static_cast<double>(params[op.running_var + c]);
      s = static_cast<double>(params[op.norm_weight + c]) / std::sqrt(var + static_cast<double>(op.norm_eps));
      shift = (shift - static_cast<double>(params[op.running_mean + c])) * s +
              static_cast<double>(params[op.norm_bias + c]);
    }
    bias[c] = without_subnormals(shift);
    const float* from = params + op.weight + static_cast<std::ptrdiff_t>(c) * depth;
    for (int i = 0; i < depth; ++i)
      weight[static_cast<std::ptrdiff_t>(c) * depth + i] =
          without_subnormals(op.only_norm() ? s : static_cast<double>(from[i]) * s);
  }
}

}  // namespace detail

/// Fills `packed` (plan.packed_floats) from a network's block `params`; `room` has pack_room_floats floats.
inline void pack_weights(const Plan& plan, Span<const Op> ops, const float* params, float* room,
                         float* packed) {
  for (int i = 0; i < plan.step_count; ++i) {
    const Step& s = plan.steps[i];
    const Op& op = ops[static_cast<std::size_t>(s.first_op)];
    if (op.kind == OpKind::custom && op.custom_params > 0)
      std::memcpy(packed + s.packed, params + op.weight,
                  static_cast<std::size_t>(op.custom_params) * sizeof(float));
    if (op.kind != OpKind::conv) continue;
    FoldedConv conv;
    conv.shape = conv_shape(op);
    const auto weights = static_cast<std::ptrdiff_t>(op.channels) * conv.shape.depth();
    float* const weight = room;
    float* const bias = room + weights;
    detail::fold(op, params, weight, bias);
    conv.weight = weight;
    conv.bias = bias;
    s.kernel->pack(conv, bias + op.channels, packed + s.packed);
    if (s.has_slope)
      std::memcpy(packed + s.slope, params + op.slope, static_cast<std::size_t>(op.channels) * sizeof(float));
  }
}

TINYFIQA_END
