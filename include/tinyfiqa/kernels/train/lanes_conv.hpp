// Training of convolutions on maps in image lanes (image_lanes.hpp): 1x1 ones, depthwise ones of 3x3, and the first one, of
// 3x3, which reads images by pixels. The steps are those of kernels/train/conv.hpp.
//
// A kind is a struct with
//   Shared, place_shared        its scratch that all threads share
//   Workspace, place_workspace  its scratch of one thread
//   weights                     the number of weights; Workspace::weight_sums is [weights][width]
//   prepare_forward             what is done once before forward
//   clear                       what is done once for each thread
//   forward                     computes rows of z and their sums
//   backward_rows               rows of a group that are the tasks of backward: those of x, or, for the first one, of z
//   backward                    adds to weight_sums, and computes rows of dx and their sums
#pragma once

#include <tinyfiqa/kernels/train/conv.hpp>
#include <tinyfiqa/kernels/train/image_lanes.hpp>

#ifdef TINYFIQA_PLANAR

TINYFIQA_ISA_BEGIN(kernels)

/// A task: rows first .. last - 1 of a group of images.
struct LaneTask {
  int group = 0, first = 0, last = 0;
  vf mask;  ///< LaneMask of the group
};
/// Floats of a row of a map.
TINYFIQA_INLINE std::ptrdiff_t lane_row_floats(int c, int w) {
  return static_cast<std::ptrdiff_t>(c) * w * simd::width;
}
/// Floats before row y of group `group`.
TINYFIQA_INLINE std::ptrdiff_t lane_row_at(int h, int c, int w, int group, int y) {
  return (static_cast<std::ptrdiff_t>(group) * h + y) * lane_row_floats(c, w);
}
TINYFIQA_INLINE const float* lane_input_row(const TrainConvArgs& a, int group, int y) {
  return a.x.data + lane_row_at(a.x.h, a.x.c, a.x.w, group, y);
}
TINYFIQA_INLINE float* lane_output_row(const TrainConvArgs& a, int group, int y) {
  return a.z + lane_row_at(a.out_h, a.cout, a.out_w, group, y);
}
TINYFIQA_INLINE float* lane_dx_row(const TrainConvArgs& a, int group, int y) {
  return a.dx + lane_row_at(a.x.h, a.x.c, a.x.w, group, y);
}
/// The gradient of channel c of row y of z. With a pixel stride of 0 it is [N / width][C][width], the same for all pixels.
TINYFIQA_INLINE LaneGradient lane_output_gradient(const TrainConvArgs& a, int group, int y, int c) {
  if (a.dv_pixel_stride == 0)
    return {a.dv + (static_cast<std::ptrdiff_t>(group) * a.cout + c) * simd::width, 0, 0};
  return {a.dv + lane_row_at(a.out_h, a.cout, a.out_w, group, y) + lane_row_floats(c, a.out_w),
          lane_row_floats(a.cout, a.out_w), simd::width};
}
/// The output before batch norm as the map that its readers see.
TINYFIQA_INLINE LazyMap<float> lane_output(const TrainConvArgs& a) {
  LazyMap<float> z;
  z.n = a.x.n;
  z.h = a.out_h;
  z.w = a.out_w;
  z.c = a.cout;
  z.data = a.z;
  z.centre = a.mean;
  z.scale = a.scale;
  z.shift = a.shift;
  z.act = a.act;
  return z;
}

/// What forward does with each channel of z that it has computed. Null sums: none are needed.
TINYFIQA_INLINE void take_lane_moments(const TrainConvArgs& a, const LaneTask& task, int y, int rows, int c,
                                       const LaneSums& sums) {
  if (sums.first == nullptr) return;
  add_lane_moments(lane_output_row(a, task.group, y) + lane_row_floats(c, a.out_w),
                   {rows, lane_row_floats(a.cout, a.out_w)}, a.out_w, a.running_mean[c], task.mask, sums, c);
}
/// What backward does with each channel of dx that it has computed. Null sums: none are needed.
TINYFIQA_INLINE void take_lane_dx_sums(const TrainConvArgs& a, const LaneTask& task, int y, int rows, int c,
                                       const LaneSums& sums) {
  if (sums.first == nullptr) return;
  const std::ptrdiff_t row = lane_row_floats(a.x.c, a.x.w), plane = lane_row_floats(c, a.x.w);
  add_lane_gradient_sums({lane_dx_row(a, task.group, y) + plane, row, simd::width}, a.x, c,
                         lane_input_row(a, task.group, y) + plane, {rows, row}, sums);
}

