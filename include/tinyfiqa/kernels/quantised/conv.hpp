// Dense and grouped convolution of levels with weights of 7 bits: every convolution that is neither 1x1 nor depthwise.
//
//   y[n, oy, ox, o] = level of the epilogue of (bias[o] + sum over ky, kx, i of x[n, iy, ix, i] w[o][ky][kx][i])
//   iy = oy stride + ky - padding,    ix = ox stride + kx - padding
//
// A product (kernels/quantised/gemm.hpp) whose rows are the windows of neighbouring output pixels. A row of a window lies
// together in the map: K Cin / G levels. It is read as whole quads, so up to three levels more; their weights are 0. Windows at
// the edges of the map, of groups, and of slices of a map are gathered into scratch. Taps outside the map are the level that
// stands for 0: one for all channels, or one for each of an image's three.
//
// Packed weights: for each group the panels of its product, whose depths are in the order ky, kx, i, whole quads for each ky.
#pragma once

#include <tinyfiqa/kernels/conv.hpp>
#include <tinyfiqa/kernels/quantised/gemm.hpp>

#include <cstddef>
#include <cstdint>
#include <cstring>

TINYFIQA_ISA_BEGIN(kernels)

struct ConvI8Args {
  int n = 0, h = 0, w = 0, cin = 0;  ///< of the input
  int out_h = 0, out_w = 0, cout = 0;
  int window = 3, stride = 1, padding = 1, groups = 1;
  const std::uint8_t* x = nullptr;  ///< [n, h, w, cin]
  std::ptrdiff_t x_pixel_stride = 0;
  bool whole = false;  ///< all rows of x are in memory, not only those of the windows
  /// The level that stands for 0 of channel c of the input is x_zero[c % x_zeros].
  std::uint8_t x_zero[3] = {0, 0, 0};
  int x_zeros = 1;                        ///< 1 or 3
  const unsigned char* packed = nullptr;  ///< pack_conv_i8's block
  QuantisedOutput out;
  const float* slope = nullptr;     ///< [cout], for PReLU if the output is floats; else null
  std::uint8_t* scratch = nullptr;  ///< conv_i8_scratch() bytes for each thread
};

/// Bytes of a row of a window: whole quads.
TINYFIQA_INLINE constexpr int conv_i8_row(int window, int cin, int groups) {
  return quads_of(window * (cin / groups)) * 4;
}

/// Scratch of one thread, in bytes.
constexpr std::size_t conv_i8_scratch(int window, int cin, int groups) {
  return static_cast<std::size_t>(conv_patches) * static_cast<std::size_t>(window) *
         static_cast<std::size_t>(conv_i8_row(window, cin, groups));
}

/// Size of the packed weights of one group, in bytes.
template <int Width = simd::width>
constexpr std::size_t conv_i8_group_bytes(int cout, int window, int cin, int groups, Act act) {
  return gemm_i8_packed_bytes<Width>(cout / groups, window * conv_i8_row(window, cin, groups), act);
}

/// Size of the packed weights, in bytes.
template <int Width = simd::width>
constexpr std::size_t conv_i8_packed_bytes(int cout, int window, int cin, int groups, Act act) {
  return static_cast<std::size_t>(groups) * conv_i8_group_bytes<Width>(cout, window, cin, groups, act);
}

/// Packs weight [cout][cin / groups][window][window], bias [cout] and the epilogue's rows [epilogue_rows(act)][cout].
template <int Width = simd::width, int MaxVectors = gemm_max_vectors, int LevelOffset = simd::level_offset>
inline void pack_conv_i8(int cout, int cin, int window, int groups, Act act, const std::int8_t* weight,
                         const std::int32_t* bias, const float* rows, unsigned char* packed) {
  const int n = cout / groups, taps = window * window, cin_g = cin / groups,
            row = conv_i8_row(window, cin, groups);
  for (int g = 0; g < groups; ++g) {
    const std::ptrdiff_t first = std::ptrdiff_t{g} * n;
    const auto tap = [&](int j, int p) -> std::int8_t {
      const int ky = p / row, kx = p % row / cin_g, c = p % row % cin_g;
      return kx < window ? weight[((first + j) * cin_g + c) * taps + ky * window + kx] : std::int8_t{0};
    };
    pack_panels_i8<Width, MaxVectors, LevelOffset>(
        n, window * row, act, tap, bias + first,
        [&](int r, int j) { return rows[std::ptrdiff_t{r} * cout + first + j]; }, packed);
    packed += conv_i8_group_bytes<Width>(cout, window, cin, groups, act);
  }
}

