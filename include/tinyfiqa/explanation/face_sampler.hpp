// The aligned face whose pixels explanations measure: like align_face(), but never enlarged, and without allocating.
#pragma once

#include <tinyfiqa/base/config.hpp>
#include <tinyfiqa/base/status.hpp>
#include <tinyfiqa/explanation/light_measures.hpp>
#include <tinyfiqa/image/align.hpp>
#include <tinyfiqa/image/image.hpp>
#include <tinyfiqa/image/view.hpp>

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <vector>

TINYFIQA_BEGIN

/// Samples faces. The buffers grow once and are then reused.
class FaceSampler {
 public:
  /// Faces with fewer pixels are enlarged to this side, so that filters fit.
  static constexpr int smallest_side = 28;

  /// The aligned face: [112, 112], or if the image has fewer pixels, as large as it is there, because enlarging blurs.
  /// Large faces are reduced first, by averages over squares. Black outside the image; a face of full size also
  /// outside measured_part. Valid until the next call. Errors: those of align_face().
  Result<const Image*> sample(const ImageView& image, const Landmarks& landmarks) {
    if (const Status s = check_view(image); !s) return s;
    const auto to_template = face_transform(landmarks);
    if (!to_template) return to_template.status();
    if (const Status s = detail::check_inside(image, landmarks); !s) return s;
    Similarity back = inverse(*to_template);
    const double pixels = std::hypot(back.a, back.b);  // of the image, for one of the template
    const int side =
        std::clamp(static_cast<int>(std::lround(aligned_side * pixels)), smallest_side, aligned_side);
    const double k = static_cast<double>(aligned_side) / side;
    back.a *= k, back.b *= k;
    read_part(image, back, side, pixels < 2 ? 1 : static_cast<int>(std::min(pixels, most_reduction)));
    face_.width = face_.height = side;
    face_.rgb.assign(std::size_t{3} * static_cast<std::size_t>(side) * static_cast<std::size_t>(side), 0);
    warp(back);
    return &face_;
  }

 private:
  static constexpr double most_reduction = 255;
  static constexpr int most_rows = 4;

  /// What warp() fills of a face of this side. Filters reach five pixels: that is within the margin of the measured part
  /// only at the full size.
  static Box wanted_part(int side) { return side == aligned_side ? measured_part : Box{0, 0, side, side}; }

  /// Copies the part of the image that the wanted part of a face covers to part_, reduced by a whole factor. Lets `back`
  /// lead into it.
  void read_part(const ImageView& image, Similarity& back, int side, int factor) {
    const Box wanted = wanted_part(side);
    double left = image.width, top = image.height, right = 0, bottom = 0;
    for (const int x : {wanted.x, wanted.x + wanted.width})
      for (const int y : {wanted.y, wanted.y + wanted.height}) {
        left = std::min(left, back.x(x, y)), right = std::max(right, back.x(x, y));
        top = std::min(top, back.y(x, y)), bottom = std::max(bottom, back.y(x, y));
      }
    const auto edge = [&](double at, int size) {
      return static_cast<int>(std::clamp(at, 0.0, static_cast<double>(size)));
    };
    int x = edge(left - factor - 1, image.width), y = edge(top - factor - 1, image.height);
    x = std::min(x, std::max(0, image.width - factor)), y = std::min(y, std::max(0, image.height - factor));
    factor = std::min({factor, image.width, image.height});
    part_.width = std::max(1, (edge(right + factor + 1, image.width) - x) / factor);
    part_.height = std::max(1, (edge(bottom + factor + 1, image.height) - y) / factor);
    part_.rgb.resize(std::size_t{3} * static_cast<std::size_t>(part_.width) *
                     static_cast<std::size_t>(part_.height));
    for (int row = 0; row < part_.height; ++row)
      reduce_row(image, x, y + row * factor, factor, part_.pixel(0, row));
    back.a /= factor, back.b /= factor;
    back.tx = (back.tx - x) / factor, back.ty = (back.ty - y) / factor;
  }

