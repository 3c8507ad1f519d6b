// Decodes the photos of users: every format of which the tool has a decoder, upright, in sRGB, and no larger
// than they are needed.
#pragma once

#include <tinyfiqa/image/read.hpp>
#include <tinyfiqa/image/resize.hpp>

#include <cstddef>
#include <string>

/// A decoded photo, or a part of one. Its image may be smaller than the photo in the file.
struct Photo {
  tinyfiqa::Image image;      ///< upright, sRGB, transparent pixels on white
  int width = 0, height = 0;  ///< of the full upright photo, in pixels
  /// Where the image lies in the full photo: its left and top edge, and how many full pixels one of its
  /// pixels covers. Coordinates of edges: pixel i reaches from i to i + 1. The image's last column and row
  /// may reach beyond the photo.
  double left = 0, top = 0, scale_x = 1, scale_y = 1;

  /// From coordinates in the image to those in the full photo.
  double full_x(double x) const { return left + x * scale_x; }
  double full_y(double y) const { return top + y * scale_y; }
};

/// The limit of --max-pixels, for the whole program: set it before the first photo is decoded.
std::size_t max_photo_pixels();
void set_max_photo_pixels(std::size_t pixels);

struct DecodeRequest {
  /// 0: the full size. Otherwise the image may be scaled down, as long as its longer side keeps this many
  /// pixels; it then has fewer than twice as many. Scaling averages pixels. A smaller photo is not scaled up.
  int longest_side = 0;
  /// Limit on the pixels that have to be in memory at once: those of the image for JPEGs with one scan
  /// (baseline, as cameras write them), those of the full photo for every other file.
  std::size_t max_pixels = max_photo_pixels();
};

/// Larger files are not read: 250 million pixels without compression are 716 MiB.
inline constexpr std::size_t max_photo_bytes = std::size_t{768} << 20u;
/// The bytes of an image file. Errors: those of read_file().
tinyfiqa::Result<tinyfiqa::FileBytes> read_photo_file(const std::string& path);

/// Decodes JPEG, PNG, BMP, GIF, PGM, PPM and, by modules that are loaded when such a file appears, WebP,
/// HEIC, AVIF and TIFF. Of animations and files with several images, the first or primary one. An embedded
/// colour profile is converted to sRGB; without one, colours are taken for sRGB. A profile that is damaged is
/// ignored. CMYK without a profile and grey become RGB by the simple formulas, 16-bit samples keep their
/// upper 8 bits. Messages name no file. Errors: bad_format (damaged or cut off, however little; wholly
/// transparent), unsupported (also: the module was not built; the message names the library and its Debian
/// package), too_large, out_of_memory.
tinyfiqa::Result<Photo> decode_photo(tinyfiqa::Bytes file, const DecodeRequest& request = {});

/// Decodes the part of a photo inside `box`, in pixels of the full upright photo; `request.longest_side` is
/// then for the part. What lies outside the photo is left out. The image holds at least the box. Of a JPEG
/// with one scan, nothing but the part takes memory, and only as much of the file is checked for damage as is
/// decoded. Errors: those of decode_photo(); bad_argument if the box holds no pixel of the photo.
tinyfiqa::Result<Photo> decode_part(tinyfiqa::Bytes file, const tinyfiqa::Box& box,
                                    const DecodeRequest& request = {});

/// The image of decode_photo() at its full size.
tinyfiqa::Result<tinyfiqa::Image> decode_full_image(tinyfiqa::Bytes file);

/// Reads and decodes a file at its full size. Messages begin with the path. Errors: also those of
/// read_file().
tinyfiqa::Result<tinyfiqa::Image> read_photo(const std::string& path);

/// The same for training: formats that the library reads are decoded by the library, so that the tool trains
/// on the same pixels as a program of one's own.
tinyfiqa::Result<tinyfiqa::Image> read_training_photo(const std::string& path);
/// The image of the bytes of such a file.
tinyfiqa::Result<tinyfiqa::Image> decode_training_image(tinyfiqa::Bytes file);

/// The extensions by which folders are searched for photos, in lower case.
inline constexpr const char* photo_extensions[] = {".jpg",  ".jpeg", ".jpe",  ".jfif", ".png",  ".bmp",
                                                   ".ppm",  ".pgm",  ".pnm",  ".webp", ".heic", ".heif",
                                                   ".avif", ".tif",  ".tiff", ".gif"};
