// Depthwise convolution KxK with bias and activation, vectorised over channels. A tile is P neighbouring
// output pixels of one vector of channels; each row of the window is loaded once and used by all of them:
//
//   K = 3, stride 1, P = 4:    x:  0 1 2 3 4 5      6 loads and 3 of weights for 12 multiply-adds
//                              y:   0 1 2 3
//
// The last tile of a row reaches back over pixels that are done already. Tiles at the left and right border
// load zeros for columns outside.
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
  int kernel = 3, stride = 1, padding = 1;
  const float* x = nullptr;
  std::ptrdiff_t x_pixel = 0;  ///< floats from pixel to pixel (C, or more in a slice)
  const float* packed = nullptr;
  float* y = nullptr;
  std::ptrdiff_t y_pixel = 0;
  const float* slope = nullptr;  ///< [c], for prelu
  Act act = Act::none;
};

TINYFIQA_INLINE int depthwise_padded_channels(int c) {
  return (c + simd::width - 1) / simd::width * simd::width;
}

TINYFIQA_INLINE std::size_t depthwise_packed_floats(int c, int kernel) {
  return static_cast<std::size_t>(depthwise_padded_channels(c)) *
         static_cast<std::size_t>(kernel * kernel + 1);
}

/// Packs weights [c][1][K][K] and bias [c].
inline void pack_depthwise(int c, int kernel, const float* weight, const float* bias, float* packed) {
  const int taps = kernel * kernel, padded = depthwise_padded_channels(c);
  for (int t = -1; t < taps; ++t)
    for (int i = 0; i < padded; ++i) *packed++ = i >= c ? 0.0f : t < 0 ? bias[i] : weight[i * taps + t];
}

/// Taps first .. last (exclusive) of a window that starts at `origin` and lies inside 0 .. size.
struct TapRange {
  int first, last;
};
TINYFIQA_INLINE TapRange taps_inside(int origin, int kernel, int size) {
  return {origin < 0 ? -origin : 0, size - origin < kernel ? size - origin : kernel};
}

/// Output pixels of a row whose windows lie between the image's left and right borders; none: begin = end.
struct PixelRange {
  int begin, end;
};
TINYFIQA_INLINE PixelRange pixels_inside(int kernel, int stride, int padding, int w, int out_w) {
  const int right = w + padding - kernel;  // the last window's start, counted from -padding on
  int begin = (padding + stride - 1) / stride, end = right < 0 ? 0 : right / stride + 1;
  if (begin > out_w) begin = out_w;
  if (end > out_w) end = out_w;
  return {begin, end < begin ? begin : end};
}

/// One vector of channels of one output row.
struct DepthwiseRow {
  const float* x = nullptr;  ///< first channel of the image's row `top`, which may lie above the image
  std::ptrdiff_t x_row = 0;
  const float *bias = nullptr, *tap = nullptr, *slope = nullptr;
  std::ptrdiff_t tap_step = 0;
  TapRange rows{};  ///< taps inside the image
  float* y = nullptr;
  int count = 0;  ///< valid channels
};

/// Activation and store of P pixels from ox on.
template <int P, bool Full>
TINYFIQA_INLINE void depthwise_store(const DepthwiseArgs& d, const DepthwiseRow& r, int ox, vf (&acc)[P]) {
  const vf slope = r.slope == nullptr ? simd::splat(0.0f) : simd::load_up_to(r.slope, r.count);
  with_act(d.act, [&](auto tag) TINYFIQA_INLINE_LAMBDA {
#pragma GCC unroll 8
    for (int i = 0; i < P; ++i) acc[i] = activate<decltype(tag)::act>(acc[i], slope);
  });
  float* y = r.y + ox * d.y_pixel;
#pragma GCC unroll 8
  for (int i = 0; i < P; ++i, y += d.y_pixel) {
    if constexpr (Full)
      simd::store(y, acc[i]);
    else
      simd::store_part(y, acc[i], r.count);
  }
}

/// Output pixels ox .. ox + P - 1. Border: some columns may lie outside the image.
template <int K, int S, int P, bool Full, bool Border>
inline void depthwise_tile(const DepthwiseArgs& d, const DepthwiseRow& r, int ox) {
  constexpr int columns = (P - 1) * S + K;
  const int left = ox * S - d.padding;
  vf acc[P];
  const vf bias = simd::load(r.bias);
#pragma GCC unroll 8
  for (int i = 0; i < P; ++i) acc[i] = bias;
  for (int ky = r.rows.first; ky < r.rows.last; ++ky) {
    const float* row = r.x + ky * r.x_row + left * d.x_pixel;
    vf x[columns];
#pragma GCC unroll 32
    for (int j = 0; j < columns; ++j) {
      if constexpr (Border) {
        x[j] = simd::splat(0.0f);
        if (left + j < 0 || left + j >= d.w) continue;
      }
      x[j] = Full ? simd::load(row + j * d.x_pixel) : simd::load_part(row + j * d.x_pixel, r.count);
    }
    const float* tap = r.tap + ky * K * r.tap_step;
#pragma GCC unroll 7
    for (int kx = 0; kx < K; ++kx) {
      const vf w = simd::load(tap + kx * r.tap_step);
#pragma GCC unroll 8
      for (int i = 0; i < P; ++i) acc[i] = simd::fma(w, x[i * S + kx], acc[i]);
    }
  }
  depthwise_store<P, Full>(d, r, ox, acc);
}

