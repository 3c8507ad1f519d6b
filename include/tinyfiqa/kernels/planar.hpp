// Convolutions of narrow maps, by planes. Where a map has a few channels, vectors over channels are half
// empty (tinyFQnet's maps have 2 to 20); vectors over the pixels of a row are full:
//
//   by channels  [N, H, W, C]   r g b r g b r g b ...        row y: W pixels of C floats
//   by planes    [N, H, C, W]   r r r ... g g g ... b b b    row y: C planes of W floats
//
// Both have rows of as many floats. The weights are those that the kernels by channels read, one float at a
// time.
#pragma once

#include <tinyfiqa/kernels/depthwise.hpp>
#include <tinyfiqa/kernels/gemm.hpp>
#include <tinyfiqa/kernels/parallel.hpp>

#ifndef TINYFIQA_SCALAR

TINYFIQA_ISA_BEGIN(kernels)

struct PlanarArgs {
  int n = 0, h = 0, w = 0, c = 0;
  int out_h = 0, out_w = 0, cout = 0, stride = 1;
  const float* x = nullptr;
  const float* packed = nullptr;
  const float* residual = nullptr;  ///< laid out as y
  float* y = nullptr;
  bool y_planar = true;
  float lowest = 0;  ///< of y before the residual: 0 for ReLU, else -infinity
};

/// v, pixels col .. col + count of channel c of row `row` (counted over all images), on its way to memory.
TINYFIQA_INLINE void put_planar(const PlanarArgs& a, vf v, int row, int col, int c, int count) {
  v = simd::max(simd::splat(a.lowest), v);
  if (a.y_planar) {
    const std::ptrdiff_t at = (static_cast<std::ptrdiff_t>(row) * a.cout + c) * a.out_w + col;
    if (a.residual != nullptr) v = v + simd::load(a.residual + at);
    return simd::store(a.y + at, v);
  }
  float lanes[simd::width];
  simd::store(lanes, v);
  std::ptrdiff_t at = (static_cast<std::ptrdiff_t>(row) * a.out_w + col) * a.cout + c;
  for (int i = 0; i < count; ++i, at += a.cout)
    a.y[at] = a.residual == nullptr ? lanes[i] : lanes[i] + a.residual[at];
}

// ---- products: outputs of one pixel are sums over k of weights times vectors of pixels

/// Where a tile's vectors of pixels go.
struct PlanarSpot {
  int row = 0, col = 0;
};

// Accumulators fill the registers: two vectors of pixels by so many outputs.
#if defined(__AVX512F__) || defined(__aarch64__)
inline constexpr int planar_outputs = 12;
#else
inline constexpr int planar_outputs = 6;
#endif

/// CO outputs from output `first` on, of P vectors of pixels. `weight` is the bias of the first; weights of
/// one k lie `columns` behind those of the k before. source(k, p) = the vector of pixels p that weight k
/// multiplies.
template <int P, int CO, class Source>
TINYFIQA_INLINE void planar_tile(const PlanarArgs& a, int depth, const Source& source, const float* weight,
                                 int columns, int first, const PlanarSpot (&spot)[2]) {
  vf sum[CO][P];
#pragma GCC unroll 12
  for (int c = 0; c < CO; ++c)
#pragma GCC unroll 2
    for (int p = 0; p < P; ++p) sum[c][p] = simd::splat(weight[c]);
  for (int k = 0; k < depth; ++k) {
    weight += columns;
    vf x[P];
#pragma GCC unroll 2
    for (int p = 0; p < P; ++p) x[p] = simd::load(source(k, p));
#pragma GCC unroll 12
    for (int c = 0; c < CO; ++c) {
      const vf w = simd::splat(weight[c]);
#pragma GCC unroll 2
      for (int p = 0; p < P; ++p) sum[c][p] = simd::fma(x[p], w, sum[c][p]);
    }
  }
#pragma GCC unroll 12
  for (int c = 0; c < CO; ++c)
#pragma GCC unroll 2
    for (int p = 0; p < P; ++p) put_planar(a, sum[c][p], spot[p].row, spot[p].col, first + c, simd::width);
}

/// The tile for `count` outputs, 0 < count <= CO.
template <int P, int CO, class Source>
TINYFIQA_INLINE void planar_tile_of(int count, const PlanarArgs& a, int depth, const Source& source,
                                    const float* weight, int columns, int first,
                                    const PlanarSpot (&spot)[2]) {
  if constexpr (CO > 1)
    if (count < CO) return planar_tile_of<P, CO - 1>(count, a, depth, source, weight, columns, first, spot);
  planar_tile<P, CO>(a, depth, source, weight, columns, first, spot);
}

