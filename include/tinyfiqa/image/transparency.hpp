// Lays images with transparency on one background, so that the hidden colours of transparent pixels don't count.
#pragma once

#include <tinyfiqa/base/config.hpp>
#include <tinyfiqa/base/status.hpp>

#include <cstddef>

TINYFIQA_BEGIN

/// The level of red, green and blue behind transparent pixels: white, as a browser or paper shows them.
inline constexpr unsigned char background_level = 255;

namespace detail {

/// A level with this opacity (0..255) on the background, rounded.
constexpr unsigned char on_background(unsigned level, unsigned alpha) {
  const unsigned sum = level * alpha + background_level * (255 - alpha) + 128;
  return static_cast<unsigned char>((sum + (sum >> 8)) >> 8);  // sum / 255
}

/// The same for a level that is already multiplied with its opacity.
constexpr unsigned char premultiplied_on_background(unsigned level, unsigned alpha) {
  const unsigned sum = level + background_level * (255 - alpha) / 255;
  return static_cast<unsigned char>(sum < 255 ? sum : 255);
}

/// rgba [pixels, 4], not premultiplied -> rgb [pixels, 3]. Returns whether any pixel is visible.
inline bool lay_on_background(const unsigned char* rgba, std::size_t pixels, unsigned char* rgb) {
  unsigned visible = 0;
  for (std::size_t i = 0; i < pixels; ++i, rgba += 4, rgb += 3) {
    visible |= rgba[3];
    for (int c = 0; c < 3; ++c) rgb[c] = on_background(rgba[c], rgba[3]);
  }
  return visible != 0;
}

inline Status nothing_visible() {
  return Status::error(Errc::bad_format,
                       "every pixel is transparent, so nothing is visible; save it without transparency");
}

}  // namespace detail
TINYFIQA_END
