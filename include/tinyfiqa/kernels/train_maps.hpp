// Training of operations that move channels or choose pixels: concat, slice, shuffle, interleave, max pool.
#pragma once

#include <tinyfiqa/kernels/train_elementwise.hpp>

TINYFIQA_ISA_BEGIN(kernels)

// ---- y = channels of x, then channels of b;   dx, db = their parts of dy

inline void train_concat_forward(const TrainMapArgs& a, float* scratch) {
  for_each_block(a, scratch, in_pixels(a.x), [&](MapRoom& r, long long first, int count) {
    float* const y = a.y + first * a.out_c;
    read_pixels(r.x, first, count, r.one);
    scatter_pixels(r.one, count, a.x.c, y, a.out_c, false);
    read_pixels(r.b, first, count, r.one);
    scatter_pixels(r.one, count, a.b.c, y + a.x.c, a.out_c, false);
  });
}
inline void train_concat_backward(const TrainMapArgs& a, float* scratch) {
  pass_gradient(a, scratch, a.dx, 0, 0, a.x.c);
  pass_gradient(a, scratch, a.db, a.x.c, 0, a.b.c);
}

// ---- y[.., j * groups + g] = x[.., g * (C / groups) + j], and its inverse on the gradient

TINYFIQA_INLINE void shuffle_pixel(const float* x, int c, int groups, float* y) {
  const int per_group = c / groups;
  for (int g = 0; g < groups; ++g)
    for (int j = 0; j < per_group; ++j) y[j * groups + g] = x[g * per_group + j];
}
inline void train_shuffle_forward(const TrainMapArgs& a, float* scratch) {
  for_each_block(a, scratch, in_pixels(a.x), [&](MapRoom& r, long long first, int count) {
    const Rows x = read_rows(r.x, first, count);
    for (int i = 0; i < count; ++i)
      shuffle_pixel(x.data + i * x.pixel, a.x.c, a.groups, a.y + (first + i) * a.x.c);
  });
}
inline void train_shuffle_backward(const TrainMapArgs& a, float* scratch) {
  if (a.dx.data == nullptr) return;
  for_each_block(a, scratch, in_pixels(a.x), [&](MapRoom& r, long long first, int count) {
    for (int i = 0; i < count; ++i)
      shuffle_pixel(a.dy + (first + i) * a.dy_pixel, a.x.c, a.x.c / a.groups,
                    r.one + static_cast<std::ptrdiff_t>(i) * a.x.c);
    scatter_pixels(r.one, count, a.x.c, a.dx.data + first * a.dx.pixel, a.dx.pixel, a.dx.accumulate);
  });
}

// ---- y[2 j] = x[j], y[2 j + 1] = b[j]: concat and shuffle into two groups, in one pass

inline void train_interleave_forward(const TrainMapArgs& a, float* scratch) {
  for_each_block(a, scratch, in_pixels(a.x), [&](MapRoom& r, long long first, int count) {
    const Rows x = read_rows(r.x, first, count), b = read_rows(r.b, first, count);
    for (int i = 0; i < count; ++i) {
      const float* TINYFIQA_RESTRICT xs = x.data + i * x.pixel;
      const float* TINYFIQA_RESTRICT bs = b.data + i * b.pixel;
      float* TINYFIQA_RESTRICT y = a.y + (first + i) * a.out_c;
      for (int j = 0; j < a.x.c; ++j) {
        y[2 * j] = xs[j];
        y[2 * j + 1] = bs[j];
      }
    }
  });
}
inline void train_interleave_backward(const TrainMapArgs& a, float* scratch) {
  for_each_block(a, scratch, in_pixels(a.x), [&](MapRoom& r, long long first, int count) {
    const int c = a.x.c;
    for (int i = 0; i < count; ++i) {
      const float* TINYFIQA_RESTRICT dy = a.dy + (first + i) * a.dy_pixel;
      float* TINYFIQA_RESTRICT dx = r.one + static_cast<std::ptrdiff_t>(i) * c;
      float* TINYFIQA_RESTRICT db = r.two + static_cast<std::ptrdiff_t>(i) * c;
      for (int j = 0; j < c; ++j) {
        dx[j] = dy[2 * j];
        db[j] = dy[2 * j + 1];
      }
    }
    if (a.dx.data != nullptr)
      scatter_pixels(r.one, count, c, a.dx.data + first * a.dx.pixel, a.dx.pixel, a.dx.accumulate);
    if (a.db.data != nullptr)
      scatter_pixels(r.two, count, c, a.db.data + first * a.db.pixel, a.db.pixel, a.db.accumulate);
  });
}

// ---- slice: only its gradient moves, into its channels of dx; the others become zero unless they hold sums

inline void train_slice_backward(const TrainMapArgs& a, float* scratch, int first_channel, int c) {
  if (a.dx.data == nullptr) return;
  if (!a.dx.accumulate)
    for (long long i = 0; i < in_pixels(a.x); ++i)
      std::memset(a.dx.data + i * a.dx.pixel, 0, size_of(a.x.c) * sizeof(float));
  GradientArgs d = a.dx;
  d.accumulate = true;
  pass_gradient(a, scratch, d, 0, first_channel, c);
}

