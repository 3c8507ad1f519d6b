// Training of operations that are no convolution: copy, add, scale by a gate, mean, activation, dropout.
// kernels/train/maps.hpp has the rest. The formulas are at each section.
//
// Inputs x and b are lazy maps [N, H, W, C] (kernels/train/lazy_rows.hpp); their values are computed for
// map_block pixels at a time. Outputs y are dense. Gradients of inputs are written, or added to if
// `accumulate` is set, and exactly their channels are touched.
#pragma once

#include <tinyfiqa/kernels/pool.hpp>
#include <tinyfiqa/kernels/train/batch_norm.hpp>

TINYFIQA_ISA_BEGIN(kernels)

/// The gradient of one input.
struct GradientArgs {
  float* data = nullptr;            ///< [N, H, W, C]; null if it is not needed
  std::ptrdiff_t pixel_stride = 0;  ///< floats
  bool accumulate = false;          ///< += instead of =
  double* sums = nullptr;           ///< [3][C]: to be taken over the complete gradient; null if not needed
};

struct TrainMapArgs {
  LazyMap<float> x, b;        ///< b: second operand; b.c is 0 if there is none
  float* y = nullptr;         ///< [N, H', W', C'], dense; written by forward, may be null in backward
  const float* dy = nullptr;  ///< gradient of y, [N, H', W', C']; null in forward
  std::ptrdiff_t dy_pixel_stride = 0;  ///< floats
  GradientArgs dx, db;                 ///< unused in forward
  float* saved = nullptr;              ///< kept from forward to backward: gates, masks, winners; null if none
  int out_h = 0, out_w = 0, out_c = 0;
  int window = 1, stride = 1, padding = 0, groups = 1;  ///< of max pooling; groups: of shuffle
  Act act = Act::none;
  const float* slope = nullptr;  ///< [C], for prelu, else null
  Team team;
};

/// Pixels in a block, the unit of work of a thread.
inline constexpr int map_block = 64;

/// The scratch of one thread.
struct MapWorkspace {
  LazyReader x, b;                                         ///< readers of both inputs
  ChannelSums x_sums, b_sums;                              ///< for GradientArgs::sums of dx and db
  float *one = nullptr, *two = nullptr, *three = nullptr;  ///< [map_block][widest]
};
/// The largest number of channels of x, b and y.
TINYFIQA_INLINE int widest(const TrainMapArgs& a) {
  const int c = a.x.c > a.out_c ? a.x.c : a.out_c;
  return c > a.b.c ? c : a.b.c;
}
/// The whole scratch: patterns of both inputs, then one MapWorkspace for each thread. Counts only if `scratch`
/// is null.
struct MapMemory {
  LazyPattern x, b;
  std::size_t shared_floats = 0, thread_floats = 0;
  float* base = nullptr;
};
TINYFIQA_INLINE MapWorkspace place_map_workspace(ScratchLayout& layout, const TrainMapArgs& a) {
  MapWorkspace r;
  r.x = place_reader(layout, a.x, map_block);
  r.b = place_reader(layout, a.b.c > 0 ? a.b : a.x, map_block);
  for (float** part : {&r.one, &r.two, &r.three}) *part = place_floats(layout, size_of(map_block, widest(a)));
  r.x_sums = place_sums(layout, a.x.c);
  r.b_sums = place_sums(layout, a.b.c > 0 ? a.b.c : 1);
  return r;
}
inline MapMemory map_memory(const TrainMapArgs& a, float* scratch) {
  MapMemory m;
  ScratchLayout shared{scratch, 0}, one;
  m.base = scratch;
  m.x = place_lazy_pattern(shared, a.x.c);
  m.b = place_lazy_pattern(shared, a.b.c > 0 ? a.b.c : 1);
  place_map_workspace(one, a);
  m.shared_floats = shared.used;
  m.thread_floats = one.used;
  if (scratch == nullptr) return m;
  fill_lazy_pattern(a.x, m.x);
  if (a.b.c > 0) fill_lazy_pattern(a.b, m.b);
  return m;
}
/// The scratch of thread `thread`.
inline MapWorkspace map_workspace(const TrainMapArgs& a, const MapMemory& m, int thread) {
  ScratchLayout layout{m.base + m.shared_floats + m.thread_floats * static_cast<std::size_t>(thread), 0};
  MapWorkspace r = place_map_workspace(layout, a);
  r.x.pattern = m.x;
  r.b.pattern = m.b;
  return r;
}
/// Scratch of all operations of this file for all of the team's threads, in floats.
inline std::size_t train_map_scratch(const TrainMapArgs& a) {
  const MapMemory m = map_memory(a, nullptr);
  return m.shared_floats + m.thread_floats * static_cast<std::size_t>(a.team.threads);
}

