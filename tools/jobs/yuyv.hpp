// Pixels of cameras: YUYV (YUY2, 4:2:2), four bytes for two pixels: luma, blue difference, luma, red difference.
#pragma once

#include <tinyfiqa/base/span.hpp>
#include <tinyfiqa/base/status.hpp>
#include <tinyfiqa/image/image.hpp>

#include <cstddef>

/// What the bytes of luma and colour differences stand for.
struct YuvMeaning {
  bool full_range = false;  ///< luma 0..255, as in JPEG; otherwise luma 16..235 and differences 16..240
  bool bt709 = false;       ///< weights of ITU-R BT.709; otherwise of BT.601
};

/// Converts a frame to an RGB image of its size. Rows begin every `row_stride` bytes. Errors: mismatch for an odd width, or
/// if there are fewer bytes than rows need.
tinyfiqa::Status yuyv_to_rgb(tinyfiqa::Bytes frame, std::size_t row_stride, const YuvMeaning& meaning,
                             tinyfiqa::Image& image);
