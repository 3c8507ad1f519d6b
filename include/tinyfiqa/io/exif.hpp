// What a JPEG's segments and a PNG's chunks tell without decoding: the EXIF orientation, and whether the file
// is whole.
#pragma once

#include <tinyfiqa/base/span.hpp>

#include <cstddef>
#include <cstdint>
#include <cstring>

TINYFIQA_BEGIN

namespace detail {

/// An unsigned number of 2 or 4 bytes; the caller has checked that they are there.
inline std::uint32_t read_uint(const unsigned char* p, int bytes, bool little_endian) {
  std::uint32_t value = 0;
  for (int i = 0; i < bytes; ++i) value = value << 8 | p[little_endian ? bytes - 1 - i : i];
  return value;
}

}  // namespace detail

/// What the walk over an image file's parts found.
struct ImageParts {
  Bytes exif;                         ///< the TIFF block with the camera's tags, if there is one
  bool complete = false;              ///< the walk reached the end marker (JPEG: EOI, PNG: IEND)
  std::size_t width = 0, height = 0;  ///< of a PNG, as its header claims them
  const char* unsupported = nullptr;  ///< a coding that the decoder does not know, in words
};

/// Walks over a JPEG's segments (ITU-T T.81, B.1). Between segments, and in the entropy-coded data after SOS,
/// it looks for the next marker: 0xFF followed by neither 0 nor a restart marker. A thumbnail inside a
/// segment is skipped with its segment, so that its end marker is not taken for the picture's.
inline ImageParts scan_jpeg(Bytes file) {
  ImageParts parts;
  std::size_t at = 2;
  while (at < file.size) {
    const void* mark = std::memchr(file.data + at, 0xFF, file.size - at);
    if (mark == nullptr) return parts;
    at = static_cast<std::size_t>(static_cast<const unsigned char*>(mark) - file.data);
    while (at < file.size && file[at] == 0xFF) ++at;
    if (at == file.size) return parts;
    const int kind = file[at++];
    if (kind == 0xD9) {
      parts.complete = true;
      return parts;
    }
    if (kind <= 0x01 || (kind >= 0xD0 && kind <= 0xD8)) continue;  // stuffed zero, restart, SOI: no length
    if (file.size - at < 2) return parts;
    const std::size_t length = detail::read_uint(file.data + at, 2, false);
    if (length < 2 || length > file.size - at) return parts;
    const unsigned char* body = file.data + at + 2;
    if (kind == 0xE1 && length >= 8 && std::memcmp(body, "Exif\0\0", 6) == 0 && parts.exif.empty())
      parts.exif = Bytes(body + 6, length - 8);
    if (kind >= 0xC3 && kind <= 0xCF && kind != 0xC4 && kind != 0xC8 && kind != 0xCC)
      parts.unsupported = kind >= 0xC9 ? "arithmetic coding" : "lossless or hierarchical coding";
    if (kind >= 0xC0 && kind <= 0xC2 && length >= 3 && body[0] != 8) parts.unsupported = "12 bits a sample";
    at += length;
  }
  return parts;
}

/// Walks over a PNG's chunks: length, type, data, checksum (PNG specification, 5.3).
inline ImageParts scan_png(Bytes file) {
  ImageParts parts;
  std::size_t at = 8;
  while (at <= file.size && file.size - at >= 12) {
    const std::size_t length = detail::read_uint(file.data + at, 4, false);
    if (length > file.size - at - 12) return parts;
    const unsigned char* type = file.data + at + 4;
    if (std::memcmp(type, "IEND", 4) == 0) {
      parts.complete = true;
      return parts;
    }
    if (std::memcmp(type, "IHDR", 4) == 0 && length >= 8) {
      parts.width = detail::read_uint(type + 4, 4, false);
      parts.height = detail::read_uint(type + 8, 4, false);
    }
    if (std::memcmp(type, "eXIf", 4) == 0 && parts.exif.empty()) parts.exif = Bytes(type + 4, length);
    at += length + 12;
  }
  return parts;
}

/// The orientation tag (0x0112) of a TIFF block's first directory: 1 to 8, and 1 where it is missing or
/// damaged.
inline int exif_orientation(Bytes tiff) {
  if (tiff.size < 8) return 1;
  const bool little = tiff[0] == 'I' && tiff[1] == 'I';
  if (!little && !(tiff[0] == 'M' && tiff[1] == 'M')) return 1;
  if (detail::read_uint(tiff.data + 2, 2, little) != 42) return 1;
  const std::size_t directory = detail::read_uint(tiff.data + 4, 4, little);
  if (directory > tiff.size || tiff.size - directory < 2) return 1;
  const std::size_t count = detail::read_uint(tiff.data + directory, 2, little);
  const std::size_t room = (tiff.size - directory - 2) / 12;  // entries of 12 bytes: tag, type, count, value
  for (std::size_t i = 0; i < count && i < room; ++i) {
    const unsigned char* entry = tiff.data + directory + 2 + 12 * i;
    if (detail::read_uint(entry, 2, little) != 0x0112) continue;
    const int type = static_cast<int>(detail::read_uint(entry + 2, 2, little));
    if (type != 3 && type != 4) return 1;  // SHORT; LONG is seen too
    const std::uint32_t value = detail::read_uint(entry + 8, type == 3 ? 2 : 4, little);
    return value >= 1 && value <= 8 ? static_cast<int>(value) : 1;
  }
  return 1;
}

TINYFIQA_END
