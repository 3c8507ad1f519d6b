// Rounding by moments against all ways to round.
#include <tinyfiqa/base/rng.hpp>
#include <tinyfiqa/quantisation/rounding.hpp>

#include <doctest/doctest.h>

#include <algorithm>
#include <cmath>
#include <vector>

using namespace tinyfiqa;

namespace {

/// e^T H e of whole numbers beside the wanted ones.
double error(const std::vector<double>& h, const std::vector<double>& wanted,
             const std::vector<std::int8_t>& whole) {
  const std::size_t d = wanted.size();
  double sum = 0;
  for (std::size_t i = 0; i < d; ++i)
    for (std::size_t j = 0; j < d; ++j) sum += (whole[i] - wanted[i]) * h[i * d + j] * (whole[j] - wanted[j]);
  return sum;
}

}  // namespace

TEST_CASE("rounding by moments keeps neighbours, the largest weight, and comes near the best of all") {
  constexpr std::size_t d = 8;
  Rng rng(4);
  double nearest_sum = 0, fitted_sum = 0, best_sum = 0;
  for (int trial = 0; trial < 40; ++trial) {
    // Windows whose entries are alike: the case in which the errors of neighbours can cancel.
    std::vector<double> h(d * d), wanted(d);
    for (int window = 0; window < 50; ++window) {
      double v[d], common = static_cast<double>(rng.normal());
      for (double& x : v) x = common + 0.3 * static_cast<double>(rng.normal());
      for (std::size_t i = 0; i < d; ++i)
        for (std::size_t j = 0; j < d; ++j) h[i * d + j] += v[i] * v[j] / 50;
    }
    for (double& w : wanted) w = static_cast<double>(rng.uniform(-50, 50));
    wanted[3] = 62.8;
    std::vector<std::int8_t> nearest, fitted(d);
    for (const double w : wanted) nearest.push_back(static_cast<std::int8_t>(std::lrint(w)));
    round_by_moments(h, wanted, fitted.data());
    CHECK(fitted[3] == 63);
    for (std::size_t i = 0; i < d; ++i) CHECK(std::fabs(fitted[i] - wanted[i]) < 1);
    double best = error(h, wanted, nearest);
    for (unsigned choice = 0; choice < 1u << d; ++choice) {
      std::vector<std::int8_t> w;
      for (std::size_t i = 0; i < d; ++i)
        w.push_back(static_cast<std::int8_t>(std::floor(wanted[i]) + ((choice >> i & 1u) != 0 ? 1 : 0)));
      w[3] = 63;
      best = std::min(best, error(h, wanted, w));
    }
    nearest_sum += error(h, wanted, nearest);
    fitted_sum += error(h, wanted, fitted);
    best_sum += best;
  }
  CHECK(fitted_sum < 0.6 * nearest_sum);
  CHECK(fitted_sum < 3 * best_sum);
}
