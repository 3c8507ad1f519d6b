// Dense and grouped convolution of levels with weights of 7 bits: every convolution that is neither 1x1 nor depthwise.
//
//   y[n, oy, ox, o] = level of the epilogue of (bias[o] + sum over ky, kx, i of x[n, iy, ix, i] w[o][ky][kx][i])
//   iy = oy stride + ky - padding,    ix = ox stride + kx - padding
//
// The windows of a strip of output pixels are gathered into scratch, and multiplied (kernels/quantised/gemm.hpp). Taps outside
// the map are the level that stands for 0: one for all channels, or one for each of an image's three.
//
// Packed weights: for each group the panels of its product, whose depths are in the order ky, kx, i.
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
  /// The level that stands for 0 of channel c of a group is x_zero[c % x_zeros].
  std::uint8_t x_zero[3] = {0, 0, 0};
  int x_zeros = 1;                        ///< 1 or 3
  const unsigned char* packed = nullptr;  ///< pack_conv_i8's block
  QuantisedOutput out;
  const float* slope = nullptr;     ///< [cout], for PReLU if the output is floats; else null
  std::uint8_t* scratch = nullptr;  ///< conv_i8_scratch() bytes for each thread
};

/// Bytes of a gathered window: whole quads.
TINYFIQA_INLINE constexpr int conv_i8_row(int window, int cin, int groups) {
  return quads_of(conv_depth(window, cin, groups)) * 4;
}

/// Scratch of one thread, in bytes.
constexpr std::size_t conv_i8_scratch(int window, int cin, int groups) {
  return static_cast<std::size_t>(conv_patches) * static_cast<std::size_t>(conv_i8_row(window, cin, groups));
}

/// Size of the packed weights, in bytes.
template <int Width = simd::width>
constexpr std::size_t conv_i8_packed_bytes(int cout, int window, int cin, int groups, Act act) {
  return static_cast<std::size_t>(groups) *
         gemm_i8_packed_bytes<Width>(cout / groups, conv_depth(window, cin, groups), act);
}

/// Packs weight [cout][cin / groups][window][window], bias [cout] and the epilogue's rows [epilogue_rows(act)][cout].
/// `scratch` has room for a group's weights and rows: (depth + 4 epilogue_rows(act)) cout / groups bytes, aligned as floats.
template <int Width = simd::width, int MaxVectors = gemm_max_vectors>
inline void pack_conv_i8(int cout, int cin, int window, int groups, Act act, const std::int8_t* weight,
                         const std::int32_t* bias, const float* rows, unsigned char* scratch,
                         unsigned char* packed) {
  const int depth = conv_depth(window, cin, groups), n = cout / groups, taps = window * window,
            cin_g = cin / groups;
  auto* const group_rows = reinterpret_cast<float*>(scratch);
  auto* const reordered = reinterpret_cast<std::int8_t*>(group_rows + std::ptrdiff_t{epilogue_rows(act)} * n);
  for (int g = 0; g < groups; ++g) {
    for (int r = 0; r < epilogue_rows(act); ++r)
      for (int j = 0; j < n; ++j) group_rows[r * n + j] = rows[std::ptrdiff_t{r} * cout + g * n + j];
    for (int j = 0; j < n; ++j) {
      const std::int8_t* const from = weight + (std::ptrdiff_t{g} * n + j) * depth;
      for (int t = 0; t < taps; ++t)
        for (int c = 0; c < cin_g; ++c)
          reordered[std::ptrdiff_t{j} * depth + t * cin_g + c] = from[c * taps + t];
    }
    pack_gemm_i8<Width, MaxVectors>(n, depth, act, reordered, bias + g * n, group_rows, packed);
    packed += gemm_i8_packed_bytes<Width>(n, depth, act);
  }
}

