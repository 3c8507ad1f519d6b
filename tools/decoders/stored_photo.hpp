// What a decoder makes of a file: pixels as the file stores them, before orientation and colours are applied.
#pragma once

#include <tinyfiqa/image/image.hpp>

#include <cstddef>
#include <mutex>
#include <vector>

#include "decoders/module.hpp"

/// Photos with more pixels are decoded one at a time, whatever the number of threads, so that the memory of all threads
/// together stays bounded.
constexpr std::size_t large_photo_pixels = 50'000'000;

struct StoredPhoto {
  tinyfiqa::Image image;  ///< the whole photo, or a part of it; maybe scaled down
  int full_width = 0, full_height = 0;
  /// Where the image lies in the full photo, as in Photo, but as the file stores it.
  double left = 0, top = 0, scale_x = 1, scale_y = 1;
  int orientation = 1;                 ///< as in EXIF
  std::vector<unsigned char> profile;  ///< ICC; empty if there is none, or if it is already applied
  float primaries[8] = {};             ///< as in ModuleImage
  ModulePixels pixels = pixels_rgb;    ///< grey or RGB
  std::unique_lock<std::mutex> turn;   ///< held while a large photo is decoded

  /// To be called before pixels are allocated. Waits until no other large photo is decoded.
  void take_turn(std::size_t pixels_in_memory) {
    static std::mutex one_at_a_time;
    if (pixels_in_memory > large_photo_pixels && !turn.owns_lock())
      turn = std::unique_lock<std::mutex>(one_at_a_time);
  }
};
