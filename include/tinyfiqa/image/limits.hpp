// Limits on the size of images that are read.
#pragma once

#include <tinyfiqa/base/config.hpp>
#include <tinyfiqa/base/status.hpp>

#include <cstddef>
#include <cstdint>

TINYFIQA_BEGIN

/// Images with more pixels are refused before they are decoded: a file of a few kilobytes may claim to have them. The
/// largest photos of phones have 200 megapixels. They take 600 MB as RGB. While it is decoded, a PNG takes up to 8
/// bytes a pixel more, a progressive JPEG up to 10.
inline constexpr std::size_t default_max_pixels = 250'000'000;
/// The longest side that is read, which is the limit of JPEG.
inline constexpr int max_image_side = 65535;

namespace detail {

/// A progressive JPEG of a few kilobytes may have thousands of scans, each of which takes time. Encoders write about
/// ten.
inline constexpr int max_jpeg_scans = 100;
/// Scans times pixels: 16 scans of the largest image.
inline constexpr std::uint64_t max_jpeg_scan_pixels = 16ull * default_max_pixels;

inline Status too_many_jpeg_scans(int scans, std::size_t width, std::size_t height) {
  return Status::error(Errc::too_large, "more than ", scans - 1, " scans, too many for a JPEG of ", width,
                       "x", height, " pixels; save it again as a baseline JPEG");
}

inline Status check_size(std::size_t width, std::size_t height, std::size_t max_pixels) {
  constexpr auto max_side = static_cast<std::size_t>(max_image_side);
  if (width > max_side || height > max_side)
    return Status::error(Errc::too_large, width, "x", height, " pixels; a side may have at most ", max_side,
                         "; make it smaller");
  if (width * height > max_pixels)
    return Status::error(Errc::too_large, width, "x", height, " = ", width * height, " pixels; the limit is ",
                         max_pixels, "; make it smaller, or raise the limit (--max-pixels, max_pixels)");
  return Status();
}

}  // namespace detail
TINYFIQA_END
