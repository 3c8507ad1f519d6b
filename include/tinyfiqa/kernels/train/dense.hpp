// Training of dense and grouped convolutions. Forward is inference's convolution (kernels/conv.hpp).
//
//   dW += dz^T P    [Cout / G][K K Cin / G] for each group
//   dP  = dz W      added back into dx, tap by tap
//
// P [pixels][K][K][Cin / G] are the windows of a block of pixels, gathered with zeros outside the map. For
// the network's own input, which needs no dx, windows inside the image are not gathered: each row of a window
// is one run of floats, and products for dW read it where it is.
#pragma once

#include <tinyfiqa/kernels/conv.hpp>
#include <tinyfiqa/kernels/train/conv.hpp>

TINYFIQA_ISA_BEGIN(kernels)

struct DenseTraining {
  static constexpr bool sums_dx = false;
  struct Shared {
    float *rows = nullptr, *packed = nullptr;  ///< weights [Cout][K][K][Cin / G]; the same packed for gemm
  };
  struct Workspace {
    LazyReader x;
    float* image = nullptr;     ///< computed values of one image [H, W, Cin], of a lazy map
    float* patches = nullptr;   ///< P [train_block][K K Cin / G]
    float* dz = nullptr;        ///< [train_block or W'][Cout]
    float* dpatches = nullptr;  ///< dP, as P
    float* dweight = nullptr;   ///< dW of this thread; see reduce
    int held = -1;              ///< the number of the image in `image`; -1: none
  };

  /// Floats of one patch.
  static int depth(const TrainConvArgs& a) { return conv_depth(a.window, a.x.c, a.groups); }
  static int tasks(const TrainConvArgs& a) { return a.x.n * a.out_h; }
  static int backward_tasks(const TrainConvArgs& a) { return a.x.n; }
  /// Floats of one group's packed weights, the larger of forward's and backward's.
  static std::size_t packed_group(const TrainConvArgs& a) {
    const std::size_t forward = gemm_packed_floats(a.cout / a.groups, depth(a));
    const std::size_t back = gemm_packed_floats(depth(a), a.cout / a.groups);
    return forward > back ? forward : back;
  }

  static Shared place_shared(ScratchLayout& layout, const TrainConvArgs& a) {
    Shared s;
    s.rows = place_floats(layout, size_of(a.cout, depth(a)));
    s.packed = place_floats(layout, packed_group(a) * size_of(a.groups));
    return s;
  }
  static Workspace place_workspace(ScratchLayout& layout, const TrainConvArgs& a, const ConvShared& common) {
    Workspace r;
    r.x = place_reader(layout, a.x, 0);
    r.x.pattern = common.x;
    r.image = place_floats(layout, size_of(a.x.h, a.x.w, a.x.c));
    r.patches = place_floats(layout, size_of(train_block, depth(a)));
    r.dpatches = place_floats(layout, size_of(train_block, depth(a)));
    r.dz = place_floats(layout, size_of(a.out_w > train_block ? a.out_w : train_block, a.cout));
    r.dweight = place_floats(layout, size_of(a.cout, depth(a)));
    return r;
  }

  /// [Cout][Cin / G][K][K] -> [Cout][K][K][Cin / G]
  static void order_weights(const TrainConvArgs& a, Shared& s) {
    const int taps = a.window * a.window, cin = a.x.c / a.groups;
    for (int o = 0; o < a.cout; ++o)
      for (int t = 0; t < taps; ++t)
        for (int c = 0; c < cin; ++c) s.rows[(o * taps + t) * cin + c] = a.weight[(o * cin + c) * taps + t];
  }
  static void prepare_forward(const TrainConvArgs& a, Shared& s) {
    const int columns = a.cout / a.groups, k = depth(a);
    order_weights(a, s);
    for (int g = 0; g < a.groups; ++g)
      pack_gemm_columns(columns, k, s.rows + size_of(g, columns, k),
                        s.packed + size_of(g) * gemm_packed_floats(columns, k));
  }
  static void prepare_backward(const TrainConvArgs& a, Shared& s) {
    const int columns = a.cout / a.groups, k = depth(a);
    order_weights(a, s);
    for (int g = 0; g < a.groups; ++g)
      pack_gemm_rows(k, columns, s.rows + size_of(g, columns, k), k, s.packed + size_of(g) * packed_group(a));
  }
  static void clear(const TrainConvArgs& a, const Workspace& r) {
    std::memset(r.dweight, 0, size_of(a.cout, depth(a)) * sizeof(float));
  }

  // -- patches

