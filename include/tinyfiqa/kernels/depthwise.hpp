// Depthwise convolution KxK with bias and activation, vectorised over channels. A tile is P neighbouring
// output pixels, vector by vector of channels. A row of the window's weights stays in registers while the
// tile's columns pass by, each loaded once and added to all outputs that see it:
//
//   K = 3, stride 1, P = 4:    x:  0 1 2 3 4 5      6 loads and 3 of weights for 12 multiply-adds
//                              y:   0 1 2 3
//
// The last tile of a row reaches back over pixels that are done already. Tiles at the left and right border
// leave out the columns outside.
//
// Packed weights: bias[Cp], then K * K rows of Cp floats (tap ky, kx), Cp = C rounded up to whole vectors.
// Reads exactly the input's channels, writes exactly the output's: the last vector goes through *_part.
#pragma once

#include <tinyfiqa/kernels/epilogue.hpp>
#include <tinyfiqa/kernels/parallel.hpp>

#include <cstddef>

TINYFIQA_ISA_BEGIN(kernels)

struct DepthwiseArgs {
  int n = 0, h = 0, w = 0, c = 0;  ///< input
  int out_h = 0, out_w = 0;
  int window = 3, stride = 1, padding = 1;
  const float* x = nullptr;
  std::ptrdiff_t x_pixel_stride = 0;  ///< floats from pixel to pixel (C, or more in a slice)
  const float* packed = nullptr;
  float* y = nullptr;
  std::ptrdiff_t y_pixel_stride = 0;
  const float* slope = nullptr;  ///< [c], for prelu
  Act act = Act::none;
};

TINYFIQA_INLINE int depthwise_padded_channels(int c) {
  return (c + simd::width - 1) / simd::width * simd::width;
}

TINYFIQA_INLINE std::size_t depthwise_packed_floats(int c, int window) {
  return static_cast<std::size_t>(depthwise_padded_channels(c)) *
         static_cast<std::size_t>(window * window + 1);
}

/// Packs weights [c][1][K][K] and bias [c] (zero where that is null).
inline void pack_depthwise(int c, int window, const float* weight, const float* bias, float* packed) {
  const int taps = window * window, padded = depthwise_padded_channels(c);
  for (int t = -1; t < taps; ++t)
    for (int i = 0; i < padded; ++i)
      *packed++ = i >= c ? 0.0f : t >= 0 ? weight[i * taps + t] : bias == nullptr ? 0.0f : bias[i];
}

/// Taps first .. last (exclusive) of a window that starts at `origin` and lies inside 0 .. size.
struct TapRange {
  int first, last;
};
TINYFIQA_INLINE TapRange taps_inside(int origin, int window, int size) {
  return {origin < 0 ? -origin : 0, size - origin < window ? size - origin : window};
}

/// Output pixels of a row whose windows lie between the image's left and right borders; none: begin = end.
struct PixelRange {
  int begin, end;
};
TINYFIQA_INLINE PixelRange pixels_inside(int window, int stride, int padding, int w, int out_w) {
  const int right = w + padding - window;  // the last window's start, counted from -padding on
  int begin = (padding + stride - 1) / stride, end = right < 0 ? 0 : right / stride + 1;
  if (begin > out_w) begin = out_w;
  if (end > out_w) end = out_w;
  return {begin, end < begin ? begin : end};
}

/// One output row.
struct DepthwiseRow {
  const float* x = nullptr;  ///< the image's row `top`, which may lie above the image
  std::ptrdiff_t x_row = 0, tap_step = 0;
  TapRange rows{};  ///< taps inside the image
  float* y = nullptr;
};

/// Activation and store of P pixels' channels first .. first + count - 1, from y on.
template <int P, bool Full>
TINYFIQA_INLINE void depthwise_store(const DepthwiseArgs& d, int first, int count, float* y, vf (&acc)[P]) {
  const vf slope = d.slope == nullptr ? simd::splat(0.0f) : simd::load_up_to(d.slope + first, count);
  with_act(d.act, [&](auto tag) TINYFIQA_INLINE_LAMBDA {
#pragma GCC unroll 8
    for (int i = 0; i < P; ++i) acc[i] = activate<decltype(tag)::act>(acc[i], slope);
  });
  const std::ptrdiff_t y_pixel_stride = d.y_pixel_stride;  // (for all the compiler knows, a store changes d)
#pragma GCC unroll 8
  for (int i = 0; i < P; ++i, y += y_pixel_stride) {
    if constexpr (Full)
      simd::store(y, acc[i]);
    else
      simd::store_up_to(y, acc[i], count);
  }
}

