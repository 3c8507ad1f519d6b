// Training of 1x1 convolutions on maps in image lanes: products of rows (image_lanes.hpp).
#pragma once

#include <tinyfiqa/kernels/train/lanes_conv.hpp>

#ifdef TINYFIQA_PLANAR

TINYFIQA_ISA_BEGIN(kernels)

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
    for_each_block(a, task, [&](int y, int rows) {
      lane_output_gradients(a, norm, task, y, rows, r.dz);
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

TINYFIQA_ISA_END

#endif
