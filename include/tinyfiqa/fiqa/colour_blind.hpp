// A network that sees luma alone: a grey copy of a photo then has the score of the photo.
#pragma once

#include <tinyfiqa/base/config.hpp>
#include <tinyfiqa/base/status.hpp>
#include <tinyfiqa/fiqa/model.hpp>

#include <cstddef>

TINYFIQA_BEGIN

/// Gives the first convolution, [Cout, 3, K, K], the weights luma(c) * (sum of its weights over the three
/// colours). On grey pictures the outputs stay; on others they become those of the grey picture, but for the
/// rounding of its levels. So it belongs to networks that were trained on grey pictures.
///   Errors: bad_argument where the input's colours are normalised differently (ImageNet's).
inline Status ignore_colour(Model& model) {
  const InputSpec& input = model.spec().input;
  for (int c = 1; c < 3; ++c)
    if (!(input.mean[c] == input.mean[0] && input.scale[c] == input.scale[0]))
      return Status::error(
          Errc::bad_argument, model.spec().name,
          " normalises red, green and blue differently, so its first layer can't be told to ignore colour");
  const Param& first = model.params().front().param;
  if (first.kind != ParamKind::conv_weight || first.extents[1] != 3)
    return Status::error(Errc::bad_argument, model.spec().name,
                         " does not begin with a convolution of three colours");
  const int plane = first.extents[2] * first.extents[3];
  const Span<float> weights = param_values(model.block(), first);
  for (int o = 0; o < first.extents[0]; ++o)
    for (int k = 0; k < plane; ++k) {
      float* w = weights.data + static_cast<std::size_t>(3 * o * plane + k);
      const float sum = w[0] + w[plane] + w[2 * plane];
      for (int c = 0; c < 3; ++c) w[c * plane] = luma_weights[c] * sum;
    }
  model.pack();
  return {};
}

TINYFIQA_END