/// Output pixels ox .. ox + P - 1 of channels first .. first + count - 1. Border: up to K / 2 columns on
/// either side lie outside the image. Register budget: P accumulators + K weights + 1 of x.
template <int K, int S, int P, bool Full, bool Border>
TINYFIQA_INLINE void depthwise_vector(const DepthwiseArgs& d, const DepthwiseRow& r, int ox, int first,
                                      int count) {
  constexpr int columns = (P - 1) * S + K;
  const int left = ox * S - d.padding;
  const int outside_left = -left, first_outside = d.w - left;  // columns of the tile
  const std::ptrdiff_t x_pixel_stride = d.x_pixel_stride, tap_step = r.tap_step;
  const float* x = r.x + r.rows.first * r.x_row + left * x_pixel_stride + first;
  const float* tap = d.packed + first + (1 + r.rows.first * K) * tap_step;
  vf acc[P];
  const vf bias = simd::load(d.packed + first);
#pragma GCC unroll 8
  for (int i = 0; i < P; ++i) acc[i] = bias;
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
        if (const int kx = j - i * S; kx >= 0 && kx < K) acc[i] = simd::fma(w[kx], xj, acc[i]);
    }
  }
  depthwise_store<P, Full>(d, first, count, r.y + ox * d.y_pixel_stride + first, acc);
}

/// The same, all channels. (Not inlined: a row would be one function of all tiles, which takes clang's
/// sanitizers minutes.)
template <int K, int S, int P, bool Border>
TINYFIQA_NOINLINE inline void depthwise_tile(const DepthwiseArgs& d, const DepthwiseRow& r, int ox) {
  int first = 0;
  for (; first + simd::width <= d.c; first += simd::width)
    depthwise_vector<K, S, P, true, Border>(d, r, ox, first, simd::width);
  if (first < d.c) depthwise_vector<K, S, P, false, Border>(d, r, ox, first, d.c - first);
}

/// One output row by tiles of P pixels; P <= out_w.
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

/// One output pixel with any kernel and stride.
inline void depthwise_pixel(const DepthwiseArgs& d, const DepthwiseRow& r, int ox) {
  const int left = ox * d.stride - d.padding;
  const TapRange cols = taps_inside(left, d.window, d.w);
  for (int first = 0; first < d.c; first += simd::width) {
    const int count = d.c - first < simd::width ? d.c - first : simd::width;
    vf acc[1] = {simd::load(d.packed + first)};
    for (int ky = r.rows.first; ky < r.rows.last; ++ky) {
      const float* row = r.x + ky * r.x_row + left * d.x_pixel_stride + first;
      const float* tap = d.packed + first + (1 + ky * d.window) * r.tap_step;
      for (int kx = cols.first; kx < cols.last; ++kx)
        acc[0] = simd::fma(simd::load(tap + kx * r.tap_step),
                           simd::load_up_to(row + kx * d.x_pixel_stride, count), acc[0]);
    }
    depthwise_store<1, false>(d, first, count, r.y + ox * d.y_pixel_stride + first, acc);
  }
}

/// The widths of tiles; those of maps are often multiples of 7 or 8.
inline constexpr int depthwise_widths[] = {8, 7, 5, 3};

/// The width of tile that computes a row the fastest, or 0 for a row too narrow for any. A tile takes as long
/// as its pixels and about three more.
TINYFIQA_INLINE int depthwise_tile_width(int out_w) {
  int best = 0, least = 0;
  for (const int p : depthwise_widths) {
    const int cost = (out_w + p - 1) / p * (p + 3);
    if (p <= out_w && (best == 0 || cost < least)) best = p, least = cost;
  }
  return best;
}

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

template <int K>
inline void depthwise_any_stride(const DepthwiseArgs& d, const DepthwiseRow& r) {
  if constexpr (K <= 5) {
    if (d.stride == 1) return depthwise_row_strided<K, 1>(d, r);
    if (d.stride == 2) return depthwise_row_strided<K, 2>(d, r);
  }
  for (int ox = 0; ox < d.out_w; ++ox) depthwise_pixel(d, r, ox);
}

/// One output row of an image.
template <int K>
inline void depthwise_row(const DepthwiseArgs& d, int image, int oy) {
  const int top = oy * d.stride - d.padding;
  DepthwiseRow r;
  r.x_row = d.w * d.x_pixel_stride;
  r.tap_step = depthwise_padded_channels(d.c);
  r.rows = taps_inside(top, K, d.h);
  r.x = d.x + (static_cast<std::ptrdiff_t>(image) * d.h + top) * r.x_row;
  r.y = d.y + (static_cast<std::ptrdiff_t>(image) * d.out_h + oy) * d.out_w * d.y_pixel_stride;
  depthwise_any_stride<K>(d, r);
}

/// The whole convolution; K is d.kernel.
template <int K>
inline void depthwise(const DepthwiseArgs& d, const Team& team) {
  const double macs = static_cast<double>(d.n) * d.out_h * d.out_w * d.c * K * K;
  parallel_for(worth_team(team, macs), d.n * d.out_h, [&](int begin, int end, int) {
    for (int i = begin; i < end; ++i) depthwise_row<K>(d, i / d.out_h, i % d.out_h);
  });
}

TINYFIQA_ISA_END
