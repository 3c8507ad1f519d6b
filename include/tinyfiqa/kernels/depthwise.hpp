// Depthwise convolution with bias and activation, vectorised over channels.
//
//   y[n, oy, ox, c] = act(bias[c] + sum over ky, kx of x[n, iy, ix, c] w[c][ky][kx])
//   iy = oy stride + ky - padding,    ix = ox stride + kx - padding
//
// x [N, H, W, C], y [N, H', W', C]; taps outside the map are left out of the sum.
//
// A tile is P neighbouring output pixels of one vector of channels. For each row of the window, its K weights
// stay in registers while the tile's input columns pass by. Each column is loaded once and added to all
// outputs that see it:
//
//   K = 3, stride 1, P = 4:    x:  0 1 2 3 4 5      6 loads of x and 3 of weights for 12 multiply-adds
//                              y:   0 1 2 3
//
// Register budget: P accumulators + K weights + 1 vector of x, at most 8 + 5 + 1 = 14.
//
// With 32 registers and stride 1, a tile is P pixels of two output rows, one below the other. Each vector of x is
// loaded for both: rows of 64 channels come from the second-level cache, and its bandwidth is the limit. Register
// budget: 2 P accumulators + 2 K weights + 1 vector of x, at most 14 + 10 + 1 = 25.
//
// The last tile of a row is moved left to end with the row. It computes some pixels a second time, with the
// same result; so y must not overlap x.
//
// Packed weights, Cp = C rounded up to whole vectors:
//
//   +----------------------+
//   | bias[0..C-1]       0 |     K * K + 1 rows of Cp floats without gaps
//   | w[.][0][0]         0 |     tap ky = 0, kx = 0 of all channels
//   | w[.][0][1]         0 |
//   | ...                  |
//   | w[.][K-1][K-1]     0 |
//   +----------------------+
//
// Reads exactly the input's C channels and writes exactly the output's: the last vector of a pixel goes
// through load_part / store_part.
#pragma once

#include <tinyfiqa/kernels/epilogue.hpp>
#include <tinyfiqa/kernels/parallel.hpp>

#include <cstddef>

TINYFIQA_ISA_BEGIN(kernels)

/// Pixel strides are in floats: c, or more if the map is a slice of a wider one. Rows and images have
/// no gaps.
struct DepthwiseArgs {
  int n = 0, h = 0, w = 0, c = 0;           ///< of the input
  int out_h = 0, out_w = 0;                 ///< (h + 2 padding - window) / stride + 1, likewise w
  int window = 3, stride = 1, padding = 1;  ///< rows and columns alike
  const float* x = nullptr;                 ///< [n, h, w, c]; not null
  std::ptrdiff_t x_pixel_stride = 0;
  const float* packed = nullptr;  ///< pack_depthwise's block; not null
  float* y = nullptr;             ///< [n, out_h, out_w, c]; not null
  std::ptrdiff_t y_pixel_stride = 0;
  const float* slope = nullptr;  ///< [c], for prelu; ignored by other activations, null then
  Act act = Act::none;
};

/// C rounded up to whole vectors: the row length of the packed weights, in floats.
template <int Width = simd::width>
TINYFIQA_INLINE constexpr int depthwise_padded_channels(int c) {
  return (c + Width - 1) / Width * Width;
}

/// Size of the packed weights and bias, in floats.
template <int Width = simd::width>
TINYFIQA_INLINE constexpr std::size_t depthwise_packed_floats(int c, int window) {
  return static_cast<std::size_t>(depthwise_padded_channels<Width>(c)) *
         static_cast<std::size_t>(window * window + 1);
}

/// Packs weight [c][1][window][window] and bias [c] into packed [depthwise_packed_floats(c, window)]. bias
/// may be null, which means zero.
template <int Width = simd::width>
inline void pack_depthwise(int c, int window, const float* weight, const float* bias, float* packed) {
  const int taps = window * window, padded = depthwise_padded_channels<Width>(c);
  for (int t = -1; t < taps; ++t)
    for (int i = 0; i < padded; ++i)
      *packed++ = i >= c ? 0.0f : t >= 0 ? weight[i * taps + t] : bias == nullptr ? 0.0f : bias[i];
}