  /// The values of one image: where they are if the map is plain, else computed into r.image.
  static Rows image_values(const TrainConvArgs& a, Workspace& r, int image) {
    const long long first = static_cast<long long>(image) * a.x.h * a.x.w;
    if (r.x.pattern.plain) return {a.x.data + first * a.x.pixel_stride, a.x.pixel_stride};
    if (r.held != image) read_pixels(r.x, first, a.x.h * a.x.w, r.image);
    r.held = image;
    return {r.image, a.x.c};
  }
  /// Calls body(offset in the patch, input pixel, taps) for each row of output pixel `pixel`'s window: its
  /// taps inside the map.
  template <class Body>
  TINYFIQA_INLINE static void for_each_run(const TrainConvArgs& a, int pixel, const Body& body) {
    const int cin = a.x.c / a.groups;
    const int top = pixel / a.out_w * a.stride - a.padding, left = pixel % a.out_w * a.stride - a.padding;
    const TapRange rows = taps_inside(top, a.window, a.x.h), cols = taps_inside(left, a.window, a.x.w);
    for (int ky = rows.first; ky < rows.last; ++ky)
      body((ky * a.window + cols.first) * cin, (top + ky) * a.x.w + left + cols.first,
           cols.last - cols.first);
  }
  /// Patches of `count` output pixels from pixel `first` of the image on: Cin / G channels from `channel` on.
  static void gather(const TrainConvArgs& a, const Rows& x, int first, int count, int channel,
                     float* patches) {
    const int cin = a.x.c / a.groups, k = depth(a);
    for (int i = 0; i < count; ++i, patches += k) {
      const int top = (first + i) / a.out_w * a.stride - a.padding,
                left = (first + i) % a.out_w * a.stride - a.padding;
      const bool inside = top >= 0 && left >= 0 && top + a.window <= a.x.h && left + a.window <= a.x.w;
      if (!inside) std::memset(patches, 0, size_of(k) * sizeof(float));
      for_each_run(a, first + i, [&](int at, int pixel, int taps) {
        const float* from = x.data + pixel * x.pixel_stride + channel;
        if (x.pixel_stride == cin) return copy_floats(from, taps * cin, patches + at);
        for (int t = 0; t < taps; ++t) copy_floats(from + t * x.pixel_stride, cin, patches + at + t * cin);
      });
    }
  }
  /// The reverse: adds dP to dx.
  static void scatter(const TrainConvArgs& a, const float* dpatches, int image, int first, int count,
                      int channel) {
    const int cin = a.x.c / a.groups, k = depth(a);
    float* const dx = a.dx + static_cast<long long>(image) * a.x.h * a.x.w * a.dx_pixel_stride + channel;
    for (int i = 0; i < count; ++i, dpatches += k)
      for_each_run(a, first + i, [&](int at, int pixel, int taps) {
        for (int t = 0; t < taps; ++t)
          add_floats(dpatches + at + t * cin, cin, dx + (pixel + t) * a.dx_pixel_stride);
      });
  }
  /// Inference's convolution on one image, without bias and activation.
  static ConvArgs conv_args(const TrainConvArgs& a, const Shared& s, const Rows& x, float* z) {
    ConvArgs v;
    v.n = 1;
    v.h = a.x.h;
    v.w = a.x.w;
    v.cin = a.x.c;
    v.out_h = a.out_h;
    v.out_w = a.out_w;
    v.cout = a.cout;
    v.window = a.window;
    v.stride = a.stride;
    v.padding = a.padding;
    v.groups = a.groups;
    v.x = x.data;
    v.x_pixel_stride = x.pixel_stride;
    v.packed = s.packed;
    v.y = z;
    v.y_pixel_stride = a.cout;
    return v;
  }

  template <class Done>
  static void forward(const TrainConvArgs& a, const ConvShared& common, const Shared& s, Workspace& r,
                      int begin, int end, const Done& done) {
    r.x.pattern = common.x;
    const std::ptrdiff_t row = static_cast<std::ptrdiff_t>(a.out_w) * a.cout;
    for (int i = begin; i < end; ++i) {
      const int image = i / a.out_h, oy = i % a.out_h;
      float* const z = a.z + image * a.out_h * row;
      conv_row(conv_args(a, s, image_values(a, r, image), z), 0, oy, r.patches);
      done(z + oy * row, row);
    }
  }

  /// True if dW is computed without patches where windows lie inside the map.
  static bool in_place(const TrainConvArgs& a) {
    return a.groups == 1 && a.dx == nullptr && (a.x.pixel_stride == a.x.c || a.x.scale != nullptr);
  }
  /// True if dW is accumulated transposed.
  static bool transposed(const TrainConvArgs& a) {
    return in_place(a) || outer_transposed(a.cout / a.groups, depth(a));
  }

