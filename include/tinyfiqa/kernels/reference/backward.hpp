// The formulas of training: each operation's forward where inference has no such form, and its backward, one
// loop for each sum. Computed in T: training kernels are tested against T = float, and T = double is tested
// against finite differences. Maps are dense [N, H, W, C]. Gradients of inputs and parameters are added to
// what is there.
#pragma once

#include <tinyfiqa/kernels/reference/forward.hpp>
#include <tinyfiqa/kernels/reference/lazy.hpp>

#include <cmath>
#include <cstddef>

TINYFIQA_BEGIN
namespace reference {

/// Calls body(output pixel, input pixel, tap) for each output pixel and tap of its window inside the map: the offsets of the
/// two pixels' first channels, and ky window + kx.
template <class Body>
void for_each_tap(MapShape in, MapShape out, Window w, const Body& body) {
  for (int i = 0; i < out.n; ++i)
    for (int oy = 0; oy < out.h; ++oy)
      for (int ox = 0; ox < out.w; ++ox)
        for (int ky = 0; ky < w.window; ++ky)
          for (int kx = 0; kx < w.window; ++kx) {
            const int iy = oy * w.stride + ky - w.padding, ix = ox * w.stride + kx - w.padding;
            if (iy < 0 || iy >= in.h || ix < 0 || ix >= in.w) continue;
            body(out.at(i, oy, ox, 0), in.at(i, iy, ix, 0), ky * w.window + kx);
          }
}

/// z[n, oy, ox, o] = sum over c, ky, kx of x[n, iy, ix, g Cin / G + c] weight[o][c][ky][kx]
template <class T>
void conv_forward(MapShape in, const T* x, MapShape out, Window w, const T* weight, T* z) {
  const int cin = in.c / w.groups, cout = out.c / w.groups, taps = w.window * w.window;
  const std::ptrdiff_t size = out.at(out.n, 0, 0, 0);
  for (std::ptrdiff_t i = 0; i < size; ++i) z[i] = 0;
  for_each_tap(in, out, w, [&](std::ptrdiff_t to, std::ptrdiff_t from, int tap) {
    for (int c = 0; c < in.c; ++c) {
      const int first = c / cin * cout;  // of the outputs of the group of c
      const T value = x[from + c];
      for (int o = first; o < first + cout; ++o)
        z[to + o] += value * weight[(o * cin + c % cin) * taps + tap];
    }
  });
}
/// dweight += sum over pixels of dz x,    dx += sum over outputs of dz weight.    dx may be null.
template <class T>
void conv_backward(MapShape in, const T* x, MapShape out, Window w, const T* weight, const T* dz, T* dweight,
                   T* dx) {
  const int cin = in.c / w.groups, cout = out.c / w.groups, taps = w.window * w.window;
  for_each_tap(in, out, w, [&](std::ptrdiff_t to, std::ptrdiff_t from, int tap) {
    for (int o = 0; o < out.c; ++o) {
      const std::ptrdiff_t group = from + o / cout * cin;  // the first input of the group of o
      const T d = dz[to + o];
      for (int c = 0; c < cin; ++c) dweight[(o * cin + c) * taps + tap] += d * x[group + c];
      if (dx == nullptr) continue;
      for (int c = 0; c < cin; ++c) dx[group + c] += d * weight[(o * cin + c) * taps + tap];
    }
  });
}

/// Statistics of channel c: mean = sum z / M,    var = sum (z - mean)^2 / M,    M = N H W.
template <class T>
void norm_statistics(MapShape s, const T* z, int c, T& mean, T& var) {
  const std::ptrdiff_t count = static_cast<std::ptrdiff_t>(s.n) * s.h * s.w;
  mean = var = 0;
  for (std::ptrdiff_t p = 0; p < count; ++p) mean += z[p * s.c + c];
  mean /= static_cast<T>(count);
  for (std::ptrdiff_t p = 0; p < count; ++p) var += (z[p * s.c + c] - mean) * (z[p * s.c + c] - mean);
  var /= static_cast<T>(count);
}

/// Backward of batch norm, channel c: y = gamma zhat + beta, zhat = (z - mean) inverse, inverse = 1 / std. g
/// is the gradient of y; sums and means are over N, H, W.
///   dbeta += sum g,    dgamma += sum g zhat
///   dz = gamma inverse (g - mean(g) - zhat mean(g zhat))    batch: with statistics of the batch
///   dz = gamma inverse g                                    with running statistics
template <class T>
void norm_backward(MapShape s, const T* z, const T* g, int c, T mean, T inverse, T gamma, bool batch, T* dz,
                   T* dgamma, T* dbeta) {
  const std::ptrdiff_t count = static_cast<std::ptrdiff_t>(s.n) * s.h * s.w;
  T sum = 0, along = 0;
  for (std::ptrdiff_t p = 0; p < count; ++p) {
    sum += g[p * s.c + c];
    along += g[p * s.c + c] * (z[p * s.c + c] - mean) * inverse;
  }
  dgamma[c] += along;
  dbeta[c] += sum;
  for (std::ptrdiff_t p = 0; p < count; ++p) {
    const T zhat = (z[p * s.c + c] - mean) * inverse;
    const T rest = batch ? (sum + zhat * along) / static_cast<T>(count) : T(0);
    dz[p * s.c + c] = gamma * inverse * (g[p * s.c + c] - rest);
  }
}

/// y = max over the window's taps inside the map. winner = number ky window + kx of the tap with the maximum,
/// the first one among equals.
template <class T>
void max_pool_forward(MapShape in, const T* x, MapShape out, Window w, T* y, T* winner) {
  for (int i = 0; i < out.n; ++i)
    for (int oy = 0; oy < out.h; ++oy)
      for (int ox = 0; ox < out.w; ++ox)
        for (int c = 0; c < out.c; ++c) {
          const std::ptrdiff_t o = out.at(i, oy, ox, c);
          winner[o] = -1;
          for (int tap = 0; tap < w.window * w.window; ++tap) {
            const int iy = oy * w.stride + tap / w.window - w.padding,
                      ix = ox * w.stride + tap % w.window - w.padding;
            if (iy < 0 || iy >= in.h || ix < 0 || ix >= in.w) continue;
            const T v = x[in.at(i, iy, ix, c)];
            if (winner[o] >= 0 && !(v > y[o])) continue;
            y[o] = v;
            winner[o] = static_cast<T>(tap);
          }
        }
}
/// dx += dy at the position of the winning tap
template <class T>
void max_pool_backward(MapShape in, MapShape out, Window w, const T* winner, const T* dy, T* dx) {
  for (int i = 0; i < out.n; ++i)
    for (int oy = 0; oy < out.h; ++oy)
      for (int ox = 0; ox < out.w; ++ox)
        for (int c = 0; c < out.c; ++c) {
          const std::ptrdiff_t o = out.at(i, oy, ox, c);
          const int tap = static_cast<int>(winner[o]);
          const int iy = oy * w.stride + tap / w.window - w.padding,
                    ix = ox * w.stride + tap % w.window - w.padding;
          dx[in.at(i, iy, ix, c)] += dy[o];
        }
}

/// y[n, c] = mean over h, w of x[n, h, w, c]
template <class T>
void mean_forward(MapShape in, const T* x, T* y) {
  const int pixels = in.h * in.w;
  for (int i = 0; i < in.n; ++i)
    for (int c = 0; c < in.c; ++c) {
      T sum = 0;
      for (int p = 0; p < pixels; ++p) sum += x[(static_cast<std::ptrdiff_t>(i) * pixels + p) * in.c + c];
      y[i * in.c + c] = sum / static_cast<T>(pixels);
    }
}
/// dx[n, h, w, c] += dy[n, c] / (H W)
template <class T>
void mean_backward(MapShape in, const T* dy, T* dx) {
  const int pixels = in.h * in.w;
  for (int i = 0; i < in.n; ++i)
    for (int p = 0; p < pixels; ++p)
      for (int c = 0; c < in.c; ++c)
        dx[(static_cast<std::ptrdiff_t>(i) * pixels + p) * in.c + c] +=
            dy[i * in.c + c] / static_cast<T>(pixels);
}

/// Backward of y[n, h, w, c] = x[n, h, w, c] gate[n, c]. dx or dgate may be null.
///   dx += dy gate,    dgate[n, c] += sum over h, w of dy x
template <class T>
void scale_backward(MapShape in, const T* x, const T* gate, const T* dy, T* dx, T* dgate) {
  const int pixels = in.h * in.w;
  for (int i = 0; i < in.n; ++i)
    for (int p = 0; p < pixels; ++p)
      for (int c = 0; c < in.c; ++c) {
        const std::ptrdiff_t at = (static_cast<std::ptrdiff_t>(i) * pixels + p) * in.c + c;
        if (dx != nullptr) dx[at] += dy[at] * gate[i * in.c + c];
        if (dgate != nullptr) dgate[i * in.c + c] += dy[at] * x[at];
      }
}

/// Backward of y = x + b, b enlarged to x's size:  db[i, h Hb / H, w Wb / W, c] += dy[i, h, w, c]
template <class T>
void add_upsampled_backward(MapShape fine, MapShape coarse, const T* dy, T* db) {
  for (int i = 0; i < fine.n; ++i)
    for (int h = 0; h < fine.h; ++h)
      for (int w = 0; w < fine.w; ++w)
        for (int c = 0; c < fine.c; ++c)
          db[coarse.at(i, h * coarse.h / fine.h, w * coarse.w / fine.w, c)] += dy[fine.at(i, h, w, c)];
}

/// The input channel that a shuffle moves to output channel c: y[j groups + g] = x[g (C / groups) + j].
inline int shuffled_from(int c, int channels, int groups) {
  return c % groups * (channels / groups) + c / groups;
}

}  // namespace reference
TINYFIQA_END
