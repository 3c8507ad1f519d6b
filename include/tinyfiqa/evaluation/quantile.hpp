// Quantiles of sorted values.
#pragma once

#include <tinyfiqa/base/config.hpp>

#include <algorithm>
#include <cstddef>
#include <vector>

TINYFIQA_BEGIN

/// The quantile of sorted values [n], n >= 1, for a share in 0..1. It interpolates linearly between the two
/// nearest values, like numpy.percentile(sorted, 100 * share).
template <class T>
double sorted_quantile(const std::vector<T>& sorted, double share) {
  const double at = share * static_cast<double>(sorted.size() - 1);
  const auto below = static_cast<std::size_t>(at);
  const std::size_t above = std::min(below + 1, sorted.size() - 1);
  const double low = double{sorted[below]}, high = double{sorted[above]};
  return low + (at - static_cast<double>(below)) * (high - low);
}

TINYFIQA_END
