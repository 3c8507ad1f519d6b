// PyTorch's default initialisation of a network's parameters.
#pragma once

#include <tinyfiqa/base/config.hpp>
#include <tinyfiqa/base/rng.hpp>
#include <tinyfiqa/base/span.hpp>
#include <tinyfiqa/formats/named_params.hpp>

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <vector>

TINYFIQA_BEGIN

/// Fills `block`, which has block_size(params) floats:
///   - weights and biases of convolutions and linear layers: kaiming_uniform(a = sqrt(5)) of He et al. 2015,
///     that is U(-b, b) with b = 1 / sqrt(fan in);
///   - batch norms: weight 1, bias 0, running mean 0, running variance 1;
///   - slopes of PReLU: 0.25.
/// The same seed gives the same block on every machine.
inline void init_params(const std::vector<NamedParam>& params, Span<float> block, std::uint64_t seed) {
  Rng rng(seed);
  float bound = 0;  // of the last weight; its bias, which comes right after it, has the same bound
  for (const auto& p : params) {
    const Span<float> values = param_values(block, p.param);
    const int inputs = p.param.size() / p.param.extents[0];  // of one output, if it is a weight
    const auto fill = [&](float value) { std::fill(values.begin(), values.end(), value); };
    switch (p.param.kind) {
      case ParamKind::conv_weight:
      case ParamKind::linear_weight:
        bound = 1.0f / std::sqrt(static_cast<float>(inputs));
        [[fallthrough]];
      case ParamKind::conv_bias:
      case ParamKind::linear_bias:
        for (float& value : values) value = rng.uniform(-bound, bound);
        break;
      case ParamKind::norm_weight:
      case ParamKind::running_var:
      case ParamKind::level_factor:
        fill(1.0f);
        break;
      case ParamKind::norm_bias:
      case ParamKind::running_mean:
        fill(0.0f);
        break;
      case ParamKind::slope:
        fill(0.25f);
        break;
    }
  }
}

TINYFIQA_END
