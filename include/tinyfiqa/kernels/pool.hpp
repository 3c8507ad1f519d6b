// Max pooling over windows and the mean over whole maps, vectorised over channels.
//
//   max_pool    y[n, oy, ox, c] = max over ky, kx of x[n, iy, ix, c]
//               iy = oy stride + ky - padding,    ix = ox stride + kx - padding
//   mean_hw     y[n, c] = 1 / (H W) sum over h, w of x[n, h, w, c]
//
// Taps outside the map are left out of the maximum. Reads exactly x's channels and writes exactly y's: the
// last vector of a pixel goes through load_part / store_part.
#pragma once

#include <tinyfiqa/kernels/depthwise.hpp>

TINYFIQA_ISA_BEGIN(kernels)

/// Pixel strides are in floats. mean_hw ignores window, stride and padding.
struct PoolArgs {
  int n = 0, h = 0, w = 0, c = 0;  ///< of the input
  int out_h = 1, out_w = 1;        ///< (h + 2 padding - window) / stride + 1, likewise w; mean_hw: 1, 1
  int window = 1, stride = 1, padding = 0;  ///< rows and columns alike; padding < window
  const float* x = nullptr;                 ///< [n, h, w, c]; not null
  std::ptrdiff_t x_pixel_stride = 0;
  float* y = nullptr;  ///< [n, out_h, out_w, c]; not null; must not overlap x
  std::ptrdiff_t y_pixel_stride = 0;
};

/// Windows of 3x3, stride 2: pixels begin .. end of one output row whose windows lie between the map's left
/// and right borders. The maximum of a column is used by both windows that share it. `x` is the input row of
/// the window's tap ky = 0, `y` the output row's pixel 0.
inline void max_pool_3x3_row(const PoolArgs& p, const float* x, TapRange rows, int begin, int end, float* y) {
  const std::ptrdiff_t x_row = p.w * p.x_pixel_stride;
  for (int first = 0; first < p.c; first += simd::width) {
    const int count = p.c - first < simd::width ? p.c - first : simd::width;
    const auto column = [&](std::ptrdiff_t at) TINYFIQA_INLINE_LAMBDA {
      vf best = simd::load_up_to(x + rows.first * x_row + at, count);
      for (int ky = rows.first + 1; ky < rows.last; ++ky)
        best = simd::max(best, simd::load_up_to(x + ky * x_row + at, count));
      return best;
    };
    std::ptrdiff_t at = (2 * begin - p.padding) * p.x_pixel_stride + first;
    vf left = column(at);
    for (int ox = begin; ox < end; ++ox, at += 2 * p.x_pixel_stride) {
      const vf right = column(at + 2 * p.x_pixel_stride);
      simd::store_up_to(y + ox * p.y_pixel_stride + first,
                        simd::max(simd::max(left, column(at + p.x_pixel_stride)), right), count);
      left = right;
    }
  }
}

/// Windows of 2x2, stride 2, without padding: one output row. `x` is the upper input row, `y` the output row's pixel 0.
inline void max_pool_2x2_row(const PoolArgs& p, const float* x, float* y) {
  const std::ptrdiff_t right = p.x_pixel_stride, below = p.w * p.x_pixel_stride;
  for (int ox = 0; ox < p.out_w; ++ox, x += 2 * right, y += p.y_pixel_stride) {
    const auto largest = [&](auto load) TINYFIQA_INLINE_LAMBDA {
      return simd::max(simd::max(simd::max(load(x), load(x + right)), load(x + below)),
                       load(x + below + right));
    };
    int c = 0;
    for (; c + simd::width <= p.c; c += simd::width)
      simd::store(y + c, largest([&](const float* at) TINYFIQA_INLINE_LAMBDA { return simd::load(at + c); }));
    if (c < p.c)
      simd::store_part(y + c, largest([&](const float* at) TINYFIQA_INLINE_LAMBDA {
                         return simd::load_part(at + c, p.c - c);
                       }),
                       p.c - c);
  }
}

/// Any window: pixels begin .. end of output row oy.
inline void max_pool_columns(const PoolArgs& p, int image, int oy, int begin, int end) {
  const int top = oy * p.stride - p.padding;
  const TapRange rows = taps_inside(top, p.window, p.h);
  for (int ox = begin; ox < end; ++ox) {
    const int left = ox * p.stride - p.padding;
    const TapRange cols = taps_inside(left, p.window, p.w);
    const float* x = p.x + ((static_cast<std::ptrdiff_t>(image) * p.h + top) * p.w + left) * p.x_pixel_stride;
    float* y = p.y + ((static_cast<std::ptrdiff_t>(image) * p.out_h + oy) * p.out_w + ox) * p.y_pixel_stride;
    for (int first = 0; first < p.c; first += simd::width) {
      const int count = p.c - first < simd::width ? p.c - first : simd::width;
      const float* corner =
          x + (static_cast<std::ptrdiff_t>(rows.first) * p.w + cols.first) * p.x_pixel_stride + first;
      vf best = simd::load_up_to(corner, count);
      for (int ky = rows.first; ky < rows.last; ++ky)
        for (int kx = cols.first; kx < cols.last; ++kx)
          best = simd::max(
              best, simd::load_up_to(
                        x + (static_cast<std::ptrdiff_t>(ky) * p.w + kx) * p.x_pixel_stride + first, count));
      simd::store_up_to(y + first, best, count);
    }
  }
}

