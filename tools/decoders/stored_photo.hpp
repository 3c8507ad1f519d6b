// What a decoder makes of a file: pixels as the file stores them, before orientation and colours are applied.
#pragma once

#include <tinyfiqa/image/image.hpp>

#include <vector>

#include "decoders/module.hpp"

struct StoredPhoto {
  tinyfiqa::Image image;  ///< the whole photo, or a part of it; maybe scaled down
  int full_width = 0, full_height = 0;
  /// Where the image lies in the full photo, as in Photo, but as the file stores it.
  double left = 0, top = 0, scale_x = 1, scale_y = 1;
  int orientation = 1;                 ///< as in EXIF
  std::vector<unsigned char> profile;  ///< ICC; empty if there is none, or if it is already applied
  float primaries[8] = {};             ///< as in ModuleImage
  ModulePixels pixels = pixels_rgb;    ///< grey or RGB
};
