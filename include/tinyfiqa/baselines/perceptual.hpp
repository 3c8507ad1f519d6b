// Quality by what is seen, without any learning: the baselines that P2 compares itself with (section 4.2).
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

/// Grey levels [height, width].
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

/// Sharpness: the variance of the Laplacian (0 1 0, 1 -4 1, 0 1 0) of the grey levels, border pixels left out
/// (Pech-Pacheco et al. 2000). Compare faces of one size only. 0 for an image without an inner pixel.
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

/// How a head is turned, as five points show it; 0, 0, 0 is a frontal face of the template's proportions.
struct HeadPose {
  double yaw = 0;    ///< the nose beside the middle of the eyes, in distances between the eyes
  double pitch = 0;  ///< the nose above or below its usual place between eyes and mouth, in heights of that
  double roll = 0;   ///< angle of the line through the eyes, in radians
};

/// The numbers are cut to -2..2: in full profiles the eyes coincide.
inline HeadPose head_pose(const Landmarks& p) {
  const auto at = [](const float(&v)[5], int i) { return double{v[i]}; };
  HeadPose pose;
  pose.roll = std::atan2(at(p.y, 1) - at(p.y, 0), at(p.x, 1) - at(p.x, 0));
  // Turned back, so that yaw and pitch are measured along the face.
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

/// Minus the length of (yaw, pitch, roll): 0 is frontal and best.
inline double pose_quality(const Landmarks& landmarks) {
  const HeadPose p = head_pose(landmarks);
  return -std::sqrt(p.yaw * p.yaw + p.pitch * p.pitch + p.roll * p.roll);
}

namespace detail {

/// Along rows: step[0] the mean difference of neighbours across the borders of 8x8 blocks, [1] the mean
/// within blocks, [2] the share of neighbouring differences that change sign. Columns: the same, transposed.
struct BlockSteps {
  double border = 0, inside = 0, sign_changes = 0;
};

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

/// Wang, Sheikh and Bovik 2002: quality of a decoded JPEG from the steps between its 8x8 blocks, about 1
/// (bad) to 10; blocks start at the picture's corner. Pictures under 16 pixels a side count as 10.
inline double blockiness_quality(const ImageView& image) {
  if (image.width < 16 || image.height < 16) return 10;
  const std::vector<float> grey = grey_levels(image);
  const auto width = static_cast<std::size_t>(image.width), height = static_cast<std::size_t>(image.height);
  const auto rows = detail::block_steps(grey, height, width, width, 1);
  const auto columns = detail::block_steps(grey, width, 1, height, width);
  const double b = (rows.border + columns.border) / 2;
  // Their A: the mean within blocks, scaled so that it leaves the mean difference of all pixels.
  const auto activity = [](const detail::BlockSteps& s) {
    return (8 * (s.border / 8 + s.inside * 7 / 8) - s.border) / 7;
  };
  const double a = (activity(rows) + activity(columns)) / 2,
               z = (rows.sign_changes + columns.sign_changes) / 2;
  if (!(b > 0) || !(a > 0) || !(z > 0)) return 10;  // flat: nothing is to be seen of blocks
  return std::clamp(
      -245.8909 + 261.9373 * std::pow(b, -0.0239886) * std::pow(a, 0.0160238) * std::pow(z, 0.0064285), 0.0,
      10.0);
}

/// The 1..100 quality that a JPEG was saved with, from the mean of its first quantisation table, which is
/// 57.6 times a scale in the IJG's encoder; 100 for other files and for those without a table.
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

/// The worse of what the file says and what the picture shows: a bad JPEG that was saved again still shows
/// its blocks. 0..10.
inline double jpeg_quality(Bytes file, const ImageView& image) {
  return std::min(saved_quality(file) / 10, blockiness_quality(image));
}

namespace detail {

/// The place of a value among many that lie around `middle`, 0..1: a logistic distribution.
inline double place_among(double value, double middle, double width) {
  return 1 / (1 + std::exp(-(value - middle) / width));
}

}  // namespace detail

/// The places, 0..1, of a face's blur_quality() at 112x112 and of its pose_quality() among LFW's 13,233
/// photos: middles are their medians, widths half the distance between their quartiles over log 3, as a
/// logistic's are. Sharpness goes by its logarithm.
inline double blur_place(double blur) {
  return detail::place_among(std::log(std::max(blur, 1e-3)), 4.88, 0.35);
}
inline double pose_place(double pose) { return detail::place_among(pose, -0.147, 0.037); }

/// Blur, pose and JPEG (which has a scale of its own, 0..10) as one: the mean of their places, 0..1. (P2 does
/// not say how it combines them.)
inline double combined_quality(double blur, double pose, double jpeg) {
  return (blur_place(blur) + pose_place(pose) + jpeg / 10) / 3;
}

TINYFIQA_END