/// Copies the window of one output pixel into row [window][window][count], `count` channels from channel `first` on.
inline void gather_levels(const ConvI8Args& v, int image, int oy, int ox, int first, int count,
                          std::uint8_t* row) {
  const int top = oy * v.stride - v.padding, left = ox * v.stride - v.padding;
  const TapRange cols = taps_inside(left, v.window, v.w);
  const std::size_t run = static_cast<std::size_t>(v.window) * static_cast<std::size_t>(count);
  for (int ky = 0; ky < v.window; ++ky, row += run) {
    const int y = top + ky;
    const bool inside = y >= 0 && y < v.h;
    const bool whole = inside && cols.first == 0 && cols.last == v.window;
    const std::uint8_t* const x =
        v.x + ((std::ptrdiff_t{image} * v.h + y) * v.w + left) * v.x_pixel_stride + first;
    if (!whole)
      for (std::size_t i = 0; i < run; ++i) row[i] = v.x_zero[v.x_zeros == 1 ? 0 : i % 3];
    for (int kx = cols.first; inside && kx < cols.last; ++kx)
      std::memcpy(row + kx * count, x + kx * v.x_pixel_stride, static_cast<std::size_t>(count));
  }
}

/// The same for `pixels` pixels whose windows lie inside the map, of one group with all channels. Run: bytes of a row of the
/// window, if known when this is compiled; else 0.
template <int Run>
TINYFIQA_INLINE void gather_inside(const ConvI8Args& v, int image, int oy, int ox, int pixels, int row,
                                   std::uint8_t* strip) {
  const std::ptrdiff_t x_row = std::ptrdiff_t{v.w} * v.cin, step = std::ptrdiff_t{v.stride} * v.cin;
  const std::uint8_t* x = v.x + (std::ptrdiff_t{image} * v.h + oy * v.stride - v.padding) * x_row +
                          (ox * v.stride - v.padding) * v.cin;
  const std::ptrdiff_t run = Run > 0 ? Run : v.window * v.cin;
  const int window = Run > 0 ? 3 : v.window;
  for (int i = 0; i < pixels; ++i, x += step, strip += row)
    for (int ky = 0; ky < window; ++ky)
      std::memcpy(strip + ky * run, x + ky * x_row, static_cast<std::size_t>(run));
}

/// Gathers the windows of the pixels ox .. ox + pixels - 1 of a row.
inline void gather_strip(const ConvI8Args& v, int image, int oy, int ox, int pixels, int group, int row,
                         std::uint8_t* strip) {
  const int cin_g = v.cin / v.groups, top = oy * v.stride - v.padding;
  PixelRange inside = pixels_inside(v.window, v.stride, v.padding, v.w, v.out_w);
  if (v.groups > 1 || v.x_pixel_stride != v.cin || top < 0 || top + v.window > v.h) inside = {0, 0};
  const int begin = inside.begin > ox ? inside.begin : ox, last = ox + pixels,
            end = inside.end < last ? inside.end : last;
  for (int i = ox; i < last; ++i) {
    if (i == begin && begin < end) {
      if (v.window == 3 && v.cin == 3)  // the first layer of most networks
        gather_inside<9>(v, image, oy, begin, end - begin, row, strip + (begin - ox) * row);
      else
        gather_inside<0>(v, image, oy, begin, end - begin, row, strip + (begin - ox) * row);
      i = end;
      if (i == last) break;
    }
    gather_levels(v, image, oy, i, group * cin_g, cin_g, strip + (i - ox) * row);
  }
}

/// Output row oy of an image. `strip` has conv_i8_scratch() bytes.
inline void conv_i8_row_of(const ConvI8Args& v, int image, int oy, std::uint8_t* strip) {
  const int depth = conv_depth(v.window, v.cin, v.groups), row = conv_i8_row(v.window, v.cin, v.groups);
  const int cout_g = v.cout / v.groups;
  const std::ptrdiff_t out_row = (std::ptrdiff_t{image} * v.out_h + oy) * v.out_w;
  std::memset(strip, 0,
              conv_i8_scratch(v.window, v.cin, v.groups));  // beyond the windows: weights are 0 there
  for (int g = 0; g < v.groups; ++g) {
    GemmI8Args product;
    product.n = cout_g;
    product.k = row;
    product.a = strip;
    product.lda = row;
    product.packed = v.packed + static_cast<std::size_t>(g) * gemm_i8_packed_bytes(cout_g, depth, v.out.act);
    product.slope = v.slope == nullptr ? nullptr : v.slope + g * cout_g;
    for (int ox = 0; ox < v.out_w; ox += conv_patches) {
      const int pixels = v.out_w - ox < conv_patches ? v.out_w - ox : conv_patches;
      gather_strip(v, image, oy, ox, pixels, g, row, strip);
      product.m = pixels;
      product.out = moved_output(v.out, out_row + ox, g * cout_g);
      gemm_i8_rows_range(product, 0, pixels);
    }
  }
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
