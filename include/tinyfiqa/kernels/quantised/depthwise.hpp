// Depthwise convolution of levels with weights of 7 bits.
//
//   y[n, oy, ox, c] = level of the epilogue of (bias[c] + sum over ky, kx of x[n, iy, ix, c] w[c][ky][kx])
//   iy = oy stride + ky - padding,    ix = ox stride + kx - padding
//
// Taps outside the map are the level that stands for 0, so that bias[c] may hold the zero's part of the sum. Rows are copied
// to scratch with that level around them: all windows then lie inside. Rows of the output are computed by blocks of channels
// (kernels/quantised/depthwise_blocks.hpp, kernels/quantised/depthwise_taps.hpp) or, where there are few channels, by blocks
// of elements (kernels/quantised/narrow_depthwise.hpp).
#pragma once

#include <tinyfiqa/kernels/quantised/depthwise_blocks.hpp>
#include <tinyfiqa/kernels/quantised/depthwise_taps.hpp>
#include <tinyfiqa/kernels/quantised/narrow_depthwise.hpp>

#include <cstddef>
#include <cstdint>
#include <cstring>

TINYFIQA_ISA_BEGIN(kernels)

#ifndef TINYFIQA_ROW_BLOCKS
TINYFIQA_INLINE constexpr bool is_narrow_i8(int, int, int, bool) { return false; }
#endif

/// What the packed weights depend on.
struct DepthwiseI8Shape {
  int c, window, stride;
  Act act;
  bool to_levels;  ///< false: to floats
  TINYFIQA_INLINE constexpr bool narrow() const { return is_narrow_i8(c, window, stride, to_levels); }
};

/// Size of the packed weights, in bytes.
constexpr std::size_t depthwise_i8_packed_bytes(const DepthwiseI8Shape& s) {
#ifdef TINYFIQA_ROW_BLOCKS
  return s.narrow() ? narrow_i8_packed_bytes(s.c, s.act) : blocks_i8_packed_bytes(s.c, s.window, s.act);
#else
  return taps_i8_packed_bytes(s.c, s.window, s.act);
#endif
}

/// Packs weight [c][window][window], bias [c] and the epilogue's rows [epilogue_rows(act)][c].
inline void pack_depthwise_i8(const DepthwiseI8Shape& s, const std::int8_t* weight, const std::int32_t* bias,
                              const float* rows, unsigned char* packed) {
#ifdef TINYFIQA_ROW_BLOCKS
  if (s.narrow()) return pack_narrow_i8(s.c, s.act, weight, bias, rows, packed);
  pack_blocks_i8(s.c, s.window, s.act, weight, bias, rows, packed);
#else
  pack_taps_i8(s.c, s.window, s.act, weight, bias, rows, packed);
#endif
}

/// Bytes of a row in scratch.
TINYFIQA_INLINE constexpr std::size_t depthwise_i8_row_bytes(const DepthwiseI8Shape& s, int w, int padding) {
#ifdef TINYFIQA_ROW_BLOCKS
  if (s.narrow()) return static_cast<std::size_t>(s.stride) * narrow_i8_part_bytes(w, s.c, padding, s.stride);
#endif
#ifdef TINYFIQA_SUMS_TO_LEVELS
  return plane_row_bytes(w, s.c, padding);
#else
  return padded_row_bytes(w, s.c, padding);
#endif
}

/// Scratch of one thread, in bytes: the rows of a window, and one of the output.
constexpr std::size_t depthwise_i8_scratch(const DepthwiseI8Shape& s, int w, int padding) {
  return static_cast<std::size_t>(s.window + (s.narrow() ? 1 : 0)) * depthwise_i8_row_bytes(s, w, padding);
}

inline DepthwiseI8Shape shape_of(const DepthwiseI8Args& d) {
  return {d.c, d.window, d.stride, d.out.act, d.out.floats == nullptr};
}

/// Output rows begin .. end - 1 of an image. K equals d.window. Each row of the input is copied once, to row y % K of the
/// scratch.
template <int K>
inline void depthwise_i8_rows(const DepthwiseI8Args& d, int image, int begin, int end,
                              std::uint8_t* scratch) {
  const DepthwiseI8Shape shape = shape_of(d);
  [[maybe_unused]] const bool narrow = shape.narrow();
  const std::size_t row_bytes = depthwise_i8_row_bytes(shape, d.w, d.padding);
  const auto copy_row = [&](int y, std::uint8_t* to) {
#ifdef TINYFIQA_SUMS_TO_LEVELS
    y < 0 || y >= d.h ? fill_planes(d, to) : pad_row_planes(d, image, y, to);
#else
    if (y < 0 || y >= d.h) {
      std::memset(to, d.x_zero, row_bytes);
      return;
    }
#ifdef TINYFIQA_ROW_BLOCKS
    if (narrow && d.stride == 2) return split_row(d, image, y, to);
#endif
    pad_row(d, image, y, to);
#endif
  };
  int copied = begin * d.stride - d.padding;  // rows before it are there, or are not needed
  for (int oy = begin; oy < end; ++oy) {
    const int top = oy * d.stride - d.padding;
    if (copied < top) copied = top;
    DepthwiseI8Row<K> r;
    for (int ky = 0; ky < K; ++ky) {
      const int y = top + ky;
      std::uint8_t* const row = scratch + static_cast<std::size_t>((y % K + K) % K) * row_bytes;
      if (y >= copied) copy_row(y, row);
      r.x[ky] = row;
    }
    if (copied < top + K) copied = top + K;
    r.pixel = (std::ptrdiff_t{image} * d.out_h + oy) * d.out_w;
#ifdef TINYFIQA_ROW_BLOCKS
    if constexpr (K == 3)
      if (narrow) {
        narrow_i8_row(d, r, scratch + K * row_bytes);
        continue;
      }
#endif
    depthwise_i8_row<K>(d, r);
  }
}

/// The whole convolution, rows split over the team's threads. K equals d.window.
template <int K>
inline void depthwise_i8(const DepthwiseI8Args& d, const Team& team) {
  const double macs = static_cast<double>(d.n) * d.out_h * d.out_w * d.c * K * K;
  const std::size_t scratch = depthwise_i8_scratch(shape_of(d), d.w, d.padding);
  parallel_for(worth_team(team, macs), d.n * d.out_h, [&](int begin, int end, int slot) {
    for_each_image(d.out_h, begin, end, [&](int image, int first, int last) {
      depthwise_i8_rows<K>(d, image, first, last, d.scratch + static_cast<std::size_t>(slot) * scratch);
    });
  });
}

TINYFIQA_ISA_END