/// Calls body(scratch of the thread, first pixel, number of pixels) for blocks of `pixels` pixels, split
/// over threads.
template <class Body>
inline void for_each_block(const TrainMapArgs& a, float* scratch, long long pixels, const Body& body) {
  const MapMemory m = map_memory(a, scratch);
  const auto blocks = static_cast<int>((pixels + map_block - 1) / map_block);
  const double work = static_cast<double>(pixels) * widest(a);
  parallel_split(worth_team(a.team, work), blocks, [&](int begin, int end, int t) {
    MapWorkspace r = map_workspace(a, m, t);
    for (int b = begin; b < end; ++b) {
      const long long first = static_cast<long long>(b) * map_block, left = pixels - first;
      body(r, first, left < map_block ? static_cast<int>(left) : map_block);
    }
  });
}
/// Pixels of all images.
TINYFIQA_INLINE long long in_pixels(const LazyMap<float>& x) {
  return static_cast<long long>(x.n) * x.h * x.w;
}

// Sums over complete gradients (GradientArgs::sums): clear them before the work, take them of each run of
// pixels that is complete, and gather them from all threads after it.

inline void clear_map_sums(const TrainMapArgs& a, const MapMemory& m) {
  for (int t = 0; t < a.team.threads; ++t) {
    const MapWorkspace r = map_workspace(a, m, t);
    if (a.dx.sums != nullptr) clear_sums(r.x_sums, a.x.c);
    if (a.db.sums != nullptr) clear_sums(r.b_sums, a.b.c);
  }
}
inline void take_map_sums(const TrainMapArgs& a, MapWorkspace& r, long long first, int pixels) {
  if (a.dx.sums != nullptr) add_completed_sums(a.x, a.dx.data, r.x.pattern, first, pixels, r.x_sums);
  if (a.db.sums != nullptr) add_completed_sums(a.b, a.db.data, r.b.pattern, first, pixels, r.b_sums);
}
inline void gather_map_sums(const TrainMapArgs& a, const MapMemory& m) {
  const int threads = a.team.threads;
  if (a.dx.sums != nullptr)
    gather_sums(threads, a.x.c, a.dx.sums, [&](int t) { return map_workspace(a, m, t).x_sums; });
  if (a.db.sums != nullptr)
    gather_sums(threads, a.b.c, a.db.sums, [&](int t) { return map_workspace(a, m, t).b_sums; });
}

/// for_each_block for a backward whose body completes dx and db of its block: takes their sums too.
template <class Body>
inline void for_each_gradient_block(const TrainMapArgs& a, float* scratch, const Body& body) {
  const MapMemory m = map_memory(a, scratch);
  clear_map_sums(a, m);
  for_each_block(a, scratch, in_pixels(a.x), [&](MapWorkspace& r, long long first, int count) {
    body(r, first, count);
    take_map_sums(a, r, first, count);
  });
  gather_map_sums(a, m);
}

/// Calls body(j, count) for each vector of `floats` floats: `count` floats from float j on.
template <class Body>
TINYFIQA_INLINE void for_each_part(std::ptrdiff_t floats, const Body& body) {
  for (std::ptrdiff_t j = 0; j < floats; j += simd::width)
    body(j, floats - j < simd::width ? static_cast<int>(floats - j) : simd::width);
}

// ---- copy: y = x;    dx = dy.    Makes a lazy map plain; dropout with frozen statistics.

inline void train_copy_forward(const TrainMapArgs& a, float* scratch) {
  for_each_block(a, scratch, in_pixels(a.x), [&](MapWorkspace& r, long long first, int count) {
    read_pixels(r.x, first, count, a.y + first * a.x.c);
  });
}

/// d[..., to + j] = dy[..., from + j], or +=,    j < c, for all pixels.
inline void pass_gradient(const TrainMapArgs& a, float* scratch, const GradientArgs& d, int from, int to,
                          int c) {
  if (d.data == nullptr) return;
  for_each_block(a, scratch, in_pixels(a.x), [&](MapWorkspace& r, long long first, int count) {
    gather_pixels(a.dy + first * a.dy_pixel_stride + from, a.dy_pixel_stride, count, c, r.one);
    scatter_pixels(r.one, count, c, d.data + first * d.pixel_stride + to, d.pixel_stride, d.accumulate);
  });
}

// ---- add: y = x + b;    dx = dy,    db = dy

