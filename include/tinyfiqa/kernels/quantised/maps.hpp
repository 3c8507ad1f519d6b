// Operations on 8-bit maps that multiply no weights: maximum over windows, mean over maps, sums of two maps, gate of
// squeeze-excite, and conversion from and to floats. Moves of levels (copy, interleave, ...) are in kernels/elementwise.hpp.
//
// Every result is rounded where the formula says so, and nowhere else: all processors have the same bits.
#pragma once

#include <tinyfiqa/kernels/elementwise.hpp>
#include <tinyfiqa/kernels/pool.hpp>
#include <tinyfiqa/simd/levels.hpp>

#include <cstddef>
#include <cstdint>
#include <cstring>

TINYFIQA_ISA_BEGIN(kernels)

/// A map of levels, and what they stand for.
struct LevelMap {
  const std::uint8_t* levels = nullptr;  ///< [images, pixels, c]
  std::ptrdiff_t pixel_stride = 0;
  float scale = 1.0f;
  float zero = 0.0f;  ///< the level that stands for 0
};

/// Sizes, and where the result goes: levels or floats.
struct LevelArgs {
  int images = 0, pixels = 0, c = 0;
  LevelMap x, b;
  std::uint8_t* y = nullptr;
  float* floats = nullptr;
  std::ptrdiff_t y_pixel_stride = 0;
  float y_scale = 1.0f;
  LevelRange range;
};

/// The channels of a pixel: calls op(vectors, first, count) for blocks of 4 vectors, then of 2, then for single ones. `vectors`
/// is a VectorCount.
template <int N>
struct VectorCount {
  static constexpr int value = N;
};
template <class Op>
TINYFIQA_INLINE void for_each_level_block(int c, const Op& op) {
  constexpr int block = 4 * simd::width, half = 2 * simd::width;
  int first = 0;
  for (; first + block <= c; first += block) op(VectorCount<4>{}, first, block);
  for (; first + half <= c; first += half) op(VectorCount<2>{}, first, half);
  for (; first < c; first += simd::width)
    op(VectorCount<1>{}, first, c - first < simd::width ? c - first : simd::width);
}

/// Vector v of a block's N vectors of levels, as floats.
template <int N>
TINYFIQA_INLINE vf load_level_vector(const std::uint8_t* p, int v, int count) {
  return N > 1 ? simd::load_levels(p + v * simd::width) : simd::load_levels_up_to(p, count);
}

/// Calls op(image, pixel) for every pixel, counted over all images.
template <class Op>
inline void for_each_level_pixel(const LevelArgs& e, const Team& team, const Op& op) {
  const double work = static_cast<double>(e.images) * e.pixels * e.c;
  parallel_for(worth_team(team, work), e.images * e.pixels, [&](int begin, int end, int) {
    for (int i = begin; i < end; ++i) op(i / e.pixels, i);
  });
}

/// The same maps with neighbouring pixels taken as one of many channels, if they are dense: for operations that do the same to
/// every channel. Narrow pixels would leave most of a vector unused.
inline LevelArgs as_wide_pixels(LevelArgs e) {
  const std::ptrdiff_t c = e.c;
  if (e.x.pixel_stride != c || e.y_pixel_stride != c || (e.b.levels != nullptr && e.b.pixel_stride != c))
    return e;
  while (e.pixels % 2 == 0 && e.c < 2048) {
    e.pixels /= 2;
    e.c *= 2;
  }
  e.x.pixel_stride = e.b.pixel_stride = e.y_pixel_stride = e.c;
  return e;
}