/// All outputs of P vectors of pixels.
template <int P, class Source>
inline void planar_pixels(const PlanarArgs& a, int depth, const Source& source, const PlanarSpot (&spot)[2]) {
  const float* panel = a.packed;
  for_each_panel(a.cout, [&](auto vectors, int start, int valid) {
    constexpr int columns = decltype(vectors)::count * simd::width;
    const int tiles = (valid + planar_outputs - 1) / planar_outputs;
    for (int t = 0; t < tiles; ++t) {
      const int begin = valid * t / tiles, end = valid * (t + 1) / tiles;
      planar_tile_of<P, planar_outputs>(end - begin, a, depth, source, panel + begin, columns, start + begin,
                                        spot);
    }
    panel += static_cast<std::ptrdiff_t>(columns) * (depth + 1);
  });
}

/// 1x1 convolution, rows begin .. end counted over all images.
inline void planar_pointwise_rows(const PlanarArgs& a, int begin, int end) {
  const int plane = a.w;
  const auto vectors = [&](auto pixels, const PlanarSpot(&spot)[2]) {
    constexpr int P = decltype(pixels)::count;
    const float* x[2];
    for (int p = 0; p < 2; ++p)
      x[p] = a.x + static_cast<std::ptrdiff_t>(spot[p].row) * a.c * plane + spot[p].col;
    planar_pixels<P>(
        a, a.c, [&](int k, int p) { return x[p] + static_cast<std::ptrdiff_t>(k) * plane; }, spot);
  };
  PlanarSpot spot[2];
  int held = 0;
  for (int row = begin; row < end; ++row)
    for (int col = 0; col < a.w; col += simd::width) {
      spot[held++] = {row, col};
      if (held == 2) vectors(PanelVectors<2>{}, spot);
      held %= 2;
    }
  if (held == 1) vectors(PanelVectors<1>{}, spot);
}

// ---- 3x3 convolution, stride 2, padding 1, of three interleaved channels: a network's first

/// A strip's pixels of an input row by planes: even columns, and odd ones with the one before them.
struct PlanarStem {
  float even[3][2 * simd::width], odd[3][2 * simd::width + 1];
};

template <int P>
inline void fill_planar_stem(const PlanarArgs& a, int image, int y, int first, PlanarStem& s) {
  if (y < 0 || y >= a.h) return void(s = PlanarStem());
  const float* x =
      a.x + (static_cast<std::ptrdiff_t>(image) * a.h + y) * a.w * 3 + static_cast<std::ptrdiff_t>(first) * 6;
  for (int c = 0; c < 3; ++c) s.odd[c][0] = first == 0 ? 0.0f : x[c - 3];
  for (int p = 0; p < P; ++p) {
    vf part[6];
    simd::load_sixths(x + 6 * p * simd::width, part);
    for (int c = 0; c < 3; ++c) {
      simd::store(s.even[c] + p * simd::width, part[c]);
      simd::store(s.odd[c] + p * simd::width + 1, part[3 + c]);
    }
  }
}

/// Rows begin .. end of one image, columns first .. first + P vectors.
template <int P>
inline void planar_stem_strip(const PlanarArgs& a, int image, int begin, int end, int first) {
  PlanarStem ring[3];
  const auto held = [&](int y) -> PlanarStem& { return ring[(y + 3) % 3]; };
  fill_planar_stem<P>(a, image, 2 * begin - 1, first, held(2 * begin - 1));
  for (int oy = begin; oy < end; ++oy) {
    const float* source[27];
    for (int ky = 0, k = 0; ky < 3; ++ky) {
      const int y = 2 * oy - 1 + ky;
      if (ky > 0) fill_planar_stem<P>(a, image, y, first, held(y));
      const PlanarStem& s = held(y);
      for (int kx = 0; kx < 3; ++kx)
        for (int c = 0; c < 3; ++c) source[k++] = kx == 1 ? s.even[c] : s.odd[c] + kx / 2;
    }
    const int row = image * a.out_h + oy;
    const PlanarSpot spot[2] = {{row, first}, {row, first + simd::width}};
    planar_pixels<P>(
        a, 27, [&](int k, int p) { return source[k] + p * simd::width; }, spot);
  }
}
inline void planar_stem_rows(const PlanarArgs& a, int begin, int end) {
  while (begin < end) {
    const int image = begin / a.out_h, last = (image + 1) * a.out_h < end ? (image + 1) * a.out_h : end;
    const int from = begin - image * a.out_h, to = last - image * a.out_h;
    int col = 0;
    for (; col + 2 * simd::width <= a.out_w; col += 2 * simd::width)
      planar_stem_strip<2>(a, image, from, to, col);
    if (col < a.out_w) planar_stem_strip<1>(a, image, from, to, col);
    begin = last;
  }
}

// ---- depthwise 3x3, padding 1

