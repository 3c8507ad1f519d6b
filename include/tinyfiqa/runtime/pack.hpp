// Packing: PyTorch's tensors become what kernels read. Batch norm is folded into the weights, and the weights
// are put into the kernel's order.
#pragma once

#include <tinyfiqa/base/float_bits.hpp>
#include <tinyfiqa/runtime/plan.hpp>
#include <tinyfiqa/runtime/quantised_weights.hpp>

#include <cmath>
#include <cstddef>
#include <cstdint>
#include <cstring>

TINYFIQA_BEGIN

/// A source of parameters for pack_weights().
class ParamSource {
 public:
  /// Returns the `count` floats of the parameter at `offset` of the network's block. A source that does not
  /// hold them as floats writes them to `workspace` (count floats) and returns that.
  virtual const float* read(int offset, int count, float* workspace) = 0;

 protected:
  ~ParamSource() = default;
};

/// A block of all parameters.
class BlockParams final : public ParamSource {
 public:
  explicit BlockParams(const float* block) : block_(block) {}
  const float* read(int offset, int, float*) override { return block_ + offset; }

 private:
  const float* block_;
};

namespace detail {
/// Vectors of one float a channel: the folded bias; bias, gamma, beta, mean and variance of the source.
constexpr std::size_t fold_vectors = 6;
/// Further ones of an 8-bit convolution: slopes; bias and three rows in whole numbers; the end of weights that are no whole
/// float; level factors of the output.
constexpr std::size_t quantised_vectors = 7;
}  // namespace detail

/// Floats of workspace that pack_weights() needs.
inline std::size_t pack_workspace_floats(const Plan& plan, Span<const Op> ops) {
  std::size_t most = 0;
  for (int i = 0; i < plan.step_count; ++i) {
    const Op& op = ops[static_cast<std::size_t>(plan.steps[i].first_op)];
    if (op.kind != OpKind::conv) continue;
    const auto weights =
        static_cast<std::size_t>(op.channels) * static_cast<std::size_t>(conv_shape(op).depth());
    const ConvShape shape = conv_shape(ops, plan.steps[i].first_op);
    const bool levels = shape.in == DType::u8;
    const std::size_t copies = shape.is_product() && !levels ? 1 : 2;  // folded; reordered by the kernel
    const std::size_t vectors = detail::fold_vectors + (levels ? detail::quantised_vectors : 0);
    const std::size_t floats = copies * weights + vectors * static_cast<std::size_t>(op.channels) +
                               (levels ? static_cast<std::size_t>(op.in_channels) : 0);  // level factors
    if (floats > most) most = floats;
  }
  return most;
}

namespace detail {

inline void copy_param(ParamSource& params, int offset, int count, float* to) {
  const float* const from = params.read(offset, count, to);
  if (from != to) std::memcpy(to, from, static_cast<std::size_t>(count) * sizeof(float));
}

/// Zeros from byte `bytes` to the next alignment, so that equal weights give equal packed bytes.
inline void fill_gap(unsigned char* from, std::size_t bytes) {
  std::memset(from + bytes, 0, align_bytes(bytes) - bytes);
}
/// Copies a parameter that kernels read unchanged.
inline void pack_floats(ParamSource& params, int offset, int count, unsigned char* to) {
  copy_param(params, offset, count, reinterpret_cast<float*>(to));
  fill_gap(to, static_cast<std::size_t>(count) * sizeof(float));
}

/// Kernels read the slopes of leaky ReLU as those of PReLU, one for each channel.
inline void pack_slopes(const Op& op, ParamSource& params, unsigned char* to) {
  if (!op.is_leaky_relu()) return pack_floats(params, op.slope, op.channels, to);
  auto* const slopes = reinterpret_cast<float*>(to);
  for (int c = 0; c < op.channels; ++c) slopes[c] = op.fixed_slope;
  fill_gap(to, static_cast<std::size_t>(op.channels) * sizeof(float));
}

/// y = (conv(x, w) - mean) / sqrt(var + eps) * gamma + beta  =  conv(x, w * s) + (bias - mean) * s + beta,
/// s = gamma / sqrt(var + eps). Computed in double, so that only one rounding is left. `workspace` has 5
/// floats a channel.
inline void fold(const Op& op, ParamSource& params, const WeightKernels& kernel, float* weight, float* bias,
                 float* workspace) {
  const int depth = conv_shape(op).depth(), n = op.channels;
  const auto vector = [&](int offset, int place) {
    return offset >= 0 ? params.read(offset, n, workspace + static_cast<std::ptrdiff_t>(place) * n) : nullptr;
  };
  const float* const bias_before = vector(op.bias, 0);
  const bool norm = op.has_norm();
  const float *const gamma = norm ? vector(op.norm_weight, 1) : nullptr,
                     *const beta = norm ? vector(op.norm_bias, 2) : nullptr,
                     *const mean = norm ? vector(op.running_mean, 3) : nullptr,
                     *const var = norm ? vector(op.running_var, 4) : nullptr;
  if (!op.only_norm()) copy_param(params, op.weight, n * depth, weight);
  for (int c = 0; c < n; ++c) {
    double s = 1.0, shift = bias_before != nullptr ? static_cast<double>(bias_before[c]) : 0.0;
    if (norm) {
      s = static_cast<double>(gamma[c]) /
          std::sqrt(static_cast<double>(var[c]) + static_cast<double>(op.norm_eps));
      shift = (shift - static_cast<double>(mean[c])) * s + static_cast<double>(beta[c]);
    }
    bias[c] = detail::without_subnormals(shift);
    float* const row = weight + std::ptrdiff_t{c} * depth;
    if (op.only_norm())
      row[0] = detail::without_subnormals(s);
    else
      kernel.scale(row, depth, s);
  }
}

}  // namespace detail

