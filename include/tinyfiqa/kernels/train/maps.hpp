// Training of operations that move channels or choose pixels: concat, slice, shuffle, interleave, max
// pooling. The formulas are at each section; kernels/train/elementwise.hpp says what holds for all.
#pragma once

#include <tinyfiqa/kernels/train/elementwise.hpp>

TINYFIQA_ISA_BEGIN(kernels)

// ---- concat, one input at a time: y[..., first + j] = x[..., j];    dx = these channels of dy

inline void train_concat_part_forward(const TrainMapArgs& a, float* scratch, int first_channel) {
  for_each_block(a, scratch, in_pixels(a.x), [&](MapWorkspace& r, long long first, int count) {
    read_pixels(r.x, first, count, r.one);
    scatter_pixels(r.one, count, a.x.c, a.y + first * a.out_c + first_channel, a.out_c, false);
  });
}
inline void train_concat_part_backward(const TrainMapArgs& a, float* scratch, int first_channel) {
  pass_gradient(a, scratch, a.dx, first_channel, 0, a.x.c);
}

// ---- shuffle: y[..., j groups + g] = x[..., g (C / groups) + j];    dx = dy shuffled into C / groups groups

TINYFIQA_INLINE void shuffle_pixel(const float* x, int c, int groups, float* y) {
  const int per_group = c / groups;
  for (int g = 0; g < groups; ++g)
    for (int j = 0; j < per_group; ++j) y[j * groups + g] = x[g * per_group + j];
}
inline void train_shuffle_forward(const TrainMapArgs& a, float* scratch) {
  for_each_block(a, scratch, in_pixels(a.x), [&](MapWorkspace& r, long long first, int count) {
    const Rows x = read_rows(r.x, first, count);
    for (int i = 0; i < count; ++i)
      shuffle_pixel(x.data + i * x.pixel_stride, a.x.c, a.groups, a.y + (first + i) * a.x.c);
  });
}
inline void train_shuffle_backward(const TrainMapArgs& a, float* scratch) {
  if (a.dx.data == nullptr) return;
  for_each_block(a, scratch, in_pixels(a.x), [&](MapWorkspace& r, long long first, int count) {
    for (int i = 0; i < count; ++i)
      shuffle_pixel(a.dy + (first + i) * a.dy_pixel_stride, a.x.c, a.x.c / a.groups,
                    r.one + static_cast<std::ptrdiff_t>(i) * a.x.c);
    scatter_pixels(r.one, count, a.x.c, a.dx.data + first * a.dx.pixel_stride, a.dx.pixel_stride,
                   a.dx.accumulate);
  });
}

// ---- interleave: y[..., 2 j] = x[..., j],    y[..., 2 j + 1] = b[..., j];    dx, db = these channels of dy

inline void train_interleave_forward(const TrainMapArgs& a, float* scratch) {
  for_each_block(a, scratch, in_pixels(a.x), [&](MapWorkspace& r, long long first, int count) {
    const Rows x = read_rows(r.x, first, count), b = read_rows(r.b, first, count);
    for (int i = 0; i < count; ++i) {
      const float* TINYFIQA_RESTRICT xs = x.data + i * x.pixel_stride;
      const float* TINYFIQA_RESTRICT bs = b.data + i * b.pixel_stride;
      float* TINYFIQA_RESTRICT y = a.y + (first + i) * a.out_c;
      for (int j = 0; j < a.x.c; ++j) {
        y[2 * j] = xs[j];
        y[2 * j + 1] = bs[j];
      }
    }
  });
}
inline void train_interleave_backward(const TrainMapArgs& a, float* scratch) {
  for_each_gradient_block(a, scratch, [&](MapWorkspace& r, long long first, int count) {
    const int c = a.x.c;
    for (int i = 0; i < count; ++i) {
      const float* TINYFIQA_RESTRICT dy = a.dy + (first + i) * a.dy_pixel_stride;
      float* TINYFIQA_RESTRICT dx = r.one + static_cast<std::ptrdiff_t>(i) * c;
      float* TINYFIQA_RESTRICT db = r.two + static_cast<std::ptrdiff_t>(i) * c;
      for (int j = 0; j < c; ++j) {
        dx[j] = dy[2 * j];
        db[j] = dy[2 * j + 1];
      }
    }
    if (a.dx.data != nullptr)
      scatter_pixels(r.one, count, c, a.dx.data + first * a.dx.pixel_stride, a.dx.pixel_stride,
                     a.dx.accumulate);
    if (a.db.data != nullptr)
      scatter_pixels(r.two, count, c, a.db.data + first * a.db.pixel_stride, a.db.pixel_stride,
                     a.db.accumulate);
  });
}

// ---- slice: y is part of x in memory, so there is no forward. dx[..., first + j] = dy[..., j]; without
//      `accumulate` the other channels of dx become zero.

inline void train_slice_backward(const TrainMapArgs& a, float* scratch, int first_channel, int c) {
  if (a.dx.data == nullptr) return;
  if (!a.dx.accumulate)
    for (long long i = 0; i < in_pixels(a.x); ++i)
      std::memset(a.dx.data + i * a.dx.pixel_stride, 0, size_of(a.x.c) * sizeof(float));
  GradientArgs d = a.dx;
  d.accumulate = true;
  pass_gradient(a, scratch, d, 0, first_channel, c);
}

