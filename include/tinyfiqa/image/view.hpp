// Pixels that somebody else owns, such as a buffer of OpenCV, of NumPy or of a camera.
#pragma once

#include <tinyfiqa/base/config.hpp>
#include <tinyfiqa/base/status.hpp>

#include <cstddef>
#include <cstring>

TINYFIQA_BEGIN

/// The bytes of a pixel in their order in memory, 8 bits each.
enum class ChannelOrder : unsigned char {
  rgb,
  bgr,   ///< OpenCV's default
  rgba,  ///< alpha is ignored: the colours are taken as they are, not blended with a background
  bgra,  ///< alpha is ignored
  grey,  ///< one byte, taken for red, green and blue
};

/// "rgb", "bgr", "rgba", "bgra" or "grey".
constexpr const char* channel_order_name(ChannelOrder order) {
  constexpr const char* names[] = {"rgb", "bgr", "rgba", "bgra", "grey"};
  return names[static_cast<unsigned char>(order)];
}

/// Bytes of one pixel: 3, 3, 4, 4, 1.
constexpr int channel_count(ChannelOrder order) {
  constexpr unsigned char counts[] = {3, 3, 4, 4, 1};
  return counts[static_cast<unsigned char>(order)];
}

/// An image in memory that the view does not own: rows of `width` pixels of 8-bit channels. Pixels of a row
/// lie side by side; rows may have gaps between them and may be stored from bottom to top. Functions that
/// take a view only read it, during the call, and never copy the whole image unless they say so.
///
///   ImageView view;                       // cv::Mat m, CV_8UC3
///   view.data = m.data;
///   view.height = m.rows;
///   view.width = m.cols;
///   view.row_stride = m.step;
///   view.order = ChannelOrder::bgr;
struct ImageView {
  const unsigned char* data = nullptr;  ///< the first byte of the pixel at the image's top left
  int height = 0, width = 0;            ///< in pixels, 1 .. max_view_side
  std::ptrdiff_t row_stride = 0;        ///< bytes from a row to the one below it; negative: stored bottom-up
  ChannelOrder order = ChannelOrder::rgb;
};

/// The longest side of a view.
inline constexpr int max_view_side = 1 << 24;

/// Checks everything about a view but whether the memory is there. Errors, naming the field: bad_argument (a
/// side below 1, no data, rows that overlap, an unknown channel order), too_large.
inline Status check_view(const ImageView& v) {
  if (v.width < 1 || v.height < 1)
    return Status::error(Errc::bad_argument, "the image has no pixels (", v.width < 1 ? "width" : "height",
                         " ", v.width < 1 ? v.width : v.height, ")");
  if (v.width > max_view_side || v.height > max_view_side)
    return Status::error(Errc::too_large, "the image's ", v.width > max_view_side ? "width" : "height",
                         " of ", v.width > max_view_side ? v.width : v.height,
                         " pixels is above the limit of ", max_view_side);
  if (v.data == nullptr) return Status::error(Errc::bad_argument, "the image's data is null");
  if (static_cast<unsigned char>(v.order) > static_cast<unsigned char>(ChannelOrder::grey))
    return Status::error(Errc::bad_argument, "the image's order ",
                         static_cast<int>(static_cast<unsigned char>(v.order)), " is no ChannelOrder");
  const std::ptrdiff_t row = std::ptrdiff_t{channel_count(v.order)} * v.width;
  if (v.row_stride < row && v.row_stride > -row)
    return Status::error(Errc::bad_argument, "the image's row_stride of ", v.row_stride,
                         " bytes is too small: ", v.width, " ", channel_order_name(v.order), " pixels take ",
                         row, " bytes");
  return Status();
}

/// The same pixels with red and blue exchanged: who reads it as RGB gets BGR.
inline ImageView with_red_and_blue_exchanged(ImageView v) {
  constexpr ChannelOrder exchanged[] = {ChannelOrder::bgr, ChannelOrder::rgb, ChannelOrder::bgra,
                                        ChannelOrder::rgba, ChannelOrder::grey};
  v.order = exchanged[static_cast<unsigned char>(v.order)];
  return v;
}

namespace detail {

/// Where the bytes of a pixel are.
struct PixelLayout {
  int bytes, red, green, blue;
};
constexpr PixelLayout pixel_layout(ChannelOrder order) {
  constexpr PixelLayout layouts[] = {{3, 0, 1, 2}, {3, 2, 1, 0}, {4, 0, 1, 2}, {4, 2, 1, 0}, {1, 0, 0, 0}};
  return layouts[static_cast<unsigned char>(order)];
}

/// The first byte of the pixel in column x of row y.
inline const unsigned char* view_pixel(const ImageView& v, int x, int y) {
  return v.data + v.row_stride * y + std::ptrdiff_t{channel_count(v.order)} * x;
}

/// The first 3 of every 4 bytes. Copies 4 bytes at a time: the next pixel overwrites the fourth.
inline void drop_fourth(const unsigned char* in, std::size_t pixels, unsigned char* out) {
  for (; pixels > 1; --pixels, in += 4, out += 3) std::memcpy(out, in, 4);
  if (pixels == 1) std::memcpy(out, in, 3);
}

template <ChannelOrder Order>
inline void reorder_pixels(const unsigned char* in, int count, unsigned char* out) {
  constexpr PixelLayout layout = pixel_layout(Order);
  for (int i = 0; i < count; ++i, in += layout.bytes, out += 3) {
    out[0] = in[layout.red];
    out[1] = in[layout.green];
    out[2] = in[layout.blue];
  }
}

/// Columns x .. x + count - 1 of row y -> out [count, 3], RGB.
inline void copy_rgb(const ImageView& v, int x, int y, int count, unsigned char* out) {
  const unsigned char* const in = view_pixel(v, x, y);
  switch (v.order) {
    case ChannelOrder::rgb:
      std::memcpy(out, in, 3 * static_cast<std::size_t>(count));
      return;
    case ChannelOrder::bgr:
      return reorder_pixels<ChannelOrder::bgr>(in, count, out);
    case ChannelOrder::rgba:
      return drop_fourth(in, static_cast<std::size_t>(count), out);
    case ChannelOrder::bgra:
      return reorder_pixels<ChannelOrder::bgra>(in, count, out);
    case ChannelOrder::grey:
      return reorder_pixels<ChannelOrder::grey>(in, count, out);
  }
}

}  // namespace detail

TINYFIQA_END
