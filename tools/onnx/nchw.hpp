// Arrays in the order of other frameworks: [N, C, H, W].
#pragma once

#include <tinyfiqa/base/extents.hpp>
#include <tinyfiqa/base/status.hpp>
#include <tinyfiqa/formats/npz.hpp>

#include <string>
#include <vector>

/// Images as the engine wants them.
struct ImageTensor {
  tinyfiqa::Extents size;
  std::vector<float> nhwc;
};

/// Reads a .npy array [N, 3, H, W]. Errors: mismatch for other shapes, too_large, those of read_npy.
tinyfiqa::Result<ImageTensor> read_image_tensor(const std::string& path);

/// A map [N, H, W, C] as an array [N, C, H, W], or [N, C] when H and W are 1.
tinyfiqa::NamedArray nchw_array(const char* name, const tinyfiqa::Extents& size,
                                const std::vector<float>& nhwc);
