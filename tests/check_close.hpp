// Compares what a network gives with what it should give.
#pragma once

#include <doctest/doctest.h>

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <vector>

/// The largest difference, as a share of the largest value of `a`. (1e9 if a value is no number.)
inline double largest_difference(const std::vector<float>& a, const std::vector<float>& b) {
  REQUIRE(a.size() == b.size());
  double largest = 0, worst = 0;
  for (std::size_t i = 0; i < a.size(); ++i) {
    const double e = std::fabs(static_cast<double>(a[i]) - static_cast<double>(b[i]));
    largest = std::max(largest, std::fabs(static_cast<double>(a[i])));
    worst = std::isnan(e) ? 1e9 : std::max(worst, e);
  }
  REQUIRE(largest > 0);
  return worst / largest;
}

/// Within 1e-4 of the largest value, or of 1 if all are less. (A value that is no number is never close.)
inline void check_close(const std::vector<float>& got, const std::vector<float>& want) {
  REQUIRE(got.size() == want.size());
  double largest = 1, worst = 0;
  for (float v : want) largest = std::max(largest, std::fabs(static_cast<double>(v)));
  for (std::size_t i = 0; i < got.size(); ++i) {
    const double e = std::fabs(static_cast<double>(got[i]) - static_cast<double>(want[i]));
    worst = std::isnan(e) ? 1e9 : std::max(worst, e);
  }
  CHECK(worst <= 1e-4 * largest);
}
