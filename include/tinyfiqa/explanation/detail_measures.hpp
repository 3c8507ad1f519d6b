// Measures of fine detail: sharpness and motion blur of a face, noise and block borders in its photo.
#pragma once

#include <tinyfiqa/base/config.hpp>
#include <tinyfiqa/explanation/luma_patch.hpp>
#include <tinyfiqa/image/resize.hpp>

#include <algorithm>
#include <array>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <optional>
#include <vector>

TINYFIQA_BEGIN

/// What a low-pass filter takes away from the differences of neighbouring pixels, 0..1, along four directions: 0 for an
/// image that is as smooth as the filter would make it, near 1 for a sharp one. It is 1 minus the blur of Crete et al.
/// 2007, which they measure along rows and columns:
///   sum max(0, |f(i) - f(i - 1)| - |b(i) - b(i - 1)|) / sum |f(i) - f(i - 1)|,  b = mean of f(i - 4) .. f(i + 4)
struct DirectionalSharpness {
  std::array<double, 4> along = {};  ///< rows, falling diagonals, columns, rising diagonals
  bool flat = true;  ///< there are no differences in one of the directions, or the patch is too small

  /// In the sharpest direction: blur in one direction only is motion_ratio()'s concern.
  double sharpness() const { return *std::max_element(along.begin(), along.end()); }
  /// The less sharp of two perpendicular directions divided by the sharper one; the smaller of both pairs. 1 without a
  /// preferred direction. Differences along a motion are the smallest (Yitzhaky and Kopeika 1997).
  double motion_ratio() const {
    if (flat) return 1;
    const auto ratio = [&](std::size_t i) {
      const double low = std::min(along[i], along[i + 2]), high = std::max(along[i], along[i + 2]);
      return high > 0 ? low / high : 1.0;
    };
    return std::min(ratio(0), ratio(1));
  }
};

/// Of the pixels left <= x < right, top <= y < bottom. Those less than 5 pixels from the border are left out.
inline DirectionalSharpness directional_sharpness(const LumaPatch& patch, int left, int top, int right,
                                                  int bottom) {
  constexpr int reach = 4, margin = reach + 1, taps = 2 * reach + 1;  // of the filter
  DirectionalSharpness result;
  left = std::max(left, margin), top = std::max(top, margin);
  right = std::min(right, patch.width - margin), bottom = std::min(bottom, patch.height - margin);
  if (left >= right || top >= bottom) return result;
  const std::ptrdiff_t width = patch.width;
  const std::ptrdiff_t steps[4] = {1, width + 1, width, 1 - width};
  result.flat = false;
  for (std::size_t d = 0; d < 4; ++d) {
    const std::ptrdiff_t step = steps[d];
    std::int64_t differences = 0, lost = 0;
    for (int y = top; y < bottom; ++y) {
      const unsigned char* g = patch.row(y);
      int row_differences = 0, row_lost = 0;
      for (int x = left; x < right; ++x) {
        const int fine = std::abs(g[x] - g[x - step]);
        // The difference of two neighbouring means: what enters minus what leaves, divided by the taps.
        const int coarse = std::abs(g[x + reach * step] - g[x - margin * step]);
        row_differences += fine;
        row_lost += std::max(0, taps * fine - coarse);
      }
      differences += row_differences, lost += row_lost;
    }
    if (differences == 0) result.flat = true;
    result.along[d] = differences == 0 ? 0
                                       : static_cast<double>(lost) /
                                             (static_cast<double>(taps) * static_cast<double>(differences));
  }
  return result;
}