/// Taps first .. last - 1 of a window: those inside 0 .. size - 1, if tap 0 is at position `origin`.
struct TapRange {
  int first, last;
};
TINYFIQA_INLINE TapRange taps_inside(int origin, int window, int size) {
  return {origin < 0 ? -origin : 0, size - origin < window ? size - origin : window};
}

/// Output pixels begin .. end - 1 of a row: those whose windows lie between the map's left and right borders.
/// begin = end if there are none.
struct PixelRange {
  int begin, end;
};
TINYFIQA_INLINE PixelRange pixels_inside(int window, int stride, int padding, int w, int out_w) {
  const int right = w + padding - window;  // where the last such window starts, counted from -padding
  int begin = (padding + stride - 1) / stride, end = right < 0 ? 0 : right / stride + 1;
  if (begin > out_w) begin = out_w;
  if (end > out_w) end = out_w;
  return {begin, end < begin ? begin : end};
}

/// One output row. Strides are in floats.
struct DepthwiseRow {
  const float* x = nullptr;     ///< input row of tap ky = 0; may lie above the map, where nothing is read
  std::ptrdiff_t x_row = 0;     ///< from input row to input row
  std::ptrdiff_t tap_step = 0;  ///< from tap to tap of the packed weights
  TapRange rows{};              ///< the window's rows inside the map
  float* y = nullptr;           ///< output pixel 0
};

/// Epilogue and store of P pixels, the first at y: channels first .. first + count - 1 of each.
template <int P, bool Full>
TINYFIQA_INLINE void depthwise_store(const DepthwiseArgs& d, int first, int count, float* y,
                                     vf (&acc)[P][1]) {
#ifdef TINYFIQA_SMALL
  static_assert(simd::width == 1);
  static_cast<void>(count);
  vf sums[P];  // a copy: `acc` stays in registers if no variable indexes it
#pragma GCC unroll 4
  for (int i = 0; i < P; ++i) sums[i] = acc[i][0];
  const vf slope = d.slope == nullptr ? 0.0f : d.slope[first];
#pragma GCC unroll 1
  for (int i = 0; i < P; ++i, y += d.y_pixel_stride) *y = activate_small(d.act, sums[i], slope);
#else
  const vf slope[1] = {d.slope == nullptr ? simd::splat(0.0f) : simd::load_up_to(d.slope + first, count)};
  activate_tile<P, 1>(d.act, slope, acc);
  const std::ptrdiff_t y_pixel_stride = d.y_pixel_stride;  // a copy: a store to y might change d
#pragma GCC unroll 8
  for (int i = 0; i < P; ++i, y += y_pixel_stride) {
    if constexpr (Full)
      simd::store(y, acc[i][0]);
    else
      simd::store_up_to(y, acc[i][0], count);
  }
#endif
}

/// The micro-kernel: output pixels ox .. ox + P - 1, channels first .. first + count - 1. Full: count is a
/// whole vector. Border: up to K / 2 of the tile's columns on either side lie outside the map, and are
/// left out.
template <int K, int S, int P, bool Full, bool Border>
TINYFIQA_INLINE void depthwise_vector(const DepthwiseArgs& d, const DepthwiseRow& r, int ox, int first,
                                      int count) {
  constexpr int columns = (P - 1) * S + K;
  const int left = ox * S - d.padding;
  const int outside_left = -left, first_outside = d.w - left;  // columns of the tile
  const std::ptrdiff_t x_pixel_stride = d.x_pixel_stride, tap_step = r.tap_step;
  const float* x = r.x + r.rows.first * r.x_row + left * x_pixel_stride + first;
  const float* tap = d.packed + first + (1 + r.rows.first * K) * tap_step;
  vf acc[P][1];
  const vf bias = simd::load(d.packed + first);
#pragma GCC unroll 8
  for (int i = 0; i < P; ++i) acc[i][0] = bias;
#pragma GCC unroll 1
  for (int ky = r.rows.first; ky < r.rows.last; ++ky, x += r.x_row, tap += K * tap_step) {
    vf w[K];
#pragma GCC unroll 7
    for (int kx = 0; kx < K; ++kx) w[kx] = simd::keep(simd::load(tap + kx * tap_step));
#pragma GCC unroll 32
    for (int j = 0; j < columns; ++j) {
      if (Border && j < K / 2 && j < outside_left) continue;
      if (Border && j >= columns - K / 2 && j >= first_outside) continue;
      const vf xj = simd::keep(Full ? simd::load(x + j * x_pixel_stride)
                                    : simd::load_part(x + j * x_pixel_stride, count));
#pragma GCC unroll 8
      for (int i = 0; i < P; ++i)
        if (const int kx = j - i * S; kx >= 0 && kx < K) acc[i][0] = simd::fma(w[kx], xj, acc[i][0]);
    }
  }
  depthwise_store<P, Full>(d, first, count, r.y + ox * d.y_pixel_stride + first, acc);
}