// ---- max pooling: y = max over the window's taps inside the map;    dx = sum of dy over the windows whose
//      maximum this pixel is, the first one among equals.
//      `saved` [N, H', W', C] is the number of the winning tap, ky window + kx.

/// Comparisons of the whole pooling.
TINYFIQA_INLINE double pool_work(const TrainMapArgs& a) {
  return static_cast<double>(a.x.n) * a.out_h * a.out_w * a.x.c * a.window * a.window;
}
/// Scratch of one thread beside train_map_scratch, in floats: `window` rows of x.
TINYFIQA_INLINE std::size_t pool_scratch_floats(const TrainMapArgs& a) {
  return size_of(a.window, a.x.w, a.x.c);
}

/// y[j] = the largest value of a window, saved[j] = the number of its tap, for the vector of `part` channels
/// from channel j on. The window's row ky begins at row(ky) + offset. K > 0: the window is K x K and lies
/// inside the map.
template <int K, class RowOf>
TINYFIQA_INLINE void max_window(const TrainMapArgs& a, TapRange rows, TapRange cols, const RowOf& row,
                                std::ptrdiff_t offset, std::ptrdiff_t j, int part, float* y, float* saved) {
  const int window = K > 0 ? K : a.window, first = K > 0 ? 0 : rows.first, last = K > 0 ? K : rows.last,
            left = K > 0 ? 0 : cols.first, right = K > 0 ? K : cols.last;
  const std::ptrdiff_t c = a.x.c, from = offset + j;
  vf best = simd::load_up_to(row(first) + from + left * c, part),
     winner = simd::splat(static_cast<float>(first * window + left));
#pragma GCC unroll 3
  for (int ky = first; ky < last; ++ky)
#pragma GCC unroll 3
    for (int kx = left; kx < right; ++kx) {
      if (ky == first && kx == left) continue;
      const vf v = simd::load_up_to(row(ky) + from + kx * c, part);
      winner = simd::select_less(best, v, simd::splat(static_cast<float>(ky * window + kx)), winner);
      best = simd::select_less(best, v, v, best);
    }
  simd::store_up_to(y + j, best, part);
  simd::store_up_to(saved + j, winner, part);
}
/// One output row of y and saved. The window's row ky is at row(ky), for ky in `rows`.
template <class RowOf>
inline void max_pool_row(const TrainMapArgs& a, TapRange rows, const RowOf& row, float* y, float* saved) {
  const bool whole_rows = a.window == 3 && rows.last - rows.first == 3;
  const float* three[3] = {};
  for (int ky = 0; whole_rows && ky < 3; ++ky) three[ky] = row(ky);
  const auto row_of_three = [&](int ky) { return three[ky]; };
  for (int ox = 0; ox < a.out_w; ++ox, y += a.x.c, saved += a.x.c) {
    const int left = ox * a.stride - a.padding;
    const TapRange cols = taps_inside(left, a.window, a.x.w);
    const std::ptrdiff_t offset = static_cast<std::ptrdiff_t>(left) * a.x.c;
    for_each_part(a.x.c, [&](std::ptrdiff_t j, int part) {
      if (whole_rows && cols.last - cols.first == 3)
        max_window<3>(a, rows, cols, row_of_three, offset, j, part, y, saved);
      else
        max_window<0>(a, rows, cols, row, offset, j, part, y, saved);
    });
  }
}

/// The values of x are computed into a ring of `window` rows, each row once.
inline void train_max_pool_forward(const TrainMapArgs& a, float* scratch) {
  const MapMemory m = map_memory(a, scratch);
  const std::size_t after = m.shared_floats + m.thread_floats * static_cast<std::size_t>(a.team.threads);
  parallel_split(worth_team(a.team, pool_work(a)), a.x.n * a.out_h, [&](int begin, int end, int t) {
    MapWorkspace r = map_workspace(a, m, t);
    float* const ring = scratch + after + (pool_scratch_floats(a) + 16) * static_cast<std::size_t>(t);
    int held = -1, next = 0;
    const auto row_of = [&](int y) { return ring + size_of(y % a.window, a.x.w, a.x.c); };
    for (int i = begin; i < end; ++i) {
      const int image = i / a.out_h, oy = i % a.out_h, top = oy * a.stride - a.padding;
      const TapRange rows = taps_inside(top, a.window, a.x.h);
      if (held != image || next < top + rows.first) next = top + rows.first;
      held = image;
      for (; next < top + rows.last; ++next)
        read_pixels(r.x, (static_cast<long long>(image) * a.x.h + next) * a.x.w, a.x.w, row_of(next));
      const std::ptrdiff_t to = static_cast<std::ptrdiff_t>(i) * a.out_w * a.x.c;
      max_pool_row(
          a, rows, [&](int ky) { return row_of(top + ky); }, a.y + to, a.saved + to);
    }
  });
}

