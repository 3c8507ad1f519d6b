// Reads images from files and memory as upright 8-bit RGB: JPEG, PNG and BMP (through stb_image), binary PGM
// and PPM.
#pragma once

#include <tinyfiqa/base/span.hpp>
#include <tinyfiqa/base/status.hpp>
#include <tinyfiqa/formats/file.hpp>
#include <tinyfiqa/image/exif.hpp>
#include <tinyfiqa/image/format.hpp>
#include <tinyfiqa/image/image.hpp>
#include <tinyfiqa/image/pnm.hpp>
#include <tinyfiqa/image/segments.hpp>

#include <stb/stb_image.h>

#include <climits>
#include <cstddef>
#include <cstring>
#include <string>
#include <utility>
#include <vector>

TINYFIQA_BEGIN

/// Images with more pixels are refused before they are decoded. 100 megapixels take 300 MB as RGB and up to
/// 1.3 GB while a progressive JPEG is decoded, and a file of a few kilobytes may claim to have them.
inline constexpr std::size_t default_max_pixels = 100'000'000;
/// The longest side that is read, which is the limit of JPEG.
inline constexpr int max_image_side = 65535;

namespace detail {

inline Status check_size(std::size_t width, std::size_t height, std::size_t max_pixels) {
  constexpr auto max_side = static_cast<std::size_t>(max_image_side);
  if (width > max_side || height > max_side)
    return Status::error(Errc::too_large, width, "x", height, " pixels; a side may have at most ", max_side,
                         "; make it smaller");
  if (width * height > max_pixels)
    return Status::error(Errc::too_large, width, "x", height, " = ", width * height, " pixels; the limit is ",
                         max_pixels, "; make it smaller, or raise max_pixels");
  return Status();
}

/// Rotates and flips by the EXIF orientation (1..8): in [height, width, bytes], with red, green and blue
/// first -> Image. From 5 on rows and columns are exchanged; then columns or rows are reversed.
inline Image upright(const unsigned char* in, int width, int height, int bytes, int orientation) {
  const bool swap = orientation >= 5;
  const bool flip_x = orientation == 2 || orientation == 3 || orientation == 7 || orientation == 8;
  const bool flip_y = orientation == 3 || orientation == 4 || orientation == 6 || orientation == 7;
  Image out(swap ? height : width, swap ? width : height);
  if (orientation == 1) {
    if (bytes == 4)
      drop_fourth(in, out.rgb.size() / 3, out.rgb.data());
    else
      std::memcpy(out.rgb.data(), in, out.rgb.size());
    return out;
  }
  const std::ptrdiff_t pixel = flip_x ? -bytes : bytes,
                       row = std::ptrdiff_t{bytes} * (flip_y ? -width : width);
  const std::ptrdiff_t dx = swap ? row : pixel, dy = swap ? pixel : row;
  const unsigned char* corner = in + (flip_x ? -pixel * (width - 1) : 0) + (flip_y ? -row * (height - 1) : 0);
  unsigned char* to = out.rgb.data();
  for (int y = 0; y < out.height; ++y)
    for (int x = 0; x < out.width; ++x, to += 3) std::memcpy(to, corner + dx * x + dy * y, 3);
  return out;
}

inline Status stb_error(const char* format) {
  const char* why = stbi_failure_reason();
  if (why == nullptr) why = "no reason given";
  if (std::strcmp(why, "outofmem") == 0)
    return Status::error(Errc::out_of_memory, "not enough memory to decode this ", format);
  if (std::strcmp(why, "too large") == 0)
    return Status::error(Errc::too_large, "too large for the decoder; make it smaller");
  return Status::error(Errc::bad_format, "damaged ", format, " (stb_image: ", why, "); get the file again");
}

/// `channels`, 3 or 4, is requested from stb_image: it converts the colours of a JPEG with SIMD only for 4.
inline Result<Image> decode_with_stb(Bytes bytes, const char* format, int channels, int orientation,
                                     std::size_t max_pixels) {
  if (bytes.size > static_cast<std::size_t>(INT_MAX))
    return Status::error(Errc::too_large, bytes.size, " bytes; the limit is ", INT_MAX);
  const int length = static_cast<int>(bytes.size);
  int width = 0, height = 0, in_file = 0;
  if (stbi_info_from_memory(bytes.data, length, &width, &height, &in_file) == 0) return stb_error(format);
  if (width < 1 || height < 1)  // stb_image accepts a BMP without rows
    return Status::error(Errc::bad_format, "damaged ", format, " (", width, "x", height,
                         " pixels); get the file again");
  const Status size =
      check_size(static_cast<std::size_t>(width), static_cast<std::size_t>(height), max_pixels);
  if (!size) return size;
  unsigned char* pixels = stbi_load_from_memory(bytes.data, length, &width, &height, &in_file, channels);
  if (pixels == nullptr) return stb_error(format);
  Image image = upright(pixels, width, height, channels, orientation);
  stbi_image_free(pixels);
  return image;
}

inline Result<Image> decode_pnm(Bytes bytes, std::size_t max_pixels) {
  const Result<detail::PnmHeader> header = detail::read_pnm_header(bytes);
  if (!header) return header.status();
  const Status size = check_size(static_cast<std::size_t>(header->width),
                                 static_cast<std::size_t>(header->height), max_pixels);
  if (!size) return size;
  if (bytes.size - header->raster < header->raster_bytes())
    return detail::read_pnm_pixels(bytes, *header, nullptr);
  Image image(header->width, header->height);
  const Status pixels = detail::read_pnm_pixels(bytes, *header, image.rgb.data());
  if (!pixels) return pixels;
  return image;
}

}  // namespace detail