/// Packs the parameters of one step: see pack_weights().
inline void pack_step(const Step& s, Span<const Op> ops, const Backend& backend, ParamSource& params,
                      float* workspace, unsigned char* packed) {
  const Op& op = ops[static_cast<std::size_t>(s.first_op)];
  if (op.kind == OpKind::custom && op.custom_params > 0)
    detail::pack_floats(params, op.weight, op.custom_params, packed + s.packed);
  if (op.kind != OpKind::conv || s.kernel->pack == nullptr) return;
  FoldedConv conv;
  conv.shape = conv_shape(ops, s.first_op);
  const auto weights = static_cast<std::ptrdiff_t>(op.channels) * conv.shape.depth();
  float* const weight = workspace;
  float* const bias = workspace + weights;
  detail::fold(op, params, backend.weights, weight, bias, bias + op.channels);
  conv.weight = weight;
  conv.bias = bias;
  if (s.has_slope) detail::pack_slopes(op, params, packed + s.slope);
  conv.x = s.x.quant;
  const bool mean =
      ops[static_cast<std::size_t>(s.op)].kind == OpKind::mean_hw;  // the step goes on behind the product
  conv.y = mean ? s.b.quant : s.y.quant;
  conv.levels = s.x.place == Place::input && conv.shape.in == DType::u8 ? &s.levels : nullptr;
  conv.slope = s.has_slope ? reinterpret_cast<const float*>(packed + s.slope) : nullptr;
  float* at = bias + op.channels;
  if (const int factors = ops[static_cast<std::size_t>(op.inputs[0])].level_factors; factors >= 0) {
    detail::scale_by_inputs(op, params.read(factors, op.in_channels, at), false, weight);
    at += op.in_channels;
  }
  if (const int factors = ops[static_cast<std::size_t>(mean ? s.first_op : s.op)].level_factors;
      factors >= 0 && conv.shape.out == DType::u8) {
    conv.y_factor = params.read(factors, op.channels, at);
    at += op.channels;
  }
  s.kernel->pack(conv, at, packed + s.packed);
  detail::fill_gap(packed + s.packed, s.kernel->packed_bytes(conv.shape));
}

/// Fills `packed` (plan.packed_bytes, aligned as floats are) from a network's parameters. `workspace` has
/// pack_workspace_floats() floats. `backend` is the plan's.
inline void pack_weights(const Plan& plan, Span<const Op> ops, const Backend& backend, ParamSource& params,
                         float* workspace, unsigned char* packed) {
  for (int i = 0; i < plan.step_count; ++i) pack_step(plan.steps[i], ops, backend, params, workspace, packed);
}

/// The same from a block of all parameters.
inline void pack_weights(const Plan& plan, Span<const Op> ops, const Backend& backend, const float* params,
                         float* workspace, unsigned char* packed) {
  BlockParams source(params);
  pack_weights(plan, ops, backend, source, workspace, packed);
}

TINYFIQA_END
