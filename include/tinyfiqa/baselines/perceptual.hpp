// Hand-crafted quality measures without learning: the baselines of Peng et al., section 4.2.
#pragma once

#include <tinyfiqa/base/config.hpp>
#include <tinyfiqa/base/span.hpp>
#include <tinyfiqa/image/align.hpp>
#include <tinyfiqa/image/image.hpp>

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <vector>

TINYFIQA_BEGIN

/// The luma of an image: [height, width], 0..255.
inline std::vector<float> grey_levels(const ImageView& image) {
  const auto width = static_cast<std::size_t>(image.width);
  std::vector<float> grey(width * static_cast<std::size_t>(image.height));
  detail::RgbRows rows(image);
  for (int y = 0; y < image.height; ++y) {
    const unsigned char* rgb = rows.row(y);
    float* to = grey.data() + static_cast<std::size_t>(y) * width;
    for (std::size_t x = 0; x < width; ++x) to[x] = luma(rgb + 3 * x);
  }
  return grey;
}

/// Sharpness: the variance of the Laplacian (0 1 0, 1 -4 1, 0 1 0) of the grey levels without border pixels
/// (Pech-Pacheco et al. 2000). It is 0 or more; higher is sharper. Compare only images of the same size. It
/// is 0 for an image without inner pixels.
inline double blur_quality(const ImageView& face) {
  const std::vector<float> grey = grey_levels(face);
  const auto width = static_cast<std::size_t>(face.width), height = static_cast<std::size_t>(face.height);
  double sum = 0, squares = 0, count = 0;
  for (std::size_t y = 1; y + 1 < height; ++y)
    for (std::size_t x = 1; x + 1 < width; ++x) {
      const float* g = grey.data() + y * width + x;
      const double v =
          double{g[1]} + double{*(g - 1)} + double{g[width]} + double{*(g - width)} - 4 * double{*g};
      sum += v, squares += v * v, count += 1;
    }
  return count > 0 ? squares / count - (sum / count) * (sum / count) : 0;
}

/// The pose of a head, estimated from five landmarks. A frontal face with the proportions of the template has
/// yaw, pitch and roll 0.
struct HeadPose {
  double yaw = 0;    ///< offset of the nose from the middle of the eyes, in distances of the eyes
  double pitch = 0;  ///< vertical offset of the nose from its usual place, in distances of eyes and mouth
  double roll = 0;   ///< angle of the line through the eyes, in radians
};

/// Estimates the pose. Yaw and pitch are clipped to -2..2, because the eyes coincide in a full profile.
inline HeadPose head_pose(const Landmarks& p) {
  const auto at = [](const float(&v)[5], int i) { return double{v[i]}; };
  HeadPose pose;
  pose.roll = std::atan2(at(p.y, 1) - at(p.y, 0), at(p.x, 1) - at(p.x, 0));
  // Undo the roll, so that yaw and pitch are measured along the axes of the face.
  const double c = std::cos(pose.roll), s = std::sin(pose.roll);
  const auto x = [&](int i) { return c * at(p.x, i) + s * at(p.y, i); };
  const auto y = [&](int i) { return -s * at(p.x, i) + c * at(p.y, i); };
  const double eyes_x = (x(0) + x(1)) / 2, eyes_y = (y(0) + y(1)) / 2, mouth_y = (y(3) + y(4)) / 2;
  constexpr double usual =
      (face_template[2][1] - (face_template[0][1] + face_template[1][1]) / 2) /
      ((face_template[3][1] + face_template[4][1]) / 2 - (face_template[0][1] + face_template[1][1]) / 2);
  const auto share = [](double part, double whole) {
    return whole > 1e-6 ? std::clamp(part / whole, -2.0, 2.0) : 2.0;
  };
  pose.yaw = share(x(2) - eyes_x, x(1) - x(0));
  pose.pitch = std::clamp(share(y(2) - eyes_y, mouth_y - eyes_y) - usual, -2.0, 2.0);
  return pose;
}

/// Quality by pose: minus the length of the vector (yaw, pitch, roll). 0 is a frontal face and the best.
inline double pose_quality(const Landmarks& landmarks) {
  const HeadPose p = head_pose(landmarks);
  return -std::sqrt(p.yaw * p.yaw + p.pitch * p.pitch + p.roll * p.roll);
}

