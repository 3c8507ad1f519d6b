// Feeds any bytes to one decoder module, which is linked in: fuzz_webp, fuzz_heif and fuzz_tiff. Seeds:
// tests/fixtures/photos and variants.
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <vector>

#include "decoders/module.hpp"

extern "C" DecodeFunction TINYFIQA_DECODE_FUNCTION;

namespace {

constexpr long long max_pixels = 1 << 18;

struct Host {
  std::vector<unsigned char> pixels;
  std::size_t profile = 0;

  static bool accepts(void*, int width, int height) {
    if (width < 1 || height < 1) std::abort();
    return static_cast<long long>(width) * height <= max_pixels;
  }
  static unsigned char* allocate(void* host, int full_width, int full_height, int width, int height) {
    if (full_width < 1 || full_height < 1 || width < 1 || height < 1 || width > full_width ||
        height > full_height)
      std::abort();
    if (!accepts(host, full_width, full_height)) return nullptr;
    auto& pixels = static_cast<Host*>(host)->pixels;
    if (!pixels.empty()) std::abort();
    pixels.resize(std::size_t{3} * static_cast<std::size_t>(width) * static_cast<std::size_t>(height));
    return pixels.data();
  }
  static void take_profile(void* host, const unsigned char* icc, std::size_t bytes) {
    unsigned sum = 0;
    for (std::size_t i = 0; i < bytes; ++i) sum += icc[i];
    static_cast<Host*>(host)->profile = bytes + sum % 2;
  }
};

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  for (const int longest_side : {0, 16}) {
    Host host;
    ModuleImage image = {};
    image.file = data;
    image.file_bytes = size;
    image.longest_side = longest_side;
    image.accepts = Host::accepts;
    image.allocate = Host::allocate;
    image.take_profile = Host::take_profile;
    image.host = &host;
    image.orientation = 1;
    const ModuleFailure failure = TINYFIQA_DECODE_FUNCTION(&image);
    if (failure == module_done && host.pixels.empty()) std::abort();
    if ((failure == module_damaged || failure == module_unsupported) && image.message[0] == '\0')
      std::abort();
    if (image.orientation < 1 || image.orientation > 8) std::abort();
  }
  return 0;
}
