// Resizes images, or rectangles of them, as PIL does.
#pragma once

#include <tinyfiqa/base/config.hpp>
#include <tinyfiqa/image/image.hpp>
#include <tinyfiqa/image/view.hpp>
#include <tinyfiqa/kernels/resize.hpp>
#include <tinyfiqa/runtime/backend.hpp>

#include <cstddef>
#include <cstdint>
#include <utility>
#include <vector>

TINYFIQA_BEGIN

/// A rectangle of pixels: columns x .. x + width - 1, rows y .. y + height - 1.
struct Box {
  int x = 0, y = 0, width = 0, height = 0;
};

namespace detail {

/// A kernels::ResizeAxis and the tables that it points to. A copy would point to the tables of the original.
struct ResizeTables {
  std::vector<int> windows;
  std::vector<std::int32_t> weights;
  kernels::ResizeAxis axis;

  ResizeTables() = default;
  ResizeTables(int in, int out) { make(in, out); }
  ResizeTables(const ResizeTables&) = delete;
  ResizeTables& operator=(const ResizeTables&) = delete;
  ResizeTables(ResizeTables&&) = default;
  ResizeTables& operator=(ResizeTables&&) = default;

  void make(int in, int out) {
    if (axis.in == in && axis.out == out) return;
    axis = kernels::ResizeAxis();
    axis.in = axis.out = in;
    if (in == out) return;
    const auto count = static_cast<std::size_t>(out);
    windows.resize(2 * count);
    weights.resize(count * static_cast<std::size_t>(kernels::resize_taps(in, out)));
    axis = kernels::make_resize_axis(in, out, windows.data(), windows.data() + count, weights.data());
  }
};

inline void swap_red_and_blue(unsigned char* rgb, int pixels) {
  for (int i = 0; i < pixels; ++i, rgb += 3) std::swap(rgb[0], rgb[2]);
}

}  // namespace detail

/// Resizes images as PIL does, bit for bit, and keeps its memory for the next one:
///   image.crop(box).resize((width, height), BILINEAR)
/// without a copy of the crop. Every backend and every channel order gives the same.
class Resizer {
 public:
  /// Writes RGB pixels to out [height, width, 3]; `out_stride`: bytes from row to row. The view must pass check_view(),
  /// the box must lie inside the image, and all sizes must be at least 1. Allocates only if this image needs more
  /// memory than any before.
  void resize(const ImageView& image, const Box& box, int height, int width, unsigned char* out,
              std::ptrdiff_t out_stride, const Backend& backend = native_backend()) {
    x_.make(box.width, width);
    y_.make(box.height, height);
    if (channel_count(image.order) != 3) return resize_other_order(image, box, backend, out, out_stride);
    scratch_.resize(kernels::resize_scratch_bytes(x_.axis, y_.axis));
    backend.image.resize(detail::view_pixel(image, box.x, box.y), image.row_stride, x_.axis, y_.axis,
                         scratch_.data(), out, out_stride);
    if (image.order != ChannelOrder::bgr) return;
    for (int y = 0; y < height; ++y) detail::swap_red_and_blue(out + y * out_stride, width);
  }

 private:
  /// The general way: a pass along the rows, 16 rows at a time as RGB, then one along the columns. The kernel
  /// makes both passes in the same order with the same rounding, so every byte equals its result on RGB.
  void resize_other_order(const ImageView& image, const Box& box, const Backend& backend, unsigned char* out,
                          std::ptrdiff_t out_stride) {
    constexpr int strip = kernels::resize_lanes;
    const kernels::ResizeAxis &x = x_.axis, &y = y_.axis;
    const bool one_pass = y.in == y.out;
    const std::ptrdiff_t in_stride = std::ptrdiff_t{3} * x.in;
    const std::ptrdiff_t filtered_stride = one_pass ? out_stride : std::ptrdiff_t{3} * x.out;
    kernels::ResizeAxis same;  // rows that keep their number
    rows_.resize(static_cast<std::size_t>(strip * in_stride));
    scratch_.resize(kernels::resize_scratch_bytes(x, same));
    filtered_.resize(one_pass ? 0 : static_cast<std::size_t>(y.in * filtered_stride));
    unsigned char* const filtered = one_pass ? out : filtered_.data();
    for (int begin = 0; begin < y.in; begin += strip) {
      same.in = same.out = y.in - begin < strip ? y.in - begin : strip;
      for (int r = 0; r < same.in; ++r)
        detail::copy_rgb(image, box.x, box.y + begin + r, box.width, rows_.data() + r * in_stride);
      backend.image.resize(rows_.data(), in_stride, x, same, scratch_.data(),
                           filtered + begin * filtered_stride, filtered_stride);
    }
    if (one_pass) return;
    same.in = same.out = x.out;
    backend.image.resize(filtered, filtered_stride, same, y, nullptr, out, out_stride);
  }

  detail::ResizeTables x_, y_;
  std::vector<unsigned char> scratch_, rows_, filtered_;
};

/// A rectangle of an image, resized by Resizer. The view must pass check_view(), the box must lie inside the image,
/// and all sizes must be at least 1.
inline Image resize_image(const ImageView& image, const Box& box, int height, int width,
                          const Backend& backend = native_backend()) {
  Image out(width, height);
  Resizer().resize(image, box, height, width, out.rgb.data(), std::ptrdiff_t{3} * width, backend);
  return out;
}

/// A whole image, resized as PIL's image.resize((width, height), BILINEAR), bit for bit. The view must pass
/// check_view(); sizes at least 1.
inline Image resize_image(const ImageView& image, int height, int width,
                          const Backend& backend = native_backend()) {
  return resize_image(image, {0, 0, image.width, image.height}, height, width, backend);
}

TINYFIQA_END
