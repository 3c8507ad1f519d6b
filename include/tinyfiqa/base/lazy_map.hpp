// A feature map whose values are computed each time they are read.
#pragma once

#include <tinyfiqa/base/act.hpp>
#include <tinyfiqa/base/config.hpp>

#include <cstddef>

TINYFIQA_BEGIN

/// A map [N, H, W, C] stored before batch norm, activation and gate:
///   value[n, h, w, c] = act((data[n, h, w, c] - centre[c]) * scale[c] + shift[c]) * gate[n, c]
/// Training stores only the sum of each convolution and computes the rest again wherever it is read. So each
/// value goes through memory once and not three times.
template <class T>
struct LazyMap {
  int n = 0, h = 0, w = 0, c = 0;
  const T* data = nullptr;
  std::ptrdiff_t pixel_stride = 0;  ///< elements from pixel to pixel; more than c in a slice of channels
  const T* centre = nullptr;        ///< [c]; centre, scale and shift are all null (0, 1, 0) or all set
  const T* scale = nullptr;         ///< [c]
  const T* shift = nullptr;         ///< [c]
  const T* slope = nullptr;         ///< [c], for prelu; null: fixed_slope in all channels
  T fixed_slope = 0;                ///< of prelu without slope
  const T* gate = nullptr;          ///< [n][gate_stride]; null for 1
  std::ptrdiff_t gate_stride = 0;
  Act act = Act::none;
};

TINYFIQA_END
