// A walk over the chunks of a PNG, before decoding: checks that they are whole and finds those that matter.
#pragma once

#include <tinyfiqa/base/span.hpp>
#include <tinyfiqa/base/status.hpp>
#include <tinyfiqa/image/exif.hpp>

#include <array>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <vector>

TINYFIQA_BEGIN
namespace detail {

/// The chunks of a PNG. The bytes belong to the file.
struct PngParts {
  std::size_t width = 0, height = 0;
  int bits = 0;    ///< of a sample: 1, 2, 4, 8, 16
  int colour = 0;  ///< 0 grey, 2 RGB, 3 palette, 4 grey and alpha, 6 RGB and alpha
  bool interlaced = false;
  Bytes palette;       ///< PLTE: red, green, blue
  Bytes transparency;  ///< tRNS: alpha of the palette's first entries, or the one colour that is transparent
  Bytes exif;          ///< a TIFF block with the EXIF tags; empty if there is none
  Bytes profile;       ///< iCCP; empty if there is none
  bool srgb = false;   ///< the file says that its colours are sRGB
  std::vector<Bytes> data;  ///< IDAT

  bool has_palette() const { return colour == 3; }
  bool is_grey() const { return colour == 0 || colour == 4; }
  /// Samples of a pixel in the file.
  std::size_t samples() const {
    constexpr std::size_t counts[] = {1, 0, 3, 1, 2, 0, 4};
    return counts[colour];
  }
};

inline constexpr std::array<std::uint32_t, 256> make_crc_table() {
  std::array<std::uint32_t, 256> table = {};
  for (std::uint32_t i = 0; i < 256; ++i) {
    std::uint32_t c = i;
    for (int bit = 0; bit < 8; ++bit) c = (c & 1u) != 0 ? 0xEDB88320u ^ c >> 1 : c >> 1;
    table[i] = c;
  }
  return table;
}

/// PNG specification, annex D.
inline std::uint32_t png_checksum(Bytes bytes) {
  static constexpr auto table = make_crc_table();
  std::uint32_t c = 0xFFFFFFFFu;
  for (const unsigned char byte : bytes) c = table[(c ^ byte) & 0xFF] ^ c >> 8;
  return ~c;
}

template <class... Parts>
Status damaged_png(const Parts&... what) {
  return Status::error(Errc::bad_format, "damaged PNG (", what..., "); get the file again");
}

inline Status read_png_header(Bytes data, PngParts& parts) {
  if (data.size != 13) return damaged_png("header");
  parts.width = read_uint(data.data, 4, false);
  parts.height = read_uint(data.data + 4, 4, false);
  parts.bits = data[8];
  parts.colour = data[9];
  parts.interlaced = data[12] == 1;
  if (parts.width < 1 || parts.height < 1) return damaged_png(parts.width, "x", parts.height, " pixels");
  constexpr unsigned bits_of[] = {1u << 1 | 1u << 2 | 1u << 4 | 1u << 8 | 1u << 16,
                                  0,
                                  1u << 8 | 1u << 16,
                                  1u << 1 | 1u << 2 | 1u << 4 | 1u << 8,
                                  1u << 8 | 1u << 16,
                                  0,
                                  1u << 8 | 1u << 16};
  const bool known = parts.colour <= 6 && parts.bits <= 16 && (bits_of[parts.colour] >> parts.bits & 1u) != 0;
  if (!known || data[10] != 0 || data[11] != 0 || data[12] > 1) return damaged_png("header");
  return Status();
}

/// Takes one chunk. Errors: bad_format, unsupported.
inline Status take_png_chunk(const char* type, Bytes data, PngParts& parts) {
  const auto is = [type](const char* name) { return std::memcmp(type, name, 4) == 0; };
  if (parts.bits == 0 && is("CgBI"))
    return Status::error(Errc::unsupported,
                         "PNG as Apple's developer tools rewrite it is not supported; use the original file");
  if ((parts.bits == 0) != is("IHDR")) return damaged_png("no header, or two");
  if (is("IHDR")) return read_png_header(data, parts);
  if (is("PLTE")) {
    if (data.size % 3 != 0 || data.size > 768 || data.empty()) return damaged_png("palette");
    parts.palette = data;
  } else if (is("tRNS")) {
    parts.transparency = data;
  } else if (is("IDAT")) {
    if (parts.has_palette() && parts.palette.empty()) return damaged_png("no palette");
    parts.data.push_back(data);
  } else if (is("sRGB")) {
    parts.srgb = true;
  } else if (is("iCCP")) {
    if (parts.profile.empty()) parts.profile = data;
  } else if (is("eXIf")) {
    if (parts.exif.empty()) parts.exif = data;
  } else if ((type[0] & 0x20) == 0) {
    return Status::error(Errc::unsupported,
                         "PNG with an unknown critical chunk is not supported; save it again as PNG");
  }
  return Status();
}

/// Walks over the chunks up to IEND: length, type, data, checksum (PNG specification, 5.3). The caller has seen the
/// signature. Errors: bad_format (a checksum is wrong, a part is missing), unsupported.
inline Result<PngParts> scan_png(Bytes file) {
  PngParts parts;
  for (std::size_t at = 8; at <= file.size && file.size - at >= 12;) {
    const std::size_t length = read_uint(file.data + at, 4, false);
    if (length > file.size - at - 12) break;
    const unsigned char *const type = file.data + at + 4, *const data = type + 4;
    if (png_checksum(Bytes(type, length + 4)) != read_uint(data + length, 4, false))
      return damaged_png("wrong checksum at byte ", at);
    if (std::memcmp(type, "IEND", 4) == 0) {
      if (parts.data.empty()) return damaged_png("no pixels");
      return parts;
    }
    const Status taken = take_png_chunk(reinterpret_cast<const char*>(type), Bytes(data, length), parts);
    if (!taken) return taken;
    at += length + 12;
  }
  return Status::error(Errc::bad_format, "cut off after ", file.size,
                       " bytes (no IEND chunk); get the file again");
}

}  // namespace detail
TINYFIQA_END