/// Pixel `at` of y: the sum of that of x and of pixel `from` of b.
TINYFIQA_INLINE void add_level_pixel(const LevelArgs& e, std::ptrdiff_t at, std::ptrdiff_t from, vf by_x,
                                     vf by_b, vf zero_x, vf zero_b) {
  const std::uint8_t* const x = e.x.levels + at * e.x.pixel_stride;
  const std::uint8_t* const b = e.b.levels + from * e.b.pixel_stride;
  for_each_level_block(e.c, [&](auto vectors, int first, int count) TINYFIQA_INLINE_LAMBDA {
    constexpr int N = decltype(vectors)::value;
    vf y[N];
#pragma GCC unroll 4
    for (int v = 0; v < N; ++v)
      y[v] = simd::rounded((load_level_vector<N>(x + first, v, count) - zero_x) * by_x) +
             simd::rounded((load_level_vector<N>(b + first, v, count) - zero_b) * by_b);
    simd::store_levels<N>(e.y + at * e.y_pixel_stride + first, y, e.range, count);
  });
}

/// y = x + b, as numbers:   level = to_level((x - zero_x) (scale_x / scale_y) + (b - zero_b) (scale_b / scale_y))
/// The two products are rounded before they are added.
inline void add_levels(const LevelArgs& maps, const Team& team) {
  const LevelArgs e = as_wide_pixels(maps);
  const vf by_x = simd::splat(limited_factor(e.x.scale / e.y_scale, 255.0f)),
           by_b = simd::splat(limited_factor(e.b.scale / e.y_scale, 255.0f));
  const vf zero_x = simd::splat(e.x.zero), zero_b = simd::splat(e.b.zero);
  for_each_level_pixel(e, team, [&](int, int i) { add_level_pixel(e, i, i, by_x, by_b, zero_x, zero_b); });
}

/// The same for a coarser b, whose sizes are `coarse_h` and `coarse_w`; x and y have `height` and `width`. Pixel [h, w] adds that
/// of b at [h coarse_h / height, w coarse_w / width], rounded down.
inline void add_upsampled_levels(const LevelArgs& e, int height, int width, int coarse_h, int coarse_w,
                                 const Team& team) {
  const vf by_x = simd::splat(limited_factor(e.x.scale / e.y_scale, 255.0f)),
           by_b = simd::splat(limited_factor(e.b.scale / e.y_scale, 255.0f));
  const vf zero_x = simd::splat(e.x.zero), zero_b = simd::splat(e.b.zero);
  for_each_level_pixel(e, team, [&](int, int i) {
    const int row = i / width, column = i % width;  // rows are counted over all images
    const std::ptrdiff_t coarse_row = row / height * coarse_h + row % height * coarse_h / height;
    const std::ptrdiff_t from = coarse_row * coarse_w + column * coarse_w / width;
    add_level_pixel(e, i, from, by_x, by_b, zero_x, zero_b);
  });
}

/// y = x times the gate b [images, c]:   level = to_level((x - zero_x) ((b - zero_b) (scale_b scale_x / scale_y)))
/// b.pixel_stride is from image to image.
inline void scale_levels(const LevelArgs& e, const Team& team) {
  const vf by = simd::splat(limited_factor(e.b.scale * e.x.scale / e.y_scale, 255.0f * 255.0f)),
           zero_x = simd::splat(e.x.zero), zero_b = simd::splat(e.b.zero);
  const double work = static_cast<double>(e.images) * e.pixels * e.c;
  parallel_for(worth_team(team, work), e.images * e.pixels, [&](int begin, int end, int) {
    for_each_image(e.pixels, begin, end, [&](int image, int first_pixel, int last_pixel) {
      const std::uint8_t* const b = e.b.levels + image * e.b.pixel_stride;
      for_each_level_block(e.c, [&](auto vectors, int first, int count) TINYFIQA_INLINE_LAMBDA {
        constexpr int N = decltype(vectors)::value;
        vf gate[N];
#pragma GCC unroll 4
        for (int v = 0; v < N; ++v) gate[v] = (load_level_vector<N>(b + first, v, count) - zero_b) * by;
        for (int p = first_pixel; p < last_pixel; ++p) {
          const std::ptrdiff_t i = std::ptrdiff_t{image} * e.pixels + p;
          vf y[N];
#pragma GCC unroll 4
          for (int v = 0; v < N; ++v)
            y[v] = (load_level_vector<N>(e.x.levels + i * e.x.pixel_stride + first, v, count) - zero_x) *
                   gate[v];
          simd::store_levels<N>(e.y + i * e.y_pixel_stride + first, y, e.range, count);
        }
      });
    });
  });
}

