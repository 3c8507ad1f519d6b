// Gradients of a depthwise convolution, one row at a time, vectorised over channels. For each channel:
//
//   dx[y][q]    = sum of w[ky][kx] dz[oy][ox] over oy S + ky = y, ox S + kx = q
//   dw[ky][kx] += sum over oy, ox of dz[oy][ox] x[oy S + ky][ox S + kx]
//   rows and columns of x and dx are counted from the first one of the padding
//
// As in the convolution itself (kernels/depthwise.hpp), a tile is a few neighbouring pixels of one vector of
// channels, and each value is loaded once for all pixels and taps of the tile that it is multiplied with.
//
// Rows of x and dz have zeros in margins on both sides, so that tiles need no test for the border. Whole
// vectors are loaded: those of the last channels read into the next pixel, and these lanes are not used. So
// one vector must exist behind the last row; place_floats adds it. dx is written exactly.
#pragma once

#include <tinyfiqa/kernels/depthwise.hpp>

TINYFIQA_ISA_BEGIN(kernels)

/// The largest window.
inline constexpr int depthwise_max_window = 7;

/// Tiles of dx read up to this many columns of dz behind the last one.
inline constexpr int depthwise_overshoot = 9;

/// One row of dx, from the rows of dz whose windows hold it. Strides are in floats.
struct DepthwiseInputRow {
  int window = 3, stride = 1, padding = 1, c = 0, w = 0, out_w = 0;
  int count = 0;                                 ///< number of rows of dz
  const float* dz[depthwise_max_window] = {};    ///< column 0 of each row [out_w, c], dense, with margins
  const float* taps[depthwise_max_window] = {};  ///< the row's weights [K][tap_step]: row ky of the window
  std::ptrdiff_t tap_step = 0;                   ///< from tap to tap
  float* dx = nullptr;                           ///< [w, c]
  std::ptrdiff_t dx_pixel_stride = 0;
  bool accumulate = false;  ///< dx += instead of dx =
};

/// The micro-kernel of dx: P S columns from column x on, `channels` channels from channel `first` on. Shift =
/// (x + padding) mod S. Register budget: P S accumulators + K weights + 1 of dz, at most 8 + 5 + 1 = 14.
template <int K, int S, int P, int Shift>
TINYFIQA_INLINE void depthwise_input_vector(const DepthwiseInputRow& r, int x, int first, int channels) {
  constexpr int reach = (K - 1) / S, outputs = P * S;
  const int columns = r.w - x < outputs ? r.w - x : outputs;
  const std::ptrdiff_t from = static_cast<std::ptrdiff_t>((x + r.padding) / S - reach) * r.c + first;
  vf acc[outputs];
#pragma GCC unroll 8
  for (int i = 0; i < outputs; ++i) acc[i] = simd::splat(0.0f);
#pragma GCC unroll 1
  for (int m = 0; m < r.count; ++m) {
    const float* dz = r.dz[m] + from;
    const float* tap = r.taps[m] + first;
    vf w[K];
#pragma GCC unroll 7
    for (int kx = 0; kx < K; ++kx) w[kx] = simd::keep(simd::load(tap + kx * r.tap_step));
#pragma GCC unroll 32
    for (int j = 0; j < P + reach + (Shift > 0 ? 1 : 0); ++j) {
      const vf d = simd::keep(simd::load(dz + j * static_cast<std::ptrdiff_t>(r.c)));
#pragma GCC unroll 7
      for (int kx = 0; kx < K; ++kx)
        if (const int i = (j - reach) * S + kx - Shift; i >= 0 && i < outputs)
          acc[i] = simd::fma(w[kx], d, acc[i]);
    }
  }
  float* to = r.dx + x * r.dx_pixel_stride + first;
#pragma GCC unroll 8
  for (int i = 0; i < outputs; ++i, to += r.dx_pixel_stride)
    if (i < columns)
      simd::store_up_to(to, r.accumulate ? simd::load_up_to(to, channels) + acc[i] : acc[i], channels);
}

/// The whole row by such tiles.
template <int K, int S, int P, int Shift>
TINYFIQA_NOINLINE inline void depthwise_input_tiles(const DepthwiseInputRow& r) {
  for (int x = 0; x < r.w; x += P * S)
    for (int first = 0; first < r.c; first += simd::width)
      depthwise_input_vector<K, S, P, Shift>(r, x, first,
                                             r.c - first < simd::width ? r.c - first : simd::width);
}

/// The whole row, for any window and stride.
inline void depthwise_input_pixels(const DepthwiseInputRow& r) {
  for (int x = 0; x < r.w; ++x)
    for (int first = 0; first < r.c; first += simd::width) {
      const int channels = r.c - first < simd::width ? r.c - first : simd::width;
      float* const to = r.dx + x * r.dx_pixel_stride + first;
      vf sum = r.accumulate ? simd::load_up_to(to, channels) : simd::splat(0.0f);
      for (int m = 0; m < r.count; ++m)
        for (int kx = (x + r.padding) % r.stride; kx < r.window; kx += r.stride) {
          const int o = (x + r.padding - kx) / r.stride;
          if (x + r.padding < kx || o >= r.out_w) continue;
          sum = simd::fma(simd::load(r.taps[m] + kx * r.tap_step + first),
                          simd::load(r.dz[m] + static_cast<std::ptrdiff_t>(o) * r.c + first), sum);
        }
      simd::store_up_to(to, sum, channels);
    }
}

