// Converts an image's 8-bit levels to the floats that a network takes.
//
//   out[p][c] = (levels[p][c] - mean[c]) * scale[c],    p < pixels, c < 3
//
// Both arrays are dense [pixels, 3]. Reads and writes exactly 3 * pixels elements. The compiler vectorises
// the loops; no intrinsics.
#pragma once

#include <tinyfiqa/base/config.hpp>

#include <cstddef>

TINYFIQA_ISA_BEGIN(kernels)

/// levels [pixels, 3], 0..255; mean [3], in levels; scale [3]; out [pixels, 3]. No pointer may be null, and
/// `out` overlaps nothing. A block is 16 pixels: their 48 floats are whole vectors on every instruction set.
inline void pixels_to_floats(const unsigned char* TINYFIQA_RESTRICT levels, std::ptrdiff_t pixels,
                             const float* mean, const float* scale, float* TINYFIQA_RESTRICT out) {
  constexpr int block = 48;
  float means[block], scales[block];
  for (int i = 0; i < block; ++i) means[i] = mean[i % 3], scales[i] = scale[i % 3];
  const std::ptrdiff_t count = 3 * pixels;
  std::ptrdiff_t at = 0;
  for (; at + block <= count; at += block)
    for (int i = 0; i < block; ++i) out[at + i] = (static_cast<float>(levels[at + i]) - means[i]) * scales[i];
  for (int i = 0; at + i < count; ++i)
    out[at + i] = (static_cast<float>(levels[at + i]) - means[i]) * scales[i];
}

TINYFIQA_ISA_END