inline void train_add_forward(const TrainMapArgs& a, float* scratch) {
  for_each_block(a, scratch, in_pixels(a.x), [&](MapWorkspace& r, long long first, int count) {
    float* const y = a.y + first * a.x.c;
    read_pixels(r.x, first, count, y);
    const Rows b = read_rows(r.b, first, count);
    if (b.pixel_stride == a.x.c) return add_floats(b.data, count * a.x.c, y);
    for (int i = 0; i < count; ++i)
      add_floats(b.data + i * b.pixel_stride, a.x.c, y + static_cast<std::ptrdiff_t>(i) * a.x.c);
  });
}
inline void train_add_backward(const TrainMapArgs& a, float* scratch) {
  pass_gradient(a, scratch, a.dx, 0, 0, a.x.c);
  pass_gradient(a, scratch, a.db, 0, 0, a.x.c);
}

// ---- scale: y[n, h, w, c] = x[n, h, w, c] gate[n, c]; y is lazy: forward computes only the gate's values.
//      dx = dy gate,    dgate[n, c] = sum over h, w of dy x.    dx may be dy.

inline void train_scale_forward(const TrainMapArgs& a, float* scratch) {
  const MapMemory m = map_memory(a, scratch);
  MapWorkspace r = map_workspace(a, m, 0);
  for (int n = 0; n < a.b.n; ++n) read_pixels(r.b, n, 1, a.saved + static_cast<std::ptrdiff_t>(n) * a.b.c);
}
inline void train_scale_backward(const TrainMapArgs& a, float* scratch) {
  const MapMemory m = map_memory(a, scratch);
  const int pixels = a.x.h * a.x.w, c = a.x.c;
  parallel_split(worth_team(a.team, static_cast<double>(a.x.n) * pixels * c), a.x.n,
                 [&](int begin, int end, int t) {
                   MapWorkspace r = map_workspace(a, m, t);
                   float* const sum = r.three;
                   for (int n = begin; n < end; ++n) {
                     const float* gate = a.saved + static_cast<std::ptrdiff_t>(n) * c;
                     std::memset(sum, 0, size_of(c) * sizeof(float));
                     for (int i = 0; i < pixels; i += map_block) {
                       const int count = pixels - i < map_block ? pixels - i : map_block;
                       const long long first = static_cast<long long>(n) * pixels + i;
                       const Rows x = read_rows(r.x, first, count);
                       const float* dy = a.dy + first * a.dy_pixel_stride;
                       for_each_part(c, [&](std::ptrdiff_t j, int part) {
                         vf s = simd::splat(0.0f);
                         const vf g = simd::load_up_to(gate + j, part);
                         for (int p = 0; p < count; ++p) {
                           const vf d = simd::load_up_to(dy + p * a.dy_pixel_stride + j, part);
                           s = simd::fma(d, simd::load_up_to(x.data + p * x.pixel_stride + j, part), s);
                           if (a.dx.data == nullptr) continue;
                           float* const to = a.dx.data + (first + p) * a.dx.pixel_stride + j;
                           const vf old = a.dx.accumulate ? simd::load_up_to(to, part) : simd::splat(0.0f);
                           simd::store_up_to(to, simd::fma(d, g, old), part);
                         }
                         simd::store_up_to(sum + j, simd::load_up_to(sum + j, part) + s, part);
                       });
                     }
                     if (a.db.data != nullptr)
                       scatter_pixels(sum, 1, c, a.db.data + n * a.db.pixel_stride, c + 1, a.db.accumulate);
                   }
                 });
}

// ---- mean: y[n, c] = mean over h, w of x[n, h, w, c];    dx[n, h, w, c] = dy[n, c] / (H W)

inline void train_mean_forward(const TrainMapArgs& a, float* scratch) {
  const MapMemory m = map_memory(a, scratch);
  const int pixels = a.x.h * a.x.w, c = a.x.c;
  const vf share = simd::splat(1.0f / static_cast<float>(pixels));
  parallel_split(worth_team(a.team, static_cast<double>(a.x.n) * pixels * c), a.x.n,
                 [&](int begin, int end, int t) {
                   MapWorkspace r = map_workspace(a, m, t);
                   for (int n = begin; n < end; ++n) {
                     float* const y = a.y + static_cast<std::ptrdiff_t>(n) * c;
                     std::memset(y, 0, size_of(c) * sizeof(float));
                     for (int i = 0; i < pixels; i += map_block) {
                       const int count = pixels - i < map_block ? pixels - i : map_block;
                       const Rows x = read_rows(r.x, static_cast<long long>(n) * pixels + i, count);
                       for_each_part(c, [&](std::ptrdiff_t j, int part) {
                         vf sum[1];
                         sum_pixels<1>(x.data + j, x.pixel_stride, count, part, sum);
                         simd::store_up_to(y + j, simd::load_up_to(y + j, part) + sum[0], part);
                       });
                     }
                     for_each_part(c, [&](std::ptrdiff_t j, int part) {
                       simd::store_up_to(y + j, simd::load_up_to(y + j, part) * share, part);
                     });
                   }
                 });
}
inline void train_mean_backward(const TrainMapArgs& a, float* scratch) {
  if (a.dx.data == nullptr) return;
  const int per_image = a.x.h * a.x.w, c = a.x.c;
  const vf share = simd::splat(1.0f / static_cast<float>(per_image));
  for_each_gradient_block(a, scratch, [&](MapWorkspace& r, long long first, int count) {
    const long long end = first + count;
    for (long long i = first; i < end;) {
      const long long n = i / per_image, image_end = (n + 1) * per_image;
      for_each_part(c, [&](std::ptrdiff_t j, int part) {
        simd::store_up_to(r.one + j, simd::load_up_to(a.dy + n * a.dy_pixel_stride + j, part) * share, part);
      });
      for (; i < end && i < image_end; ++i)
        scatter_pixels(r.one, 1, c, a.dx.data + i * a.dx.pixel_stride, c, a.dx.accumulate);
    }
  });
}