/// The whole row, for windows of K and stride 1 or 2.
template <int K>
inline void depthwise_input_fixed(const DepthwiseInputRow& r) {
  if (r.stride == 2)
    return r.padding % 2 == 0 ? depthwise_input_tiles<K, 2, 4, 0>(r) : depthwise_input_tiles<K, 2, 4, 1>(r);
  switch (depthwise_tile_width(r.w)) {
    case 8:
      return depthwise_input_tiles<K, 1, 8, 0>(r);
    case 7:
      return depthwise_input_tiles<K, 1, 7, 0>(r);
    case 5:
      return depthwise_input_tiles<K, 1, 5, 0>(r);
    default:
      return depthwise_input_tiles<K, 1, 3, 0>(r);
  }
}

/// One row of dx. Writes, or adds to, exactly w pixels of c channels.
inline void depthwise_input_row(const DepthwiseInputRow& r) {
  if (r.window == 3 && r.stride <= 2) return depthwise_input_fixed<3>(r);
  if (r.window == 5 && r.stride <= 2) return depthwise_input_fixed<5>(r);
  depthwise_input_pixels(r);
}

/// What one row of dz adds to dw. Strides are in floats.
struct DepthwiseWeightRow {
  int window = 3, stride = 1, c = 0, out_w = 0;
  const float* dz = nullptr;    ///< column 0 of the row [out_w, c], dense, with margins
  const float* x = nullptr;     ///< row of tap ky = 0, column -padding, dense; may lie above the image
  std::ptrdiff_t x_row = 0;     ///< from row to row of x
  TapRange rows{};              ///< rows of the window inside the image
  float* sums = nullptr;        ///< dw [K][K][tap_step], added to
  std::ptrdiff_t tap_step = 0;  ///< from tap to tap
};

/// The micro-kernel of dw: rows ky .. ky + R - 1 of taps, two columns of dz at a time. Register budget: R K
/// accumulators + 2 of dz + 1 of x, at most 2 * 5 + 2 + 1 = 13. An odd out_w reads one column of dz's margin.
template <int K, int S, int R>
TINYFIQA_NOINLINE inline void depthwise_weight_rows(const DepthwiseWeightRow& r, int ky) {
  constexpr int columns = S + K;
  const std::ptrdiff_t c = r.c, step = r.tap_step, x_row = r.x_row;
  for (int first = 0; first < r.c; first += simd::width) {
    float* const sums = r.sums + static_cast<std::ptrdiff_t>(ky) * K * step + first;
    const float* x = r.x + ky * x_row + first;
    const float* d = r.dz + first;
    vf acc[R][K];
#pragma GCC unroll 3
    for (int m = 0; m < R; ++m)
#pragma GCC unroll 5
      for (int kx = 0; kx < K; ++kx) acc[m][kx] = simd::load(sums + (m * K + kx) * step);
#pragma GCC unroll 1
    for (int o = 0; o < r.out_w; o += 2, d += 2 * c, x += 2 * S * c) {
      const vf d0 = simd::keep(simd::load(d)), d1 = simd::keep(simd::load(d + c));
#pragma GCC unroll 3
      for (int m = 0; m < R; ++m)
#pragma GCC unroll 8
        for (int j = 0; j < columns; ++j) {
          const vf v = simd::keep(simd::load(x + m * x_row + j * c));
          if (j < K) acc[m][j] = simd::fma(d0, v, acc[m][j]);
          if (j >= S) acc[m][j - S] = simd::fma(d1, v, acc[m][j - S]);
        }
    }
#pragma GCC unroll 3
    for (int m = 0; m < R; ++m)
#pragma GCC unroll 5
      for (int kx = 0; kx < K; ++kx) simd::store(sums + (m * K + kx) * step, acc[m][kx]);
  }
}

/// All rows of taps, three (K = 3) or two (K = 5) at a time: as many as registers hold.
template <int K, int S>
inline void depthwise_weight_fixed(const DepthwiseWeightRow& r) {
  constexpr int most = K == 3 ? 3 : 2;
  int ky = r.rows.first;
  for (; ky + most <= r.rows.last; ky += most) depthwise_weight_rows<K, S, most>(r, ky);
  for (; ky < r.rows.last; ++ky) depthwise_weight_rows<K, S, 1>(r, ky);
}

/// The same for any window and stride.
inline void depthwise_weight_pixels(const DepthwiseWeightRow& r) {
  for (int ky = r.rows.first; ky < r.rows.last; ++ky)
    for (int kx = 0; kx < r.window; ++kx)
      for (int first = 0; first < r.c; first += simd::width) {
        float* const sums = r.sums + (ky * r.window + kx) * r.tap_step + first;
        const float* x = r.x + ky * r.x_row + static_cast<std::ptrdiff_t>(kx) * r.c + first;
        vf sum = simd::load(sums);
        for (int o = 0; o < r.out_w; ++o)
          sum = simd::fma(simd::load(r.dz + static_cast<std::ptrdiff_t>(o) * r.c + first),
                          simd::load(x + static_cast<std::ptrdiff_t>(o) * r.stride * r.c), sum);
        simd::store(sums, sum);
      }
}

/// Adds one row of dz to dw. Reads and writes whole vectors of sums.
inline void depthwise_weight_row(const DepthwiseWeightRow& r) {
  if (r.window == 3 && r.stride == 1) return depthwise_weight_fixed<3, 1>(r);
  if (r.window == 3 && r.stride == 2) return depthwise_weight_fixed<3, 2>(r);
  if (r.window == 5 && r.stride == 1) return depthwise_weight_fixed<5, 1>(r);
  if (r.window == 5 && r.stride == 2) return depthwise_weight_fixed<5, 2>(r);
  depthwise_weight_pixels(r);
}

TINYFIQA_ISA_END