/// Decodes an image. Grey is copied to three channels, alpha is dropped, palettes are looked up, 16-bit
/// samples keep their upper 8 bits, CMYK becomes RGB, and the EXIF orientation of JPEG and PNG is applied.
/// Messages name no file. Errors: bad_format, unsupported, too_large (more than max_pixels, or a side >
/// max_image_side), out_of_memory.
inline Result<Image> decode_image(Bytes bytes, std::size_t max_pixels = default_max_pixels) {
  const detail::ImageFormat format = detail::image_format(bytes);
  if (format == detail::ImageFormat::other) return detail::unknown_format(bytes);
  if (format == detail::ImageFormat::pnm) return detail::decode_pnm(bytes, max_pixels);
  if (format == detail::ImageFormat::bmp) {
    const Status whole = detail::check_bmp(bytes);
    if (!whole) return whole;
    return detail::decode_with_stb(bytes, "BMP", 3, 1, max_pixels);
  }
  const bool jpeg = format == detail::ImageFormat::jpeg;
  const detail::ImageParts parts = jpeg ? detail::scan_jpeg(bytes) : detail::scan_png(bytes);
  if (!parts.complete)  // stb_image would fill the missing part of a JPEG with grey
    return Status::error(Errc::bad_format, "cut off after ", bytes.size, " bytes (no ",
                         jpeg ? "end-of-image marker" : "IEND chunk", "); get the file again");
  if (parts.unsupported != nullptr)
    return Status::error(Errc::unsupported, "JPEG with ", parts.unsupported,
                         " is not supported; save it as a baseline or progressive JPEG, or as PNG");
  if (parts.damaged != nullptr)
    return Status::error(Errc::bad_format, "damaged JPEG (", parts.damaged, "); get the file again");
  const Status size =
      detail::check_size(parts.width, parts.height, max_pixels);  // stb_image gives no numbers
  if (!size) return size;
  return detail::decode_with_stb(bytes, jpeg ? "JPEG" : "PNG", jpeg ? 4 : 3,
                                 detail::exif_orientation(parts.exif), max_pixels);
}

/// Reads and decodes an image file. Messages begin with the path. Errors: those of read_file()
/// and decode_image().
inline Result<Image> read_image(const std::string& path, std::size_t max_pixels = default_max_pixels) {
  const Result<FileBytes> file = read_file(path, FileAccess::copy);
  if (!file) return file.status();
  Result<Image> image = decode_image(file->bytes, max_pixels);
  if (!image) return image.status().prefixed(path, ": ");
  return image;
}

TINYFIQA_END