/// Writes taps begin .. end - 1 of a row of a window that lie outside the map, `count` channels from channel `first` on.
TINYFIQA_INLINE void fill_taps(const ConvI8Args& v, int begin, int end, int first, int count,
                               std::uint8_t* row) {
  if (begin >= end) return;
  if (v.x_zeros == 1)
    std::memset(row + begin * count, v.x_zero[0], static_cast<std::size_t>((end - begin) * count));
  else
    for (int kx = begin; kx < end; ++kx)
      std::memcpy(row + kx * count, v.x_zero + first, static_cast<std::size_t>(count));
}

/// Copies the window of one output pixel, `count` channels from channel `first` on, into `window` rows of whole quads.
inline void gather_window(const ConvI8Args& v, int image, int oy, int ox, int first, int count,
                          std::uint8_t* to) {
  const int top = oy * v.stride - v.padding, left = ox * v.stride - v.padding, run = v.window * count,
            row = quads_of(run) * 4;
  const TapRange cols = taps_inside(left, v.window, v.w);
  const bool together = v.x_pixel_stride == count;
  for (int ky = 0; ky < v.window; ++ky, to += row) {
    const int y = top + ky;
    for (int i = run; i < row; ++i) to[i] = 0;
    if (y < 0 || y >= v.h) {
      fill_taps(v, 0, v.window, first, count, to);
      continue;
    }
    fill_taps(v, 0, cols.first, first, count, to);
    const std::uint8_t* const x =
        v.x + ((std::ptrdiff_t{image} * v.h + y) * v.w + left) * v.x_pixel_stride + first;
    if (together && cols.first < cols.last)
      std::memcpy(to + cols.first * count, x + cols.first * count,
                  static_cast<std::size_t>((cols.last - cols.first) * count));
    for (int kx = cols.first; !together && kx < cols.last; ++kx)
      std::memcpy(to + kx * count, x + kx * v.x_pixel_stride, static_cast<std::size_t>(count));
    fill_taps(v, cols.last, v.window, first, count, to);
  }
}

/// The product of one group, without its rows.
inline GemmI8Args conv_i8_product(const ConvI8Args& v, int group) {
  GemmI8Args product;
  const int row = conv_i8_row(v.window, v.cin, v.groups), cout_g = v.cout / v.groups;
  product.n = cout_g;
  product.k = row;
  product.parts = v.window;
  product.packed = v.packed + static_cast<std::size_t>(group) *
                                  conv_i8_group_bytes(v.cout, v.window, v.cin, v.groups, v.out.act);
  product.slope = v.slope == nullptr ? nullptr : v.slope + group * cout_g;
  return product;
}

/// The product of one group with `pixels` windows that are in scratch, to the output pixels from `to` on, counted over all
/// images.
inline void conv_i8_multiply(const ConvI8Args& v, int group, const std::uint8_t* windows, int pixels,
                             std::ptrdiff_t to) {
  GemmI8Args product = conv_i8_product(v, group);
  product.a = windows;
  product.m = pixels;
  product.part_stride = conv_i8_row(v.window, v.cin, v.groups);
  product.lda = v.window * product.part_stride;
  product.out = moved_output(v.out, to, group * product.n);
  gemm_i8_rows_range(product, 0, pixels);
}

/// Bytes of a window in scratch.
TINYFIQA_INLINE constexpr std::ptrdiff_t conv_i8_window(const ConvI8Args& v) {
  return std::ptrdiff_t{v.window} * conv_i8_row(v.window, v.cin, v.groups);
}

