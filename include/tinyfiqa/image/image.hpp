// An image that owns its pixels.
#pragma once

#include <tinyfiqa/base/config.hpp>
#include <tinyfiqa/image/view.hpp>

#include <cstddef>
#include <vector>

TINYFIQA_BEGIN

/// Pixels [height, width, 3], red green blue, 8 bits each, rows from top to bottom without gaps. Wherever
/// pixels are only read, functions take an ImageView, which an Image converts to.
struct Image {
  int width = 0, height = 0;
  std::vector<unsigned char> rgb;

  Image() = default;
  /// Black.
  Image(int w, int h)
      : width(w), height(h), rgb(static_cast<std::size_t>(w) * static_cast<std::size_t>(h) * 3) {}

  const unsigned char* pixel(int x, int y) const { return rgb.data() + offset(x, y); }
  unsigned char* pixel(int x, int y) { return rgb.data() + offset(x, y); }

  /// Valid until the Image is destroyed, moved from or resized.
  operator ImageView() const {
    ImageView view;
    view.data = rgb.data();
    view.height = height;
    view.width = width;
    view.row_stride = std::ptrdiff_t{3} * width;
    return view;
  }

 private:
  std::size_t offset(int x, int y) const {
    return 3 * (static_cast<std::size_t>(y) * static_cast<std::size_t>(width) + static_cast<std::size_t>(x));
  }
};

/// The weights of red, green and blue in luma (BT.601, as in JPEG).
constexpr float luma_weights[3] = {0.299f, 0.587f, 0.114f};

/// The luma of an RGB pixel, 0.299 R + 0.587 G + 0.114 B, 0..255.
inline float luma(const unsigned char* rgb) {
  return luma_weights[0] * static_cast<float>(rgb[0]) + luma_weights[1] * static_cast<float>(rgb[1]) +
         luma_weights[2] * static_cast<float>(rgb[2]);
}

namespace detail {

/// The rows of a view as RGB. Rows of RGB images are not copied.
class RgbRows {
 public:
  explicit RgbRows(const ImageView& image)
      : image_(image),
        row_(image.order == ChannelOrder::rgb ? 0 : std::size_t{3} * static_cast<std::size_t>(image.width)) {}

  /// [width, 3]; valid until the next call.
  const unsigned char* row(int y) {
    if (row_.empty()) return view_pixel(image_, 0, y);
    copy_rgb(image_, 0, y, image_.width, row_.data());
    return row_.data();
  }

 private:
  ImageView image_;
  std::vector<unsigned char> row_;
};

}  // namespace detail

/// A copy of all pixels, as RGB. The view must pass check_view(), or have no pixels.
inline Image copy_image(const ImageView& view) {
  const std::ptrdiff_t row = std::ptrdiff_t{3} * view.width;
  if (view.order == ChannelOrder::rgb && view.row_stride == row) {
    Image out;
    out.width = view.width;
    out.height = view.height;
    out.rgb.assign(view.data, view.data + row * view.height);
    return out;
  }
  Image out(view.width, view.height);
  for (int y = 0; y < view.height; ++y) detail::copy_rgb(view, 0, y, view.width, out.pixel(0, y));
  return out;
}

TINYFIQA_END
