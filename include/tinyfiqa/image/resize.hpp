// Resizing pictures, or rectangles of them, as PIL does.
#pragma once

#include <tinyfiqa/base/config.hpp>
#include <tinyfiqa/image/read.hpp>
#include <tinyfiqa/runtime/backend.hpp>

#include <cstddef>
#include <cstdint>
#include <vector>

TINYFIQA_BEGIN

/// A rectangle of pixels: columns x .. x + width - 1, rows y .. y + height - 1.
struct Box {
  int x = 0, y = 0, width = 0, height = 0;
};

namespace detail {

/// A kernels::ResizeAxis together with its tables. Not copied: the axis points into the vectors.
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

}  // namespace detail

/// PIL's image.crop(box).resize((width, height), BILINEAR), bit for bit, without a copy of the crop.
/// The box must lie inside the image and all sizes must be at least 1. Every backend gives the same.
inline Image resize_image(const Image& image, const Box& box, int height, int width,
                          const Backend& backend = native_backend()) {
  const detail::ResizeTables x(box.width, width), y(box.height, height);
  std::vector<unsigned char> scratch(kernels::resize_scratch_bytes(x.axis, y.axis));
  Image out(width, height);
  backend.image.resize(image.pixel(box.x, box.y), std::ptrdiff_t{3} * image.width, x.axis, y.axis,
                       scratch.data(), out.rgb.data(), std::ptrdiff_t{3} * width);
  return out;
}

/// PIL's image.resize((width, height), BILINEAR), bit for bit; all sizes at least 1.
inline Image resize_image(const Image& image, int height, int width,
                          const Backend& backend = native_backend()) {
  return resize_image(image, {0, 0, image.width, image.height}, height, width, backend);
}

TINYFIQA_END
