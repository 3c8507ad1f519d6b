// Turns any bytes into an EXIF block and an image in some layout, and compares turning it upright and resizing it with
// the plain formulas, on every instruction set. Gaps between rows are poisoned: they may not be read as pixels or
// written. The first bytes are sizes; the rest is the EXIF block.
#include <tinyfiqa/base/rng.hpp>
#include <tinyfiqa/image/exif.hpp>
#include <tinyfiqa/image/read.hpp>
#include <tinyfiqa/image/resize.hpp>
#include <tinyfiqa/kernels/reference/resize.hpp>
#include <tinyfiqa/runtime/dispatch.hpp>

#include <algorithm>
#include <cstdint>

#include "input.hpp"

using namespace tinyfiqa;

namespace {

/// An image in memory that ends with its last pixel, with noise in gaps and alpha.
struct Picture {
  std::vector<unsigned char> bytes;
  ImageView view;

  Picture(int width, int height, ChannelOrder order, int gap, bool bottom_up, Rng& rng) {
    const int stride = channel_count(order) * width + gap;
    bytes.resize(static_cast<std::size_t>(stride * height - gap));
    for (unsigned char& level : bytes) level = static_cast<unsigned char>(rng.below(256));
    view.width = width;
    view.height = height;
    view.order = order;
    view.row_stride = bottom_up ? -stride : stride;
    view.data = bytes.data() + (bottom_up ? stride * (height - 1) : 0);
  }
  /// Red, green or blue of a pixel.
  unsigned char level(int x, int y, int c) const {
    const int channels = channel_count(view.order);
    const unsigned char* const pixel = view.data + view.row_stride * y + channels * x;
    const bool blue_first = view.order == ChannelOrder::bgr || view.order == ChannelOrder::bgra;
    return pixel[channels == 1 ? 0 : blue_first ? 2 - c : c];
  }
};

/// Where the pixel (x, y) of an upright image was stored, by the table of the EXIF standard.
std::pair<int, int> stored_at(int orientation, int x, int y, int width, int height) {
  switch (orientation) {
    case 2:
      return {width - 1 - x, y};
    case 3:
      return {width - 1 - x, height - 1 - y};
    case 4:
      return {x, height - 1 - y};
    case 5:
      return {y, x};
    case 6:
      return {y, height - 1 - x};
    case 7:
      return {width - 1 - y, height - 1 - x};
    case 8:
      return {width - 1 - y, x};
    default:
      return {x, y};
  }
}

void check_upright(int orientation, int width, int height, Rng& rng) {
  for (const ChannelOrder order : {ChannelOrder::rgb, ChannelOrder::rgba}) {
    const Picture picture(width, height, order, 0, false, rng);
    const Image image =
        detail::upright(picture.bytes.data(), width, height, channel_count(order), orientation);
    require(image.width == (orientation >= 5 ? height : width));
    require(image.height == (orientation >= 5 ? width : height));
    for (int y = 0; y < image.height; ++y)
      for (int x = 0; x < image.width; ++x) {
        const auto [from_x, from_y] = stored_at(orientation, x, y, width, height);
        for (int c = 0; c < 3; ++c) require(image.pixel(x, y)[c] == picture.level(from_x, from_y, c));
      }
  }
}

void check_resize(const Picture& picture, const Box& box, int width, int height, int gap) {
  Image part(box.width, box.height), expected(width, height);
  for (int y = 0; y < box.height; ++y)
    for (int x = 0; x < box.width; ++x)
      for (int c = 0; c < 3; ++c) part.pixel(x, y)[c] = picture.level(box.x + x, box.y + y, c);
  reference::resize_u8x3(part.rgb.data(), box.height, box.width, expected.rgb.data(), height, width);

  Resizer resizer;  // kept: what one instruction set leaves in its memory must not matter to the next
  const std::ptrdiff_t row = std::ptrdiff_t{3} * width, stride = row + gap;
  for (const Backend* backend : compiled_backends()) {
    if (!cpu_can_run(backend->isa)) continue;
    std::vector<unsigned char> out(static_cast<std::size_t>(stride * height - gap), 0xCD);
    resizer.resize(picture.view, box, height, width, out.data(), stride, *backend);
    for (int y = 0; y < height; ++y) {
      const unsigned char* const got = out.data() + y * stride;
      require(std::equal(got, got + row, expected.pixel(0, y)));
      if (y + 1 < height) require(std::count(got + row, got + stride, 0xCD) == gap);
    }
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  Input input(data, size);
  const int most = input.one_of({4, 20, 70, 200});
  const int width = input.between(1, most), height = input.between(1, most);
  const auto order = static_cast<ChannelOrder>(input.below(5));
  const int in_gap = input.below(20), out_gap = input.below(20);
  const bool bottom_up = input.flip();
  Box box;
  box.x = input.below(width);
  box.y = input.below(height);
  box.width = input.between(1, width - box.x);
  box.height = input.between(1, height - box.y);
  const int target = input.one_of({4, 20, 70, 200});
  const int kept = input.below(8);  // often a side keeps its size: then its pass is left out
  const int out_width = kept % 4 == 1 ? box.width : input.between(1, target);
  const int out_height = kept / 4 == 1 ? box.height : input.between(1, target);
  Rng rng(input.byte());

  const int orientation = detail::exif_orientation(input.rest());
  require(orientation >= 1 && orientation <= 8);
  check_upright(orientation, width, height, rng);
  check_resize(Picture(width, height, order, in_gap, bottom_up, rng), box, out_width, out_height, out_gap);
  return 0;
}
