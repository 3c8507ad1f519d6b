// Encodes JPEG files in memory, through stb_image_write, whose functions come from where those of stb_image come from
// (image/stb.hpp).
#pragma once

#include <tinyfiqa/base/config.hpp>
#include <tinyfiqa/base/status.hpp>
#include <tinyfiqa/image/image.hpp>
#include <tinyfiqa/image/limits.hpp>
#include <tinyfiqa/image/stb.hpp>
#include <tinyfiqa/image/view.hpp>

#ifndef TINYFIQA_NO_STB
#if defined(TINYFIQA_IMPLEMENTATION) && !defined(STB_IMAGE_WRITE_IMPLEMENTATION)
#define STB_IMAGE_WRITE_IMPLEMENTATION
#define STBI_WRITE_NO_STDIO
#define TINYFIQA_STB_IS_HERE
#endif
#if defined(TINYFIQA_STB_IS_HERE) || !defined(INCLUDE_STB_IMAGE_WRITE_H)
TINYFIQA_STB_BEGIN
#if __has_include(<stb/stb_image_write.h>)
#include <stb/stb_image_write.h>
#else
#include "stb_image_write.h"
#endif
TINYFIQA_STB_END
#endif
#ifdef TINYFIQA_STB_IS_HERE
#undef TINYFIQA_STB_IS_HERE
#undef STB_IMAGE_WRITE_IMPLEMENTATION
#endif
#endif

#include <cstddef>
#include <vector>

TINYFIQA_BEGIN

namespace detail {

/// Appends what stb_image_write gives to a std::vector<unsigned char>.
inline void append_bytes(void* to, void* data, int size) {
  auto& bytes = *static_cast<std::vector<unsigned char>*>(to);
  const auto* const first = static_cast<const unsigned char*>(data);
  bytes.insert(bytes.end(), first, first + size);
}

}  // namespace detail

/// Baseline JPEG of `quality` 1..100; up to 90 with half the colour resolution. Copies the whole image unless
/// it is RGB without gaps between rows. Errors: those of check_view(); bad_argument; out_of_memory.
inline Result<std::vector<unsigned char>> encode_jpeg(const ImageView& image, int quality) {
  if (image.width < 1 || image.height < 1 || image.width > max_image_side || image.height > max_image_side)
    return Status::error(Errc::bad_argument, "a JPEG can't have ", image.width, "x", image.height, " pixels");
  if (quality < 1 || quality > 100)
    return Status::error(Errc::bad_argument, "JPEG quality ", quality, " does not lie in 1..100");
  if (const Status status = check_view(image); !status) return status;
#ifdef TINYFIQA_NO_STB
  return detail::without_stb("JPEG is written");
#else
  const bool as_is = image.order == ChannelOrder::rgb && image.row_stride == std::ptrdiff_t{3} * image.width;
  const Image copy = as_is ? Image() : copy_image(image);  // stb_image_write takes no row stride
  const unsigned char* const pixels = as_is ? image.data : copy.rgb.data();
  std::vector<unsigned char> bytes;
  if (stbi_write_jpg_to_func(detail::append_bytes, &bytes, image.width, image.height, 3, pixels, quality) ==
      0)
    return Status::error(Errc::out_of_memory, "the JPEG encoder failed");
  return bytes;
#endif
}

TINYFIQA_END
