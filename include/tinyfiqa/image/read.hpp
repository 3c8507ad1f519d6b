// Reads images from files and memory as upright 8-bit RGB: JPEG (through stb_image), PNG, BMP, binary PGM and PPM.
#pragma once

#include <tinyfiqa/base/span.hpp>
#include <tinyfiqa/base/status.hpp>
#include <tinyfiqa/formats/file.hpp>
#include <tinyfiqa/formats/memory_errors.hpp>
#include <tinyfiqa/image/bmp.hpp>
#include <tinyfiqa/image/exif.hpp>
#include <tinyfiqa/image/format.hpp>
#include <tinyfiqa/image/image.hpp>
#include <tinyfiqa/image/jpeg_segments.hpp>
#include <tinyfiqa/image/limits.hpp>
#include <tinyfiqa/image/png.hpp>
#include <tinyfiqa/image/pnm.hpp>
#include <tinyfiqa/image/stb.hpp>

#include <climits>
#include <cstddef>
#include <cstring>
#include <memory>
#include <new>
#include <string>
#include <utility>
#include <vector>

TINYFIQA_BEGIN

namespace detail {

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

#ifdef TINYFIQA_NO_STB
inline Result<Image> decode_jpeg(Bytes, std::size_t) { return without_stb("JPEG is read"); }
#else
inline Status stb_error() {
  const char* why = stbi_failure_reason();
  if (why == nullptr) why = "no reason given";
  if (std::strcmp(why, "outofmem") == 0)
    return Status::error(Errc::out_of_memory, "not enough memory to decode this JPEG");
  if (std::strcmp(why, "too large") == 0)
    return Status::error(Errc::too_large, "too large for the decoder; make it smaller");
  return Status::error(Errc::bad_format, "damaged JPEG (stb_image: ", why, "); get the file again");
}

inline Result<Image> decode_jpeg(Bytes file, std::size_t max_pixels) {
  const Result<JpegParts> parts = scan_jpeg(file, max_pixels);
  if (!parts) return parts.status();
  if (file.size > static_cast<std::size_t>(INT_MAX) - 2)
    return Status::error(Errc::too_large, file.size, " bytes; the limit is ", INT_MAX - 2);
  std::vector<unsigned char> copy;
  Bytes bytes = file;
  if (!parts->regular) {
    copy = regular_jpeg(*parts);
    bytes = Bytes(copy.data(), copy.size());
  }
  int width = 0, height = 0, in_file = 0;
  constexpr int channels = 4;  // stb_image converts the colours with SIMD only for 4
  unsigned char* pixels =
      stbi_load_from_memory(bytes.data, static_cast<int>(bytes.size), &width, &height, &in_file, channels);
  if (pixels == nullptr) return stb_error();
  const std::unique_ptr<unsigned char, void (*)(void*)> owner(pixels, stbi_image_free);
  return upright(pixels, width, height, channels, exif_orientation(parts->exif));
}
#endif

inline Result<Image> decode_png(Bytes file, std::size_t max_pixels) {
  const Result<PngParts> parts = scan_png(file);
  if (!parts) return parts.status();
  Result<Image> image = decode_png(*parts, max_pixels);
  const int orientation = exif_orientation(parts->exif);
  if (!image || orientation == 1) return image;
  return upright(image->rgb.data(), image->width, image->height, 3, orientation);
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

namespace detail {

inline Result<Image> decode_known(Bytes bytes, std::size_t max_pixels) {
  switch (image_format(bytes)) {
    case ImageFormat::jpeg:
      return decode_jpeg(bytes, max_pixels);
    case ImageFormat::png:
      return decode_png(bytes, max_pixels);
    case ImageFormat::bmp:
      return decode_bmp(bytes, max_pixels);
    case ImageFormat::pnm:
      return decode_pnm(bytes, max_pixels);
    case ImageFormat::other:
      break;
  }
  return unknown_format(bytes);
}

}  // namespace detail

/// Decodes an image. Grey is copied to three channels, transparent pixels are laid on white (background_level),
/// palettes are looked up, 16-bit samples keep their upper 8 bits, CMYK becomes RGB, and the EXIF orientation of JPEG
/// and PNG is applied. Colours beyond a palette are black. A JPEG may lack its end marker, if all its data are there.
/// Messages name no file. Errors: bad_format (also: cut off or damaged, however little; wholly transparent),
/// unsupported, too_large (more than max_pixels, or a side > max_image_side), out_of_memory.
inline Result<Image> decode_image(Bytes bytes, std::size_t max_pixels = default_max_pixels) {
  return detail::with_memory_errors("", [&] { return detail::decode_known(bytes, max_pixels); });
}

/// Reads and decodes an image file. Messages begin with the path. Errors: those of read_file()
/// and decode_image().
inline Result<Image> read_image(const std::string& path, std::size_t max_pixels = default_max_pixels) {
  return detail::with_memory_errors(path + ": ", [&]() -> Result<Image> {
    const Result<FileBytes> file = read_file(path, FileAccess::copy);
    if (!file) return file.status();
    Result<Image> image = decode_image(file->bytes, max_pixels);
    if (!image) return image.status().prefixed(path, ": ");
    return image;
  });
}

TINYFIQA_END
