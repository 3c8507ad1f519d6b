// Rounding weights so that the results of a layer change least, in place of each weight to its nearest step.
#pragma once

#include <tinyfiqa/base/quantisation.hpp>
#include <tinyfiqa/runtime/step.hpp>

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <vector>

TINYFIQA_BEGIN

/// Second moments [depth][depth] of what one group of a convolution multiplies its weights with: the mean over at most
/// `most_windows` windows of v v^T, where v [Cin / G][K][K] is a window of levels without their zero.
inline std::vector<double> window_moments(const Step& s, const std::uint8_t* x, int group, int most_windows) {
  const Extents &in = s.x.extents, &out = s.y.extents;
  const int cin = in.c / s.groups, k = s.window, depth = cin * k * k;
  const auto d = static_cast<std::size_t>(depth);
  std::vector<double> moments(d * d), v(d);
  const long long pixels = out.pixels(), step = std::max<long long>(1, pixels / most_windows);
  long long count = 0;
  for (long long p = 0; p < pixels; p += step, ++count) {
    const long long image = p / (out.h * out.w);
    const int oy = static_cast<int>(p / out.w % out.h), ox = static_cast<int>(p % out.w);
    std::size_t at = 0;
    for (int c = 0; c < cin; ++c) {
      const double zero =
          s.x.place == Place::input ? static_cast<double>(s.levels.mean[c % 3]) : s.x.quant.zero;
      for (int ky = 0; ky < k; ++ky)
        for (int kx = 0; kx < k; ++kx, ++at) {
          const int iy = oy * s.stride + ky - s.padding, ix = ox * s.stride + kx - s.padding;
          const bool inside = iy >= 0 && iy < in.h && ix >= 0 && ix < in.w;
          v[at] =
              inside ? x[((image * in.h + iy) * in.w + ix) * s.x.pixel_stride + group * cin + c] - zero : 0.0;
        }
    }
    for (std::size_t i = 0; i < d; ++i)
      if (v[i] != 0.0)
        for (std::size_t j = 0; j < d; ++j) moments[i * d + j] += v[i] * v[j];
  }
  for (double& m : moments) m /= static_cast<double>(count);
  return moments;
}

/// Weights in steps, `wanted` [depth] within -63..63, to whole numbers: from the nearest ones, single weights go to the other
/// neighbour as long as that makes the mean square of the error's products, e^T H e, smaller (H: window_moments()). This
/// is the aim of Nagel et al. 2020 (section 3), by coordinate descent. The largest weight stays at its nearest: it
/// defines the step.
inline void round_by_moments(const std::vector<double>& moments, const std::vector<double>& wanted,
                             std::int8_t* whole) {
  const std::size_t d = wanted.size();
  double trace = 0, largest = 0;
  for (std::size_t i = 0; i < d; ++i) {
    trace += moments[i * d + i];
    largest = std::max(largest, std::fabs(wanted[i]));
    whole[i] = static_cast<std::int8_t>(std::lrint(wanted[i]));
  }
  // Few windows tell little of some directions: there the nearest step is best.
  const double ridge = 0.02 * trace / static_cast<double>(d);
  std::vector<double> gradient(d);
  for (std::size_t i = 0; i < d; ++i) {
    const double e = whole[i] - wanted[i];
    gradient[i] += ridge * e;
    for (std::size_t j = 0; j < d; ++j) gradient[j] += moments[i * d + j] * e;
  }
  for (int sweep = 0, changed = 1; sweep < 8 && changed > 0; ++sweep) {
    changed = 0;
    for (std::size_t i = 0; i < d; ++i) {
      const int step = whole[i] > wanted[i] ? -1 : 1;  // towards the other neighbour
      const bool back = std::fabs(whole[i] + step - wanted[i]) >= 1.0;
      if (back || std::abs(whole[i] + step) > largest_weight || std::fabs(wanted[i]) >= largest) continue;
      if (2 * step * gradient[i] + moments[i * d + i] + ridge >= -1e-12 * trace) continue;
      whole[i] = static_cast<std::int8_t>(whole[i] + step);
      gradient[i] += ridge * step;
      for (std::size_t j = 0; j < d; ++j) gradient[j] += moments[i * d + j] * step;
      ++changed;
    }
  }
}

TINYFIQA_END
