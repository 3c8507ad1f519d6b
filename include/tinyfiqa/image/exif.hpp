// The EXIF orientation of a camera's picture: a bounds-checked look at one tag.
#pragma once

#include <tinyfiqa/base/span.hpp>

#include <cstddef>
#include <cstdint>

TINYFIQA_BEGIN
namespace detail {

/// An unsigned number of 2 or 4 bytes; the caller has checked that they are there.
inline std::uint32_t read_uint(const unsigned char* p, int bytes, bool little_endian) {
  std::uint32_t value = 0;
  for (int i = 0; i < bytes; ++i) value = value << 8 | p[little_endian ? bytes - 1 - i : i];
  return value;
}

/// The orientation tag (0x0112) of a TIFF block's first directory: 1 to 8, and 1 where it is missing or
/// damaged.
inline int exif_orientation(Bytes tiff) {
  if (tiff.size < 8) return 1;
  const bool little = tiff[0] == 'I' && tiff[1] == 'I';
  if (!little && !(tiff[0] == 'M' && tiff[1] == 'M')) return 1;
  if (read_uint(tiff.data + 2, 2, little) != 42) return 1;
  const std::size_t directory = read_uint(tiff.data + 4, 4, little);
  if (directory > tiff.size || tiff.size - directory < 2) return 1;
  const std::size_t count = read_uint(tiff.data + directory, 2, little);
  const std::size_t room = (tiff.size - directory - 2) / 12;  // entries of 12 bytes: tag, type, count, value
  for (std::size_t i = 0; i < count && i < room; ++i) {
    const unsigned char* entry = tiff.data + directory + 2 + 12 * i;
    if (read_uint(entry, 2, little) != 0x0112) continue;
    const int type = static_cast<int>(read_uint(entry + 2, 2, little));
    if (type != 3 && type != 4) return 1;  // SHORT; LONG is seen too
    const std::uint32_t value = read_uint(entry + 8, type == 3 ? 2 : 4, little);
    return value >= 1 && value <= 8 ? static_cast<int>(value) : 1;
  }
  return 1;
}

}  // namespace detail
TINYFIQA_END
