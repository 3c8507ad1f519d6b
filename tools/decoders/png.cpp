#include "decoders/png.hpp"

#include <tinyfiqa/image/exif.hpp>
#include <tinyfiqa/image/png.hpp>

#include <algorithm>
#include <climits>
#include <cstring>
#include <utility>

using namespace tinyfiqa;

namespace {

/// The largest profile that is read: those of printers have a megabyte or two.
constexpr std::size_t max_profile_bytes = std::size_t{4} << 20u;

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

Result<StoredPhoto> decode_png(Bytes file, std::size_t max_pixels) {
  const auto parts = detail::scan_png(file);
  if (!parts) return parts.status();
  StoredPhoto stored;
  stored.take_turn(parts->width * parts->height);
  auto image = detail::decode_png(*parts, max_pixels);
  if (!image) return image.status();
  stored.full_width = image->width;
  stored.full_height = image->height;
  stored.image = std::move(*image);
  stored.orientation = detail::exif_orientation(parts->exif);
  if (!parts->srgb && !parts->profile.empty()) stored.profile = inflated_profile(parts->profile);
  stored.pixels = parts->is_grey() ? pixels_grey : pixels_rgb;
  return stored;
}