/// Output pixels ox .. ox + P - 1, the channels from `first` on, which are less than a vector. Tiles inside the map and at
/// its border share it: half the code, and its tests of the border cost little.
template <int K, int S, int P>
TINYFIQA_NOINLINE inline void depthwise_part(const DepthwiseArgs& d, const DepthwiseRow& r, int ox,
                                             int first) {
  depthwise_vector<K, S, P, false, true>(d, r, ox, first, d.c - first);
}

/// Output pixels ox .. ox + P - 1, all channels. Not inlined: a row would be one function with all tiles,
/// which clang with sanitizers takes minutes to compile.
template <int K, int S, int P, bool Border>
TINYFIQA_NOINLINE inline void depthwise_tile(const DepthwiseArgs& d, const DepthwiseRow& r, int ox) {
  int first = 0;
  for (; first + simd::width <= d.c; first += simd::width)
    depthwise_vector<K, S, P, true, Border>(d, r, ox, first, simd::width);
  if (first < d.c) depthwise_part<K, S, P>(d, r, ox, first);
}

/// The micro-kernel of two rows: as depthwise_vector, and the same pixels of the next output row, with stride 1. `r` is the
/// upper row, but r.rows counts the K + 1 input rows of both. Border: rows and columns of the tile may lie outside.
template <int K, int P, bool Full, bool Border>
TINYFIQA_INLINE void depthwise_pair_vector(const DepthwiseArgs& d, const DepthwiseRow& r, int ox, int first,
                                           int count) {
  const int left = ox - d.padding;
  const std::ptrdiff_t x_pixel_stride = d.x_pixel_stride, tap_step = r.tap_step;
  const float* x = r.x + left * x_pixel_stride + first;
  const float* tap = d.packed + first + tap_step;
  const vf bias = simd::load(d.packed + first);
  vf upper[P][1], lower[P][1];
#pragma GCC unroll 8
  for (int i = 0; i < P; ++i) upper[i][0] = lower[i][0] = bias;
  vf w[K], above[K];  // the weights of the upper row's tap ky, and those of ky - 1, the lower row's
#pragma GCC unroll 8
  for (int ky = 0; ky <= K; ++ky, x += r.x_row) {
#pragma GCC unroll 7
    for (int kx = 0; kx < K; ++kx) {
      if (ky > 0) above[kx] = w[kx];
      if (ky < K) w[kx] = simd::keep(simd::load(tap + (ky * K + kx) * tap_step));
    }
    if (Border && (ky < r.rows.first || ky >= r.rows.last)) continue;
#pragma GCC unroll 16
    for (int j = 0; j < P - 1 + K; ++j) {
      if (Border && (left + j < 0 || left + j >= d.w)) continue;
      const vf xj = simd::keep(Full ? simd::load(x + j * x_pixel_stride)
                                    : simd::load_part(x + j * x_pixel_stride, count));
#pragma GCC unroll 7
      for (int kx = 0; kx < K; ++kx) {
        const int i = j - kx;
        if (i < 0 || i >= P) continue;
        if (ky < K) upper[i][0] = simd::fma(w[kx], xj, upper[i][0]);
        if (ky > 0) lower[i][0] = simd::fma(above[kx], xj, lower[i][0]);
      }
    }
  }
  float* const y = r.y + ox * d.y_pixel_stride + first;
  depthwise_store<P, Full>(d, first, count, y, upper);
  depthwise_store<P, Full>(d, first, count, y + d.out_w * d.y_pixel_stride, lower);
}

/// As depthwise_part, of two rows.
template <int K, int P>
TINYFIQA_NOINLINE inline void depthwise_pair_part(const DepthwiseArgs& d, const DepthwiseRow& r, int ox,
                                                  int first) {
  depthwise_pair_vector<K, P, false, true>(d, r, ox, first, d.c - first);
}

