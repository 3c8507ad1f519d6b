// Feeds any bytes to the tool's decoders of photos, without modules: JPEG (whole, scaled and a part), GIF,
// the colours of PNG, and the recognition of profiles. stb_image is compiled here too, so that the sanitizers
// check it. Seeds: tests/fixtures/photos, image and variants.
#define STB_IMAGE_IMPLEMENTATION
#include <tinyfiqa/image/read.hpp>

#include "decoders/icc_profile.hpp"
#include "decoders/photo.hpp"

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <vector>

#include "png_checksums.hpp"

using namespace tinyfiqa;

namespace {

constexpr std::size_t max_pixels = 1u << 18;

void check(const Result<Photo>& photo, int longest_side) {
  if (!photo.ok()) {
    if (photo.status().message()[0] == '\0') std::abort();
    return;
  }
  const Image& image = photo->image;
  const auto pixels = static_cast<std::size_t>(image.width) * static_cast<std::size_t>(image.height);
  if (pixels == 0 || pixels > max_pixels || image.rgb.size() != 3 * pixels) std::abort();
  if (photo->full_x(image.width) <= 0 || photo->full_y(image.height) <= 0) std::abort();
  const int longest = std::max(image.width, image.height);
  if (longest_side > 0 && longest > 2 * longest_side + 2) std::abort();
  unsigned sum = 0;  // read every value, so that MemorySanitizer and valgrind check all of them
  for (const unsigned char level : image.rgb) sum += level;
  if (sum > 255u * 3u * max_pixels) std::abort();
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::vector<unsigned char> file = with_checksums(Bytes(data, size));
  const Bytes bytes(file.data(), file.size());
  is_srgb(bytes);
  const DecodeRequest full{0, max_pixels}, small{16, max_pixels};
  const auto photo = decode_photo(bytes, full);
  check(photo, 0);
  check(decode_photo(bytes, small), 16);
  // A box that depends on the file.
  const int a = size > 0 ? data[size - 1] : 0, b = size > 1 ? data[size / 2] : 0;
  const auto part = decode_part(bytes, {a, b, 1 + b, 1 + a}, full);
  check(part, 0);
  check(decode_part(bytes, {a, b, 1 + b, 1 + a}, small), 16);
  if (photo.ok() && !part.ok() && a < photo->width && b < photo->height) std::abort();
  return 0;
}
