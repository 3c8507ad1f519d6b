// Training of the sum of two maps, and of the mean over a map, in image lanes (image_lanes.hpp).
#pragma once

#include <tinyfiqa/kernels/train/elementwise.hpp>
#include <tinyfiqa/kernels/train/image_lanes.hpp>

#ifdef TINYFIQA_PLANAR

TINYFIQA_ISA_BEGIN(kernels)

TINYFIQA_INLINE std::ptrdiff_t lane_map_row(const LazyMap<float>& x) {
  return static_cast<std::ptrdiff_t>(x.c) * x.w * simd::width;
}

// ---- add: y = x + b;    dx = dy,    db = dy

inline void lane_add_forward(const TrainMapArgs& a) {
  const std::ptrdiff_t row = lane_map_row(a.x), plane = static_cast<std::ptrdiff_t>(a.x.w) * simd::width;
  const int rows = lane_groups(a.x.n) * a.x.h;
  parallel_split(worth_team(a.team, static_cast<double>(rows * row)), rows, [&](int begin, int end, int) {
    for (int r = begin; r < end; ++r)
      for (int c = 0; c < a.x.c; ++c) {
        const std::ptrdiff_t at = r * row + c * plane;
        lane_values(a.x, c, a.x.data + at, {1, row}, a.y + at, 0);
        lane_values<true>(a.b, c, a.b.data + at, {1, row}, a.y + at, 0);
      }
  });
}
inline void lane_add_backward(const TrainMapArgs& a) {
  const std::ptrdiff_t row = lane_map_row(a.x);
  const int rows = lane_groups(a.x.n) * a.x.h;
  for (const GradientArgs& d : {a.dx, a.db}) {
    if (d.data == nullptr) continue;
    parallel_split(worth_team(a.team, static_cast<double>(rows * row)), rows, [&](int begin, int end, int) {
      for (std::ptrdiff_t i = begin * row; i < end * row; i += simd::width) {
        const vf v = simd::load(a.dy + i);
        simd::store(d.data + i, d.accumulate ? simd::load(d.data + i) + v : v);
      }
    });
  }
}

// ---- mean: y[n, c] = mean over h, w of x[n, h, w, c], y by pixels;    dx[n, c] = dy[n, c] / (H W), once for all pixels
//
// The sums that batch norm needs over the gradient g = dx act'(u) of x are dx times sums that do not depend on dx. Forward
// takes those, since it reads x anyway, and keeps them:
//   saved    [N / width][C][2][width], the sums over h, w of act'(u) and of act'(u) (z - mean)

/// The sums of a channel of a group of images: of the values, of act'(u), and of act'(u) (z - mean).
struct LaneMeanSums {
  vf value, slope, moment;
};
inline LaneMeanSums lane_mean_sums(const LazyMap<float>& x, int c, const float* plane, std::ptrdiff_t row) {
  const LazyVector k = lane_constants(x, c);
  LaneMeanSums sums{simd::splat(0.0f), simd::splat(0.0f), simd::splat(0.0f)};
  with_act(x.act, [&](auto tag) {
    constexpr Act A = decltype(tag)::act;
    for (int y = 0; y < x.h; ++y, plane += row)
      for (int i = 0; i < x.w * simd::width; i += simd::width) {
        const vf v = simd::load(plane + i) - k.centre, u = simd::fma(v, k.scale, k.shift);
        const vf slope = activate_derivative<A>(u, k.slope);
        sums.value = sums.value + activate<A>(u, k.slope);
        sums.slope = sums.slope + slope;
        sums.moment = simd::fma(slope, v, sums.moment);
      }
  });
  return sums;
}
inline void lane_mean_forward(const TrainMapArgs& a) {
  const std::ptrdiff_t row = lane_map_row(a.x), plane = static_cast<std::ptrdiff_t>(a.x.w) * simd::width;
  const int c = a.x.c, groups = lane_groups(a.x.n);
  const vf share = simd::splat(1.0f / static_cast<float>(a.x.h * a.x.w));
  const double work = static_cast<double>(groups * a.x.h * row);
  parallel_split(worth_team(a.team, work), groups, [&](int begin, int end, int) {
    for (int g = begin; g < end; ++g)
      for (int k = 0; k < c; ++k) {
        const LaneMeanSums sums = lane_mean_sums(a.x, k, a.x.data + g * a.x.h * row + k * plane, row);
        float* const saved = a.saved + (static_cast<std::ptrdiff_t>(g) * c + k) * 2 * simd::width;
        simd::store(saved, sums.slope);
        simd::store(saved + simd::width, sums.moment);
        alignas(64) float means[simd::width];
        simd::store(means, sums.value * share);
        for (int i = 0; i < simd::width && g * simd::width + i < a.x.n; ++i)
          a.y[static_cast<std::ptrdiff_t>(g * simd::width + i) * c + k] = means[i];
      }
  });
}
/// dx [N / width][C][width]; 0 in lanes without an image.
inline void lane_mean_backward(const TrainMapArgs& a) {
  const int c = a.x.c;
  const float share = 1.0f / static_cast<float>(a.x.h * a.x.w);
  float* dx = a.dx.data;
  const float* saved = a.saved;
  for (int i = 0; i < 3 * c && a.dx.sums != nullptr; ++i) a.dx.sums[i] = 0;
  for (int g = 0; g < lane_groups(a.x.n); ++g)
    for (int k = 0; k < c; ++k, dx += simd::width, saved += 2 * simd::width) {
      for (int i = 0; i < simd::width; ++i) {
        const int n = g * simd::width + i;
        dx[i] = n < a.x.n ? a.dy[n * a.dy_pixel_stride + k] * share : 0.0f;
        if (a.dx.sums == nullptr) continue;
        a.dx.sums[k] += static_cast<double>(dx[i]) * static_cast<double>(saved[i]);
        a.dx.sums[c + k] += static_cast<double>(dx[i]) * static_cast<double>(saved[simd::width + i]);
      }
    }
}

TINYFIQA_ISA_END

#endif
