// Training of depthwise convolutions. The values of x are computed into a few rows with zero margins left and
// right. Inference's convolution (kernels/depthwise.hpp) and the gradient of the weights read these. The
// gradient of x is computed from rows of dz, which have margins too (kernels/train/depthwise_gradient.hpp has
// the formulas).
//
//   row of x     | padding zeros | W pixels of C floats | zeros to the end of the last windows |
//   row of dz    | reach zeros   | W' pixels of C       | reach + depthwise_overshoot zeros    |
#pragma once

#include <tinyfiqa/kernels/train/conv.hpp>
#include <tinyfiqa/kernels/train/depthwise_gradient.hpp>

TINYFIQA_ISA_BEGIN(kernels)

struct DepthwiseTraining {
  static constexpr bool sums_dx = true;
  struct Shared {
    float* packed = nullptr;  ///< pack_depthwise's block, with a bias of zero
  };
  struct Workspace {
    LazyReader x;
    float *rows = nullptr, *dz = nullptr;  ///< held_rows rows of x; all rows of dz of an image
    float* dweight = nullptr;              ///< [K][K][padded channels]
    int image = -1, first = 0, last = 0;   ///< `rows` holds rows first .. last - 1 of the image
  };

  // -- sizes
  /// Windows that hold a column of x begin at up to this many output columns before it.
  static int reach(const TrainConvArgs& a) { return (a.window - 1) / a.stride; }
  /// Columns of a row of x with its margins: those in the row's windows, and one window more, because windows
  /// are processed in pairs.
  static int columns(const TrainConvArgs& a) {
    const int seen = a.out_w * a.stride + a.window, there = a.padding + a.x.w;
    return seen > there ? seen : there;
  }
  static std::size_t row_floats(const TrainConvArgs& a) { return size_of(columns(a), a.x.c); }
  static std::size_t dz_row_floats(const TrainConvArgs& a) {
    return size_of(reach(a) + a.out_w + reach(a) + depthwise_overshoot, a.x.c);
  }
  static std::size_t weight_floats(const TrainConvArgs& a) {
    return size_of(a.window, a.window, depthwise_padded_channels(a.x.c));
  }
  /// The number of rows of x that are held: as many as stay in the second-level cache beside dz, at least
  /// two windows.
  static int held_rows(const TrainConvArgs& a) {
    constexpr std::size_t cached_floats = 32768;
    const auto fit = static_cast<int>(cached_floats / row_floats(a));
    const int least = 2 * a.window, rows = fit > least ? fit : least;
    return rows < a.x.h ? rows : a.x.h;
  }
  static int tasks(const TrainConvArgs& a) { return a.x.n * a.out_h; }
  static int backward_tasks(const TrainConvArgs& a) { return a.x.n; }

  static Shared place_shared(ScratchLayout& layout, const TrainConvArgs& a) {
    return {place_floats(layout, depthwise_packed_floats(a.x.c, a.window))};
  }
  static Workspace place_workspace(ScratchLayout& layout, const TrainConvArgs& a, const ConvShared& common) {
    Workspace r;
    r.x = place_reader(layout, a.x, 0);
    r.x.pattern = common.x;
    r.rows = place_floats(layout, row_floats(a) * size_of(held_rows(a)));
    r.dz = place_floats(layout, dz_row_floats(a) * size_of(a.out_h));
    r.dweight = place_floats(layout, weight_floats(a));
    return r;
  }

  static void prepare_forward(const TrainConvArgs& a, Shared& s) {
    pack_depthwise(a.x.c, a.window, a.weight, nullptr, s.packed);
  }
  static void prepare_backward(const TrainConvArgs& a, Shared& s) { prepare_forward(a, s); }
  static void clear(const TrainConvArgs& a, const Workspace& r) {
    std::memset(r.dweight, 0, weight_floats(a) * sizeof(float));
  }

  // -- rows of x

  /// Makes sure that r.rows holds the rows of the window that begins at row `top`, and returns the address of
  /// row `top` with its margin. Row `top` may lie above the image; it must not be read then.
  static const float* window(const TrainConvArgs& a, Workspace& r, int image, int top) {
    const std::size_t row = row_floats(a);
    const int held = held_rows(a);
    if (r.image < 0) std::memset(r.rows, 0, (row * size_of(held) + simd::width) * sizeof(float));
    const TapRange taps = taps_inside(top, a.window, a.x.h);
    const int from = top + taps.first, to = top + taps.last;
    if (r.image != image || from < r.first || from > r.last) r.first = r.last = from;
    r.image = image;
    if (to - r.first > held) {
      std::memmove(r.rows, r.rows + size_of(from - r.first) * row,
                   size_of(r.last - from) * row * sizeof(float));
      r.first = from;
    }
    for (; r.last < to; ++r.last)
      read_pixels(r.x, (static_cast<long long>(image) * a.x.h + r.last) * a.x.w, a.x.w,
                  r.rows + size_of(r.last - r.first) * row + size_of(a.padding, a.x.c));
    return r.rows + (top - r.first) * static_cast<std::ptrdiff_t>(row);
  }

