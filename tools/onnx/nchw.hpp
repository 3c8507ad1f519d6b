// Arrays of images as other frameworks have them.
#pragma once

#include <tinyfiqa/base/extents.hpp>
#include <tinyfiqa/base/status.hpp>

#include <string>
#include <vector>

/// Images as the engine wants them.
struct ImageTensor {
  tinyfiqa::Extents size;
  std::vector<float> nhwc;
};

/// A .npy array [N, 3, H, W]. Errors: mismatch for other shapes, too_large, those of read_npy.
tinyfiqa::Result<ImageTensor> read_image_tensor(const std::string& path);
