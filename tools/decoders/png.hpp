// What stb_image does not do with a PNG: its checksums, and its colour profile.
#pragma once

#include <tinyfiqa/base/span.hpp>
#include <tinyfiqa/base/status.hpp>

#include <vector>

/// The chunks of a PNG that say something about its colours.
struct PngColours {
  std::vector<unsigned char>
      profile;  ///< ICC; empty if there is none, if it is damaged, or if the file says sRGB
  bool grey = false;
};

/// Walks over the chunks. Errors: bad_format, if a checksum is wrong.
tinyfiqa::Result<PngColours> check_png(tinyfiqa::Bytes file);
