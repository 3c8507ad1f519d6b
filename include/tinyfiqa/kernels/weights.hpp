// Prepares weights between their file and a kernel's packed order: conversion, scaling, transposition.
#pragma once

#include <tinyfiqa/base/config.hpp>
#include <tinyfiqa/base/float_bits.hpp>
#include <tinyfiqa/base/little_endian.hpp>
#include <tinyfiqa/simd/vec.hpp>

#include <cstddef>
#include <cstdint>
#include <cstring>

TINYFIQA_ISA_BEGIN(kernels)

/// Converts `count` little-endian IEEE half floats, two bytes each and without alignment, to floats. The
/// conversion is exact. False if one of them is infinite or NaN; `out` [count] is written in any case.
inline bool halves_to_floats(const unsigned char* TINYFIQA_RESTRICT halves, std::ptrdiff_t count,
                             float* TINYFIQA_RESTRICT out) {
  std::uint16_t largest = 0;  // magnitude
  for (std::ptrdiff_t i = 0; i < count; ++i) {
    const auto magnitude =
        static_cast<std::uint16_t>(detail::load_le<std::uint16_t>(halves + 2 * i) & 0x7fffu);
    largest = magnitude > largest ? magnitude : largest;
  }
  std::ptrdiff_t i = 0;
#ifdef TINYFIQA_CONVERTS_HALVES
  for (; i + simd::width <= count; i += simd::width)
    simd::store(out + i, simd::load_binary16(halves + 2 * i));
#endif
  for (; i < count; ++i) out[i] = detail::half_to_float(detail::load_le<std::uint16_t>(halves + 2 * i));
  return largest < 0x7c00u;
}

/// values[i] *= factor, computed in double and rounded once. Subnormal results become zero.
inline void scale_weights(float* values, std::ptrdiff_t count, double factor) {
  for (std::ptrdiff_t i = 0; i < count; ++i)
    values[i] = detail::without_subnormals(static_cast<double>(values[i]) * factor);
}

/// Transposes `Width` rows: to[p * stride + j] = rows[j * k + p],    j < Width, p < k.
/// Only rows j < filled exist; zeros are written for the others. Reads exactly filled * k floats. `stride` is
/// in floats.
template <int Width = simd::width>
inline void transpose_rows(const float* TINYFIQA_RESTRICT rows, int k, int filled,
                           float* TINYFIQA_RESTRICT to, std::ptrdiff_t stride) {
  int p = 0;
#ifdef TINYFIQA_PLANAR
  if (Width == simd::width && filled == simd::width) {
    for (; p + simd::width <= k; p += simd::width) {
      simd::vf block[simd::width];
      for (int j = 0; j < simd::width; ++j) block[j] = simd::load(rows + std::ptrdiff_t{j} * k + p);
      simd::transpose(block);
      for (int i = 0; i < simd::width; ++i) simd::store(to + (p + i) * stride, block[i]);
    }
  }
#endif
  for (; p < k; ++p)
    for (int j = 0; j < Width; ++j) to[p * stride + j] = j < filled ? rows[std::ptrdiff_t{j} * k + p] : 0.0f;
}

TINYFIQA_ISA_END