  /// Inference's convolution on rows with margins: padding is 0, because the margins are part of the map.
  static DepthwiseArgs conv_args(const TrainConvArgs& a, const Shared& s) {
    DepthwiseArgs d;
    d.n = 1;
    d.h = a.x.h;
    d.w = columns(a);
    d.c = a.x.c;
    d.out_h = a.out_h;
    d.out_w = a.out_w;
    d.window = a.window;
    d.stride = a.stride;
    d.padding = 0;
    d.x_pixel_stride = a.x.c;
    d.packed = s.packed;
    d.y_pixel_stride = a.x.c;
    return d;
  }
  /// One output row.
  static void conv_row(const DepthwiseArgs& d, const DepthwiseRow& row) {
    if (d.window == 3) return depthwise_any_stride<3>(d, row);
    if (d.window == 5) return depthwise_any_stride<5>(d, row);
    for (int ox = 0; ox < d.out_w; ++ox) depthwise_pixel(d, row, ox);
  }

  template <class Done>
  static void forward(const TrainConvArgs& a, const ConvShared& common, const Shared& s, Workspace& r,
                      int begin, int end, const Done& done) {
    r.x.pattern = common.x;
    const DepthwiseArgs d = conv_args(a, s);
    const std::ptrdiff_t count = static_cast<std::ptrdiff_t>(a.out_w) * a.x.c;
    for (int i = begin; i < end; ++i) {
      const int top = i % a.out_h * a.stride - a.padding;
      DepthwiseRow row;
      row.x = window(a, r, i / a.out_h, top);
      row.x_row = static_cast<std::ptrdiff_t>(row_floats(a));
      row.tap_step = depthwise_padded_channels(a.x.c);
      row.rows = taps_inside(top, a.window, a.x.h);
      row.y = a.z + i * count;
      conv_row(d, row);
      done(row.y, count);
    }
  }

  // -- backward, image by image

  /// Pixel 0 of row oy of dz.
  static float* dz_row(const TrainConvArgs& a, const Workspace& r, int oy) {
    return r.dz + static_cast<std::size_t>(oy) * dz_row_floats(a) + size_of(reach(a), a.x.c);
  }
  template <class Done>
  static void backward(const TrainConvArgs& a, const ConvShared& common, const Shared& s, Workspace& r,
                       int begin, int end, const Done& done) {
    r.x.pattern = common.x;
    std::memset(r.dz, 0, (dz_row_floats(a) * size_of(a.out_h) + simd::width) * sizeof(float));
    for (int image = begin; image < end; ++image) {
      for (int oy = 0; oy < a.out_h; ++oy) {
        read_gradient(a, common.norm, (static_cast<long long>(image) * a.out_h + oy) * a.out_w, a.out_w,
                      dz_row(a, r, oy));
        weight_row(a, r, image, oy);
      }
      if (a.dx == nullptr) continue;
      for (int y = 0; y < a.x.h; ++y) {
        input_row(a, s, r, image, y);
        done((static_cast<long long>(image) * a.x.h + y) * a.x.w, a.x.w);
      }
    }
  }
  /// Adds output row oy's part to r.dweight.
  static void weight_row(const TrainConvArgs& a, Workspace& r, int image, int oy) {
    const int top = oy * a.stride - a.padding;
    DepthwiseWeightRow row;
    row.window = a.window;
    row.stride = a.stride;
    row.c = a.x.c;
    row.out_w = a.out_w;
    row.dz = dz_row(a, r, oy);
    row.x = window(a, r, image, top);
    row.x_row = static_cast<std::ptrdiff_t>(row_floats(a));
    row.rows = taps_inside(top, a.window, a.x.h);
    row.sums = r.dweight;
    row.tap_step = depthwise_padded_channels(a.x.c);
    depthwise_weight_row(row);
  }
  /// Row y of dx, from all rows of dz whose windows hold it.
  static void input_row(const TrainConvArgs& a, const Shared& s, const Workspace& r, int image, int y) {
    DepthwiseInputRow row;
    row.window = a.window;
    row.stride = a.stride;
    row.padding = a.padding;
    row.c = a.x.c;
    row.w = a.x.w;
    row.out_w = a.out_w;
    row.tap_step = depthwise_padded_channels(a.x.c);
    row.dx = a.dx + (static_cast<long long>(image) * a.x.h + y) * a.x.w * a.dx_pixel_stride;
    row.dx_pixel_stride = a.dx_pixel_stride;
    row.accumulate = a.accumulate;
    for (int ky = (y + a.padding) % a.stride; ky < a.window && ky <= y + a.padding; ky += a.stride) {
      const int oy = (y + a.padding - ky) / a.stride;
      if (oy >= a.out_h) continue;
      row.dz[row.count] = dz_row(a, r, oy);
      row.taps[row.count++] = s.packed + (1 + ky * a.window) * row.tap_step;
    }
    depthwise_input_row(row);
  }

  static void reduce(const TrainConvArgs& a, const Workspace& r) {
    const int taps = a.window * a.window, padded = depthwise_padded_channels(a.x.c);
    for (int t = 0; t < taps; ++t)
      for (int c = 0; c < a.x.c; ++c) a.dweight[c * taps + t] += r.dweight[t * padded + c];
  }
};

TINYFIQA_ISA_END