/// The standard deviation of the noise in levels, from the operator of Immerkaer 1996
///    1 -2  1
///   -2  4 -2
///    1 -2  1
/// whose answer to noise of deviation s has deviation 6 s and whose answer to smooth images is 0. The median of its
/// absolute values stands for the deviation (divided by 0.6745, Donoho and Johnstone 1994), so that edges and texture
/// count little. Of the pixels of `part` that are not at the border of the patch; none if there are fewer than 64.
inline std::optional<double> noise_deviation(const LumaPatch& patch, const Box& part) {
  constexpr int bins = 1024;  // larger medians, of deviations above 250, do not occur
  std::array<std::uint32_t, bins> counts[2] = {};
  const int left = std::max(part.x, 1), top = std::max(part.y, 1);
  const int right = std::min(part.x + part.width, patch.width - 1),
            bottom = std::min(part.y + part.height, patch.height - 1);
  if (left >= right || top >= bottom || (right - left) * (bottom - top) < 64) return std::nullopt;
  for (int y = top; y < bottom; ++y) {
    const unsigned char *a = patch.row(y - 1), *b = patch.row(y), *c = patch.row(y + 1);
    for (int x = left; x < right; ++x) {
      const int corners = a[x - 1] + a[x + 1] + c[x - 1] + c[x + 1];
      const int sides = a[x] + b[x - 1] + b[x + 1] + c[x];
      const int answer = std::abs(corners - 2 * sides + 4 * b[x]);
      ++counts[x & 1][static_cast<std::size_t>(std::min(answer, bins - 1))];
    }
  }
  const double half = 0.5 * (right - left) * (bottom - top);
  double below = 0;
  for (std::size_t i = 0; i < bins; ++i) {
    const double here = counts[0][i] + counts[1][i];
    if (below + here >= half) {
      // Answers are whole numbers: value i stands for i - 0.5 .. i + 0.5, and 0 for 0 .. 0.5.
      const double low = i == 0 ? 0 : static_cast<double>(i) - 0.5, wide = i == 0 ? 0.5 : 1;
      return (low + wide * (half - below) / here) / (0.6745 * 6);
    }
    below += here;
  }
  return std::nullopt;  // not reached: the counts add up to all pixels
}

namespace detail {

/// How much larger the differences across every eighth place are than beside it, at the best of eight places of the
/// grid, minus the mean of the other places; in mean differences. sums[i]: the absolute differences between places
/// i - 1 and i, summed over `lines` lines; sums[0] is not used. Half a level, which is rounding, is added to the mean
/// difference.
inline double grid_contrast(const std::vector<std::uint32_t>& sums, int lines) {
  double excess[8] = {}, count[8] = {}, all = 0;
  for (std::size_t i = 1; i < sums.size(); ++i) all += sums[i];
  for (std::size_t i = 2; i + 1 < sums.size(); ++i) {
    excess[i & 7] += static_cast<double>(sums[i]) - 0.5 * static_cast<double>(sums[i - 1]) -
                     0.5 * static_cast<double>(sums[i + 1]);
    count[i & 7] += lines;
  }
  double best = 0, total = 0;
  for (std::size_t p = 0; p < 8; ++p) {
    const double mean = excess[p] / count[p];
    best = std::max(best, mean), total += mean;
  }
  const double difference = all / (static_cast<double>(sums.size() - 1) * lines);
  return (best - (total - best) / 7) / (difference + 0.5);
}

}  // namespace detail

/// Patches with a shorter side have too few blocks for block_contrast().
inline constexpr int smallest_block_side = 24;

/// The contrast of 8 x 8 blocks: how much larger differences across their borders are than beside them, in mean
/// differences; the mean of rows and columns. 0 without blocks. The idea is that of Wang, Sheikh and Bovik 2002; the
/// place of the grid is searched, because photos are cut and turned. Sides of at least smallest_block_side.
inline double block_contrast(const LumaPatch& patch) {
  std::vector<std::uint32_t> across(static_cast<std::size_t>(patch.width)), down;
  down.push_back(0);
  for (int y = 0; y < patch.height; ++y) {
    const unsigned char *g = patch.row(y), *above = patch.row(std::max(y - 1, 0));
    int sum = 0;
    for (int x = 0; x < patch.width; ++x) sum += std::abs(g[x] - above[x]);
    if (y > 0) down.push_back(static_cast<std::uint32_t>(sum));
    for (std::size_t x = 1; x < across.size(); ++x)
      across[x] += static_cast<std::uint32_t>(std::abs(g[x] - g[x - 1]));
  }
  return (detail::grid_contrast(across, patch.height) + detail::grid_contrast(down, patch.width)) / 2;
}

TINYFIQA_END