// ---- activation: y = act(x);    dx = dy act'(x)

inline void train_activation_forward(const TrainMapArgs& a, float* scratch) {
  for_each_block(a, scratch, in_pixels(a.x), [&](MapWorkspace& r, long long first, int count) {
    const Rows x = read_rows(r.x, first, count);
    for (int i = 0; i < count; ++i)
      for_each_part(a.x.c, [&](std::ptrdiff_t j, int part) {
        const vf slope = a.slope == nullptr ? simd::splat(0.0f) : simd::load_up_to(a.slope + j, part);
        const vf v = simd::load_up_to(x.data + i * x.pixel_stride + j, part);
        simd::store_up_to(a.y + (first + i) * a.x.c + j, activate(a.act, v, slope), part);
      });
  });
}
inline void train_activation_backward(const TrainMapArgs& a, float* scratch) {
  if (a.dx.data == nullptr) return;
  for_each_block(a, scratch, in_pixels(a.x), [&](MapWorkspace& r, long long first, int count) {
    const Rows x = read_rows(r.x, first, count);
    with_act(a.act, [&](auto tag) {
      for (int i = 0; i < count; ++i)
        for_each_part(a.x.c, [&](std::ptrdiff_t j, int part) {
          const vf slope = a.slope == nullptr ? simd::splat(0.0f) : simd::load_up_to(a.slope + j, part);
          const vf v = simd::load_up_to(x.data + i * x.pixel_stride + j, part);
          const vf d = simd::load_up_to(a.dy + (first + i) * a.dy_pixel_stride + j, part);
          simd::store_up_to(r.one + static_cast<std::ptrdiff_t>(i) * a.x.c + j,
                            d * activate_derivative<decltype(tag)::act>(v, slope), part);
        });
    });
    scatter_pixels(r.one, count, a.x.c, a.dx.data + first * a.dx.pixel_stride, a.dx.pixel_stride,
                   a.dx.accumulate);
  });
}

// ---- dropout: y = x mask;    dx = dy mask.    `saved` is the mask [N, H, W, C] of 0 and 1 / (1 - p).

inline void train_mask_forward(const TrainMapArgs& a, float* scratch) {
  for_each_block(a, scratch, in_pixels(a.x), [&](MapWorkspace& r, long long first, int count) {
    float* const y = a.y + first * a.x.c;
    read_pixels(r.x, first, count, y);
    for_each_part(static_cast<std::ptrdiff_t>(count) * a.x.c, [&](std::ptrdiff_t j, int part) {
      const vf mask = simd::load_up_to(a.saved + first * a.x.c + j, part);
      simd::store_up_to(y + j, simd::load_up_to(y + j, part) * mask, part);
    });
  });
}
inline void train_mask_backward(const TrainMapArgs& a, float* scratch) {
  if (a.dx.data == nullptr) return;
  for_each_block(a, scratch, in_pixels(a.x), [&](MapWorkspace& r, long long first, int count) {
    gather_pixels(a.dy + first * a.dy_pixel_stride, a.dy_pixel_stride, count, a.x.c, r.one);
    for_each_part(static_cast<std::ptrdiff_t>(count) * a.x.c, [&](std::ptrdiff_t j, int part) {
      const vf mask = simd::load_up_to(a.saved + first * a.x.c + j, part);
      simd::store_up_to(r.one + j, simd::load_up_to(r.one + j, part) * mask, part);
    });
    scatter_pixels(r.one, count, a.x.c, a.dx.data + first * a.dx.pixel_stride, a.dx.pixel_stride,
                   a.dx.accumulate);
  });
}

TINYFIQA_ISA_END
