#include <tinyfiqa/base/rng.hpp>

#include <doctest/doctest.h>

#include <cmath>

using namespace tinyfiqa;

TEST_CASE("the generator gives PCG32's published sequence") {
  Rng rng(42, 54);  // O'Neill's pcg32-demo, round 1
  const std::uint32_t expected[] = {0xa15c02b7u, 0x7b47f409u, 0xba1d3330u,
                                    0x83d2f293u, 0xbfa4784bu, 0xcbed606eu};
  for (const auto e : expected) CHECK(rng.next() == e);
}

TEST_CASE("uniform and normal numbers have the moments they should") {
  Rng rng(1);
  double sum = 0, sum2 = 0, usum = 0;
  const int n = 200000;
  for (int i = 0; i < n; ++i) {
    const double z = rng.normal(), u = rng.uniform();
    REQUIRE((u >= 0 && u < 1));
    sum += z;
    sum2 += z * z;
    usum += u;
  }
  CHECK(std::abs(sum / n) < 0.01);
  CHECK(std::abs(sum2 / n - 1) < 0.02);
  CHECK(std::abs(usum / n - 0.5) < 0.005);
}
