// Dense and grouped convolution with bias, activation and residual.
//
//   y[n, oy, ox, o] = act(bias[o] + sum over ky, kx, i of x[n, iy, ix, g Cin / G + i] w[o][i][ky][kx])
//                     + residual[n, oy, ox, o]
//   iy = oy stride + ky - padding,    ix = ox stride + kx - padding,    g = group of output o
//
// x [N, H, W, Cin], y and residual [N, H', W', Cout]; taps outside the map are left out of the sum.
//
// Direct: if a row of a window is one run of floats (one group, dense pixels) and lies inside the map,
// products read it where it is:
//
//   K = 3, Cin = 3:    row ky of pixel ox:  r g b r g b r g b      9 floats, from (ox stride - padding) 3 on
//
// Gathered: otherwise the windows of a few output pixels are copied into a strip that stays in the cache,
// with zeros outside the map, and multiplied by gemm.
//
// Packed weights: for each group one block of pack_gemm (kernels/gemm.hpp), B [K * K * Cin / G][Cout / G],
// with rows in the order ky, kx, i: the order of the floats in a window. Tiles and register budget are those
// of gemm.
//
// Reads exactly x's channels and writes exactly y's.
#pragma once

#include <tinyfiqa/kernels/depthwise.hpp>
#include <tinyfiqa/kernels/gemm.hpp>

#include <cstring>

TINYFIQA_ISA_BEGIN(kernels)

/// Pixel strides are in floats: the number of channels, or more if the map is a slice of a wider one. Rows
/// and images have no gaps.
struct ConvArgs {
  int n = 0, h = 0, w = 0, cin = 0;         ///< of the input
  int out_h = 0, out_w = 0, cout = 0;       ///< out_h = (h + 2 padding - window) / stride + 1, likewise out_w
  int window = 3, stride = 1, padding = 1;  ///< rows and columns alike
  int groups = 1;                           ///< divides cin and cout
  const float* x = nullptr;                 ///< [n, h, w, cin]; not null
  std::ptrdiff_t x_pixel_stride = 0;
  const float* packed = nullptr;  ///< pack_conv's block; not null
  float* y = nullptr;             ///< [n, out_h, out_w, cout]; not null; must not overlap x
  std::ptrdiff_t y_pixel_stride = 0;
  const float* residual = nullptr;  ///< [n, out_h, out_w, cout]; null for none; may be y
  std::ptrdiff_t residual_pixel_stride = 0;
  const float* slope = nullptr;  ///< [cout], for prelu; ignored by other activations, null then
  Act act = Act::none;
  float* scratch = nullptr;  ///< conv_scratch_floats for each of the team's threads; not null
};

/// Output pixels of a strip of gathered patches: a multiple of the heights of gemm's tiles.
inline constexpr int conv_strip_pixels = 24;
#ifdef TINYFIQA_SMALL
inline constexpr int conv_patches = 4;  // that are in memory at a time
#else
inline constexpr int conv_patches = conv_strip_pixels;
#endif
static_assert(conv_strip_pixels % conv_patches == 0);

/// Depth k of the product: floats of one window of one group.
TINYFIQA_INLINE constexpr int conv_depth(int window, int cin, int groups) {
  return window * window * (cin / groups);
}

/// Scratch of one thread, in floats.
TINYFIQA_INLINE constexpr std::size_t conv_scratch_floats(int window, int cin, int groups) {
  return static_cast<std::size_t>(conv_patches) * static_cast<std::size_t>(conv_depth(window, cin, groups));
}

/// Size of the packed weights and bias, in floats.
template <int Width = simd::width>
TINYFIQA_INLINE constexpr std::size_t conv_packed_floats(int cout, int window, int cin, int groups) {
  return static_cast<std::size_t>(groups) *
         gemm_packed_floats<Width>(cout / groups, conv_depth(window, cin, groups));
}

/// Packs weight [cout][cin / groups][window][window] and bias [cout] into packed [conv_packed_floats(...)].
/// `row` is scratch of conv_depth(...) * cout / groups floats. No pointer may be null.
template <int Width = simd::width, int MaxVectors = gemm_max_vectors>
inline void pack_conv(int cout, int cin, int window, int groups, const float* weight, const float* bias,
                      float* row, float* packed) {
  const int depth = conv_depth(window, cin, groups), columns = cout / groups, taps = window * window;
  const int cin_g = cin / groups;
  for (int g = 0; g < groups; ++g) {
    for (int j = 0; j < columns; ++j) {
      const float* from = weight + (static_cast<std::ptrdiff_t>(g) * columns + j) * depth;
      for (int t = 0; t < taps; ++t)
        for (int c = 0; c < cin_g; ++c)
          row[static_cast<std::ptrdiff_t>(j) * depth + t * cin_g + c] = from[c * taps + t];
    }
    pack_gemm<Width, MaxVectors>(columns, depth, row, bias + g * columns, packed);
    packed += gemm_packed_floats<Width>(columns, depth);
  }
}

