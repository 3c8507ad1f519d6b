// Outputs against PyTorch's in a .npy file.
#pragma once

#include <tinyfiqa/formats/npy.hpp>

#include <doctest/doctest.h>

#include <cmath>
#include <cstdint>
#include <string>
#include <vector>

/// `y` is what the file has, within 1e-4 of the largest magnitude expected (at least 1). Returns the file's
/// shape.
inline std::vector<std::int64_t> check_against_npy(const std::string& path, const std::vector<float>& y) {
  INFO(path);
  const auto expected = tinyfiqa::read_npy(path);
  REQUIRE_MESSAGE(expected.ok(), expected.status().message());
  REQUIRE(y.size() == expected->values.size());
  double largest = 1, worst = 0;
  for (const float v : expected->values) largest = std::fmax(largest, std::fabs(static_cast<double>(v)));
  for (std::size_t i = 0; i < y.size(); ++i) {
    const double e = std::fabs(static_cast<double>(y[i]) - static_cast<double>(expected->values[i]));
    worst = std::isnan(e) ? 1e9 : std::fmax(worst, e);
  }
  CHECK(worst <= 1e-4 * largest);
  return expected->shape;
}
