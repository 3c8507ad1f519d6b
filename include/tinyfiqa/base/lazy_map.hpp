// A feature map whose values are computed when they are read.
#pragma once

#include <tinyfiqa/base/act.hpp>
#include <tinyfiqa/base/config.hpp>

#include <cstddef>

TINYFIQA_BEGIN

/// A map [N, H, W, C] kept before batch norm, activation and gate:
///   value[n, h, w, c] = act((data[n, h, w, c] - centre[c]) * scale[c] + shift[c]) * gate[n, c]
/// Training stores each convolution's sum once and computes the rest again wherever it is needed: a value
/// then travels through memory once rather than three times.
template <class T>
struct LazyMap {
  int n = 0, h = 0, w = 0, c = 0;
  const T* data = nullptr;
  std::ptrdiff_t pixel_stride = 0;  ///< elements from pixel to pixel; more than c in a slice
  const T* centre = nullptr;        ///< [c]; null for 0, and scale for 1, shift for 0: all three or none
  const T* scale = nullptr;         ///< [c]
  const T* shift = nullptr;         ///< [c]
  const T* slope = nullptr;         ///< [c], for prelu
  const T* gate = nullptr;          ///< [n][gate_stride]; null for 1
  std::ptrdiff_t gate_stride = 0;
  Act act = Act::none;
};

TINYFIQA_END
