// One image in many memory layouts.
#pragma once

#include <tinyfiqa/base/rng.hpp>
#include <tinyfiqa/image/image.hpp>

#include <doctest/doctest.h>

#include <cstddef>
#include <string>
#include <vector>

/// A buffer, the view of it, and the RGB image that has the same pixels.
struct ForeignImage {
  std::string name;
  std::vector<unsigned char> bytes;
  tinyfiqa::ImageView view;
  tinyfiqa::Image rgb;
};

/// `image` in `order`, with `gap` bytes between rows, from the bottom to the top if `bottom_up`. Gaps and
/// alpha hold noise, and the buffer ends with the last pixel, so that a sanitizer sees any byte read beyond
/// it. For grey the red channel is taken.
inline ForeignImage foreign_image(const tinyfiqa::Image& image, tinyfiqa::ChannelOrder order, int gap,
                                  bool bottom_up) {
  using tinyfiqa::ChannelOrder;
  ForeignImage f;
  f.name = std::string(tinyfiqa::channel_order_name(order)) + ", gap " + std::to_string(gap) +
           (bottom_up ? ", bottom-up" : "");
  f.rgb = image;
  if (order == ChannelOrder::grey)
    for (std::size_t i = 0; i < f.rgb.rgb.size(); ++i) f.rgb.rgb[i] = image.rgb[i / 3 * 3];
  const int channels = tinyfiqa::channel_count(order), stride = channels * image.width + gap;
  f.bytes.resize(static_cast<std::size_t>(stride * image.height - gap));
  tinyfiqa::Rng rng(5);
  for (unsigned char& byte : f.bytes) byte = static_cast<unsigned char>(rng.below(256));
  f.view.height = image.height;
  f.view.width = image.width;
  f.view.order = order;
  f.view.row_stride = bottom_up ? -stride : stride;
  f.view.data = f.bytes.data() + (bottom_up ? stride * (image.height - 1) : 0);
  const bool blue_first = order == ChannelOrder::bgr || order == ChannelOrder::bgra;
  for (int y = 0; y < image.height; ++y)
    for (int x = 0; x < image.width; ++x) {
      const int row = bottom_up ? image.height - 1 - y : y;
      unsigned char* to = f.bytes.data() + stride * row + channels * x;
      const unsigned char* from = f.rgb.pixel(x, y);
      for (int c = 0; c < (channels == 1 ? 1 : 3); ++c) to[c] = from[blue_first ? 2 - c : c];
    }
  return f;
}

/// Calls body(foreign) for every order, without gaps, with gaps, and from the bottom to the top.
template <class Body>
void for_each_view(const tinyfiqa::Image& image, const Body& body) {
  using tinyfiqa::ChannelOrder;
  for (const ChannelOrder order :
       {ChannelOrder::rgb, ChannelOrder::bgr, ChannelOrder::rgba, ChannelOrder::bgra, ChannelOrder::grey})
    for (const int gap : {0, 13})
      for (const bool bottom_up : {false, true}) {
        const ForeignImage f = foreign_image(image, order, gap, bottom_up);
        INFO(f.name);
        body(f);
      }
}

/// Views that every function must refuse, each with the word that its message must have.
struct BadView {
  const char* word;
  tinyfiqa::ImageView view;
};
inline std::vector<BadView> bad_views(const tinyfiqa::Image& image) {
  const tinyfiqa::ImageView good = image;
  std::vector<BadView> bad(7, {"", good});
  bad[0] = {"width", good}, bad[0].view.width = 0;
  bad[1] = {"height", good}, bad[1].view.height = -3;
  bad[2] = {"data", good}, bad[2].view.data = nullptr;
  bad[3] = {"row_stride", good}, bad[3].view.row_stride -= 1;
  bad[4] = {"row_stride", good}, bad[4].view.row_stride = -(good.row_stride - 1);
  bad[5] = {"row_stride", good}, bad[5].view.order = tinyfiqa::ChannelOrder::rgba;
  bad[6] = {"order", good}, bad[6].view.order = static_cast<tinyfiqa::ChannelOrder>(5);
  return bad;
}

/// Calls status_of(view) for every bad view.
template <class StatusOf>
void check_refusals(const tinyfiqa::Image& image, const StatusOf& status_of) {
  for (const BadView& bad : bad_views(image)) {
    const tinyfiqa::Status status = status_of(bad.view);
    CHECK(status.code() == tinyfiqa::Errc::bad_argument);
    CHECK_MESSAGE(std::string(status.message()).find(bad.word) != std::string::npos,
                  std::string(status.message()));
  }
}
