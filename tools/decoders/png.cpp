#include "decoders/png.hpp"

#include <tinyfiqa/image/exif.hpp>

#include <stb/stb_image.h>

#include <algorithm>
#include <array>
#include <climits>
#include <cstdint>
#include <cstring>

using namespace tinyfiqa;

namespace {

/// The largest profile that is read: those of printers have a megabyte or two.
constexpr std::size_t max_profile_bytes = std::size_t{4} << 20u;

constexpr std::array<std::uint32_t, 256> crc_table() {
  std::array<std::uint32_t, 256> table = {};
  for (std::uint32_t i = 0; i < 256; ++i) {
    std::uint32_t c = i;
    for (int bit = 0; bit < 8; ++bit) c = (c & 1u) != 0 ? 0xEDB88320u ^ c >> 1 : c >> 1;
    table[i] = c;
  }
  return table;
}

/// PNG specification, annex D.
std::uint32_t checksum(Bytes bytes) {
  static constexpr auto table = crc_table();
  std::uint32_t c = 0xFFFFFFFFu;
  for (const unsigned char byte : bytes) c = table[(c ^ byte) & 0xFF] ^ c >> 8;
  return ~c;
}

/// iCCP: a name, a zero, the method 0, and the profile as zlib data.
std::vector<unsigned char> inflated_profile(Bytes chunk) {
  const auto* const end =
      static_cast<const unsigned char*>(std::memchr(chunk.data, 0, std::min<std::size_t>(chunk.size, 80)));
  if (end == nullptr) return {};
  const std::size_t begin = static_cast<std::size_t>(end - chunk.data) + 2;
  if (begin >= chunk.size || chunk.size > static_cast<std::size_t>(INT_MAX)) return {};
  std::vector<unsigned char> profile(max_profile_bytes);
  const int bytes = stbi_zlib_decode_buffer(
      reinterpret_cast<char*>(profile.data()), static_cast<int>(profile.size()),
      reinterpret_cast<const char*>(chunk.data + begin), static_cast<int>(chunk.size - begin));
  profile.resize(bytes > 0 ? static_cast<std::size_t>(bytes) : 0);
  profile.shrink_to_fit();
  return profile;
}

}  // namespace

Result<PngColours> check_png(Bytes file) {
  PngColours colours;
  Bytes profile;
  bool srgb = false;
  for (std::size_t at = 8; at <= file.size && file.size - at >= 12;) {
    const std::size_t length = detail::read_uint(file.data + at, 4, false);
    if (length > file.size - at - 12) break;  // the decoder says that it is cut off
    const unsigned char *const type = file.data + at + 4, *const data = type + 4;
    if (checksum(Bytes(type, length + 4)) != detail::read_uint(data + length, 4, false))
      return Status::error(Errc::bad_format, "damaged PNG (wrong checksum at byte ", at,
                           "); get the file again");
    if (std::memcmp(type, "IEND", 4) == 0) break;
    if (std::memcmp(type, "IHDR", 4) == 0 && length > 9) colours.grey = data[9] == 0 || data[9] == 4;
    if (std::memcmp(type, "sRGB", 4) == 0) srgb = true;
    if (std::memcmp(type, "iCCP", 4) == 0) profile = Bytes(data, length);
    at += length + 12;
  }
  if (!srgb && !profile.empty()) colours.profile = inflated_profile(profile);
  return colours;
}
