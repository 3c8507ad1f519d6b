// The EXIF orientation of an image: a bounds-checked read of one tag.
#pragma once

#include <tinyfiqa/base/span.hpp>

#include <cstddef>
#include <cstdint>

TINYFIQA_BEGIN
namespace detail {

/// Reads an unsigned number of 2 or 4 bytes. The caller has checked the bounds.
inline std::uint32_t read_uint(const unsigned char* p, int bytes, bool little_endian) {
  std::uint32_t value = 0;
  for (int i = 0; i < bytes; ++i) value = value << 8 | p[little_endian ? bytes - 1 - i : i];
  return value;
}

/// The orientation (tag 0x0112) in the first directory of a TIFF block: 1 to 8, or 1 if it is missing
/// or damaged.
inline int exif_orientation(Bytes tiff) {
  if (tiff.size < 8) return 1;
  const bool little = tiff[0] == 'I' && tiff[1] == 'I';
  if (!little && !(tiff[0] == 'M' && tiff[1] == 'M')) return 1;
  if (read_uint(tiff.data + 2, 2, little) != 42) return 1;
  const std::size_t directory = read_uint(tiff.data + 4, 4, little);
  if (directory > tiff.size || tiff.size - directory < 2) return 1;
  const std::size_t count = read_uint(tiff.data + directory, 2, little);
  // Entries of 12 bytes: tag, type, count, value.
  const std::size_t entries = (tiff.size - directory - 2) / 12;
  for (std::size_t i = 0; i < count && i < entries; ++i) {
    const unsigned char* entry = tiff.data + directory + 2 + 12 * i;
    if (read_uint(entry, 2, little) != 0x0112) continue;
    const int type = static_cast<int>(read_uint(entry + 2, 2, little));
    if (type != 3 && type != 4) return 1;  // SHORT by the standard; some files have LONG
    const std::uint32_t value = read_uint(entry + 8, type == 3 ? 2 : 4, little);
    return value >= 1 && value <= 8 ? static_cast<int>(value) : 1;
  }
  return 1;
}

}  // namespace detail
TINYFIQA_END