namespace detail {

/// Statistics of the differences between neighbouring pixels along rows or columns.
struct BlockSteps {
  double border = 0;        ///< mean absolute difference across the borders of 8x8 blocks
  double inside = 0;        ///< mean absolute difference within blocks
  double sign_changes = 0;  ///< share of consecutive differences with opposite signs, 0..1
};

/// Measures along `lines` lines of `length` pixels. `line_step` and `pixel_step` are the distances of lines
/// and of pixels in `grey`: rows are (width, 1), columns are (1, width).
inline BlockSteps block_steps(const std::vector<float>& grey, std::size_t lines, std::size_t line_step,
                              std::size_t length, std::size_t pixel_step) {
  double border = 0, borders = 0, inside = 0, insides = 0, changes = 0, pairs = 0;
  for (std::size_t line = 0; line < lines; ++line) {
    const float* g = grey.data() + line * line_step;
    double before = 0;
    for (std::size_t i = 1; i < length; ++i, g += pixel_step) {
      const double d = double{g[pixel_step]} - double{g[0]};
      const bool at_border = i % 8 == 0;
      (at_border ? border : inside) += std::fabs(d);
      (at_border ? borders : insides) += 1;
      if (i > 1) changes += d * before < 0 ? 1 : 0, pairs += 1;
      before = d;
    }
  }
  return {borders > 0 ? border / borders : 0, insides > 0 ? inside / insides : 0,
          pairs > 0 ? changes / pairs : 0};
}

}  // namespace detail

/// The quality of a decoded JPEG by the visibility of its 8x8 blocks (Wang, Sheikh and Bovik 2002): about 1
/// (bad) to 10 (good). The blocks must start at the upper left corner of the image. Images with a side
/// shorter than 16 pixels get 10.
inline double blockiness_quality(const ImageView& image) {
  if (image.width < 16 || image.height < 16) return 10;
  const std::vector<float> grey = grey_levels(image);
  const auto width = static_cast<std::size_t>(image.width), height = static_cast<std::size_t>(image.height);
  const auto rows = detail::block_steps(grey, height, width, width, 1);
  const auto columns = detail::block_steps(grey, width, 1, height, width);
  const double b = (rows.border + columns.border) / 2;
  // The activity A of the paper: (8 * mean difference of all pixels - mean difference at borders) / 7.
  const auto activity = [](const detail::BlockSteps& s) {
    return (8 * (s.border / 8 + s.inside * 7 / 8) - s.border) / 7;
  };
  const double a = (activity(rows) + activity(columns)) / 2,
               z = (rows.sign_changes + columns.sign_changes) / 2;
  if (!(b > 0) || !(a > 0) || !(z > 0)) return 10;  // a flat image: no blocks are visible
  return std::clamp(
      -245.8909 + 261.9373 * std::pow(b, -0.0239886) * std::pow(a, 0.0160238) * std::pow(z, 0.0064285), 0.0,
      10.0);
}

/// The quality setting, 1..100, with which a JPEG file was saved. It is estimated from the mean of the first
/// quantisation table, which is 57.6 times the scale of the encoder of the Independent JPEG Group. 100 for
/// other files and for files without a table.
inline double saved_quality(Bytes file) {
  if (file.size < 4 || file[0] != 0xFF || file[1] != 0xD8) return 100;
  for (std::size_t at = 2; at + 4 <= file.size && file[at] == 0xFF && file[at + 1] != 0xDA;) {
    const std::size_t length = std::size_t{file[at + 2]} * 256 + file[at + 3];
    const std::size_t value_bytes = at + 4 < file.size && file[at + 4] >> 4u != 0 ? 2 : 1;
    if (file[at + 1] == 0xDB && length >= 3 + 64 * value_bytes && at + 2 + length <= file.size) {
      double sum = 0;
      for (std::size_t i = 0; i < 64; ++i)
        sum += value_bytes == 1 ? file[at + 5 + i] : 256.0 * file[at + 5 + 2 * i] + file[at + 6 + 2 * i];
      const double scale = 100 * sum / 64 / 57.625;  // percent
      return std::clamp(scale <= 100 ? (200 - scale) / 2 : 5000 / scale, 1.0, 100.0);
    }
    at += 2 + std::max<std::size_t>(2, length);
  }
  return 100;
}

/// Quality by JPEG compression, 0..10: the smaller of saved_quality() / 10 and blockiness_quality(). The
/// latter also detects a bad JPEG that was saved again with a high quality setting.
inline double jpeg_quality(Bytes file, const ImageView& image) {
  return std::min(saved_quality(file) / 10, blockiness_quality(image));
}

namespace detail {

/// The cumulative logistic distribution, 0..1.
inline double place_among(double value, double middle, double width) {
  return 1 / (1 + std::exp(-(value - middle) / width));
}

}  // namespace detail

/// The percentile, 0..1, of a face's blur_quality() at 112x112 among the 13,233 images of LFW, by a logistic
/// distribution that is fitted to them. The middle is the median; the width is half the interquartile range
/// divided by log 3. The logarithm of the sharpness is used.
inline double blur_place(double blur) {
  return detail::place_among(std::log(std::max(blur, 1e-3)), 4.88, 0.35);
}
/// The same for pose_quality().
inline double pose_place(double pose) { return detail::place_among(pose, -0.147, 0.037); }

/// Blur, pose and JPEG quality (0..10) combined: the mean of blur_place(), pose_place() and jpeg / 10, 0..1.
/// (Peng et al. do not say how they combine them.)
inline double combined_quality(double blur, double pose, double jpeg) {
  return (blur_place(blur) + pose_place(pose) + jpeg / 10) / 3;
}

TINYFIQA_END
