// The pictures of a report's faces, small enough for the file that they go into.
#pragma once

#include "reports/report_page.hpp"

#include <cstddef>

/// How large each picture may be.
struct PictureLimits {
  int side = 0;           ///< of its longer side, in pixels
  std::size_t bytes = 0;  ///< of its JPEG
};

/// The limits for `faces` pictures that have `bytes` bytes together, as base64. Large files are not wanted: pictures have
/// at most 480 pixels, and at least 64 even if they do not fit.
PictureLimits picture_limits(std::size_t bytes, std::size_t faces);

/// Decodes the surroundings of each face again and makes its picture. A photo without a face is shown as a whole. A photo
/// that can't be read gets no picture and a note that says why. Shows the progress. Returns the number of photos with a
/// score that can't be shown.
std::size_t add_pictures(Report& report, const PictureLimits& limits, int threads);
