// An image as a detector reads it, at one size for all images.
#pragma once

#include <tinyfiqa/base/config.hpp>
#include <tinyfiqa/image/resize.hpp>
#include <tinyfiqa/quality/model.hpp>

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <vector>

TINYFIQA_BEGIN

/// Levels [side, side, 3] in the network's channel order: the image with its longer side at most `side`, at the upper left of a
/// black square. FaceDetector pads with black too. The view must pass check_view().
inline std::vector<unsigned char> detector_square(const ImageView& image, int side, const Model& model) {
  const double scale = std::min(1.0, static_cast<double>(side) / std::max(image.width, image.height));
  const auto scaled = [&](int size) { return std::max(1, static_cast<int>(std::lround(size * scale))); };
  const std::size_t row = std::size_t{3} * static_cast<std::size_t>(side);
  std::vector<unsigned char> square(row * static_cast<std::size_t>(side));
  const bool bgr = model.input().order == ChannelOrder::bgr;
  Resizer().resize(bgr ? with_red_and_blue_exchanged(image) : image, Box{0, 0, image.width, image.height},
                   scaled(image.height), scaled(image.width), square.data(), static_cast<std::ptrdiff_t>(row),
                   model.backend());
  return square;
}

TINYFIQA_END