/// Windows first .. last - 1 are those that hold row (or column) y of x.
TINYFIQA_INLINE TapRange windows_over(int y, int window, int stride, int padding, int windows) {
  const int from = y + padding - window + 1;
  const int first = from <= 0 ? 0 : (from + stride - 1) / stride, end = (y + padding) / stride + 1;
  return {first, end < windows ? end : windows};
}
/// Row y of dx. Each pixel is the sum over the windows that hold it, of dy where it is the winner.
inline void max_pool_gradient_row(const TrainMapArgs& a, int image, int y) {
  const int c = a.x.c;
  float* dx = a.dx.data + (static_cast<std::ptrdiff_t>(image) * a.x.h + y) * a.x.w * a.dx.pixel_stride;
  const TapRange rows = windows_over(y, a.window, a.stride, a.padding, a.out_h);
  for (int x = 0; x < a.x.w; ++x, dx += a.dx.pixel_stride) {
    const TapRange cols = windows_over(x, a.window, a.stride, a.padding, a.out_w);
    for_each_part(c, [&](std::ptrdiff_t j, int part) {
      vf sum = a.dx.accumulate ? simd::load_up_to(dx + j, part) : simd::splat(0.0f);
      for (int oy = rows.first; oy < rows.last; ++oy)
        for (int ox = cols.first; ox < cols.last; ++ox) {
          const std::ptrdiff_t o = (static_cast<std::ptrdiff_t>(image) * a.out_h + oy) * a.out_w + ox;
          const int ky = y + a.padding - oy * a.stride, kx = x + a.padding - ox * a.stride;
          const vf tap = simd::splat(static_cast<float>(ky * a.window + kx));
          const vf d = simd::load_up_to(a.dy + o * a.dy_pixel_stride + j, part);
          sum = sum +
                simd::select_equal(simd::load_up_to(a.saved + o * c + j, part), tap, d, simd::splat(0.0f));
        }
      simd::store_up_to(dx + j, sum, part);
    });
  }
}
/// The same for windows of 3x3, stride 2, padding 1. Column 2 k of x is the middle column of window k. Column
/// 2 k + 1 is the last column of window k and the first of window k + 1.
inline void max_pool_gradient_row_3_2(const TrainMapArgs& a, int image, int y) {
  const int c = a.x.c;
  float* dx = a.dx.data + (static_cast<std::ptrdiff_t>(image) * a.x.h + y) * a.x.w * a.dx.pixel_stride;
  const TapRange rows = windows_over(y, 3, 2, 1, a.out_h);
  for (int k = 0; k < a.out_w; ++k, dx += 2 * a.dx.pixel_stride) {
    const bool odd = 2 * k + 1 < a.x.w, next = k + 1 < a.out_w;
    for_each_part(c, [&](std::ptrdiff_t j, int part) {
      const vf zero = simd::splat(0.0f);
      vf even_sum = a.dx.accumulate ? simd::load_up_to(dx + j, part) : zero;
      vf odd_sum = a.dx.accumulate && odd ? simd::load_up_to(dx + a.dx.pixel_stride + j, part) : zero;
      for (int oy = rows.first; oy < rows.last; ++oy) {
        const std::ptrdiff_t o = (static_cast<std::ptrdiff_t>(image) * a.out_h + oy) * a.out_w + k;
        const auto tap = static_cast<float>(3 * (y + 1 - 2 * oy));
        const float *const d = a.dy + o * a.dy_pixel_stride + j, *const saved = a.saved + o * c + j;
        const vf here = simd::load_up_to(d, part), winner = simd::load_up_to(saved, part);
        even_sum = even_sum + simd::select_equal(winner, simd::splat(tap + 1), here, zero);
        odd_sum = odd_sum + simd::select_equal(winner, simd::splat(tap + 2), here, zero);
        if (next)
          odd_sum = odd_sum + simd::select_equal(simd::load_up_to(saved + c, part), simd::splat(tap),
                                                 simd::load_up_to(d + a.dy_pixel_stride, part), zero);
      }
      simd::store_up_to(dx + j, even_sum, part);
      if (odd) simd::store_up_to(dx + a.dx.pixel_stride + j, odd_sum, part);
    });
  }
}
inline void train_max_pool_backward(const TrainMapArgs& a, float* scratch) {
  if (a.dx.data == nullptr) return;
  const MapMemory m = map_memory(a, scratch);
  clear_map_sums(a, m);
  const bool common = a.window == 3 && a.stride == 2 && a.padding == 1;
  parallel_split(worth_team(a.team, pool_work(a)), a.x.n * a.x.h, [&](int begin, int end, int t) {
    MapWorkspace r = map_workspace(a, m, t);
    for (int i = begin; i < end; ++i) {
      if (common)
        max_pool_gradient_row_3_2(a, i / a.x.h, i % a.x.h);
      else
        max_pool_gradient_row(a, i / a.x.h, i % a.x.h);
      take_map_sums(a, r, static_cast<long long>(i) * a.x.w, a.x.w);
    }
  });
  gather_map_sums(a, m);
}

TINYFIQA_ISA_END
