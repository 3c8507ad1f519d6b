// Encodes PNG files in memory, through stb_image_write, whose functions come from where those of stb_image come from
// (image/stb.hpp).
#pragma once

#include <tinyfiqa/base/config.hpp>
#include <tinyfiqa/base/status.hpp>
#include <tinyfiqa/image/image.hpp>
#include <tinyfiqa/image/limits.hpp>
#include <tinyfiqa/image/view.hpp>
#include <tinyfiqa/image/write_jpeg.hpp>

#include <vector>

TINYFIQA_BEGIN

/// PNG with 8 bits for each of red, green and blue. Copies the whole image unless it is RGB. Errors: those of check_view();
/// bad_argument; out_of_memory.
inline Result<std::vector<unsigned char>> encode_png(const ImageView& image) {
  if (const Status status = check_view(image); !status) return status;
  if (image.width > max_image_side || image.height > max_image_side)
    return Status::error(Errc::bad_argument, "a PNG can't have ", image.width, "x", image.height, " pixels");
#ifdef TINYFIQA_NO_STB
  return detail::without_stb("PNG is written");
#else
  const Image copy = copy_image(image);
  std::vector<unsigned char> bytes;
  if (stbi_write_png_to_func(detail::append_bytes, &bytes, copy.width, copy.height, 3, copy.rgb.data(),
                             3 * copy.width) == 0)
    return Status::error(Errc::out_of_memory, "the PNG encoder failed");
  return bytes;
#endif
}

TINYFIQA_END
