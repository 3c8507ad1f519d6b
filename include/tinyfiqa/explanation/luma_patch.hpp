// Luma of a part of an image, in 8 bits: what the measures of light and detail read.
#pragma once

#include <tinyfiqa/base/config.hpp>
#include <tinyfiqa/image/image.hpp>
#include <tinyfiqa/image/view.hpp>

#include <cstddef>
#include <cstdint>
#include <vector>

TINYFIQA_BEGIN

/// Rounded luma [height, width] that somebody else owns, rows without gaps.
struct LumaPatch {
  const unsigned char* data = nullptr;
  int height = 0, width = 0;

  const unsigned char* row(int y) const { return data + static_cast<std::ptrdiff_t>(width) * y; }
};

namespace detail {

/// The weights of luma times 2^16.
inline unsigned char rounded_luma(const unsigned char* rgb) {
  return static_cast<unsigned char>((19595u * rgb[0] + 38470u * rgb[1] + 7471u * rgb[2] + 32768u) >> 16u);
}

}  // namespace detail

/// The luma of the part of a valid view that begins at column x and row y. The buffers grow once and are then reused.
class LumaReader {
 public:
  /// Valid until the next call.
  LumaPatch read(const ImageView& image, int x, int y, int width, int height) {
    luma_.resize(static_cast<std::size_t>(width) * static_cast<std::size_t>(height));
    row_.resize(std::size_t{3} * static_cast<std::size_t>(width));
    unsigned char* to = luma_.data();
    for (int i = 0; i < height; ++i) {
      detail::copy_rgb(image, x, y + i, width, row_.data());
      const unsigned char* rgb = row_.data();
      for (int k = 0; k < width; ++k, rgb += 3) *to++ = detail::rounded_luma(rgb);
    }
    return {luma_.data(), height, width};
  }

 private:
  std::vector<unsigned char> luma_, row_;
};

TINYFIQA_END