/// y [images, c] = mean over the pixels of x. As levels: to_level((sum - pixels zero_x) (scale_x / (pixels scale_y))); as
/// floats the number itself. The sum, an integer, holds 2^23 pixels.
inline void mean_levels(const LevelArgs& e, const Team& team) {
  const double work = static_cast<double>(e.images) * e.pixels * e.c;
  const float pixels = static_cast<float>(e.pixels);
  const vf by =
      simd::splat(e.y == nullptr ? e.x.scale / pixels
                                 : limited_factor(e.x.scale / (pixels * e.y_scale), 255.0f * pixels));
  std::int32_t offset[simd::width];
  for (std::int32_t& o : offset) o = -static_cast<std::int32_t>(e.x.zero) * e.pixels;
  parallel_for(worth_team(team, work), e.images, [&](int begin, int end, int) {
    for (int image = begin; image < end; ++image)
      for_each_level_block(e.c, [&](auto vectors, int first, int count) TINYFIQA_INLINE_LAMBDA {
        constexpr int N = decltype(vectors)::value;
        const std::uint8_t* x = e.x.levels + std::ptrdiff_t{image} * e.pixels * e.x.pixel_stride + first;
        simd::vi sum[N];
#pragma GCC unroll 4
        for (int v = 0; v < N; ++v) sum[v] = simd::load_ints(offset);
        for (int p = 0; p < e.pixels; ++p, x += e.x.pixel_stride)
#pragma GCC unroll 4
          for (int v = 0; v < N; ++v)
            sum[v] = simd::add(sum[v], N > 1 ? simd::load_level_ints(x + v * simd::width)
                                             : simd::load_level_ints_up_to(x, count));
        vf y[N];
#pragma GCC unroll 4
        for (int v = 0; v < N; ++v) y[v] = simd::to_floats(sum[v]) * by;
        const std::ptrdiff_t at = image * e.y_pixel_stride + first;
        if (e.y != nullptr) return simd::store_levels<N>(e.y + at, y, e.range, count);
#pragma GCC unroll 4
        for (int v = 0; v < N; ++v)
          simd::store_up_to(e.floats + at + v * simd::width, y[v], N > 1 ? simd::width : count);
      });
  });
}

/// Floats of levels: y = (x - zero_x) scale_x
inline void levels_to_floats(const LevelArgs& maps, const Team& team) {
  const LevelArgs e = as_wide_pixels(maps);
  const vf zero = simd::splat(e.x.zero), scale = simd::splat(e.x.scale);
  for_each_level_pixel(e, team, [&](int, int i) {
    const std::uint8_t* const x = e.x.levels + i * e.x.pixel_stride;
    float* const y = e.floats + i * e.y_pixel_stride;
    for_each_level_block(e.c, [&](auto vectors, int first, int count) TINYFIQA_INLINE_LAMBDA {
      constexpr int N = decltype(vectors)::value;
#pragma GCC unroll 4
      for (int v = 0; v < N; ++v)
        simd::store_up_to(y + first + v * simd::width,
                          (load_level_vector<N>(x + first, v, count) - zero) * scale,
                          N > 1 ? simd::width : count);
    });
  });
}

/// Windows of levels: PoolArgs of bytes.
struct MaxLevelsArgs {
  int n = 0, h = 0, w = 0, c = 0;
  int out_h = 1, out_w = 1;
  int window = 1, stride = 1, padding = 0;
  const std::uint8_t* x = nullptr;
  std::ptrdiff_t x_pixel_stride = 0;
  std::uint8_t* y = nullptr;
  std::ptrdiff_t y_pixel_stride = 0;
};