// ---- 1x1

struct LanePointwise {
  struct Shared {
    float* packed = nullptr;  ///< forward: weights [Cin][Cout]
  };
  struct Workspace {
    float *values = nullptr, *dz = nullptr;  ///< rows of x, of dz
    const float** source = nullptr;          ///< [the larger of Cin and Cout]
    float* weight_sums = nullptr;            ///< [Cout][Cin][width]
  };
  /// Rows that are processed together: narrow ones would load and store the sums of weights too often.
  static int block(const TrainConvArgs& a) { return a.x.w < 16 ? (15 + a.x.w) / a.x.w : 1; }

  static Shared place_shared(ScratchLayout& layout, const TrainConvArgs& a) {
    return {place_floats(layout, size_of(a.cout, a.x.c))};
  }
  static Workspace place_workspace(ScratchLayout& layout, const TrainConvArgs& a) {
    const std::size_t columns = size_of(block(a), a.x.w, simd::width);
    Workspace r;
    r.values = place_floats(layout, columns * size_of(a.x.c));
    r.dz = place_floats(layout, columns * size_of(a.cout));
    r.source = place_pointers(layout, a.cout > a.x.c ? a.cout : a.x.c);
    r.weight_sums = place_floats(layout, size_of(weights(a), simd::width));
    return r;
  }
  static int weights(const TrainConvArgs& a) { return a.cout * a.x.c; }
  static int backward_rows(const TrainConvArgs& a) { return a.x.h; }
  static void prepare_forward(const TrainConvArgs& a, Shared& s) {
    for (int o = 0; o < a.cout; ++o)
      for (int c = 0; c < a.x.c; ++c) s.packed[c * a.cout + o] = a.weight[o * a.x.c + c];
  }
  static void clear(const Workspace&) {}

  /// Calls body(first row, rows) for the blocks of a task.
  template <class Body>
  static void for_each_block(const TrainConvArgs& a, const LaneTask& task, const Body& body) {
    for (int y = task.first; y < task.last; y += block(a))
      body(y, task.last - y < block(a) ? task.last - y : block(a));
  }
  /// The values of rows of x: where they are if the map is plain, else computed.
  static const float* read(const TrainConvArgs& a, const Workspace& r, int group, int y, int rows) {
    const std::ptrdiff_t row = lane_row_floats(a.x.c, a.x.w);
    const float* const x = lane_input_row(a, group, y);
    if (is_plain(a.x)) return x;
    for (int c = 0; c < a.x.c; ++c) {
      const std::ptrdiff_t plane = lane_row_floats(c, a.x.w);
      lane_values(a.x, c, x + plane, {rows, row}, r.values + plane, row);
    }
    return r.values;
  }
  /// out [rows][outputs][W][width] = x [rows][channels][W][width] times weight [channels][outputs], or +=
  static void multiply(const TrainConvArgs& a, const Workspace& r, const float* x, int channels,
                       const float* weight, int rows, int outputs, float* out, bool add) {
    LaneProduct p;
    p.source = r.source;
    p.depth = channels;
    p.columns = a.x.w;
    p.outputs = outputs;
    p.weight = weight;
    p.add = add;
    for (int i = 0; i < rows; ++i, x += lane_row_floats(channels, a.x.w)) {
      for (int c = 0; c < channels; ++c) r.source[c] = x + lane_row_floats(c, a.x.w);
      p.out = out + i * lane_row_floats(outputs, a.x.w);
      lane_product(p);
    }
  }
  static void forward(const TrainConvArgs& a, const Shared& s, const Workspace& r, const LaneTask& task,
                      const LaneSums& sums) {
    for_each_block(a, task, [&](int y, int rows) {
      const float* const x = read(a, r, task.group, y, rows);
      multiply(a, r, x, a.x.c, s.packed, rows, a.cout, lane_output_row(a, task.group, y), false);
      for (int c = 0; c < a.cout; ++c) take_lane_moments(a, task, y, rows, c, sums);
    });
  }
  static void backward(const TrainConvArgs& a, const LaneNorm& norm, const Workspace& r, const LaneTask& task,
                       const LaneSums& dx_sums) {
    const LazyMap<float> z = lane_output(a);
    const std::ptrdiff_t z_row = lane_row_floats(a.cout, a.out_w);
    for_each_block(a, task, [&](int y, int rows) {
      for (int c = 0; c < a.cout; ++c) {
        const std::ptrdiff_t plane = lane_row_floats(c, a.out_w);
        lane_gradient(lane_output_gradient(a, task.group, y, c), z, c,
                      lane_output_row(a, task.group, y) + plane, {rows, z_row}, norm, task.mask, r.dz + plane,
                      z_row);
      }
      LaneOuter o;
      const float* const x = read(a, r, task.group, y, rows);
      for (int c = 0; c < a.x.c; ++c) r.source[c] = x + lane_row_floats(c, a.x.w);
      o.source = r.source;
      o.source_row = lane_row_floats(a.x.c, a.x.w);
      o.depth = a.x.c;
      o.rows = rows;
      o.columns = a.out_w;
      o.outputs = a.cout;
      o.dz = r.dz;
      o.sums = r.weight_sums;
      lane_outer(o);
      if (a.dx == nullptr) return;
      multiply(a, r, r.dz, a.cout, a.weight, rows, a.x.c, lane_dx_row(a, task.group, y), a.accumulate);
      for (int c = 0; c < a.x.c; ++c) take_lane_dx_sums(a, task, y, rows, c, dx_sums);
    });
  }
};

