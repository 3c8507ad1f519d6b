// Training of dense and grouped convolutions through patches: the windows of a block of pixels are gathered
// into rows [K][K][Cin / G], and the three products are those of a 1x1 convolution.
//   z = P W^T    dW += dz^T P    dP = dz W, scattered back into dx (never for the network's own input)
#pragma once

#include <tinyfiqa/kernels/conv.hpp>
#include <tinyfiqa/kernels/train_conv.hpp>

TINYFIQA_ISA_BEGIN(kernels)

struct DenseTraining {
  struct Shared {
    float *rows = nullptr, *packed = nullptr;  ///< weights [Cout][K][K][Cin / G]; packed
  };
  struct Room {
    LazyReader x;
    float *image = nullptr, *patches = nullptr, *dz = nullptr, *dpatches = nullptr, *dweight = nullptr;
    int held = -1;  ///< the image whose values `image` holds
  };

  static int depth(const TrainConvArgs& a) { return conv_depth(a.kernel, a.x.c, a.groups); }
  static int blocks(const TrainConvArgs& a) { return (a.out_h * a.out_w + train_block - 1) / train_block; }
  static int tasks(const TrainConvArgs& a) { return a.x.n * blocks(a); }
  static int backward_tasks(const TrainConvArgs& a) { return a.x.n; }
  static std::size_t packed_group(const TrainConvArgs& a) {
    const std::size_t forward = gemm_packed_floats(a.cout / a.groups, depth(a));
    const std::size_t back = gemm_packed_floats(depth(a), a.cout / a.groups);
    return forward > back ? forward : back;
  }

  static Shared carve_shared(Carver& room, const TrainConvArgs& a) {
    Shared s;
    s.rows = carve(room, size_of(a.cout, depth(a)));
    s.packed = carve(room, packed_group(a) * size_of(a.groups));
    return s;
  }
  static Room carve_room(Carver& room, const TrainConvArgs& a, const ConvShared& common) {
    Room r;
    r.x = carve_reader(room, a.x, 0);
    r.x.pattern = common.x;
    r.image = carve(room, size_of(a.x.h, a.x.w, a.x.c));
    r.patches = carve(room, size_of(train_block, depth(a)));
    r.dpatches = carve(room, size_of(train_block, depth(a)));
    r.dz = carve(room, size_of(train_block, a.cout));
    r.dweight = carve(room, size_of(a.cout, depth(a)));
    return r;
  }

  /// [Cout][Cin / G][K][K] -> [Cout][K][K][Cin / G]
  static void order_weights(const TrainConvArgs& a, Shared& s) {
    const int taps = a.kernel * a.kernel, cin = a.x.c / a.groups;
    for (int o = 0; o < a.cout; ++o)
      for (int t = 0; t < taps; ++t)
        for (int c = 0; c < cin; ++c) s.rows[(o * taps + t) * cin + c] = a.weight[(o * cin + c) * taps + t];
  }
  static void prepare_forward(const TrainConvArgs& a, Shared& s) {
    const int columns = a.cout / a.groups, k = depth(a);
    order_weights(a, s);
    for (int g = 0; g < a.groups; ++g)
      pack_gemm_columns(columns, k, s.rows + size_of(g, columns, k), s.packed + size_of(g) * packed_group(a));
  }
  static void prepare_backward(const TrainConvArgs& a, Shared& s) {
    const int columns = a.cout / a.groups, k = depth(a);
    order_weights(a, s);
    for (int g = 0; g < a.groups; ++g)
      pack_gemm_rows(k, columns, s.rows + size_of(g, columns, k), k, s.packed + size_of(g) * packed_group(a));
  }
  static void clear(const TrainConvArgs& a, const Room& r) {
    std::memset(r.dweight, 0, size_of(a.cout, depth(a)) * sizeof(float));
  }

  // -- patches

  /// The values of one image: the map itself, or computed into the room.
  static Rows image_values(const TrainConvArgs& a, Room& r, int image) {
    const long long first = static_cast<long long>(image) * a.x.h * a.x.w;
    if (r.x.pattern.plain) return {a.x.data + first * a.x.pixel, a.x.pixel};
    if (r.held != image) read_pixels(r.x, first, a.x.h * a.x.w, r.image);
    r.held = image;
    return {r.image, a.x.c};
  }
  /// Calls body(patch offset, pixel, floats) for the runs of a window that lie inside the image.
  template <class Body>
  TINYFIQA_INLINE static void for_each_run(const TrainConvArgs& a, int pixel, const Body& body) {
    const int cin = a.x.c / a.groups;
    const int top = pixel / a.out_w * a.stride - a.padding, left = pixel % a.out_w * a.stride - a.padding;
    const TapRange rows = taps_inside(top, a.kernel, a.x.h), cols = taps_inside(left, a.kernel, a.x.w);
    for (int ky = rows.first; ky < rows.last; ++ky)
      body((ky * a.kernel + cols.first) * cin, (top + ky) * a.x.w + left + cols.first,
           cols.last - cols.first);
  }
  static void gather(const TrainConvArgs& a, const Rows& x, int first, int count, int channel,
                     float* patches) {
    const int cin = a.x.c / a.groups, k = depth(a);
    for (int i = 0; i < count; ++i, patches += k) {
      const int top = (first + i) / a.out_w * a.stride - a.padding,
                left = (first + i) % a.out_w * a.stride - a.padding;
      const bool inside = top >= 0 && left >= 0 && top + a.kernel <= a.x.h && left + a.kernel <= a.x.w;
      if (!inside) std::memset(patches, 0, size_of(k) * sizeof(float));
      for_each_run(a, first + i, [&](int at, int pixel, int taps) {
        const float* from = x.data + pixel * x.pixel + channel;
        if (x.pixel == cin) return copy_floats(from, taps * cin, patches + at);
        for (int t = 0; t < taps; ++t) copy_floats(from + t * x.pixel, cin, patches + at + t * cin);
      });
    }
  }
  static void scatter(const TrainConvArgs& a, const float* dpatches, int image, int first, int count,
                      int channel) {
    const int cin = a.x.c / a.groups, k = depth(a);
    float* const dx = a.dx + static_cast<long long>(image) * a.x.h * a.x.w * a.dx_pixel + channel;
    for (int i = 0; i < count; ++i, dpatches += k)
      for_each_run(a, first + i, [&](int at, int pixel, int taps) {
        for (int t = 0; t < taps; ++t)
          add_floats(dpatches + at + t * cin, cin, dx + (pixel + t) * a.dx_pixel);
      });
  }
  static int block_pixels(const TrainConvArgs& a, int first) {
    const int left = a.out_h * a.out_w - first;
    return left < train_block ? left : train_block;
  }