/// One output row by tiles of P pixels; P <= out_w.
template <int K, int S, int P, bool Full>
inline void depthwise_tiles(const DepthwiseArgs& d, const DepthwiseRow& r) {
  for (int ox = 0; ox < d.out_w; ox += P) {
    const int at = d.out_w - ox < P ? d.out_w - P : ox;
    const int left = at * S - d.padding;
    if (left >= 0 && left + (P - 1) * S + K <= d.w)
      depthwise_tile<K, S, P, Full, false>(d, r, at);
    else
      depthwise_tile<K, S, P, Full, true>(d, r, at);
  }
}

/// One output pixel with any kernel and stride.
template <bool Full>
inline void depthwise_pixel(const DepthwiseArgs& d, const DepthwiseRow& r, int ox) {
  const int left = ox * d.stride - d.padding;
  const TapRange cols = taps_inside(left, d.kernel, d.w);
  vf acc[1] = {simd::load(r.bias)};
  for (int ky = r.rows.first; ky < r.rows.last; ++ky) {
    const float* row = r.x + ky * r.x_row + left * d.x_pixel;
    const float* tap = r.tap + ky * d.kernel * r.tap_step;
    for (int kx = cols.first; kx < cols.last; ++kx) {
      const float* x = row + kx * d.x_pixel;
      acc[0] = simd::fma(simd::load(tap + kx * r.tap_step),
                         Full ? simd::load(x) : simd::load_part(x, r.count), acc[0]);
    }
  }
  depthwise_store<1, Full>(d, r, ox, acc);
}

// Pixels of a tile: what the registers hold beside the row of x. AVX-512 and NEON have 32 of them. Widths of
// maps are often multiples of 7 or 8.
#if defined(__AVX512F__) || defined(__aarch64__)
inline constexpr int depthwise_wide = 8, depthwise_odd = 7, depthwise_narrow = 4;
#else
inline constexpr int depthwise_wide = 4, depthwise_odd = 3, depthwise_narrow = 2;
#endif

/// Pixels that tiles of P compute for a row of `width`: the least is the best.
TINYFIQA_INLINE int depthwise_work(int width, int p) { return p > width ? 1 << 30 : (width + p - 1) / p * p; }

template <int K, int S, bool Full>
inline void depthwise_row_vector(const DepthwiseArgs& d, const DepthwiseRow& r) {
  constexpr int wide = depthwise_wide, odd = depthwise_odd, narrow = depthwise_narrow;
  const int work = depthwise_work(d.out_w, wide), work_odd = depthwise_work(d.out_w, odd),
            work_narrow = depthwise_work(d.out_w, narrow);
  // A narrow tile has less work behind each load of weights: it must save some.
  if (d.out_w >= narrow && work <= work_odd && work <= work_narrow + 1)
    depthwise_tiles<K, S, wide, Full>(d, r);
  else if (d.out_w >= narrow && work_odd <= work_narrow + 1)
    depthwise_tiles<K, S, odd, Full>(d, r);
  else if (d.out_w >= narrow)
    depthwise_tiles<K, S, narrow, Full>(d, r);
  else
    for (int ox = 0; ox < d.out_w; ++ox) depthwise_pixel<Full>(d, r, ox);
}

template <int K, bool Full>
inline void depthwise_row_any(const DepthwiseArgs& d, const DepthwiseRow& r) {
  if constexpr (K <= 5) {
    if (d.stride == 1) return depthwise_row_vector<K, 1, Full>(d, r);
    if (d.stride == 2) return depthwise_row_vector<K, 2, Full>(d, r);
  }
  for (int ox = 0; ox < d.out_w; ++ox) depthwise_pixel<Full>(d, r, ox);
}

/// One output row, vector by vector of channels.
template <int K>
inline void depthwise_row(const DepthwiseArgs& d, int image, int oy) {
  const int top = oy * d.stride - d.padding;
  DepthwiseRow r;
  r.x_row = d.w * d.x_pixel;
  r.tap_step = depthwise_padded_channels(d.c);
  r.rows = taps_inside(top, K, d.h);
  for (int first = 0; first < d.c; first += simd::width) {
    r.x = d.x + (static_cast<std::ptrdiff_t>(image) * d.h + top) * r.x_row + first;
    r.bias = d.packed + first;
    r.tap = r.bias + r.tap_step;
    r.slope = d.slope == nullptr ? nullptr : d.slope + first;
    r.y = d.y + (static_cast<std::ptrdiff_t>(image) * d.out_h + oy) * d.out_w * d.y_pixel + first;
    r.count = d.c - first < simd::width ? d.c - first : simd::width;
    if (r.count == simd::width)
      depthwise_row_any<K, true>(d, r);
    else
      depthwise_row_any<K, false>(d, r);
  }
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