/// Output pixels ox .. ox + P - 1 of two rows, all channels.
template <int K, int P, bool Border>
TINYFIQA_NOINLINE inline void depthwise_pair_tile(const DepthwiseArgs& d, const DepthwiseRow& r, int ox) {
  int first = 0;
  for (; first + simd::width <= d.c; first += simd::width)
    depthwise_pair_vector<K, P, true, Border>(d, r, ox, first, simd::width);
  if (first < d.c) depthwise_pair_part<K, P>(d, r, ox, first);
}

/// Two output rows by tiles of P pixels. Needs P <= out_w.
template <int K, int P>
inline void depthwise_pair_tiles(const DepthwiseArgs& d, const DepthwiseRow& r) {
  const bool rows_inside = r.rows.first == 0 && r.rows.last == K + 1;
  for (int ox = 0; ox < d.out_w; ox += P) {
    const int at = d.out_w - ox < P ? d.out_w - P : ox;
    const int left = at - d.padding;
    if (rows_inside && left >= 0 && left + P - 1 + K <= d.w)
      depthwise_pair_tile<K, P, false>(d, r, at);
    else
      depthwise_pair_tile<K, P, true>(d, r, at);
  }
}

/// One output row by tiles of P pixels. Needs P <= out_w.
template <int K, int S, int P>
inline void depthwise_tiles(const DepthwiseArgs& d, const DepthwiseRow& r) {
  for (int ox = 0; ox < d.out_w; ox += P) {
    const int at = d.out_w - ox < P ? d.out_w - P : ox;
    const int left = at * S - d.padding;
    if (left >= 0 && left + (P - 1) * S + K <= d.w)
      depthwise_tile<K, S, P, false>(d, r, at);
    else
      depthwise_tile<K, S, P, true>(d, r, at);
  }
}

/// One output pixel, for any window and stride.
inline void depthwise_pixel(const DepthwiseArgs& d, const DepthwiseRow& r, int ox) {
  const int left = ox * d.stride - d.padding;
  const TapRange cols = taps_inside(left, d.window, d.w);
  for (int first = 0; first < d.c; first += simd::width) {
    const int count = d.c - first < simd::width ? d.c - first : simd::width;
    vf acc[1][1] = {{simd::load(d.packed + first)}};
    for (int ky = r.rows.first; ky < r.rows.last; ++ky) {
      const float* row = r.x + ky * r.x_row + left * d.x_pixel_stride + first;
      const float* tap = d.packed + first + (1 + ky * d.window) * r.tap_step;
      for (int kx = cols.first; kx < cols.last; ++kx)
        acc[0][0] = simd::fma(simd::load(tap + kx * r.tap_step),
                              simd::load_up_to(row + kx * d.x_pixel_stride, count), acc[0][0]);
    }
    depthwise_store<1, false>(d, first, count, r.y + ox * d.y_pixel_stride + first, acc);
  }
}

/// Widths of tiles. The widths of maps are often multiples of 7 or 8.
inline constexpr int depthwise_widths[] = {8, 7, 5, 3};

/// The width of tile that computes a row of out_w pixels fastest, or 0 if the row is narrower than all tiles.
/// The cost of a tile is its number of pixels plus 3.
TINYFIQA_INLINE int depthwise_tile_width(int out_w) {
  int best = 0, least = 0;
  for (const int p : depthwise_widths) {
    const int cost = (out_w + p - 1) / p * (p + 3);
    if (p <= out_w && (best == 0 || cost < least)) best = p, least = cost;
  }
  return best;
}

/// One output row, for windows of K and steps of S.
template <int K, int S>
inline void depthwise_row_strided(const DepthwiseArgs& d, const DepthwiseRow& r) {
  switch (d.padding <= K / 2 ? depthwise_tile_width(d.out_w) : 0) {
    case 8:
      return depthwise_tiles<K, S, 8>(d, r);
    case 7:
      return depthwise_tiles<K, S, 7>(d, r);
    case 5:
      return depthwise_tiles<K, S, 5>(d, r);
    case 3:
      return depthwise_tiles<K, S, 3>(d, r);
    default:
      for (int ox = 0; ox < d.out_w; ++ox) depthwise_pixel(d, r, ox);
  }
}

#ifdef TINYFIQA_SMALL

