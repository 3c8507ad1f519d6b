// Training of depthwise convolutions of 3x3 on maps in image lanes: padding 1, stride 1 or 2. Channel after channel, so that
// the rows of a window stay in the cache.
#pragma once

#include <tinyfiqa/kernels/train/lanes_conv.hpp>

#ifdef TINYFIQA_PLANAR

TINYFIQA_ISA_BEGIN(kernels)

/// The rows of a window: each begins at the column before the window of column 0.
struct LaneWindow {
  const float* row[3];
};
/// Nine weights of a channel. Flipped: in reverse.
template <bool Flipped>
TINYFIQA_INLINE void lane_taps(const float* weight, vf (&tap)[9]) {
#pragma GCC unroll 9
  for (int t = 0; t < 9; ++t) tap[t] = simd::splat(weight[Flipped ? 8 - t : t]);
}
/// Columns x .. x + P - 1.
template <int S, int P>
TINYFIQA_INLINE void lane_depthwise_columns(const LaneWindow& w, const vf (&tap)[9], int x, float* out,
                                            bool add) {
  vf sum[P];
#pragma GCC unroll 4
  for (int p = 0; p < P; ++p) sum[p] = add ? simd::load(out + (x + p) * simd::width) : simd::splat(0.0f);
#pragma GCC unroll 9
  for (int t = 0; t < 9; ++t)
#pragma GCC unroll 4
    for (int p = 0; p < P; ++p)
      sum[p] = simd::fma(simd::load(w.row[t / 3] + ((x + p) * S + t % 3) * simd::width), tap[t], sum[p]);
#pragma GCC unroll 4
  for (int p = 0; p < P; ++p) simd::store(out + (x + p) * simd::width, sum[p]);
}
/// A plane of the convolution, out [columns][width], or +=.
template <int S, bool Flipped>
inline void lane_depthwise_plane(const LaneWindow& w, int columns, const float* weight, float* out,
                                 bool add) {
  vf tap[9];
  lane_taps<Flipped>(weight, tap);
  int x = 0;
  for (; x + 4 <= columns; x += 4) lane_depthwise_columns<S, 4>(w, tap, x, out, add);
  for (; x < columns; ++x) lane_depthwise_columns<S, 1>(w, tap, x, out, add);
}
/// Stride 2: a plane of dx [columns][width], or +=. `above` and `below` are the rows of dz whose windows hold it, with taps
/// ky = 2 and ky = 0; for an even row it is `above` alone, with ky = 1.
inline void lane_depthwise_spread(const float* above, const float* below, bool even, int columns,
                                  const float* weight, float* dx, bool add) {
  vf from_above[3], from_below[3];
#pragma GCC unroll 3
  for (int kx = 0; kx < 3; ++kx) {
    from_above[kx] = simd::splat(weight[(even ? 3 : 6) + kx]);
    from_below[kx] = simd::splat(even ? 0.0f : weight[kx]);
  }
  const auto put = [&](vf v) TINYFIQA_INLINE_LAMBDA {
    simd::store(dx, add ? simd::load(dx) + v : v);
    dx += simd::width;
  };
  vf here[2] = {simd::load(above), simd::load(below)};
  for (int x = 0; x < columns; x += 2) {
    above += simd::width;
    below += simd::width;
    const vf next[2] = {simd::load(above), simd::load(below)};
    put(simd::fma(from_above[1], here[0], from_below[1] * here[1]));
    if (x + 1 < columns)
      put(simd::fma(from_above[2], here[0], from_below[2] * here[1]) +
          simd::fma(from_above[0], next[0], from_below[0] * next[1]));
    here[0] = next[0];
    here[1] = next[1];
  }
}
/// sums [9][width] += the products of a plane of dz with the window's values.
template <int S>
inline void lane_depthwise_weights(const LaneWindow& w, const float* dz, int columns, float* sums) {
  vf sum[9];
#pragma GCC unroll 9
  for (int t = 0; t < 9; ++t) sum[t] = simd::load(sums + t * simd::width);
  for (int x = 0; x < columns; ++x) {
    const vf d = simd::load(dz + x * simd::width);
#pragma GCC unroll 9
    for (int t = 0; t < 9; ++t)
      sum[t] = simd::fma(d, simd::load(w.row[t / 3] + (x * S + t % 3) * simd::width), sum[t]);
  }
#pragma GCC unroll 9
  for (int t = 0; t < 9; ++t) simd::store(sums + t * simd::width, sum[t]);
}