// ---- depthwise, 3x3, padding 1, stride 1 or 2. Channel after channel, so that the rows of a window stay in the cache.

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

// ---- the first convolution, 3x3, padding 1: x is [N, H, W, C], plain, and needs no gradient

/// to: row y of the images of a group, channel after channel. Lanes without an image get the last image.
inline void read_lane_images(const TrainConvArgs& a, int group, int y, float* to, std::ptrdiff_t plane) {
  const LazyMap<float>& x = a.x;
  const int floats = x.w * x.c;
  const float* image[simd::width];
  for (int i = 0; i < simd::width; ++i) {
    const int n = group * simd::width + i;
    image[i] = x.data + (static_cast<std::ptrdiff_t>(n < x.n ? n : x.n - 1) * x.h + y) * floats;
  }
  int column = 0, channel = 0;
  for (int first = 0; first < floats; first += simd::width) {
    const int count = floats - first < simd::width ? floats - first : simd::width;
    vf v[simd::width];
#pragma GCC unroll 16
    for (int i = 0; i < simd::width; ++i) {
      v[i] = simd::load_up_to(image[i] + first, count);
      simd::prefetch(image[i] + floats + first);
    }
    simd::transpose(v);
    for (int i = 0; i < count; ++i) {
      simd::store(to + channel * plane + static_cast<std::ptrdiff_t>(column) * simd::width, v[i]);
      if (++channel == x.c) channel = 0, ++column;
    }
  }
}

struct LaneStem {
  struct Shared {
    float* packed = nullptr;  ///< forward: weights [Cin][3][3][Cout]
  };
  struct Workspace {
    LaneRing x;
    float* dz = nullptr;             ///< a row
    const float** source = nullptr;  ///< [Cin][3][3]
    float* weight_sums = nullptr;    ///< [Cout][Cin][3][3][width]
  };
  static int depth(const TrainConvArgs& a) { return a.x.c * 9; }
  static Shared place_shared(ScratchLayout& layout, const TrainConvArgs& a) {
    return {place_floats(layout, size_of(a.cout, depth(a)))};
  }
  static Workspace place_workspace(ScratchLayout& layout, const TrainConvArgs& a) {
    Workspace r;
    r.x = place_lane_ring(layout, a.x.c, a.x.w);
    r.dz = place_floats(layout, size_of(a.cout, a.out_w, simd::width));
    r.source = place_pointers(layout, depth(a));
    r.weight_sums = place_floats(layout, size_of(weights(a), simd::width));
    return r;
  }
  static int weights(const TrainConvArgs& a) { return a.cout * depth(a); }
  static int backward_rows(const TrainConvArgs& a) { return a.out_h; }
  static void prepare_forward(const TrainConvArgs& a, Shared& s) {
    for (int o = 0; o < a.cout; ++o)
      for (int k = 0; k < depth(a); ++k) s.packed[k * a.cout + o] = a.weight[o * depth(a) + k];
  }
  static void clear(const Workspace& r) { clear_lane_ring(r.x); }

