// Feeds any bytes to the image decoder and the EXIF parser. stb_image is compiled here too, so that the
// sanitizers check it. Seeds: tests/fixtures/image and tests/fixtures/variants.
//   fuzz_image -dict=tests/fuzz/images.dict -max_total_time=180 CORPUS tests/fixtures/image tests/fixtures/variants
#define STB_IMAGE_IMPLEMENTATION
#include <tinyfiqa/image/read.hpp>

#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <vector>

#include "png_checksums.hpp"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::vector<unsigned char> file = with_checksums(tinyfiqa::Bytes(data, size));
  const tinyfiqa::Bytes bytes(file.data(), file.size());
  const int orientation = tinyfiqa::detail::exif_orientation(bytes);
  if (orientation < 1 || orientation > 8) std::abort();
  const auto image = tinyfiqa::decode_image(bytes, 1u << 18);
  if (!image.ok()) {
    if (image.status().message()[0] == '\0') std::abort();
    return 0;
  }
  const auto pixels = static_cast<std::size_t>(image->width) * static_cast<std::size_t>(image->height);
  if (pixels == 0 || pixels > 1u << 18 || image->rgb.size() != 3 * pixels) std::abort();
  unsigned sum = 0;  // read every value, so that MemorySanitizer and valgrind check all of them
  for (const unsigned char level : image->rgb) sum += level;
  if (sum > 255u * 3u * (1u << 18)) std::abort();
  return 0;
}
