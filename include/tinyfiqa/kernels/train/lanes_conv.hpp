// Training of convolutions on maps in image lanes (image_lanes.hpp): what all kinds share. The kinds are 1x1 ones
// (lanes_pointwise.hpp), depthwise ones of 3x3 (lanes_depthwise.hpp), and the first one, of 3x3, which reads images by
// pixels (lanes_stem.hpp). The steps are those of kernels/train/conv.hpp.
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

/// dz [rows][Cout][W'][width] of rows of z from row y on.
inline void lane_output_gradients(const TrainConvArgs& a, const LaneNorm& norm, const LaneTask& task, int y,
                                  int rows, float* dz) {
  const LazyMap<float> z = lane_output(a);
  const std::ptrdiff_t row = lane_row_floats(a.cout, a.out_w);
  for (int c = 0; c < a.cout; ++c) {
    const std::ptrdiff_t plane = lane_row_floats(c, a.out_w);
    lane_gradient(lane_output_gradient(a, task.group, y, c), z, c, lane_output_row(a, task.group, y) + plane,
                  {rows, row}, norm, task.mask, dz + plane, row);
  }
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