/// Output row oy of an image.
inline void max_pool_row(const PoolArgs& p, int image, int oy) {
  const int top = oy * p.stride - p.padding;
  const float* const x = p.x + (static_cast<std::ptrdiff_t>(image) * p.h + top) * p.w * p.x_pixel_stride;
  float* const y = p.y + (static_cast<std::ptrdiff_t>(image) * p.out_h + oy) * p.out_w * p.y_pixel_stride;
  if (p.window == 2 && p.stride == 2 && p.padding == 0) return max_pool_2x2_row(p, x, y);
  if (p.window != 3 || p.stride != 2) return max_pool_columns(p, image, oy, 0, p.out_w);
  const PixelRange inside = pixels_inside(p.window, p.stride, p.padding, p.w, p.out_w);
  max_pool_columns(p, image, oy, 0, inside.begin);
  if (inside.begin < inside.end)
    max_pool_3x3_row(p, x, taps_inside(top, 3, p.h), inside.begin, inside.end, y);
  max_pool_columns(p, image, oy, inside.end, p.out_w);
}

/// The whole pooling, rows split over the team's threads.
inline void max_pool(const PoolArgs& p, const Team& team) {
  const double work = static_cast<double>(p.n) * p.out_h * p.out_w * p.c * p.window * p.window;
  parallel_for(worth_team(team, work), p.n * p.out_h, [&](int begin, int end, int) {
    for (int i = begin; i < end; ++i) max_pool_row(p, i / p.out_h, i % p.out_h);
  });
}

/// total[v] = sum over `pixels` pixels of V neighbouring vectors of channels. The last vector has
/// `count` floats.
///
/// Runs of 64 pixels are summed first, in 4 partial sums each, so the rounding error grows with 64 / 4 +
/// pixels / 64 and not with the number of pixels. V does not change the order of a channel's additions.
template <int V>
TINYFIQA_INLINE void sum_pixels(const float* x, std::ptrdiff_t x_pixel_stride, int pixels, int count,
                                vf (&total)[V]) {
  vf part[4][V];
  const auto add = [&](int pixel, int p) TINYFIQA_INLINE_LAMBDA {
#pragma GCC unroll 4
    for (int v = 0; v < V; ++v) {
      const float* at = x + pixel * x_pixel_stride + v * simd::width;
      part[p][v] = part[p][v] + (v + 1 < V ? simd::load(at) : simd::load_up_to(at, count));
    }
  };
#pragma GCC unroll 4
  for (int v = 0; v < V; ++v) total[v] = simd::splat(0.0f);
  for (int i = 0; i < pixels; i += 64) {
    const int end = pixels - i < 64 ? pixels : i + 64;
#pragma GCC unroll 4
    for (int p = 0; p < 4; ++p)
#pragma GCC unroll 4
      for (int v = 0; v < V; ++v) part[p][v] = simd::splat(0.0f);
    int j = i;
    for (; j + 4 <= end; j += 4)
#pragma GCC unroll 4
      for (int p = 0; p < 4; ++p) add(j + p, p);
    for (; j < end; ++j) add(j, 0);
#pragma GCC unroll 4
    for (int v = 0; v < V; ++v) total[v] = total[v] + ((part[0][v] + part[1][v]) + (part[2][v] + part[3][v]));
  }
}

/// The mean of V vectors of channels of one image, from channel `first` on.
template <int V>
inline void mean_channels(const PoolArgs& p, int image, int first) {
  const int pixels = p.h * p.w, last = first + (V - 1) * simd::width;
  const int count = p.c - last < simd::width ? p.c - last : simd::width;
  const vf scale = simd::splat(1.0f / static_cast<float>(pixels));
  vf sum[V];
  sum_pixels<V>(p.x + static_cast<std::ptrdiff_t>(image) * pixels * p.x_pixel_stride + first,
                p.x_pixel_stride, pixels, count, sum);
  float* const y = p.y + image * p.y_pixel_stride + first;
#pragma GCC unroll 4
  for (int v = 0; v < V; ++v)
    simd::store_up_to(y + v * simd::width, sum[v] * scale, v + 1 < V ? simd::width : count);
}

/// The mean over rows and columns. Two vectors of channels at a time: with AVX2 that is one cache line.
inline void mean_hw(const PoolArgs& p, const Team& team) {
#ifdef TINYFIQA_SMALL
  constexpr int most = 1;
#else
  constexpr int most = 2;
#endif
  const int pair = most * simd::width, pairs = (p.c + pair - 1) / pair;
  const double work = static_cast<double>(p.n) * p.h * p.w * p.c;
  parallel_for(worth_team(team, work), p.n * pairs, [&](int begin, int end, int) {
    for (int i = begin; i < end; ++i) {
      const int image = i / pairs, first = i % pairs * pair;
      if (p.c - first > simd::width && most > 1)
        mean_channels<most>(p, image, first);
      else
        mean_channels<1>(p, image, first);
    }
  });
}

TINYFIQA_ISA_END
