// Whole networks by the formulas of kernels/reference: no plan, no packing, batch norm not folded.
#pragma once

#include <tinyfiqa/kernels/reference/unary.hpp>
#include <tinyfiqa/nn/graph.hpp>

#include <cmath>
#include <vector>

namespace ref_run {
using namespace tinyfiqa;

struct Tensor {
  reference::MapShape shape;
  std::vector<float> floats;
};

inline Tensor zeros(int n, int h, int w, int c) {
  return {{n, h, w, c}, std::vector<float>(static_cast<std::size_t>(n * h * w * c))};
}

inline Tensor conv(const Op& op, const Tensor& x, const float* params) {
  const auto size = [&](int s) { return (s + 2 * op.padding - op.window) / op.stride + 1; };
  Tensor y = zeros(x.shape.n, size(x.shape.h), size(x.shape.w), op.channels);
  const std::vector<float> none(static_cast<std::size_t>(op.channels)), ones(none.size(), 1.0f);
  const float* weight = op.only_norm() ? ones.data() : params + op.weight;
  reference::conv(x.shape, x.floats.data(), y.shape, y.floats.data(),
                  {op.window, op.stride, op.padding, op.groups}, weight,
                  op.bias >= 0 ? params + op.bias : none.data(), Act::none);
  for (std::size_t i = 0; i < y.floats.size(); ++i) {
    const int c = static_cast<int>(i) % op.channels;
    double v = static_cast<double>(y.floats[i]);
    if (op.has_norm())
      v = (v - static_cast<double>(params[op.running_mean + c])) /
              std::sqrt(static_cast<double>(params[op.running_var + c]) + static_cast<double>(op.norm_eps)) *
              static_cast<double>(params[op.norm_weight + c]) +
          static_cast<double>(params[op.norm_bias + c]);
    const float slope = op.slope >= 0 ? params[op.slope + c] : op.fixed_slope;
    y.floats[i] = static_cast<float>(reference::act(op.act, v, static_cast<double>(slope)));
  }
  return y;
}

inline Tensor step(const Op& op, const std::vector<Tensor>& values, const float* params) {
  const Tensor& x = values[static_cast<std::size_t>(op.inputs[0])];
  const Tensor* b = op.inputs[1] >= 0 ? &values[static_cast<std::size_t>(op.inputs[1])] : nullptr;
  Tensor y = zeros(x.shape.n, x.shape.h, x.shape.w, op.channels);
  switch (op.kind) {
    case OpKind::input:
    case OpKind::custom:
      break;
    default: {
      const Extents in{x.shape.n, x.shape.h, x.shape.w, x.shape.c}, out = op_info(op.kind).shape(op, &in);
      y = zeros(out.n, out.h, out.w, out.c);
      reference::unary_formula<float>(op.kind).forward(op, x.shape, x.floats.data(), y.shape,
                                                       y.floats.data());
      break;
    }
    case OpKind::conv:
      return conv(op, x, params);
    case OpKind::dropout:
      return x;
    case OpKind::activation:
      for (std::size_t i = 0; i < y.floats.size(); ++i)
        y.floats[i] = static_cast<float>(reference::act(op.act, static_cast<double>(x.floats[i])));
      break;
    case OpKind::max_pool: {
      const auto size = [&](int s) { return (s + 2 * op.padding - op.window) / op.stride + 1; };
      y = zeros(x.shape.n, size(x.shape.h), size(x.shape.w), op.channels);
      reference::max_pool(x.shape, x.floats.data(), y.shape, y.floats.data(),
                          {op.window, op.stride, op.padding, 1});
      break;
    }
    case OpKind::mean_hw:  // with sums in double
      y = zeros(x.shape.n, 1, 1, op.channels);
      reference::mean_hw(x.shape, x.floats.data(), y.floats.data());
      break;
    case OpKind::add:
      for (std::size_t i = 0; i < y.floats.size(); ++i) y.floats[i] = x.floats[i] + b->floats[i];
      break;
    case OpKind::add_upsampled:
      reference::add_upsampled(x.shape, x.floats.data(), b->shape, b->floats.data(), y.floats.data());
      break;
    case OpKind::scale:
      reference::scale(x.shape, x.floats.data(), b->floats.data(), y.floats.data());
      break;
    case OpKind::concat: {
      int first = 0;
      for (int i = 0; i < op.input_count(); ++i) {
        const Tensor& part = values[static_cast<std::size_t>(op.inputs[i])];
        reference::concat_part(part.shape, part.floats.data(), op.channels, first, y.floats.data());
        first += part.shape.c;
      }
      break;
    }
    case OpKind::slice:
      reference::slice(x.shape, x.floats.data(), op.first_channel, op.channels, y.floats.data());
      break;
    case OpKind::shuffle:
      reference::shuffle(x.shape, x.floats.data(), op.shuffle_groups, y.floats.data());
      break;
  }
  return y;
}

/// The value `output` for an input [n, h, w, c].
inline Tensor run(const std::vector<Op>& ops, int output, const std::vector<float>& params, Tensor input) {
  std::vector<Tensor> values;
  for (int id = 0; id <= output; ++id) {
    const Op& op = ops[static_cast<std::size_t>(id)];
    values.push_back(op.kind == OpKind::input ? input : step(op, values, params.data()));
  }
  return values.back();
}

}  // namespace ref_run