  /// Points r.source at the windows of row oy.
  static void read(const TrainConvArgs& a, Workspace& r, int group, int oy) {
    const std::ptrdiff_t plane = r.x.plane();
    for (int ky = 0; ky < 3; ++ky) {
      const float* const row = lane_ring_row(r.x, oy * a.stride + ky - 1, a.x.h, [&](int y, float* to) {
        read_lane_images(a, group, y, to, plane);
      });
      for (int c = 0; c < a.x.c; ++c)
        for (int kx = 0; kx < 3; ++kx)
          r.source[(c * 3 + ky) * 3 + kx] = row + c * plane + (kx - 1) * simd::width;
    }
  }
  static void forward(const TrainConvArgs& a, const Shared& s, Workspace& r, const LaneTask& task,
                      const LaneSums& sums) {
    LaneProduct p;
    p.source = r.source;
    p.step = a.stride * simd::width;
    p.depth = depth(a);
    p.columns = a.out_w;
    p.outputs = a.cout;
    p.weight = s.packed;
    begin_lane_ring(r.x, task.first * a.stride - 1);
    for (int y = task.first; y < task.last; ++y) {
      read(a, r, task.group, y);
      p.out = lane_output_row(a, task.group, y);
      lane_product(p);
      for (int c = 0; c < a.cout; ++c) take_lane_moments(a, task, y, 1, c, sums);
    }
  }
  static void backward(const TrainConvArgs& a, const LaneNorm& norm, Workspace& r, const LaneTask& task,
                       const LaneSums&) {
    const LazyMap<float> z = lane_output(a);
    LaneOuter o;
    o.source = r.source;
    o.step = a.stride * simd::width;
    o.depth = depth(a);
    o.columns = a.out_w;
    o.outputs = a.cout;
    o.dz = r.dz;
    o.sums = r.weight_sums;
    begin_lane_ring(r.x, task.first * a.stride - 1);
    for (int y = task.first; y < task.last; ++y) {
      for (int c = 0; c < a.cout; ++c) {
        const std::ptrdiff_t plane = lane_row_floats(c, a.out_w);
        lane_gradient(lane_output_gradient(a, task.group, y, c), z, c,
                      lane_output_row(a, task.group, y) + plane, {1, lane_row_floats(a.cout, a.out_w)}, norm,
                      task.mask, r.dz + plane, 0);
      }
      read(a, r, task.group, y);
      lane_outer(o);
    }
  }
};

// ---- what all kinds share

/// Scratch of a convolution, for the size query (null scratch) and for use.
template <class Kind>
struct LaneConvMemory {
  double* sums = nullptr;  ///< [3][cout], and a place for a number of pixels
  LaneNorm norm;
  typename Kind::Shared shared;
  std::size_t shared_floats = 0, thread_floats = 0;
  float* base = nullptr;
  struct Thread {
    typename Kind::Workspace workspace;
    LaneSums sums, dx_sums;
  };

  LaneConvMemory(const TrainConvArgs& a, float* scratch) : base(scratch) {
    ScratchLayout layout{scratch, 0}, one;
    sums = place_doubles(layout, size_of(3, a.cout) + 1);
    for (float** k : {&norm.k1, &norm.k2, &norm.k3}) *k = place_floats(layout, size_of(a.cout));
    shared = Kind::place_shared(layout, a);
    shared_floats = layout.used;
    place_thread(one, a);
    thread_floats = one.used;
  }
  static Thread place_thread(ScratchLayout& layout, const TrainConvArgs& a) {
    Thread t;
    t.workspace = Kind::place_workspace(layout, a);
    t.sums = place_lane_sums(layout, a.cout);
    t.dx_sums = place_lane_sums(layout, a.x.c);
    return t;
  }
  Thread thread(const TrainConvArgs& a, int index) const {
    ScratchLayout layout{base + shared_floats + thread_floats * static_cast<std::size_t>(index), 0};
    return place_thread(layout, a);
  }
};

/// Calls body(a thread's scratch, task) for tasks that make up `rows` rows of each group of images.
template <class Kind, class Body>
inline void for_each_lane_task(const TrainConvArgs& a, const LaneConvMemory<Kind>& m, int rows, double macs,
                               const Body& body) {
  const LaneMask mask(a.x.n);
  parallel_split(worth_team(a.team, macs), mask.groups * rows, [&](int begin, int end, int t) {
    auto thread = m.thread(a, t);
    for_each_image(rows, begin, end, [&](int group, int first, int last) {
      body(thread, LaneTask{group, first, last, mask.of(group)});
    });
  });
}