/// Copies the window of one output pixel into patch [window][window][count], with zeros outside the map.
/// Takes `count` channels from channel `first` on.
inline void gather_patch(const ConvArgs& v, int image, int oy, int ox, int first, int count, float* patch) {
  const int top = oy * v.stride - v.padding, left = ox * v.stride - v.padding;
  const TapRange cols = taps_inside(left, v.window, v.w);
  const std::size_t row_floats = static_cast<std::size_t>(v.window) * static_cast<std::size_t>(count);
  for (int ky = 0; ky < v.window; ++ky, patch += row_floats) {
    const int y = top + ky;
    const bool whole = y >= 0 && y < v.h && cols.first == 0 && cols.last == v.window;
    if (!whole) std::memset(patch, 0, row_floats * sizeof(float));
    if (y < 0 || y >= v.h) continue;
    const float* row =
        v.x + ((static_cast<std::ptrdiff_t>(image) * v.h + y) * v.w + left) * v.x_pixel_stride + first;
    if (whole && v.x_pixel_stride == count) {
      std::memcpy(patch, row, row_floats * sizeof(float));
    } else {
      for (int kx = cols.first; kx < cols.last; ++kx)
        std::memcpy(patch + kx * count, row + kx * v.x_pixel_stride,
                    static_cast<std::size_t>(count) * sizeof(float));
    }
  }
}

/// Output pixels begin .. end of one row by gathered patches. `strip` has conv_scratch_floats. `inside`: in place of
/// conv_direct, which sums in the same order however many pixels there are.
inline void conv_gathered(const ConvArgs& v, int image, int oy, int begin, int end, float* strip,
                          bool inside = false) {
  const int depth = conv_depth(v.window, v.cin, v.groups), cin_g = v.cin / v.groups,
            cout_g = v.cout / v.groups;
  const std::ptrdiff_t out_row = (static_cast<std::ptrdiff_t>(image) * v.out_h + oy) * v.out_w;
  for (int g = 0; g < v.groups; ++g) {
    GemmArgs gemm_args;
    gemm_args.n = cout_g;
    gemm_args.k = depth;
    gemm_args.a = strip;
    gemm_args.lda = depth;
    gemm_args.packed = v.packed + static_cast<std::size_t>(g) * gemm_packed_floats(cout_g, depth);
    gemm_args.ldc = v.y_pixel_stride;
    gemm_args.ld_residual = v.residual_pixel_stride;
    gemm_args.slope = v.slope == nullptr ? nullptr : v.slope + g * cout_g;
    gemm_args.act = v.act;
    for (int ox = begin; ox < end; ox += conv_patches) {
      const int pixels = end - ox < conv_patches ? end - ox : conv_patches;
      for (int i = 0; i < pixels; ++i)
        gather_patch(v, image, oy, ox + i, g * cin_g, cin_g, strip + i * depth);
      // A strip of one pixel is summed in an order of its own (gemm_panel), whatever conv_patches is.
      gemm_args.m = (ox - begin) % conv_strip_pixels == 0 && !inside ? pixels : conv_strip_pixels;
      gemm_args.c = v.y + (out_row + ox) * v.y_pixel_stride + g * cout_g;
      if (v.residual != nullptr)
        gemm_args.residual = v.residual + (out_row + ox) * v.residual_pixel_stride + g * cout_g;
      gemm_rows_range(gemm_args, 0, pixels);
    }
  }
}

#ifndef TINYFIQA_SMALL

/// One output row for conv_direct, as products: a row of C is an output pixel, a row of A is a row of
/// its window.
struct DirectRow {
  GemmArgs c;
  const float* x = nullptr;  ///< window of pixel 0: its first row inside the map
  std::ptrdiff_t x_row = 0;  ///< floats from input row to input row
  std::ptrdiff_t step = 0;   ///< floats from a pixel's window to the next pixel's
  int run = 0;               ///< floats of one row of a window
  TapRange rows{};           ///< rows of the window inside the map
};

/// DirectRow::run and step as compile-time constants for the first layer of most networks: 3x3, 3 channels,
/// stride 2. A tile then needs one address register. With values known at run time (AnyConv, 0) it needs one
/// for each pixel, which is more than there are.
struct FirstConv {
  static constexpr int run = 9, step = 6;
};
struct AnyConv {
  static constexpr int run = 0, step = 0;
};

/// acc[r][v] += sum_p x[r step + p] b[p][v],    p < run
template <class Shape, bool Half, int MR, int NV>
TINYFIQA_INLINE void conv_add_products(const DirectRow& d, const float* x, const float* b,
                                       vf (&acc)[MR][NV]) {
  if constexpr (Shape::run > 0) {
    gemm_add_products<Half, MR, NV>(
        Shape::run, [&](int r, int p) TINYFIQA_INLINE_LAMBDA { return x[r * Shape::step + p]; }, b, acc);
  } else {
    const float* a[MR];
#pragma GCC unroll 16
    for (int r = 0; r < MR; ++r) a[r] = x + r * d.step;
    gemm_add_products<Half, MR, NV>(
        d.run, [&](int r, int p) TINYFIQA_INLINE_LAMBDA { return a[r][p]; }, b, acc);
  }
}

