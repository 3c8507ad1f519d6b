// Compares what a network gives with what it should give.
#pragma once

#include <doctest/doctest.h>

#include <algorithm>
#include <cmath>
#include <vector>

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
