// Antialiased bilinear resize as PIL's Image.resize(..., BILINEAR) does it, one output pixel at a time: the
// oracle that kernels/resize.hpp is tested against.
#pragma once

#include <tinyfiqa/base/config.hpp>

#include <cstddef>
#include <cstdint>

TINYFIQA_BEGIN
namespace reference {

/// The input positions p that output position i is a sum of, and their weights before normalisation:
///   scale = in / out,    radius = max(scale, 1),    centre = (i + 1/2) scale
///   weight(p) = max(0, 1 - |p + 1/2 - centre| / radius)
///   for centre - radius <= p <= centre + radius and 0 <= p < in
struct ResizeWindow {
  int first, end;
  double centre, radius;

  ResizeWindow(int in, int out, int i) {
    const double scale = static_cast<double>(in) / out;
    radius = scale > 1 ? scale : 1;
    centre = (i + 0.5) * scale;
    const double low = centre - radius + 0.5, high = centre + radius + 0.5;
    first = low < 0 ? 0 : static_cast<int>(low);
    end = high > in ? in : static_cast<int>(high);
  }
  double raw_weight(int p) const {
    const double distance = (p + 0.5 - centre) / radius;
    const double weight = 1 - (distance < 0 ? -distance : distance);
    return weight > 0 ? weight : 0;
  }
  /// The normalised weight in units of 2^-22, rounded.
  std::int32_t weight(int p) const {
    double sum = 0;
    for (int q = first; q < end; ++q) sum += raw_weight(q);
    return static_cast<std::int32_t>(raw_weight(p) / sum * (1 << 22) + 0.5);
  }
};

/// Rounds a sum in units of 2^-22 to 0..255.
inline unsigned char resize_round(std::int64_t sum) {
  const std::int64_t level = (sum + (1 << 21)) >> 22;
  return static_cast<unsigned char>(level < 0 ? 0 : level > 255 ? 255 : level);
}

/// in [in_h, in_w, 3] -> out [out_h, out_w, 3], 8 bits, dense. Filters along rows first and rounds to 8 bits,
/// then along columns. A direction whose size does not change is not filtered.
inline void resize_u8x3(const unsigned char* in, int in_h, int in_w, unsigned char* out, int out_h,
                        int out_w) {
  const auto along_row = [&](int y, int x, int c) -> unsigned char {
    const unsigned char* row = in + static_cast<std::size_t>(y) * static_cast<std::size_t>(in_w) * 3;
    if (in_w == out_w) return row[3 * x + c];
    const ResizeWindow window(in_w, out_w, x);
    std::int64_t sum = 0;
    for (int p = window.first; p < window.end; ++p) sum += window.weight(p) * std::int64_t{row[3 * p + c]};
    return resize_round(sum);
  };
  for (int y = 0; y < out_h; ++y)
    for (int x = 0; x < out_w; ++x)
      for (int c = 0; c < 3; ++c) {
        if (in_h == out_h) {
          *out++ = along_row(y, x, c);
          continue;
        }
        const ResizeWindow window(in_h, out_h, y);
        std::int64_t sum = 0;
        for (int p = window.first; p < window.end; ++p)
          sum += window.weight(p) * std::int64_t{along_row(p, x, c)};
        *out++ = resize_round(sum);
      }
}

}  // namespace reference
TINYFIQA_END