/// Weights of one channel: bias, then nine taps.
struct PlanarTaps {
  vf bias, tap[9];
};
TINYFIQA_INLINE PlanarTaps planar_taps(const PlanarArgs& a, int c) {
  const int padded = depthwise_padded_channels(a.c);
  PlanarTaps w;
  w.bias = simd::splat(a.packed[c]);
#pragma GCC unroll 9
  for (int t = 0; t < 9; ++t) w.tap[t] = simd::splat(a.packed[(t + 1) * padded + c]);
  return w;
}
TINYFIQA_INLINE const float* planar_row(const PlanarArgs& a, int image, int y, int c) {
  return a.x + ((static_cast<std::ptrdiff_t>(image) * a.h + y) * a.c + c) * a.w;
}

#if defined(__AVX512F__) || defined(__aarch64__)
inline constexpr int planar_strip = 4;
#else
inline constexpr int planar_strip = 2;
#endif

/// Stride 1, R output rows from row y on of channel c: each row of x is loaded once.
template <int R>
inline void planar_depthwise_strip(const PlanarArgs& a, int image, int y, int c) {
  const PlanarTaps w = planar_taps(a, c);
  for (int col = 0; col < a.w; col += simd::width) {
    vf sum[R];
#pragma GCC unroll 4
    for (int r = 0; r < R; ++r) sum[r] = w.bias;
#pragma GCC unroll 6
    for (int i = -1; i <= R; ++i) {
      if (y + i < 0 || y + i >= a.h) continue;
      const float* x = planar_row(a, image, y + i, c) + col;
      const vf middle = simd::load(x);
      const vf left = col > 0 ? simd::load(x - 1) : simd::shift_up(middle, 0.0f);
      const vf right = col + simd::width < a.w ? simd::load(x + 1) : simd::shift_down(middle, 0.0f);
#pragma GCC unroll 3
      for (int ky = 0; ky < 3; ++ky) {
        const int r = i + 1 - ky;
        if (r < 0 || r >= R) continue;
        sum[r] = simd::fma(w.tap[3 * ky], left, sum[r]);
        sum[r] = simd::fma(w.tap[3 * ky + 1], middle, sum[r]);
        sum[r] = simd::fma(w.tap[3 * ky + 2], right, sum[r]);
      }
    }
#pragma GCC unroll 4
    for (int r = 0; r < R; ++r) put_planar(a, sum[r], image * a.out_h + y + r, col, c, simd::width);
  }
}

/// Stride 2, one output row of channel c. The last vector may be half a one.
inline void planar_depthwise_half(const PlanarArgs& a, int image, int oy, int c) {
  const PlanarTaps w = planar_taps(a, c);
  for (int col = 0; col < a.out_w; col += simd::width) {
    const int left = a.out_w - col, count = left < simd::width ? left : simd::width;
    vf sum = w.bias;
#pragma GCC unroll 3
    for (int ky = 0; ky < 3; ++ky) {
      const int y = 2 * oy - 1 + ky;
      if (y < 0 || y >= a.h) continue;
      const float* x = planar_row(a, image, y, c) + 2 * col;
      const vf near = simd::load(x),
               far = count == simd::width ? simd::load(x + simd::width) : simd::splat(0.0f);
      const vf odd = simd::odd_lanes(near, far);
      sum = simd::fma(w.tap[3 * ky], simd::shift_up(odd, col > 0 ? x[-1] : 0.0f), sum);
      sum = simd::fma(w.tap[3 * ky + 1], simd::even_lanes(near, far), sum);
      sum = simd::fma(w.tap[3 * ky + 2], odd, sum);
    }
    put_planar(a, sum, image * a.out_h + oy, col, c, count);
  }
}

inline void planar_depthwise_rows(const PlanarArgs& a, int begin, int end) {
  for (int row = begin; row < end;) {
    const int image = row / a.out_h, y = row % a.out_h;
    const int left = (a.out_h - y < end - row ? a.out_h - y : end - row);
    const bool strip = a.stride == 1 && left >= planar_strip;
    for (int c = 0; c < a.c; ++c) {
      if (a.stride == 2)
        planar_depthwise_half(a, image, y, c);
      else if (strip)
        planar_depthwise_strip<planar_strip>(a, image, y, c);
      else
        planar_depthwise_strip<1>(a, image, y, c);
    }
    row += strip ? planar_strip : 1;
  }
}

/// rows(a, begin, end) over all rows of all images, split over threads.
template <class Rows>
inline void planar_convolution(const PlanarArgs& a, const Team& team, double macs, const Rows& rows) {
  parallel_for(worth_team(team, macs), a.n * a.out_h, [&](int begin, int end, int) { rows(a, begin, end); });
}

TINYFIQA_ISA_END

#endif