/// The largest levels of a window: 16 channels, of rows and columns that lie inside the map.
TINYFIQA_INLINE simd::vb max_of_window(const MaxLevelsArgs& p, const std::uint8_t* x, TapRange rows,
                                       TapRange cols) {
  simd::vb best = simd::load_16(x + (std::ptrdiff_t{rows.first} * p.w + cols.first) * p.x_pixel_stride);
  for (int ky = rows.first; ky < rows.last; ++ky)
    for (int kx = cols.first; kx < cols.last; ++kx)
      best = simd::max(best, simd::load_16(x + (std::ptrdiff_t{ky} * p.w + kx) * p.x_pixel_stride));
  return best;
}
/// The same for a whole window of 3x3.
TINYFIQA_INLINE simd::vb max_of_nine(const std::uint8_t* x, std::ptrdiff_t pixel, std::ptrdiff_t row) {
  simd::vb column[3];
#pragma GCC unroll 3
  for (int kx = 0; kx < 3; ++kx, x += pixel)
    column[kx] = simd::max(simd::max(simd::load_16(x), simd::load_16(x + row)), simd::load_16(x + 2 * row));
  return simd::max(simd::max(column[0], column[1]), column[2]);
}

/// The largest levels of a window of 16 channels or more: calls window(first) for 16 channels from `first` on. The last 16
/// channels end with the channels: some are computed twice.
template <class Window>
TINYFIQA_INLINE void max_by_16(int c, std::uint8_t* y, const Window& window) {
  int first = 0;
  for (; first + 16 <= c; first += 16) simd::store_16(y + first, window(first));
  if (first < c) simd::store_16(y + c - 16, window(c - 16));
}

/// Output row oy of an image: the largest level of each window and channel. Taps outside the map are left out.
inline void max_levels_row(const MaxLevelsArgs& p, int image, int oy) {
  const int top = oy * p.stride - p.padding;
  const TapRange rows = taps_inside(top, p.window, p.h);
  const std::ptrdiff_t x_row = p.w * p.x_pixel_stride;
  for (int ox = 0; ox < p.out_w; ++ox) {
    const int left = ox * p.stride - p.padding;
    const TapRange cols = taps_inside(left, p.window, p.w);
    const std::uint8_t* const x = p.x + ((std::ptrdiff_t{image} * p.h + top) * p.w + left) * p.x_pixel_stride;
    std::uint8_t* const y = p.y + ((std::ptrdiff_t{image} * p.out_h + oy) * p.out_w + ox) * p.y_pixel_stride;
    const bool nine = rows.last - rows.first == 3 && cols.last - cols.first == 3 && p.window == 3;
    if (p.c >= 16 && nine) {
      max_by_16(p.c, y,
                [&](int c) TINYFIQA_INLINE_LAMBDA { return max_of_nine(x + c, p.x_pixel_stride, x_row); });
    } else if (p.c >= 16) {
      max_by_16(p.c, y, [&](int c) TINYFIQA_INLINE_LAMBDA { return max_of_window(p, x + c, rows, cols); });
    } else {
      for (int c = 0; c < p.c; ++c) {
        std::uint8_t best = 0;
        for (int ky = rows.first; ky < rows.last; ++ky)
          for (int kx = cols.first; kx < cols.last; ++kx) {
            const std::uint8_t level = x[ky * x_row + kx * p.x_pixel_stride + c];
            best = level > best ? level : best;
          }
        y[c] = best;
      }
    }
  }
}

inline void max_levels(const MaxLevelsArgs& p, const Team& team) {
  const double work = static_cast<double>(p.n) * p.out_h * p.out_w * p.c * p.window * p.window / 4;
  parallel_for(worth_team(team, work), p.n * p.out_h, [&](int begin, int end, int) {
    for (int i = begin; i < end; ++i) max_levels_row(p, i / p.out_h, i % p.out_h);
  });
}

TINYFIQA_ISA_END
