// Training of the first convolution, of 3x3 with padding 1, whose output lies in image lanes. x is [N, H, W, C], plain, and
// needs no gradient.
#pragma once

#include <tinyfiqa/kernels/train/lanes_conv.hpp>

#ifdef TINYFIQA_PLANAR

TINYFIQA_ISA_BEGIN(kernels)

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
      lane_output_gradients(a, norm, task, y, 1, r.dz);
      read(a, r, task.group, y);
      lane_outer(o);
    }
  }
};

TINYFIQA_ISA_END

#endif