struct LaneDepthwise {
  struct Shared {};
  struct Workspace {
    LaneRing x, dz;                ///< of one channel
    float* weight_sums = nullptr;  ///< [C][9][width]
  };
  static Shared place_shared(ScratchLayout&, const TrainConvArgs&) { return {}; }
  static Workspace place_workspace(ScratchLayout& layout, const TrainConvArgs& a) {
    Workspace r;
    r.x = place_lane_ring(layout, 1, a.x.w);
    r.dz = place_lane_ring(layout, 1, a.out_w);
    r.weight_sums = place_floats(layout, size_of(weights(a), simd::width));
    return r;
  }
  static int weights(const TrainConvArgs& a) { return a.cout * 9; }
  static int backward_rows(const TrainConvArgs& a) { return a.x.h; }
  static void prepare_forward(const TrainConvArgs&, Shared&) {}
  static void clear(const Workspace& r) {
    clear_lane_ring(r.x);
    clear_lane_ring(r.dz);
  }

  /// The values of channel c in the windows of row oy.
  static LaneWindow window(const TrainConvArgs& a, LaneRing& ring, int group, int oy, int c) {
    LaneWindow w;
    for (int ky = 0; ky < 3; ++ky)
      w.row[ky] = lane_ring_row(ring, oy * a.stride + ky - 1, a.x.h,
                                [&](int y, float* to) {
                                  lane_values(a.x, c, lane_input_row(a, group, y) + lane_row_floats(c, a.x.w),
                                              {1, lane_row_floats(a.x.c, a.x.w)}, to, 0);
                                }) -
                  simd::width;
    return w;
  }
  static void forward(const TrainConvArgs& a, const Shared&, Workspace& r, const LaneTask& task,
                      const LaneSums& sums) {
    for (int c = 0; c < a.cout; ++c) {
      begin_lane_ring(r.x, task.first * a.stride - 1);
      for (int y = task.first; y < task.last; ++y) {
        const LaneWindow w = window(a, r.x, task.group, y, c);
        float* const z = lane_output_row(a, task.group, y) + lane_row_floats(c, a.out_w);
        if (a.stride == 1)
          lane_depthwise_plane<1, false>(w, a.out_w, a.weight + 9 * c, z, false);
        else
          lane_depthwise_plane<2, false>(w, a.out_w, a.weight + 9 * c, z, false);
        take_lane_moments(a, task, y, 1, c, sums);
      }
    }
  }
  static void backward(const TrainConvArgs& a, const LaneNorm& norm, Workspace& r, const LaneTask& task,
                       const LaneSums& dx_sums) {
    for (int c = 0; c < a.cout; ++c) {
      begin_lane_ring(r.x, task.first - 1);
      begin_lane_ring(r.dz, a.stride == 1 ? task.first - 1 : task.first / 2);
      for (int y = task.first; y < task.last; ++y) {
        if (a.dx != nullptr) {
          input_gradient(a, norm, r, task, y, c);
          take_lane_dx_sums(a, task, y, 1, c, dx_sums);
        }
        // Row y / stride of z is this task's if y is the middle of its windows.
        if (y % a.stride == 0) weight_gradient(a, norm, r, task, y / a.stride, c);
      }
    }
  }
  static const float* gradient_row(const TrainConvArgs& a, const LaneNorm& norm, LaneRing& ring,
                                   const LaneTask& task, int oy, int c) {
    return lane_ring_row(ring, oy, a.out_h, [&](int y, float* to) {
      const float* const z = lane_output_row(a, task.group, y) + lane_row_floats(c, a.out_w);
      lane_gradient(lane_output_gradient(a, task.group, y, c), lane_output(a), c, z,
                    {1, lane_row_floats(a.cout, a.out_w)}, norm, task.mask, to, 0);
    });
  }
  static void input_gradient(const TrainConvArgs& a, const LaneNorm& norm, Workspace& r, const LaneTask& task,
                             int y, int c) {
    const float* const weight = a.weight + 9 * c;
    float* const dx = lane_dx_row(a, task.group, y) + lane_row_floats(c, a.x.w);
    if (a.stride == 1) {
      LaneWindow w;
      for (int i = 0; i < 3; ++i) w.row[i] = gradient_row(a, norm, r.dz, task, y + i - 1, c) - simd::width;
      return lane_depthwise_plane<1, true>(w, a.x.w, weight, dx, a.accumulate);
    }
    const bool even = y % 2 == 0;
    const float* const above = gradient_row(a, norm, r.dz, task, y / 2, c);
    const float* const below = even ? r.dz.zeros() : gradient_row(a, norm, r.dz, task, y / 2 + 1, c);
    lane_depthwise_spread(above, below, even, a.x.w, weight, dx, a.accumulate);
  }
  static void weight_gradient(const TrainConvArgs& a, const LaneNorm& norm, Workspace& r,
                              const LaneTask& task, int oy, int c) {
    const float* const dz = gradient_row(a, norm, r.dz, task, oy, c);
    const LaneWindow w = window(a, r.x, task.group, oy, c);
    float* const sums = r.weight_sums + static_cast<std::ptrdiff_t>(c) * 9 * simd::width;
    if (a.stride == 1)
      lane_depthwise_weights<1>(w, dz, a.out_w, sums);
    else
      lane_depthwise_weights<2>(w, dz, a.out_w, sums);
  }
};

TINYFIQA_ISA_END

#endif