  template <class Done>
  static void backward(const TrainConvArgs& a, const ConvShared& common, const Shared& s, Workspace& r,
                       int begin, int end, const Done&) {
    r.x.pattern = common.x;
    const int pixels = a.out_h * a.out_w, step = in_place(a) ? a.out_w : train_block;
    for (int image = begin; image < end; ++image) {
      const Rows x = image_values(a, r, image);
      if (a.dx != nullptr && !a.accumulate)
        for (int i = 0; i < a.x.h * a.x.w; ++i)
          std::memset(a.dx + (static_cast<long long>(image) * a.x.h * a.x.w + i) * a.dx_pixel_stride, 0,
                      size_of(a.x.c) * sizeof(float));
      for (int first = 0; first < pixels; first += step) {
        const int count = pixels - first < step ? pixels - first : step;
        read_gradient(a, common.norm, static_cast<long long>(image) * pixels + first, count, r.dz);
        if (in_place(a))
          backward_row(a, s, r, x, image, first);
        else
          for (int g = 0; g < a.groups; ++g) backward_group(a, s, r, x, image, first, count, r.dz, g);
      }
    }
  }

  /// dW of the output row whose pixel 0 is `first`; r.dz holds its dz. For each row ky of the window a
  /// product of dz [pixels][Cout] with x [pixels][K Cin], whose rows are stride * pixel_stride floats apart
  /// and overlap. Pixels with windows across the border go through patches.
  static void backward_row(const TrainConvArgs& a, const Shared& s, const Workspace& r, const Rows& x,
                           int image, int first) {
    const int run = a.window * a.x.c, top = first / a.out_w * a.stride - a.padding;
    const TapRange rows = taps_inside(top, a.window, a.x.h);
    const PixelRange inside = pixels_inside(a.window, a.stride, a.padding, a.x.w, a.out_w);
    OuterArgs o;
    o.rows = inside.end - inside.begin;
    o.m = run;
    o.n = a.cout;
    o.ldp = a.stride * x.pixel_stride;
    o.q = r.dz + size_of(inside.begin, a.cout);
    o.ldq = a.cout;
    o.ldacc = a.cout;
    for (int ky = rows.first; ky < rows.last && o.rows > 0; ++ky) {
      o.p = x.data + (static_cast<std::ptrdiff_t>(top + ky) * a.x.w + inside.begin * a.stride - a.padding) *
                         x.pixel_stride;
      o.acc = r.dweight + size_of(ky, run, a.cout);
      outer(o);
    }
    for (const PixelRange edge : {PixelRange{0, inside.begin}, PixelRange{inside.end, a.out_w}})
      for (int at = edge.begin; at < edge.end; at += train_block) {
        const int left = edge.end - at;
        backward_group(a, s, r, x, image, first + at, left < train_block ? left : train_block,
                       r.dz + size_of(at, a.cout), 0);
      }
  }
  /// dW, and dx if it is needed, of group g and `count` pixels from pixel `first` on, through patches. `dz`
  /// is the gradient of these pixels.
  static void backward_group(const TrainConvArgs& a, const Shared& s, const Workspace& r, const Rows& x,
                             int image, int first, int count, const float* dz, int g) {
    const int columns = a.cout / a.groups, k = depth(a), channel = g * (a.x.c / a.groups);
    gather(a, x, first, count, channel, r.patches);
    OuterArgs o;
    o.rows = count;
    o.m = columns;
    o.n = k;
    o.p = dz + g * columns;
    o.ldp = a.cout;
    o.q = r.patches;
    o.ldq = k;
    o.acc = r.dweight + size_of(g, columns, k);
    o.ldacc = k;
    outer_either(o, transposed(a));
    if (a.dx == nullptr) return;
    GemmArgs m;
    m.m = count;
    m.n = k;
    m.k = columns;
    m.a = dz + g * columns;
    m.lda = a.cout;
    m.packed = s.packed + size_of(g) * packed_group(a);
    m.c = r.dpatches;
    m.ldc = k;
    plain_gemm(m);
    scatter(a, r.dpatches, image, first, count, channel);
  }

  /// a.dweight [Cout][Cin / G][K][K] += r.dweight, which is [Cout / G][K][K][Cin / G] for each group, or
  /// transposed [K][K][Cin / G][Cout / G].
  static void reduce(const TrainConvArgs& a, const Workspace& r) {
    const int columns = a.cout / a.groups, k = depth(a), cin = a.x.c / a.groups, taps = a.window * a.window;
    const bool transposed = DenseTraining::transposed(a);
    for (int o = 0; o < a.cout; ++o)
      for (int i = 0; i < k; ++i) {
        const int g = o / columns, j = o % columns;
        const float* part = r.dweight + size_of(g, columns, k);
        a.dweight[(o * cin + i % cin) * taps + i / cin] +=
            transposed ? part[i * columns + j] : part[j * k + i];
      }
  }
};

TINYFIQA_ISA_END