// ---- y = max over the window's taps inside the map; dx = dy at the first tap that has the maximum

/// The taps of one window: body(tap number, pixel).
template <class Body>
TINYFIQA_INLINE void for_each_tap(const TrainMapArgs& a, int oy, int ox, const Body& body) {
  const int top = oy * a.stride - a.padding, left = ox * a.stride - a.padding;
  const TapRange rows = taps_inside(top, a.kernel, a.x.h), cols = taps_inside(left, a.kernel, a.x.w);
  for (int ky = rows.first; ky < rows.last; ++ky)
    for (int kx = cols.first; kx < cols.last; ++kx)
      body(ky * a.kernel + kx, static_cast<std::ptrdiff_t>(top + ky) * a.x.w + left + kx);
}

TINYFIQA_INLINE std::size_t pool_room_floats(const TrainMapArgs& a) {
  return size_of(a.kernel, a.x.w, a.x.c);
}

/// Rows of x are computed into a ring, one time each. `saved` gets the number of the winning tap.
inline void train_max_pool_forward(const TrainMapArgs& a, float* scratch) {
  const MapMemory m = map_memory(a, scratch);
  const std::size_t after = m.shared_floats + m.room_floats * static_cast<std::size_t>(a.team.threads);
  const double work = static_cast<double>(a.x.n) * a.out_h * a.out_w * a.x.c * a.kernel * a.kernel;
  parallel_split(worth_team(a.team, work), a.x.n * a.out_h, [&](int begin, int end, int t) {
    MapRoom r = map_room(a, m, t);
    float* const ring = scratch + after + (pool_room_floats(a) + 16) * static_cast<std::size_t>(t);
    int held = -1, next = 0;
    const auto row_of = [&](int y) { return ring + size_of(y % a.kernel, a.x.w, a.x.c); };
    for (int i = begin; i < end; ++i) {
      const int image = i / a.out_h, oy = i % a.out_h, top = oy * a.stride - a.padding;
      const TapRange rows = taps_inside(top, a.kernel, a.x.h);
      if (held != image || next < top + rows.first) next = top + rows.first;
      held = image;
      for (; next < top + rows.last; ++next)
        read_pixels(r.x, (static_cast<long long>(image) * a.x.h + next) * a.x.w, a.x.w, row_of(next));
      for (int ox = 0; ox < a.out_w; ++ox) {
        const std::ptrdiff_t to = (static_cast<std::ptrdiff_t>(i) * a.out_w + ox) * a.x.c;
        for_each_part(a.x.c, [&](std::ptrdiff_t j, int part) {
          vf best = simd::splat(0.0f), winner = simd::splat(-1.0f);
          for_each_tap(a, oy, ox, [&](int tap, std::ptrdiff_t pixel) {
            const float* row = row_of(static_cast<int>(pixel / a.x.w));
            const vf v = simd::load_up_to(row + pixel % a.x.w * a.x.c + j, part);
            const vf number = simd::splat(static_cast<float>(tap));
            const vf none = simd::splat(0.0f);
            const vf better = simd::select_less(best, v, number, winner);
            winner = simd::select_less(winner, none, number, better);
            best = simd::select_less(winner, number, best, v);
          });
          simd::store_up_to(a.y + to + j, best, part);
          simd::store_up_to(a.saved + to + j, winner, part);
        });
      }
    }
  });
}
inline void train_max_pool_backward(const TrainMapArgs& a) {
  if (a.dx.data == nullptr) return;
  const double work = static_cast<double>(a.x.n) * a.out_h * a.out_w * a.x.c * a.kernel * a.kernel;
  parallel_split(worth_team(a.team, work), a.x.n, [&](int begin, int end, int) {
    for (int n = begin; n < end; ++n) {
      float* const dx = a.dx.data + static_cast<std::ptrdiff_t>(n) * a.x.h * a.x.w * a.dx.pixel;
      if (!a.dx.accumulate)
        for (int i = 0; i < a.x.h * a.x.w; ++i)
          std::memset(dx + i * a.dx.pixel, 0, size_of(a.x.c) * sizeof(float));
      for (int o = 0; o < a.out_h * a.out_w; ++o) {
        const std::ptrdiff_t from = static_cast<std::ptrdiff_t>(n) * a.out_h * a.out_w + o;
        for_each_tap(a, o / a.out_w, o % a.out_w, [&](int tap, std::ptrdiff_t pixel) {
          const vf lower = simd::splat(static_cast<float>(tap) - 0.5f),
                   upper = simd::splat(static_cast<float>(tap) + 0.5f);
          for_each_part(a.x.c, [&](std::ptrdiff_t j, int part) {
            const vf winner = simd::load_up_to(a.saved + from * a.x.c + j, part), none = simd::splat(0.0f);
            const vf d = simd::load_up_to(a.dy + from * a.dy_pixel + j, part);
            float* const to = dx + pixel * a.dx.pixel + j;
            const vf here = simd::select_less(lower, winner, simd::select_less(winner, upper, d, none), none);
            simd::store_up_to(to, simd::load_up_to(to, part) + here, part);
          });
        });
      }
    }
  });
}

TINYFIQA_ISA_END