  template <class Done>
  static void forward(const TrainConvArgs& a, const ConvShared& common, const Shared& s, Room& r, int begin,
                      int end, const Done& done) {
    r.x.pattern = common.x;
    const int columns = a.cout / a.groups, k = depth(a);
    for (int i = begin; i < end; ++i) {
      const int image = i / blocks(a), first = i % blocks(a) * train_block, count = block_pixels(a, first);
      const Rows x = image_values(a, r, image);
      float* const z = a.z + (static_cast<std::ptrdiff_t>(image) * a.out_h * a.out_w + first) * a.cout;
      for (int g = 0; g < a.groups; ++g) {
        gather(a, x, first, count, g * (a.x.c / a.groups), r.patches);
        GemmArgs m;
        m.m = count;
        m.n = columns;
        m.k = k;
        m.a = r.patches;
        m.lda = k;
        m.packed = s.packed + size_of(g) * packed_group(a);
        m.c = z + g * columns;
        m.ldc = a.cout;
        plain_gemm(m);
      }
      done(z, static_cast<std::ptrdiff_t>(count) * a.cout);
    }
  }

  static void backward(const TrainConvArgs& a, const ConvShared& common, const Shared& s, Room& r, int begin,
                       int end) {
    r.x.pattern = common.x;
    for (int image = begin; image < end; ++image) {
      const int pixels = a.out_h * a.out_w;
      const Rows x = image_values(a, r, image);
      if (a.dx != nullptr && !a.accumulate)
        for (int i = 0; i < a.x.h * a.x.w; ++i)
          std::memset(a.dx + (static_cast<long long>(image) * a.x.h * a.x.w + i) * a.dx_pixel, 0,
                      size_of(a.x.c) * sizeof(float));
      for (int first = 0; first < pixels; first += train_block) {
        const int count = block_pixels(a, first);
        read_gradient(a, common.norm, static_cast<long long>(image) * pixels + first, count, r.dz);
        for (int g = 0; g < a.groups; ++g) backward_group(a, s, r, x, image, first, count, g);
      }
    }
  }
  static void backward_group(const TrainConvArgs& a, const Shared& s, const Room& r, const Rows& x, int image,
                             int first, int count, int g) {
    const int columns = a.cout / a.groups, k = depth(a), channel = g * (a.x.c / a.groups);
    gather(a, x, first, count, channel, r.patches);
    OuterArgs o;
    o.rows = count;
    o.m = columns;
    o.n = k;
    o.p = r.dz + g * columns;
    o.ldp = a.cout;
    o.q = r.patches;
    o.ldq = k;
    o.acc = r.dweight + size_of(g, columns, k);
    o.ldacc = k;
    outer_either(o, outer_turned(columns, k));
    if (a.dx == nullptr) return;
    GemmArgs m;
    m.m = count;
    m.n = k;
    m.k = columns;
    m.a = r.dz + g * columns;
    m.lda = a.cout;
    m.packed = s.packed + size_of(g) * packed_group(a);
    m.c = r.dpatches;
    m.ldc = k;
    plain_gemm(m);
    scatter(a, r.dpatches, image, first, count, channel);
  }

  /// dweight is [Cout / G][K][K][Cin / G] for each group, or (turned) [K][K][Cin / G][Cout / G].
  static void reduce(const TrainConvArgs& a, const Room& r) {
    const int columns = a.cout / a.groups, k = depth(a), cin = a.x.c / a.groups, taps = a.kernel * a.kernel;
    const bool turned = outer_turned(columns, k);
    for (int o = 0; o < a.cout; ++o)
      for (int i = 0; i < k; ++i) {
        const int g = o / columns, j = o % columns;
        const float* part = r.dweight + size_of(g, columns, k);
        a.dweight[(o * cin + i % cin) * taps + i / cin] += turned ? part[i * columns + j] : part[j * k + i];
      }
  }
};

TINYFIQA_ISA_END