/// One output row: tiles of 4 pixels where the windows lie inside the map's columns, pixels elsewhere. The last tile is
/// moved left, as in depthwise_tiles.
template <int K, int S>
inline void depthwise_row_small(const DepthwiseArgs& d, const DepthwiseRow& r) {
  const PixelRange inside = pixels_inside(K, S, d.padding, d.w, d.out_w);
  for (int ox = 0; ox < d.out_w;) {
    if (ox >= inside.begin && ox < inside.end && inside.end - inside.begin >= 4) {
      if (ox > inside.end - 4) ox = inside.end - 4;
      depthwise_tile<K, S, 4, false>(d, r, ox);
      ox += 4;
    } else {
      depthwise_pixel(d, r, ox++);
    }
  }
}

/// One output row, for windows of K and any stride.
template <int K>
inline void depthwise_any_stride(const DepthwiseArgs& d, const DepthwiseRow& r) {
  if constexpr (K == 3) {
    if (d.stride == 1) return depthwise_row_small<K, 1>(d, r);
    if (d.stride == 2) return depthwise_row_small<K, 2>(d, r);
  }
  for (int ox = 0; ox < d.out_w; ++ox) depthwise_pixel(d, r, ox);
}

#else

/// One output row, for windows of K and any stride.
template <int K>
inline void depthwise_any_stride(const DepthwiseArgs& d, const DepthwiseRow& r) {
  if constexpr (K <= 5) {
    if (d.stride == 1) return depthwise_row_strided<K, 1>(d, r);
    if (d.stride == 2) return depthwise_row_strided<K, 2>(d, r);
  }
  for (int ox = 0; ox < d.out_w; ++ox) depthwise_pixel(d, r, ox);
}

#endif

/// Output row oy of an image, which reads `taps` rows of the input.
TINYFIQA_INLINE DepthwiseRow depthwise_row(const DepthwiseArgs& d, int image, int oy, int taps) {
  const int top = oy * d.stride - d.padding;
  DepthwiseRow r;
  r.x_row = d.w * d.x_pixel_stride;
  r.tap_step = depthwise_padded_channels(d.c);
  r.rows = taps_inside(top, taps, d.h);
  r.x = d.x + (static_cast<std::ptrdiff_t>(image) * d.h + top) * r.x_row;
  r.y = d.y + (static_cast<std::ptrdiff_t>(image) * d.out_h + oy) * d.out_w * d.y_pixel_stride;
  return r;
}

/// Computes as many of the output rows begin .. end - 1 of an image as it can two at a time; returns the first row that
/// is left.
template <int K>
inline int depthwise_row_pairs(const DepthwiseArgs& d, int image, int begin, int end) {
  if (d.stride != 1 || d.padding > K / 2 || d.out_w < 5) return begin;
  // Tiles of 7 where they compute fewer pixels.
  const bool by_7 = d.out_w >= 7 && (d.out_w + 6) / 7 * 7 < (d.out_w + 4) / 5 * 5;
  for (; begin + 1 < end; begin += 2) {
    const DepthwiseRow r = depthwise_row(d, image, begin, K + 1);
    if (by_7)
      depthwise_pair_tiles<K, 7>(d, r);
    else
      depthwise_pair_tiles<K, 5>(d, r);
  }
  return begin;
}

/// Output rows begin .. end - 1 of an image. K equals d.window.
template <int K>
inline void depthwise_rows(const DepthwiseArgs& d, int image, int begin, int end) {
  if constexpr (simd::registers >= 32 && (K == 3 || K == 5))
    begin = depthwise_row_pairs<K>(d, image, begin, end);
  for (int oy = begin; oy < end; ++oy) depthwise_any_stride<K>(d, depthwise_row(d, image, oy, K));
}

/// The whole convolution, rows split over the team's threads. K equals d.window.
template <int K>
inline void depthwise(const DepthwiseArgs& d, const Team& team) {
  const double macs = static_cast<double>(d.n) * d.out_h * d.out_w * d.c * K * K;
  parallel_for(worth_team(team, macs), d.n * d.out_h, [&](int begin, int end, int) {
    for_each_image(d.out_h, begin, end,
                   [&](int image, int first, int last) { depthwise_rows<K>(d, image, first, last); });
  });
}

TINYFIQA_ISA_END
