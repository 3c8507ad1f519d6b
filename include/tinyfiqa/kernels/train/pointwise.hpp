// Training of 1x1 convolutions and linear layers: three matrix products on blocks of pixels.
//
//   z   = x W^T     [pixels, Cout]    kernels/gemm.hpp's micro-kernel
//   dW += dz^T x    [Cout][Cin]       kernels/train/weight_gradient.hpp
//   dx  = dz W      [pixels, Cin]     kernels/gemm.hpp's micro-kernel; or dx +=
//
// x [pixels, Cin] may be a lazy map or a slice, dx a slice.
#pragma once

#include <tinyfiqa/kernels/train/conv.hpp>

TINYFIQA_ISA_BEGIN(kernels)

struct PointwiseTraining {
  static constexpr bool sums_dx = true;
  struct Shared {
    float* packed = nullptr;  ///< packed W^T in forward, packed W in backward
  };
  struct Workspace {
    LazyReader x;
    float* dz = nullptr;       ///< [train_block][Cout]
    float* dweight = nullptr;  ///< dW of this thread, [Cout][Cin] or transposed
  };

  static Shared place_shared(ScratchLayout& layout, const TrainConvArgs& a) {
    const std::size_t forward = gemm_packed_floats(a.cout, a.x.c), back = gemm_packed_floats(a.x.c, a.cout);
    return {place_floats(layout, forward > back ? forward : back)};
  }
  static Workspace place_workspace(ScratchLayout& layout, const TrainConvArgs& a, const ConvShared& common) {
    Workspace r;
    r.x = place_reader(layout, a.x, train_block);
    r.x.pattern = common.x;
    r.dz = place_floats(layout, size_of(train_block, a.cout));
    r.dweight = place_floats(layout, size_of(a.cout, a.x.c));
    return r;
  }
  /// Pixels of a block. The gradient of the weights walks all pixels of a block for a few channels at a time.
  /// With wide maps, smaller blocks keep their cache lines until all channels are done. But weights larger
  /// than the second-level cache are read once for each block, so larger blocks are better for these.
  static int block(const TrainConvArgs& a) {
    const bool wide = a.cout + a.x.c > 512, cached = size_of(a.cout, a.x.c) <= 65536;
    return wide && cached ? train_block / 2 : train_block;
  }
  static int pixels(const TrainConvArgs& a) { return static_cast<int>(out_pixels(a)); }
  static int tasks(const TrainConvArgs& a) { return (pixels(a) + block(a) - 1) / block(a); }
  static int backward_tasks(const TrainConvArgs& a) { return tasks(a); }

  static void prepare_forward(const TrainConvArgs& a, Shared& s) {
    pack_gemm_columns(a.cout, a.x.c, a.weight, s.packed);
  }
  template <class Done>
  static void forward(const TrainConvArgs& a, const ConvShared& common, const Shared& s, Workspace& work,
                      int begin, int end, const Done& done) {
    work.x.pattern = common.x;
    for (int b = begin; b < end; ++b) {
      const int first = b * block(a), left = pixels(a) - first, count = left < block(a) ? left : block(a);
      const Rows x = read_rows(work.x, first, count);
      GemmArgs g;
      g.m = count;
      g.n = a.cout;
      g.k = a.x.c;
      g.a = x.data;
      g.lda = x.pixel_stride;
      g.packed = s.packed;
      g.c = a.z + static_cast<std::ptrdiff_t>(first) * a.cout;
      g.ldc = a.cout;
      plain_gemm(g);
      done(g.c, static_cast<std::ptrdiff_t>(count) * a.cout);
    }
  }

  static void prepare_backward(const TrainConvArgs& a, Shared& s) {
    if (a.dx != nullptr) pack_gemm_rows(a.x.c, a.cout, a.weight, a.x.c, s.packed);
  }
  static void clear(const TrainConvArgs& a, const Workspace& r) {
    if (!direct(a)) std::memset(r.dweight, 0, size_of(a.cout, a.x.c) * sizeof(float));
  }
  /// True if there is a single task: it adds to a.dweight directly.
  static bool direct(const TrainConvArgs& a) { return tasks(a) == 1; }

  template <class Done>
  static void backward(const TrainConvArgs& a, const ConvShared& common, const Shared& s, Workspace& work,
                       int begin, int end, const Done& done) {
    work.x.pattern = common.x;
    for (int b = begin; b < end; ++b) {
      const int first = b * block(a), left = pixels(a) - first, count = left < block(a) ? left : block(a);
      read_gradient(a, common.norm, first, count, work.dz);
      const Rows x = read_rows(work.x, first, count);
      OuterArgs o;
      o.rows = count;
      o.m = a.cout;
      o.n = a.x.c;
      o.p = work.dz;
      o.ldp = a.cout;
      o.q = x.data;
      o.ldq = x.pixel_stride;
      o.acc = direct(a) ? a.dweight : work.dweight;
      o.ldacc = a.x.c;
      outer_either(o, !direct(a) && outer_transposed(a.cout, a.x.c));
      if (a.dx == nullptr) continue;
      input_gradient(a, s, work.dz, first, count);
      done(first, count);
    }
  }
  /// dx = dz W, or dx +=, for `count` pixels from pixel `first` on.
  static void input_gradient(const TrainConvArgs& a, const Shared& s, const float* dz, int first, int count) {
    GemmArgs g;
    g.m = count;
    g.n = a.x.c;
    g.k = a.cout;
    g.a = dz;
    g.lda = a.cout;
    g.packed = s.packed;
    g.c = a.dx + first * a.dx_pixel_stride;
    g.ldc = a.dx_pixel_stride;
    if (a.accumulate) {
      g.residual = g.c;
      g.ld_residual = a.dx_pixel_stride;
    }
    plain_gemm(g);
  }
  static void reduce(const TrainConvArgs& a, const Workspace& r) {
    if (direct(a)) return;
    if (!outer_transposed(a.cout, a.x.c)) return add_floats(r.dweight, a.cout * a.x.c, a.dweight);
    for (int o = 0; o < a.cout; ++o)
      for (int c = 0; c < a.x.c; ++c) a.dweight[o * a.x.c + c] += r.dweight[c * a.cout + o];
  }
};

TINYFIQA_ISA_END
