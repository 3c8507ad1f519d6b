// Binary PGM and PPM: reads the header, and scales samples of any maximum to 8 bits.
#pragma once

#include <tinyfiqa/base/span.hpp>
#include <tinyfiqa/base/status.hpp>

#include <cstddef>

TINYFIQA_BEGIN
namespace detail {

/// The header of a binary PGM (P5, 1 channel) or PPM (P6, 3 channels).
struct PnmHeader {
  int width = 0, height = 0, channels = 0;
  int max = 255;           ///< 1..65535; above 255 a sample takes two bytes, big endian
  std::size_t raster = 0;  ///< where the pixels begin

  std::size_t raster_bytes() const {
    return static_cast<std::size_t>(width) * static_cast<std::size_t>(height) *
           static_cast<std::size_t>(channels * (max > 255 ? 2 : 1));
  }
};

/// Reads a decimal number after white space and comments (# to the end of the line). -1 if there is none or
/// it is above 2^24.
inline int pnm_number(Bytes file, std::size_t& at) {
  const auto space = [](unsigned char c) { return c == ' ' || (c >= '\t' && c <= '\r'); };
  while (at < file.size && (space(file[at]) || file[at] == '#')) {
    if (file[at] == '#')
      while (at < file.size && file[at] != '\n') ++at;
    else
      ++at;
  }
  int value = -1;
  for (; at < file.size && file[at] >= '0' && file[at] <= '9'; ++at) {
    value = (value < 0 ? 0 : value) * 10 + (file[at] - '0');
    if (value > 1 << 24) return -1;
  }
  return value;
}

/// Reads the header. The caller has seen "P5" or "P6". Does not check that all pixels are there.
inline Result<PnmHeader> read_pnm_header(Bytes file) {
  PnmHeader h;
  h.channels = file[1] == '6' ? 3 : 1;
  std::size_t at = 2;
  h.width = pnm_number(file, at);
  h.height = pnm_number(file, at);
  h.max = pnm_number(file, at);
  if (at >= file.size) return Status::error(Errc::bad_format, "cut off in its header; get the file again");
  if (h.width < 1 || h.height < 1 || h.max < 1 || h.max > 65535)
    return Status::error(Errc::bad_format,
                         "damaged PNM header: width, height and maximum must be positive numbers, "
                         "the maximum at most 65535");
  h.raster = at + 1;  // one white-space character ends the header
  return h;
}

/// Writes the pixels to rgb [height, width, 3], with samples scaled to 0..255 and rounded. Errors: bad_format
/// if the file is cut off.
inline Status read_pnm_pixels(Bytes file, const PnmHeader& h, unsigned char* rgb) {
  if (h.raster > file.size || file.size - h.raster < h.raster_bytes())
    return Status::error(Errc::bad_format, "cut off: ", h.raster_bytes(), " bytes of pixels are needed, ",
                         file.size - h.raster, " are there; get the file again");
  const unsigned char* in = file.data + h.raster;
  const int wide = h.max > 255 ? 2 : 1, copies = 3 / h.channels;
  const std::size_t samples = h.raster_bytes() / static_cast<std::size_t>(wide);
  for (std::size_t i = 0; i < samples; ++i, in += wide) {
    int value = wide == 2 ? in[0] << 8 | in[1] : in[0];
    if (value > h.max) value = h.max;
    if (h.max != 255) value = (value * 255 + h.max / 2) / h.max;
    for (int c = 0; c < copies; ++c) *rgb++ = static_cast<unsigned char>(value);
  }
  return Status();
}

}  // namespace detail
TINYFIQA_END
