// The formula of each operation's forward pass, one loop for each sum: the oracle that kernels are tested
// against. Slow on purpose. Maps are dense [N, H, W, C]; sums are computed in double.
#pragma once

#include <tinyfiqa/base/act.hpp>

#include <cmath>
#include <cstddef>
#include <limits>

TINYFIQA_BEGIN
namespace reference {

/// The size of a dense map [n, h, w, c].
struct MapShape {
  int n = 0, h = 0, w = 0, c = 0;
  /// Offset in floats of a channel of pixel (y, x) of image i.
  std::ptrdiff_t at(int i, int y, int x, int channel) const {
    return ((static_cast<std::ptrdiff_t>(i) * h + y) * w + x) * c + channel;
  }
};

/// The window of a convolution or pooling; the same for rows and columns.
struct Window {
  int window = 1, stride = 1, padding = 0, groups = 1;
};

/// act(x); base/act.hpp has the formulas.
inline double act(Act a, double x, double slope = 0.0) {
  const double gate = x <= -3 ? 0 : x >= 3 ? 1 : (x + 3) / 6;
  switch (a) {
    case Act::none:
      return x;
    case Act::relu:
      return x > 0 ? x : 0;
    case Act::hsigmoid:
      return gate;
    case Act::hswish:
      return x * gate;
    case Act::sigmoid:
      return 1 / (1 + std::exp(-x));
    case Act::silu:
      return x / (1 + std::exp(-x));
    case Act::prelu:
      return x > 0 ? x : slope * x;
  }
  return x;
}

/// y[i, oy, ox, o] = act(bias[o] + sum over c, ky, kx of
///                       x[i, oy stride + ky - padding, ox stride + kx - padding, g Cin / groups + c]
///                       * weight[o][c][ky][kx]),    g = group of o
/// weight [Cout][Cin / groups][K][K], bias [Cout]; slope [Cout] for prelu, else null. Taps outside the map
/// are zero.
inline void conv(MapShape in, const float* x, MapShape out, float* y, Window w, const float* weight,
                 const float* bias, Act a, const float* slope = nullptr) {
  const int cin = in.c / w.groups, cout = out.c / w.groups;
  for (int i = 0; i < out.n; ++i)
    for (int oy = 0; oy < out.h; ++oy)
      for (int ox = 0; ox < out.w; ++ox)
        for (int o = 0; o < out.c; ++o) {
          double sum = static_cast<double>(bias[o]);
          for (int c = 0; c < cin; ++c)
            for (int ky = 0; ky < w.window; ++ky)
              for (int kx = 0; kx < w.window; ++kx) {
                const int iy = oy * w.stride + ky - w.padding, ix = ox * w.stride + kx - w.padding;
                if (iy < 0 || iy >= in.h || ix < 0 || ix >= in.w) continue;
                sum += static_cast<double>(x[in.at(i, iy, ix, o / cout * cin + c)]) *
                       static_cast<double>(weight[((o * cin + c) * w.window + ky) * w.window + kx]);
              }
          y[out.at(i, oy, ox, o)] =
              static_cast<float>(act(a, sum, slope == nullptr ? 0.0 : static_cast<double>(slope[o])));
        }
}

/// y[i, oy, ox, c] = max over ky, kx of x[i, oy stride + ky - padding, ox stride + kx - padding, c].
/// Taps outside the map are left out.
inline void max_pool(MapShape in, const float* x, MapShape out, float* y, Window w) {
  for (int i = 0; i < out.n; ++i)
    for (int oy = 0; oy < out.h; ++oy)
      for (int ox = 0; ox < out.w; ++ox)
        for (int c = 0; c < out.c; ++c) {
          float best = -std::numeric_limits<float>::infinity();
          for (int ky = 0; ky < w.window; ++ky)
            for (int kx = 0; kx < w.window; ++kx) {
              const int iy = oy * w.stride + ky - w.padding, ix = ox * w.stride + kx - w.padding;
              if (iy < 0 || iy >= in.h || ix < 0 || ix >= in.w) continue;
              best = std::fmax(best, x[in.at(i, iy, ix, c)]);
            }
          y[out.at(i, oy, ox, c)] = best;
        }
}

/// y[i, c] = mean over h, w of x[i, h, w, c]
inline void mean_hw(MapShape in, const float* x, float* y) {
  for (int i = 0; i < in.n; ++i)
    for (int c = 0; c < in.c; ++c) {
      double sum = 0;
      for (int p = 0; p < in.h * in.w; ++p)
        sum += static_cast<double>(x[in.at(i, 0, 0, c) + static_cast<std::ptrdiff_t>(p) * in.c]);
      y[i * in.c + c] = static_cast<float>(sum / (in.h * in.w));
    }
}

/// y[i, h, w, c] = x[i, h, w, c] gate[i, c]
inline void scale(MapShape in, const float* x, const float* gate, float* y) {
  for (int i = 0; i < in.n; ++i)
    for (int p = 0; p < in.h * in.w; ++p)
      for (int c = 0; c < in.c; ++c) {
        const std::ptrdiff_t at = in.at(i, 0, 0, c) + static_cast<std::ptrdiff_t>(p) * in.c;
        y[at] = x[at] * gate[i * in.c + c];
      }
}

/// y[..., j groups + g] = x[..., g (C / groups) + j]
inline void shuffle(MapShape in, const float* x, int groups, float* y) {
  const int per_group = in.c / groups;
  for (std::ptrdiff_t p = 0; p < static_cast<std::ptrdiff_t>(in.n) * in.h * in.w; ++p)
    for (int g = 0; g < groups; ++g)
      for (int j = 0; j < per_group; ++j) y[p * in.c + j * groups + g] = x[p * in.c + g * per_group + j];
}

/// One input of a concatenation:  y[..., first + j] = x[..., j],   x [N, H, W, C], y [N, H, W, out_channels]
inline void concat_part(MapShape in, const float* x, int out_channels, int first, float* y) {
  for (std::ptrdiff_t p = 0; p < static_cast<std::ptrdiff_t>(in.n) * in.h * in.w; ++p)
    for (int j = 0; j < in.c; ++j) y[p * out_channels + first + j] = x[p * in.c + j];
}

/// y[..., j] = x[..., first + j],    j < count
inline void slice(MapShape in, const float* x, int first, int count, float* y) {
  for (std::ptrdiff_t p = 0; p < static_cast<std::ptrdiff_t>(in.n) * in.h * in.w; ++p)
    for (int j = 0; j < count; ++j) y[p * count + j] = x[p * in.c + first + j];
}

/// y[i, h, w, c] = x[i, h, w, c] + b[i, h Hb / H, w Wb / W, c], rounded down
template <class T>
void add_upsampled(MapShape fine, const T* x, MapShape coarse, const T* b, T* y) {
  for (int i = 0; i < fine.n; ++i)
    for (int h = 0; h < fine.h; ++h)
      for (int w = 0; w < fine.w; ++w)
        for (int c = 0; c < fine.c; ++c)
          y[fine.at(i, h, w, c)] =
              x[fine.at(i, h, w, c)] + b[coarse.at(i, h * coarse.h / fine.h, w * coarse.w / fine.w, c)];
}

}  // namespace reference
TINYFIQA_END
