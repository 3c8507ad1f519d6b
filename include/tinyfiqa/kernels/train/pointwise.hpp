// Training of 1x1 convolutions and linear layers: three matrix products on blocks of pixels.
//   z = x W^T    dW += dz^T x    dx = dz W
#pragma once

#include <tinyfiqa/kernels/train/conv.hpp>

TINYFIQA_ISA_BEGIN(kernels)

struct PointwiseTraining {
  static constexpr bool sums_dx = true;
  struct Shared {
    float* packed = nullptr;  ///< W^T for z, W for dx
  };
  struct Room {
    LazyReader x;
    float *dz = nullptr, *dweight = nullptr;
  };

  static Shared carve_shared(Carver& room, const TrainConvArgs& a) {
    const std::size_t forward = gemm_packed_floats(a.cout, a.x.c), back = gemm_packed_floats(a.x.c, a.cout);
    return {carve(room, forward > back ? forward : back)};
  }
  static Room carve_room(Carver& room, const TrainConvArgs& a, const ConvShared& common) {
    Room r;
    r.x = carve_reader(room, a.x, train_block);
    r.x.pattern = common.x;
    r.dz = carve(room, size_of(train_block, a.cout));
    r.dweight = carve(room, size_of(a.cout, a.x.c));
    return r;
  }
  /// Pixels at a time. The gradient of the weights walks pixels for a few channels: of wide maps, fewer
  /// pixels keep their cache lines until all of their channels have been used. Weights larger than the second
  /// cache are better walked less often.
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
  static void forward(const TrainConvArgs& a, const ConvShared& common, const Shared& s, Room& room,
                      int begin, int end, const Done& done) {
    room.x.pattern = common.x;
    for (int b = begin; b < end; ++b) {
      const int first = b * block(a), left = pixels(a) - first, count = left < block(a) ? left : block(a);
      const Rows x = read_rows(room.x, first, count);
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
  static void clear(const TrainConvArgs& a, const Room& r) {
    if (!direct(a)) std::memset(r.dweight, 0, size_of(a.cout, a.x.c) * sizeof(float));
  }
  /// A single piece of work adds to the gradient itself.
  static bool direct(const TrainConvArgs& a) { return tasks(a) == 1; }

  template <class Done>
  static void backward(const TrainConvArgs& a, const ConvShared& common, const Shared& s, Room& room,
                       int begin, int end, const Done& done) {
    room.x.pattern = common.x;
    for (int b = begin; b < end; ++b) {
      const int first = b * block(a), left = pixels(a) - first, count = left < block(a) ? left : block(a);
      read_gradient(a, common.norm, first, count, room.dz);
      const Rows x = read_rows(room.x, first, count);
      OuterArgs o;
      o.rows = count;
      o.m = a.cout;
      o.n = a.x.c;
      o.p = room.dz;
      o.ldp = a.cout;
      o.q = x.data;
      o.ldq = x.pixel_stride;
      o.acc = direct(a) ? a.dweight : room.dweight;
      o.ldacc = a.x.c;
      outer_either(o, !direct(a) && outer_turned(a.cout, a.x.c));
      if (a.dx == nullptr) continue;
      input_gradient(a, s, room.dz, first, count);
      done(first, count);
    }
  }
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
  static void reduce(const TrainConvArgs& a, const Room& r) {
    if (direct(a)) return;
    if (!outer_turned(a.cout, a.x.c)) return add_floats(r.dweight, a.cout * a.x.c, a.dweight);
    for (int o = 0; o < a.cout; ++o)
      for (int c = 0; c < a.x.c; ++c) a.dweight[o * a.x.c + c] += r.dweight[c * a.cout + o];
  }
};

TINYFIQA_ISA_END
