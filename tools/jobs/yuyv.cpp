#include "jobs/yuyv.hpp"

#include <algorithm>
#include <cmath>

using namespace tinyfiqa;

namespace {

/// R = y + red_v v, G = y - green_u u - green_v v, B = y + blue_u u, where y = luma (Y - black), and u and v are differences
/// minus 128. In units of 1 / 65536, which are exact enough for 8 bits.
struct YuvWeights {
  int black, luma, red_v, green_u, green_v, blue_u;
};

YuvWeights weights_of(const YuvMeaning& meaning) {
  const double kr = meaning.bt709 ? 0.2126 : 0.299, kb = meaning.bt709 ? 0.0722 : 0.114, kg = 1 - kr - kb;
  const double luma = meaning.full_range ? 1 : 255.0 / 219, difference = meaning.full_range ? 1 : 255.0 / 224;
  const auto fixed = [](double x) { return static_cast<int>(std::lround(x * 65536)); };
  return {meaning.full_range ? 0 : 16,
          fixed(luma),
          fixed(2 * (1 - kr) * difference),
          fixed(2 * (1 - kb) * kb / kg * difference),
          fixed(2 * (1 - kr) * kr / kg * difference),
          fixed(2 * (1 - kb) * difference)};
}

unsigned char level(int fixed) {
  return static_cast<unsigned char>(std::clamp((fixed + 32768) / 65536, 0, 255));
}

}  // namespace

Status yuyv_to_rgb(Bytes frame, std::size_t row_stride, const YuvMeaning& meaning, Image& image) {
  const auto width = static_cast<std::size_t>(image.width), height = static_cast<std::size_t>(image.height);
  if (width % 2 != 0 || row_stride < 2 * width)
    return Status::error(Errc::mismatch, "YUYV rows of ", row_stride, " bytes do not hold ", width,
                         " pixels");
  if (height > 0 && frame.size < (height - 1) * row_stride + 2 * width)
    return Status::error(Errc::mismatch, "a YUYV frame of ", frame.size, " bytes is too short for ", width,
                         "x", height, " pixels");
  const YuvWeights w = weights_of(meaning);
  for (std::size_t y = 0; y < height; ++y) {
    const unsigned char* in = frame.data + y * row_stride;
    unsigned char* out = image.pixel(0, static_cast<int>(y));
    for (std::size_t pair = 0; pair < width / 2; ++pair, in += 4) {
      const int u = in[1] - 128, v = in[3] - 128;
      const int red = w.red_v * v, green = -w.green_u * u - w.green_v * v, blue = w.blue_u * u;
      for (const int at : {0, 2}) {
        const int luma = w.luma * (in[at] - w.black);
        *out++ = level(luma + red);
        *out++ = level(luma + green);
        *out++ = level(luma + blue);
      }
    }
  }
  return Status();
}
