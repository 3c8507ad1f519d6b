// Resizes images, or rectangles of them, as PIL does.
#pragma once

#include <tinyfiqa/base/config.hpp>
#include <tinyfiqa/image/image.hpp>
#include <tinyfiqa/image/view.hpp>
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

/// A kernels::ResizeAxis and the tables that it points to. Not copyable, because of these pointers.
struct ResizeTables {
  std::vector<int> windows;
  std::vector<std::int32_t> weights;
  kernels::ResizeAxis axis;

  ResizeTables(int in, int out) {
    if (in == out) {
      axis.in = axis.out = in;
      return;
    }
    const auto count = static_cast<std::size_t>(out);
    windows.resize(2 * count);
    weights.resize(count * static_cast<std::size_t>(kernels::resize_taps(in, out)));
    axis = kernels::make_resize_axis(in, out, windows.data(), windows.data() + count, weights.data());
  }
  ResizeTables(const ResizeTables&) = delete;
  ResizeTables& operator=(const ResizeTables&) = delete;
};

/// The general way: a pass along the rows, 16 rows at a time as RGB, then one along the columns. The kernel
/// makes both passes in the same order with the same rounding, so every byte equals its result on RGB.
inline void resize_other_order(const ImageView& image, const Box& box, const kernels::ResizeAxis& x,
                               const kernels::ResizeAxis& y, const Backend& backend, Image& out) {
  constexpr int strip = kernels::resize_lanes;
  const std::ptrdiff_t in_stride = std::ptrdiff_t{3} * x.in, out_stride = std::ptrdiff_t{3} * x.out;
  kernels::ResizeAxis same;  // rows that keep their number
  std::vector<unsigned char> rows(static_cast<std::size_t>(strip * in_stride));
  std::vector<unsigned char> scratch(kernels::resize_scratch_bytes(x, same));
  std::vector<unsigned char> narrow(y.in == y.out ? 0 : static_cast<std::size_t>(y.in * out_stride));
  unsigned char* const filtered = y.in == y.out ? out.rgb.data() : narrow.data();
  for (int begin = 0; begin < y.in; begin += strip) {
    same.in = same.out = y.in - begin < strip ? y.in - begin : strip;
    for (int r = 0; r < same.in; ++r)
      copy_rgb(image, box.x, box.y + begin + r, box.width, rows.data() + r * in_stride);
    backend.image.resize(rows.data(), in_stride, x, same, scratch.data(), filtered + begin * out_stride,
                         out_stride);
  }
  if (y.in == y.out) return;
  same.in = same.out = x.out;
  backend.image.resize(filtered, out_stride, same, y, nullptr, out.rgb.data(), out_stride);
}

inline void swap_red_and_blue(Image& image) {
  for (std::size_t i = 0; i + 2 < image.rgb.size(); i += 3) std::swap(image.rgb[i], image.rgb[i + 2]);
}

}  // namespace detail

/// A rectangle of an image, resized as PIL does, bit for bit:
///   image.crop(box).resize((width, height), BILINEAR)
/// without a copy of the crop. Every backend and every channel order gives the same. The view must pass
/// check_view(), the box must lie inside the image, and all sizes must be at least 1.
inline Image resize_image(const ImageView& image, const Box& box, int height, int width,
                          const Backend& backend = native_backend()) {
  const detail::ResizeTables x(box.width, width), y(box.height, height);
  Image out(width, height);
  if (channel_count(image.order) != 3) {
    detail::resize_other_order(image, box, x.axis, y.axis, backend, out);
    return out;
  }
  std::vector<unsigned char> scratch(kernels::resize_scratch_bytes(x.axis, y.axis));
  backend.image.resize(detail::view_pixel(image, box.x, box.y), image.row_stride, x.axis, y.axis,
                       scratch.data(), out.rgb.data(), std::ptrdiff_t{3} * width);
  if (image.order == ChannelOrder::bgr) detail::swap_red_and_blue(out);  // channels are filtered alike
  return out;
}

/// A whole image, resized as PIL's image.resize((width, height), BILINEAR), bit for bit. The view must pass
/// check_view(); sizes at least 1.
inline Image resize_image(const ImageView& image, int height, int width,
                          const Backend& backend = native_backend()) {
  return resize_image(image, {0, 0, image.width, image.height}, height, width, backend);
}

TINYFIQA_END