/// Output pixels begin .. end - 1 of a row, by windows in scratch.
inline void conv_i8_gathered(const ConvI8Args& v, int image, int oy, int begin, int end,
                             std::uint8_t* strip) {
  const int cin_g = v.cin / v.groups;
  const std::ptrdiff_t out_row = (std::ptrdiff_t{image} * v.out_h + oy) * v.out_w;
  for (int g = 0; g < v.groups; ++g)
    for (int ox = begin; ox < end; ox += conv_patches) {
      const int pixels = end - ox < conv_patches ? end - ox : conv_patches;
      for (int i = 0; i < pixels; ++i)
        gather_window(v, image, oy, ox + i, g * cin_g, cin_g, strip + i * conv_i8_window(v));
      conv_i8_multiply(v, g, strip, pixels, out_row + ox);
    }
}

/// The output pixels of row oy whose windows can be read where they are: inside the map, and whole quads of them too.
inline PixelRange conv_i8_in_place(const ConvI8Args& v, int image, int oy) {
  const int top = oy * v.stride - v.padding, bottom = top + v.window;
  if (v.groups > 1 || v.x_pixel_stride != v.cin || top < 0 || bottom > v.h) return {0, 0};
  PixelRange r = pixels_inside(v.window, v.stride, v.padding, v.w, v.out_w);
  const bool follows = bottom < v.h || image + 1 < v.n;  // another row, with the rest of the last quad
  if (v.whole && follows && v.w * v.cin >= 3) return r;
  const int row = conv_i8_row(v.window, v.cin, 1);
  while (r.end > r.begin && ((r.end - 1) * v.stride - v.padding) * v.cin + row > v.w * v.cin) --r.end;
  return r;
}

/// Output pixels of row oy, whose windows can be read where they are.
inline void conv_i8_direct(const ConvI8Args& v, int image, int oy, PixelRange pixels) {
  GemmI8Args product = conv_i8_product(v, 0);
  product.m = pixels.end - pixels.begin;
  product.lda = std::ptrdiff_t{v.stride} * v.cin;
  product.part_stride = std::ptrdiff_t{v.w} * v.cin;
  product.a = v.x + (std::ptrdiff_t{image} * v.h + oy * v.stride - v.padding) * product.part_stride +
              (pixels.begin * v.stride - v.padding) * v.cin;
  product.out = moved_output(v.out, (std::ptrdiff_t{image} * v.out_h + oy) * v.out_w + pixels.begin, 0);
  gemm_i8_rows_range(product, 0, product.m);
}

/// Output row oy of an image. `strip` has conv_i8_scratch() bytes.
inline void conv_i8_row_of(const ConvI8Args& v, int image, int oy, std::uint8_t* strip) {
  const PixelRange direct = conv_i8_in_place(v, image, oy);
  if (direct.begin >= direct.end) return conv_i8_gathered(v, image, oy, 0, v.out_w, strip);
  const int right = v.out_w - direct.end;
  if (direct.begin + right > conv_patches) {
    conv_i8_gathered(v, image, oy, 0, direct.begin, strip);
    conv_i8_direct(v, image, oy, direct);
    return conv_i8_gathered(v, image, oy, direct.end, v.out_w, strip);
  }
  // Windows are gathered well before they are read: a processor waits if it reads in fours what it has just written in threes.
  const std::ptrdiff_t out_row = (std::ptrdiff_t{image} * v.out_h + oy) * v.out_w, bytes = conv_i8_window(v);
  for (int i = 0; i < direct.begin + right; ++i)
    gather_window(v, image, oy, i < direct.begin ? i : direct.end + i - direct.begin, 0, v.cin,
                  strip + i * bytes);
  conv_i8_direct(v, image, oy, direct);
  conv_i8_multiply(v, 0, strip, direct.begin, out_row);
  conv_i8_multiply(v, 0, strip + direct.begin * bytes, right, out_row + direct.end);
}

/// The whole convolution, rows split over the team's threads.
inline void conv_i8(const ConvI8Args& v, const Team& team) {
  const double macs =
      static_cast<double>(v.n) * v.out_h * v.out_w * v.cout * conv_depth(v.window, v.cin, v.groups);
  const std::size_t scratch = conv_i8_scratch(v.window, v.cin, v.groups);
  parallel_for(worth_team(team, macs / 2), v.n * v.out_h, [&](int begin, int end, int thread) {
    for (int i = begin; i < end; ++i)
      conv_i8_row_of(v, i / v.out_h, i % v.out_h, v.scratch + static_cast<std::size_t>(thread) * scratch);
  });
}

TINYFIQA_ISA_END
