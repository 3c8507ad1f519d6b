// Depthwise convolution KxK with bias and activation, vectorised over channels.
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

/// P neighbouring output pixels of one vector of channels. `rows` and `cols` are the taps inside the image;
/// where P > 1 all columns are.
template <int K, int P, Act A>
TINYFIQA_INLINE void depthwise_pixels(const DepthwiseArgs& d, const float* x, std::ptrdiff_t x_row,
                                      const float* tap, std::ptrdiff_t tap_step, TapRange rows, TapRange cols,
                                      vf bias, vf slope, float* y, int count) {
  vf acc[P];
  for (int i = 0; i < P; ++i) acc[i] = bias;
  const std::ptrdiff_t step = d.stride * d.x_pixel;
  for (int ky = rows.first; ky < rows.last; ++ky) {
    const float* row = x + ky * x_row;
    const float* wrow = tap + ky * K * tap_step;
    if constexpr (P > 1) {
#pragma GCC unroll 7
      for (int kx = 0; kx < K; ++kx) {
        const vf wv = simd::load(wrow + kx * tap_step);
#pragma GCC unroll 8
        for (int i = 0; i < P; ++i)
          acc[i] = simd::fma(wv, simd::load_up_to(row + kx * d.x_pixel + i * step, count), acc[i]);
      }
    } else {
      for (int kx = cols.first; kx < cols.last; ++kx)
        acc[0] = simd::fma(simd::load(wrow + kx * tap_step), simd::load_up_to(row + kx * d.x_pixel, count),
                           acc[0]);
    }
  }
  for (int i = 0; i < P; ++i) simd::store_up_to(y + i * d.y_pixel, activate<A>(acc[i], slope), count);
}

/// One output row of one vector of channels (`count` of them valid).
template <int K, Act A>
TINYFIQA_INLINE void depthwise_row_vector(const DepthwiseArgs& d, const float* image, int oy, int first,
                                          int count, float* y) {
  constexpr int P = 4;
  const std::ptrdiff_t tap_step = depthwise_padded_channels(d.c), x_row = d.w * d.x_pixel;
  const vf bias = simd::load(d.packed + first);
  const vf slope = d.slope == nullptr ? simd::splat(0.0f) : simd::load_up_to(d.slope + first, count);
  const float* tap = d.packed + tap_step + first;
  const int top = oy * d.stride - d.padding;
  const TapRange rows = taps_inside(top, K, d.h);
  for (int ox = 0; ox < d.out_w;) {
    const int left = ox * d.stride - d.padding;
    const float* x = image + top * x_row + left * d.x_pixel + first;
    float* out = y + ox * d.y_pixel + first;
    if (left >= 0 && ox + P <= d.out_w && left + (P - 1) * d.stride + K <= d.w) {
      depthwise_pixels<K, P, A>(d, x, x_row, tap, tap_step, rows, {0, K}, bias, slope, out, count);
      ox += P;
    } else {
      depthwise_pixels<K, 1, A>(d, x, x_row, tap, tap_step, rows, taps_inside(left, K, d.w), bias, slope, out,
                                count);
      ox += 1;
    }
  }
}

template <int K, Act A>
inline void depthwise_row(const DepthwiseArgs& d, int image, int oy) {
  const float* x = d.x + image * d.h * d.w * d.x_pixel;
  float* y = d.y + (static_cast<std::ptrdiff_t>(image) * d.out_h + oy) * d.out_w * d.y_pixel;
  int first = 0;
  for (; first + simd::width <= d.c; first += simd::width)
    depthwise_row_vector<K, A>(d, x, oy, first, simd::width, y);
  if (first < d.c) depthwise_row_vector<K, A>(d, x, oy, first, d.c - first, y);
}

template <int K, Act A>
inline void depthwise_all(const DepthwiseArgs& d, int threads) {
  const double macs = static_cast<double>(d.n) * d.out_h * d.out_w * d.c * K * K;
  parallel_for(worth_threads(threads, macs), d.n * d.out_h, [&](int begin, int end, int) {
    for (int i = begin; i < end; ++i) depthwise_row<K, A>(d, i / d.out_h, i % d.out_h);
  });
}

/// The whole convolution; K is d.kernel.
template <int K>
inline void depthwise(const DepthwiseArgs& d, int threads) {
  switch (d.act) {
    case Act::none:
      return depthwise_all<K, Act::none>(d, threads);
    case Act::relu:
      return depthwise_all<K, Act::relu>(d, threads);
    case Act::hswish:
      return depthwise_all<K, Act::hswish>(d, threads);
    case Act::hsigmoid:
      return depthwise_all<K, Act::hsigmoid>(d, threads);
    case Act::sigmoid:
      return depthwise_all<K, Act::sigmoid>(d, threads);
    case Act::silu:
      return depthwise_all<K, Act::silu>(d, threads);
    case Act::prelu:
      return depthwise_all<K, Act::prelu>(d, threads);
  }
}

TINYFIQA_ISA_END