/// Forward of a kind. `scratch` has lane_conv_scratch<Kind>(a) floats.
template <class Kind>
inline void lane_conv_forward(const TrainConvArgs& a, float* scratch) {
  LaneConvMemory<Kind> m(a, scratch);
  for (int t = 0; t < a.team.threads; ++t) {
    const auto thread = m.thread(a, t);
    clear_lane_sums(thread.sums, a.cout);
    Kind::clear(thread.workspace);
  }
  Kind::prepare_forward(a, m.shared);
  const bool sums = batch_normed(a);
  for_each_lane_task(a, m, a.out_h, train_macs(a), [&](auto& thread, const LaneTask& task) {
    Kind::forward(a, m.shared, thread.workspace, task, sums ? thread.sums : LaneSums());
  });
  double count = 0;
  if (sums) {
    gather_lane_sums(a.team.threads, a.cout, m.sums, [&](int t) { return m.thread(a, t).sums; });
    count = sum_over_ranks(a, m.sums);
  }
  if (a.gamma != nullptr)
    finish_statistics(a, m.sums, count);
  else
    finish_bias(a);
}

/// m.sums [3][Cout] = sums over all pixels of g and g (z - mean).
template <class Kind>
inline void lane_gradient_sums(const TrainConvArgs& a, const LaneConvMemory<Kind>& m) {
  const LazyMap<float> z = lane_output(a);
  for (int t = 0; t < a.team.threads; ++t) clear_lane_sums(m.thread(a, t).sums, a.cout);
  const double work = static_cast<double>(out_pixels(a)) * a.cout;
  const int most = a.out_w < most_held ? static_cast<int>(most_held) / a.out_w : 1;
  for_each_lane_task(a, m, a.out_h, work, [&](auto& thread, const LaneTask& task) {
    for (int y = task.first; y < task.last; y += most) {
      const LaneRows block{task.last - y < most ? task.last - y : most, lane_row_floats(a.cout, a.out_w)};
      for (int c = 0; c < a.cout; ++c)
        add_lane_gradient_sums(lane_output_gradient(a, task.group, y, c), z, c,
                               lane_output_row(a, task.group, y) + lane_row_floats(c, a.out_w), block,
                               thread.sums);
    }
  });
  gather_lane_sums(a.team.threads, a.cout, m.sums, [&](int t) { return m.thread(a, t).sums; });
}

/// Backward of a kind, after its forward. `scratch` has lane_conv_scratch<Kind>(a) floats.
template <class Kind>
inline void lane_conv_backward(const TrainConvArgs& a, float* scratch) {
  LaneConvMemory<Kind> m(a, scratch);
  if (a.dv_sums == nullptr)
    lane_gradient_sums(a, m);
  else
    std::memcpy(m.sums, a.dv_sums, size_of(3, a.cout) * sizeof(double));
  add_parameter_gradients(a, m.sums);
  finish_gradient(a, m.sums);
  float* const k[] = {m.norm.k1, m.norm.k2, m.norm.k3};
  for (int i = 0; i < 3 * a.cout; ++i) k[i / a.cout][i % a.cout] = static_cast<float>(m.sums[i]);
  for (int t = 0; t < a.team.threads; ++t) {
    const auto thread = m.thread(a, t);
    clear_lane_sums(thread.dx_sums, a.x.c);
    std::memset(thread.workspace.weight_sums, 0, size_of(Kind::weights(a), simd::width) * sizeof(float));
    Kind::clear(thread.workspace);
  }
  const bool sums = a.dx_sums != nullptr;
  for_each_lane_task(a, m, Kind::backward_rows(a), 2 * train_macs(a),
                     [&](auto& thread, const LaneTask& task) {
                       Kind::backward(a, m.norm, thread.workspace, task, sums ? thread.dx_sums : LaneSums());
                     });
  if (sums) gather_lane_sums(a.team.threads, a.x.c, a.dx_sums, [&](int t) { return m.thread(a, t).dx_sums; });
  for (int t = 0; t < a.team.threads; ++t)
    add_lane_totals(m.thread(a, t).workspace.weight_sums, Kind::weights(a), a.dweight);
}

/// Scratch of forward and backward for all of the team's threads, in floats.
template <class Kind>
inline std::size_t lane_conv_scratch(const TrainConvArgs& a) {
  const LaneConvMemory<Kind> m(a, nullptr);
  return m.shared_floats + m.thread_floats * static_cast<std::size_t>(a.team.threads);
}

TINYFIQA_ISA_END

#endif
