// The size of a feature map.
#pragma once

#include <tinyfiqa/base/config.hpp>

TINYFIQA_BEGIN

/// The size of a feature map [N, H, W, C]: images, rows, columns, channels.
struct Extents {
  int n = 0, h = 0, w = 0, c = 0;
  TINYFIQA_INLINE constexpr long long pixels() const { return static_cast<long long>(n) * h * w; }
  TINYFIQA_INLINE constexpr long long floats() const { return pixels() * c; }
};

TINYFIQA_END
