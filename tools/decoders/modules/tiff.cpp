// Decodes the first image of a TIFF file with libtiff: all its compressions, sample sizes and colour models
// that libtiff can turn into 8-bit RGB.
#include <tiffio.h>

#include <tinyfiqa/image/transparency.hpp>

#include <cstdarg>
#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>

#include "decoders/module.hpp"

namespace {

/// The first error of this thread's file.
thread_local char first_error[200];

void keep_error(const char*, const char* format, va_list values) {
  if (first_error[0] == '\0') std::vsnprintf(first_error, sizeof first_error, format, values);
}
/// libtiff only warns when JPEG data inside a TIFF are damaged or end early.
void keep_warning(const char* module, const char* format, va_list values) {
  if (module != nullptr && std::strcmp(module, "JPEGLib") == 0) keep_error(module, format, values);
}

struct Stream {
  const unsigned char* data;
  toff_t size, at;
};

Stream& stream(thandle_t handle) { return *static_cast<Stream*>(handle); }

tmsize_t read_bytes(thandle_t handle, void* to, tmsize_t count) {
  Stream& s = stream(handle);
  if (count <= 0 || s.at >= s.size) return 0;
  const toff_t left = s.size - s.at,
               got = static_cast<toff_t>(count) < left ? static_cast<toff_t>(count) : left;
  std::memcpy(to, s.data + s.at, static_cast<std::size_t>(got));
  s.at += got;
  return static_cast<tmsize_t>(got);
}
tmsize_t write_nothing(thandle_t, void*, tmsize_t) { return 0; }
toff_t seek(thandle_t handle, toff_t offset, int from) {
  Stream& s = stream(handle);
  s.at = offset + (from == SEEK_CUR ? s.at : from == SEEK_END ? s.size : 0);
  return s.at;
}
int close_nothing(thandle_t) { return 0; }
toff_t size_of(thandle_t handle) { return stream(handle).size; }
int map(thandle_t handle, void** base, toff_t* size) {
  *base =
      const_cast<unsigned char*>(stream(handle).data);  // libtiff does not write to a file opened to be read
  *size = stream(handle).size;
  return 1;
}
void unmap(thandle_t, void*, toff_t) {}

/// The first image of a camera's raw file is a thumbnail.
bool is_camera_raw(TIFF* file, const ModuleImage& image) {
  std::uint32_t kind = 0;
  const bool canon = image.file_bytes > 10 && std::memcmp(image.file + 8, "CR", 2) == 0;
  return canon ||
         (TIFFGetField(file, TIFFTAG_SUBFILETYPE, &kind) == 1 && (kind & FILETYPE_REDUCEDIMAGE) != 0);
}

void take_tags(TIFF* file, ModuleImage& image) {
  std::uint32_t bytes = 0;
  void* icc = nullptr;
  if (TIFFGetField(file, TIFFTAG_ICCPROFILE, &bytes, &icc) == 1 && icc != nullptr)
    image.take_profile(image.host, static_cast<const unsigned char*>(icc), bytes);
  std::uint16_t orientation = 1, colours = PHOTOMETRIC_RGB;
  TIFFGetFieldDefaulted(file, TIFFTAG_ORIENTATION, &orientation);
  if (orientation >= 1 && orientation <= 8) image.orientation = orientation;
  TIFFGetFieldDefaulted(file, TIFFTAG_PHOTOMETRIC, &colours);
  image.grey = colours == PHOTOMETRIC_MINISBLACK || colours == PHOTOMETRIC_MINISWHITE;
}

/// libtiff allocates a whole strip or tile, and a file may claim any size for it.
bool has_sane_blocks(TIFF* file, std::uint32_t width, std::uint32_t height) {
  constexpr std::uint64_t bytes_a_pixel = 64;
  const std::uint64_t tile_border = 4096 * 4096;
  const std::uint64_t block = TIFFIsTiled(file) != 0 ? TIFFTileSize64(file) : TIFFStripSize64(file);
  return block <= bytes_a_pixel * (std::uint64_t{width} * height + tile_border);
}

/// Whether the first extra sample is alpha. (libtiff takes an unspecified one for alpha, too.)
bool has_alpha(TIFF* file) {
  std::uint16_t count = 0, *kinds = nullptr;
  return TIFFGetField(file, TIFFTAG_EXTRASAMPLES, &count, &kinds) == 1 && count > 0 &&
         (kinds[0] == EXTRASAMPLE_ASSOCALPHA || kinds[0] == EXTRASAMPLE_UNASSALPHA);
}

/// libtiff's pixels, whose colours are already multiplied with alpha -> RGB. Returns whether any is visible.
bool copy_pixels(const std::uint32_t* rgba, std::size_t pixels, bool alpha, unsigned char* to) {
  std::uint32_t visible = alpha ? 0 : 255;
  for (; pixels > 0; --pixels, ++rgba, to += 3) {
    const std::uint32_t opacity = alpha ? TIFFGetA(*rgba) : 255;
    visible |= opacity;
    to[0] = tinyfiqa::detail::premultiplied_on_background(TIFFGetR(*rgba), opacity);
    to[1] = tinyfiqa::detail::premultiplied_on_background(TIFFGetG(*rgba), opacity);
    to[2] = tinyfiqa::detail::premultiplied_on_background(TIFFGetB(*rgba), opacity);
  }
  return visible != 0;
}

ModuleFailure read_pixels(TIFF* file, std::uint32_t width, std::uint32_t height, unsigned char* to,
                          ModuleImage& image) {
  TIFFRGBAImage reader;
  char why[1024] = "";
  if (TIFFRGBAImageOK(file, why) == 0 || TIFFRGBAImageBegin(&reader, file, 1, why) == 0)
    return fail(image, first_error[0] != '\0' ? module_damaged : module_unsupported,
                first_error[0] != '\0' ? first_error : why);
  // As it is stored, from top to bottom: the host applies the orientation.
  reader.orientation = reader.req_orientation = ORIENTATION_TOPLEFT;
  const std::size_t pixels = std::size_t{width} * height;
  auto* const rgba = static_cast<std::uint32_t*>(std::calloc(pixels, 4));
  const bool read = rgba != nullptr && TIFFRGBAImageGet(&reader, rgba, width, height) == 1;
  TIFFRGBAImageEnd(&reader);
  const bool visible = !read || copy_pixels(rgba, pixels, has_alpha(file), to);
  const bool memory = rgba != nullptr;
  std::free(rgba);
  if (!memory) return module_out_of_memory;
  if (!read || first_error[0] != '\0')
    return fail(image, module_damaged, first_error[0] != '\0' ? first_error : "unreadable data");
  return visible ? module_done : module_invisible;
}

ModuleFailure decode(TIFF* file, ModuleImage& image) {
  std::uint32_t width = 0, height = 0;
  TIFFGetField(file, TIFFTAG_IMAGEWIDTH, &width);
  TIFFGetField(file, TIFFTAG_IMAGELENGTH, &height);
  if (is_camera_raw(file, image)) return fail(image, module_unsupported, "a camera's raw format");
  constexpr std::uint32_t side_limit = 1u << 24u;
  if (width < 1 || height < 1 || width > side_limit || height > side_limit ||
      !has_sane_blocks(file, width, height))
    return fail(image, module_damaged, first_error[0] != '\0' ? first_error : "no sane size");
  unsigned char* const pixels = image.allocate(image.host, static_cast<int>(width), static_cast<int>(height),
                                               static_cast<int>(width), static_cast<int>(height));
  if (pixels == nullptr) return module_refused;
  take_tags(file, image);
  return read_pixels(file, width, height, pixels, image);
}

}  // namespace

extern "C" ModuleFailure TINYFIQA_DECODE_FUNCTION(ModuleImage* image) {
  static const bool handlers = (TIFFSetErrorHandler(keep_error), TIFFSetWarningHandler(keep_warning), true);
  static_cast<void>(handlers);
  first_error[0] = '\0';
  Stream bytes = {image->file, image->file_bytes, 0};
  TIFF* const file = TIFFClientOpen("photo", "r", &bytes, read_bytes, write_nothing, seek, close_nothing,
                                    size_of, map, unmap);
  if (file == nullptr)
    return fail(*image, module_damaged, first_error[0] != '\0' ? first_error : "unreadable header");
  const ModuleFailure result = decode(file, *image);
  TIFFClose(file);
  return result;
}