  /// One row of part_: means over squares of `factor` pixels, the first at column x and row y of the image. Of large
  /// squares, most_rows rows are read, evenly spread, because reading takes most of the time.
  void reduce_row(const ImageView& image, int x, int y, int factor, unsigned char* to) {
    const int columns = part_.width * factor;
    if (factor == 1) return detail::copy_rgb(image, x, y, columns, to);
    const std::size_t count = std::size_t{3} * static_cast<std::size_t>(columns);
    row_.resize(count);
    sums_.assign(count, 0);
    const int rows = std::min(factor, most_rows);
    for (int i = 0; i < rows; ++i) {
      detail::copy_rgb(image, x, y + (2 * i + 1) * factor / (2 * rows), columns, row_.data());
      for (std::size_t j = 0; j < count; ++j) sums_[j] = static_cast<std::uint16_t>(sums_[j] + row_[j]);
    }
    const auto pixels = static_cast<std::uint32_t>(factor) * static_cast<std::uint32_t>(rows);
    const std::uint16_t* from = sums_.data();
    for (int i = 0; i < part_.width; ++i, to += 3) {
      std::uint32_t sum[3] = {};
      for (int j = 0; j < factor; ++j, from += 3) sum[0] += from[0], sum[1] += from[1], sum[2] += from[2];
      for (int c = 0; c < 3; ++c) to[c] = static_cast<unsigned char>((sum[c] + pixels / 2) / pixels);
    }
  }

  /// Bilinear interpolation of part_ to face_, with positions in 1/65536 of a pixel and weights in 1/256.
  void warp(const Similarity& back) {
    const auto fixed = [](double v) { return static_cast<std::int64_t>(std::llround(v * 65536)); };
    const std::int64_t step_x = fixed(back.a), step_y = fixed(back.b);
    const std::int64_t end_x = std::int64_t{part_.width} << 16, end_y = std::int64_t{part_.height} << 16;
    const std::size_t row = std::size_t{3} * static_cast<std::size_t>(part_.width);
    const Box wanted = wanted_part(face_.width);
    for (int y = wanted.y; y < wanted.y + wanted.height; ++y) {
      unsigned char* to = face_.pixel(wanted.x, y);
      std::int64_t px = fixed(back.x(wanted.x + 0.5, y + 0.5)), py = fixed(back.y(wanted.x + 0.5, y + 0.5));
      for (int x = 0; x < wanted.width; ++x, to += 3, px += step_x, py += step_y) {
        if (px < 0 || py < 0 || px >= end_x || py >= end_y) continue;
        // Pixel centres are at half coordinates; the border's pixels reach to the border.
        const std::int64_t qx = std::clamp<std::int64_t>(px - 32768, 0, end_x - 65536),
                           qy = std::clamp<std::int64_t>(py - 32768, 0, end_y - 65536);
        const auto left = static_cast<std::size_t>(qx >> 16), top = static_cast<std::size_t>(qy >> 16);
        const unsigned char* a = part_.rgb.data() + top * row + 3 * left;
        const std::size_t right = qx + 65536 < end_x ? 3 : 0, below = qy + 65536 < end_y ? row : 0;
        const int fx = static_cast<int>(qx >> 8 & 255), fy = static_cast<int>(qy >> 8 & 255);
        for (std::size_t c = 0; c < 3; ++c) {
          const int upper = a[c] * 256 + (a[right + c] - a[c]) * fx;
          const int lower = a[below + c] * 256 + (a[below + right + c] - a[below + c]) * fx;
          to[c] = static_cast<unsigned char>((upper * 256 + (lower - upper) * fy + 32768) >> 16);
        }
      }
    }
  }

  Image part_, face_;
  std::vector<unsigned char> row_;
  std::vector<std::uint16_t> sums_;
};

TINYFIQA_END
