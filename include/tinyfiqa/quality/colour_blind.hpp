// Makes a network ignore colour: a photo and its grey copy then have the same score.
#pragma once

#include <tinyfiqa/base/config.hpp>
#include <tinyfiqa/base/status.hpp>
#include <tinyfiqa/quality/model.hpp>

#include <cstddef>

TINYFIQA_BEGIN

namespace detail {

/// Replaces the weights w_c of one tap of one output, for the three colours c (`plane` floats apart).
/// The convolution sees the levels x_c as (x_c - mean_c) scale_c. With W = sum_c w_c scale_c:
///   old weights on a grey image, x_c = L:   W L - sum_c w_c scale_c mean_c
///   new weights luma_c W / scale_c:         W (luma(x) - sum_c luma_c mean_c)   on any image
/// Returns the constant that the second lacks to equal the first: W sum_c luma_c mean_c - sum_c w_c
/// scale_c mean_c.
inline double tap_of_luma(const InputSpec& input, float* w, std::size_t plane) {
  double level = 0, offset = 0, mean = 0;
  for (std::size_t c = 0; c < 3; ++c) {
    const double per_level = static_cast<double>(w[c * plane]) * input.levels.scale[c];
    level += per_level;
    offset += per_level * input.levels.mean[c];
    mean += static_cast<double>(luma_weights[c]) * input.levels.mean[c];
  }
  for (std::size_t c = 0; c < 3; ++c)
    w[c * plane] = static_cast<float>(luma_weights[c] * level / input.levels.scale[c]);
  return level * mean - offset;
}

/// The first parameter of `kind`, if its size is `count`; else null.
inline const Param* find_param(const Model& model, ParamKind kind, int count) {
  for (const NamedParam& p : model.params())
    if (p.param.kind == kind) return p.param.extents[0] == count ? &p.param : nullptr;
  return nullptr;
}

}  // namespace detail

/// Changes the first convolution, [Cout, 3, K, K], so that it sees only luma. Outputs for grey images stay
/// the same, except near image borders if the colours are normalised differently (as for ImageNet). Outputs
/// for colour images become those of the grey copy, except for the rounding of its levels. Use it for
/// networks trained on grey images. Errors: bad_argument if the network does not begin with a convolution of
/// three colours and a batch norm, or if it was loaded with Use::run.
inline Status ignore_colour(Model& model) {
  if (model.block().empty())
    return Status::error(Errc::bad_argument, model.spec().name,
                         " was loaded with Use::run; load it with Use::change to change its weights");
  const Param& first = model.params().front().param;
  const int outputs = first.extents[0];
  const Param* mean = detail::find_param(model, ParamKind::running_mean, outputs);
  if (first.kind != ParamKind::conv_weight || first.extents[1] != 3 || mean == nullptr)
    return Status::error(Errc::bad_argument, model.spec().name,
                         " does not begin with a convolution of three colours and a batch norm");
  const auto plane = static_cast<std::size_t>(first.extents[2] * first.extents[3]);
  const Span<float> weights = param_values(model.block(), first);
  const Span<float> means = param_values(model.block(), *mean);
  for (std::size_t o = 0; o < means.size; ++o) {
    double lacking = 0;
    for (std::size_t k = 0; k < plane; ++k)
      lacking += detail::tap_of_luma(model.spec().input, weights.data + 3 * o * plane + k, plane);
    means.data[o] -= static_cast<float>(lacking);  // batch norm subtracts it
  }
  model.pack();
  return {};
}

TINYFIQA_END
