// From the 8-bit levels of a picture to what a network is fed.
#pragma once

#include <tinyfiqa/base/config.hpp>

#include <cstddef>

TINYFIQA_ISA_BEGIN(kernels)

/// out [pixels, 3] = (levels [pixels, 3] - mean [3]) * scale [3]. Sixteen pixels at a time: three channels
/// fill whole vectors then.
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