/// Pixels begin .. end, columns of one panel. The last tile is moved left to end at `end`, and computes some
/// pixels a second time. Needs end - begin >= MR.
template <class Shape, bool Half, int MR, int NV>
inline void conv_direct_panel(const DirectRow& d, const float* panel, int first, int columns, int begin,
                              int end) {
  for (int ox = begin; ox < end; ox += MR) {
    const int at = end - ox < MR ? end - MR : ox;
    const float* x = d.x + at * d.step;
    vf acc[MR][NV];
    gemm_set_bias<MR, NV>(panel, acc);
    for (int ky = d.rows.first; ky < d.rows.last; ++ky, x += d.x_row)
      conv_add_products<Shape, Half, MR, NV>(d, x, panel + (1 + ky * d.run) * NV * simd::width, acc);
    gemm_store_tile<MR, NV>(d.c, at, MR, first, columns, acc);
  }
}

/// Output pixels begin .. end of one row whose windows lie between the map's left and right borders.
/// v.residual is not read.
inline void conv_direct(const ConvArgs& v, int image, int oy, int begin, int end) {
  const int top = oy * v.stride - v.padding;
  const std::ptrdiff_t out_row = (static_cast<std::ptrdiff_t>(image) * v.out_h + oy) * v.out_w;
  DirectRow d;
  d.rows = taps_inside(top, v.window, v.h);
  d.run = v.window * v.cin;
  d.x_row = static_cast<std::ptrdiff_t>(v.w) * v.cin;
  d.step = v.stride * v.cin;
  d.x = v.x + (static_cast<std::ptrdiff_t>(image) * v.h + top + d.rows.first) * d.x_row - v.padding * v.cin;
  d.c.n = v.cout;
  d.c.c = v.y + out_row * v.y_pixel_stride;
  d.c.ldc = v.y_pixel_stride;
  d.c.slope = v.slope;
  d.c.act = v.act;
  const float* panel = v.packed;
  for_each_panel(v.cout, [&](auto vectors, int first, int columns) {
    constexpr int NV = decltype(vectors)::count;
    constexpr int MR = gemm_rows<NV>;
    const bool first_conv = d.run == FirstConv::run && d.step == FirstConv::step;
    if (end - begin < MR)
      conv_direct_panel<AnyConv, false, 1, NV>(d, panel, first, columns, begin, end);
    else if (first_conv && ends_in_half<NV>(columns))
      conv_direct_panel<FirstConv, simd::has_halves, MR, NV>(d, panel, first, columns, begin, end);
    else if (first_conv)
      conv_direct_panel<FirstConv, false, MR, NV>(d, panel, first, columns, begin, end);
    else
      conv_direct_panel<AnyConv, false, MR, NV>(d, panel, first, columns, begin, end);
    panel += static_cast<std::ptrdiff_t>(NV) * simd::width * (v.window * d.run + 1);
  });
}

#endif

/// Output row oy of an image. `strip` has conv_scratch_floats. With a residual all pixels are gathered: the
/// residual may be y itself, so no pixel may be computed twice.
inline void conv_row(const ConvArgs& v, int image, int oy, float* strip) {
  const bool runs = v.groups == 1 && v.x_pixel_stride == v.cin && v.residual == nullptr;
  const PixelRange inside = pixels_inside(v.window, v.stride, v.padding, v.w, v.out_w);
  if (!runs || inside.begin >= inside.end) return conv_gathered(v, image, oy, 0, v.out_w, strip);
  conv_gathered(v, image, oy, 0, inside.begin, strip);
#ifdef TINYFIQA_SMALL
  conv_gathered(v, image, oy, inside.begin, inside.end, strip, true);
#else
  conv_direct(v, image, oy, inside.begin, inside.end);
#endif
  conv_gathered(v, image, oy, inside.end, v.out_w, strip);
}

/// The whole convolution, rows split over the team's threads.
inline void conv(const ConvArgs& v, const Team& team) {
  const double macs =
      static_cast<double>(v.n) * v.out_h * v.out_w * v.cout * conv_depth(v.window, v.cin, v.groups);
  const std::size_t scratch = conv_scratch_floats(v.window, v.cin, v.groups);
  parallel_for(worth_team(team, macs), v.n * v.out_h, [&](int begin, int end, int thread) {
    for (int i = begin; i < end; ++i)
      conv_row(v, i / v.out_h, i % v.out_h, v.scratch + static_cast<std::size_t>(thread) * scratch);
  });
}

TINYFIQA_ISA_END
