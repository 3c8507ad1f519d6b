// Feeds any bytes as a colour profile to the module that converts colours, which is linked in, and converts a
// few pixels. Seeds: tests/fixtures/photos (the profiles stand whole in p3.tif and p3.heic).
#include <cstddef>
#include <cstdint>
#include <initializer_list>

#include "decoders/module.hpp"

extern "C" ColourFunction TINYFIQA_COLOUR_FUNCTION;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const ColourFunctions& colour = *TINYFIQA_COLOUR_FUNCTION();
  constexpr float none[8] = {};
  constexpr std::size_t count = 16;
  for (const ModulePixels pixels : {pixels_grey, pixels_rgb, pixels_cmyk, pixels_cmyk_inverted}) {
    if (size == 0) return 0;
    void* const conversion = colour.open(data, size, none, pixels);
    if (conversion == nullptr) continue;
    unsigned char in[4 * count], out[3 * count];
    for (std::size_t i = 0; i < sizeof in; ++i) in[i] = static_cast<unsigned char>(17 * i);
    colour.convert(conversion, in, out, count);
    colour.close(conversion);
  }
  return 0;
}
