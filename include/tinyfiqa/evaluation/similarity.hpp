// Full-reference quality: how similar a degraded image is to its original.
#pragma once

#include <tinyfiqa/base/config.hpp>
#include <tinyfiqa/base/status.hpp>
#include <tinyfiqa/image/image.hpp>

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <vector>

TINYFIQA_BEGIN

namespace detail {

/// Luma at half the size: each 2 x 2 block is averaged to one pixel, as GMSD requires.
struct HalfGrey {
  int height, width;
  std::vector<float> v;

  explicit HalfGrey(const ImageView& image)
      : height(image.height / 2), width(image.width / 2), v(static_cast<std::size_t>(height * width)) {
    RgbRows upper_rows(image), lower_rows(image);
    for (int y = 0; y < height; ++y) {
      const unsigned char *upper = upper_rows.row(2 * y), *lower = lower_rows.row(2 * y + 1);
      for (int x = 0; x < width; ++x, upper += 6, lower += 6)
        v[static_cast<std::size_t>(y * width + x)] =
            (luma(upper) + luma(upper + 3) + luma(lower) + luma(lower + 3)) / 4;
    }
  }

  /// The magnitude of the gradient, by Prewitt filters with weights of 1/3.
  float gradient(int y, int x) const {
    const auto at = [&](int dy, int dx) { return v[static_cast<std::size_t>((y + dy) * width + x + dx)]; };
    const float gx = at(-1, 1) + at(0, 1) + at(1, 1) - at(-1, -1) - at(0, -1) - at(1, -1);
    const float gy = at(1, -1) + at(1, 0) + at(1, 1) - at(-1, -1) - at(-1, 0) - at(-1, 1);
    return std::sqrt(gx * gx + gy * gy) / 3;
  }
};

}  // namespace detail

/// Gradient magnitude similarity deviation (Xue et al. 2014, equations 3 to 6): the standard deviation over
/// the pixels of (2 a b + c) / (a a + b b + c), where a and b are the gradient magnitudes of the two images
/// at half the size, and c = 170. It is 0 for equal images and about 0.35 for heavily degraded ones.
/// Errors: mismatch if the sizes differ, bad_argument if a side is shorter than 6 pixels.
inline Result<double> gmsd(const ImageView& original, const ImageView& changed) {
  if (original.height != changed.height || original.width != changed.width)
    return Status::error(Errc::mismatch, "images of ", original.width, "x", original.height, " and ",
                         changed.width, "x", changed.height, " pixels can't be compared; resize one");
  if (std::min(original.height, original.width) < 6)
    return Status::error(Errc::bad_argument, "images of ", original.width, "x", original.height,
                         " pixels are too small to compare; at least 6x6 are needed");
  for (const ImageView& image : {original, changed})
    if (const Status status = check_view(image); !status) return status;
  const detail::HalfGrey a(original), b(changed);
  double sum = 0, squares = 0, count = 0;
  for (int y = 1; y + 1 < a.height; ++y)
    for (int x = 1; x + 1 < a.width; ++x) {
      const double ga = double{a.gradient(y, x)}, gb = double{b.gradient(y, x)};
      const double similarity = (2 * ga * gb + 170) / (ga * ga + gb * gb + 170);
      sum += similarity;
      squares += similarity * similarity;
      ++count;
    }
  const double mean = sum / count;
  return std::sqrt(std::max(0.0, squares / count - mean * mean));
}

TINYFIQA_END
