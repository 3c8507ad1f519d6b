// Training of a batch norm that follows no convolution. It is the kind of convolution
// (kernels/train/conv.hpp) whose output is its input:
//
//   z = x,    dx = dz
//
// z is dense [N, H, W, C]; x may be a lazy map or a slice.
#pragma once

#include <tinyfiqa/kernels/train/conv.hpp>

TINYFIQA_ISA_BEGIN(kernels)

struct NormTraining {
  static constexpr bool sums_dx = false;
  struct Shared {};
  struct Workspace {
    LazyReader x;
    float* dz = nullptr;
  };

  static Shared place_shared(ScratchLayout&, const TrainConvArgs&) { return {}; }
  static Workspace place_workspace(ScratchLayout& layout, const TrainConvArgs& a, const ConvShared&) {
    Workspace r;
    r.x = place_reader(layout, a.x, train_block);
    r.dz = place_floats(layout, size_of(train_block, a.cout));
    return r;
  }
  static int pixels(const TrainConvArgs& a) { return static_cast<int>(out_pixels(a)); }
  static int tasks(const TrainConvArgs& a) { return (pixels(a) + train_block - 1) / train_block; }
  static int backward_tasks(const TrainConvArgs& a) { return a.dx == nullptr ? 0 : tasks(a); }
  static int count_of(const TrainConvArgs& a, int first) {
    const int left = pixels(a) - first;
    return left < train_block ? left : train_block;
  }

  static void prepare_forward(const TrainConvArgs&, Shared&) {}
  template <class Done>
  static void forward(const TrainConvArgs& a, const ConvShared& common, const Shared&, Workspace& work,
                      int begin, int end, const Done& done) {
    work.x.pattern = common.x;
    for (int b = begin; b < end; ++b) {
      const int first = b * train_block, count = count_of(a, first);
      float* z = a.z + static_cast<std::ptrdiff_t>(first) * a.cout;
      read_pixels(work.x, first, count, z);
      done(z, static_cast<std::ptrdiff_t>(count) * a.cout);
    }
  }

  static void prepare_backward(const TrainConvArgs&, Shared&) {}
  static void clear(const TrainConvArgs&, const Workspace&) {}
  template <class Done>
  static void backward(const TrainConvArgs& a, const ConvShared& common, const Shared&, Workspace& work,
                       int begin, int end, const Done&) {
    for (int b = begin; b < end; ++b) {
      const int first = b * train_block, count = count_of(a, first);
      read_gradient(a, common.norm, first, count, work.dz);
      scatter_pixels(work.dz, count, a.cout, a.dx + first * a.dx_pixel_stride, a.dx_pixel_stride,
                     a.accumulate);
    }
  }
  static void reduce(const TrainConvArgs&, const Workspace&) {}
};

TINYFIQA_ISA_END
