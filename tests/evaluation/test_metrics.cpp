#include "../support.hpp"

#include <tinyfiqa/base/rng.hpp>
#include <tinyfiqa/evaluation/bootstrap.hpp>
#include <tinyfiqa/evaluation/metrics.hpp>

#include <doctest/doctest.h>
#include <nlohmann/json.hpp>

#include <cmath>
#include <fstream>
#include <limits>
#include <string>
#include <vector>

using namespace tinyfiqa;

namespace {

using Values = std::vector<double>;

Metrics metrics(const Values& x, const Values& y) {
  const auto m = compute_metrics(x, y);
  REQUIRE_MESSAGE(m.ok(), m.status().message());
  return *m;
}

struct Pairs {
  Values x, y;
};
/// Labels in 0..1 and predictions that are labels with noise; if `levels` > 0, both are rounded.
Pairs random_pairs(std::size_t n, std::uint64_t seed, double levels = 0) {
  Rng rng(seed);
  Pairs p;
  for (std::size_t i = 0; i < n; ++i) {
    p.y.push_back(double{rng.uniform()});
    p.x.push_back(p.y.back() + 0.3 * double{rng.normal()});
  }
  if (levels > 0)
    for (auto* values : {&p.x, &p.y})
      for (double& v : *values) v = std::round(v * levels) / levels;
  return p;
}

/// Kendall's tau-b by its definition, over all pairs of pairs.
double naive_kendall(const Pairs& p) {
  double difference = 0, x_pairs = 0, y_pairs = 0;
  for (std::size_t i = 0; i < p.x.size(); ++i)
    for (std::size_t j = 0; j < i; ++j) {
      const double sx = (p.x[i] > p.x[j]) - (p.x[i] < p.x[j]), sy = (p.y[i] > p.y[j]) - (p.y[i] < p.y[j]);
      difference += sx * sy, x_pairs += sx * sx, y_pairs += sy * sy;
    }
  return difference / std::sqrt(x_pairs) / std::sqrt(y_pairs);
}

}  // namespace

TEST_CASE("the metrics equal scipy's, ties included") {
  std::ifstream file(fixture("metrics/cases.json"));
  const auto cases = nlohmann::json::parse(file);
  REQUIRE(cases.size() >= 12);
  double largest = 0;
  for (const auto& c : cases) {
    const Metrics m = metrics(c["predictions"].get<Values>(), c["labels"].get<Values>());
    INFO(c["name"].get<std::string>());
    const auto check = [&](double value, const char* name) {
      const double expected = c[name].get<double>(), error = std::fabs(value - expected);
      CHECK_MESSAGE(error <= 1e-9 * std::max(1.0, std::fabs(expected)), name << " " << value);
      largest = std::max(largest, error / std::max(1.0, std::fabs(expected)));
    };
    check(m.srcc, "srcc");
    check(m.plcc, "plcc");
    check(m.kendall, "kendall");
    check(m.rmse, "rmse");
    check(m.final_score, "final_score");
    CHECK_FALSE(m.constant);
  }
  MESSAGE("largest difference from scipy: " << largest);
}

TEST_CASE("Kendall's tau-b in n log n steps is that of all pairs") {
  for (std::uint64_t seed = 1; seed < 40; ++seed) {
    const Pairs p = random_pairs(2 + 3 * seed, seed, seed % 3 == 0 ? 0 : static_cast<double>(seed % 7 + 1));
    const Metrics m = metrics(p.x, p.y);
    if (!m.constant) CHECK(m.kendall == doctest::Approx(naive_kendall(p)).epsilon(1e-12));
  }
}

TEST_CASE("rank correlations ignore any rising transform, Pearson's any affine one") {
  const Pairs p = random_pairs(300, 5, 20);
  Values bent, moved, reversed;
  for (const double x : p.x) {
    bent.push_back(std::exp(3 * x));
    moved.push_back(2.5 * x - 40);
    reversed.push_back(-x);
  }
  const Metrics plain = metrics(p.x, p.y), b = metrics(bent, p.y), a = metrics(moved, p.y),
                r = metrics(reversed, p.y), swapped = metrics(p.y, p.x);
  CHECK(b.srcc == plain.srcc);
  CHECK(b.kendall == plain.kendall);
  CHECK(b.plcc != doctest::Approx(plain.plcc).epsilon(1e-3));
  CHECK(a.plcc == doctest::Approx(plain.plcc).epsilon(1e-12));
  CHECK(a.srcc == plain.srcc);
  CHECK(r.srcc == doctest::Approx(-plain.srcc).epsilon(1e-12));
  CHECK(r.kendall == doctest::Approx(-plain.kendall).epsilon(1e-12));
  CHECK(swapped.srcc == doctest::Approx(plain.srcc).epsilon(1e-12));
  CHECK(swapped.kendall == doctest::Approx(plain.kendall).epsilon(1e-12));
  const Metrics same = metrics(p.y, p.y);
  CHECK(same.srcc == doctest::Approx(1).epsilon(1e-12));
  CHECK(same.plcc == doctest::Approx(1).epsilon(1e-12));
  CHECK(same.kendall == doctest::Approx(1).epsilon(1e-12));
  CHECK(same.rmse == 0);
}

TEST_CASE("numbers near the limits of double neither overflow nor vanish") {
  const Pairs p = random_pairs(50, 9);
  const Metrics plain = metrics(p.x, p.y);
  for (const double scale : {std::ldexp(1, 1000), std::ldexp(1, -1000)}) {
    Pairs q = p;
    for (auto* values : {&q.x, &q.y})
      for (double& v : *values) v *= scale;
    const Metrics m = metrics(q.x, q.y);
    CHECK(m.plcc == plain.plcc);
    CHECK(m.rmse == plain.rmse * scale);
  }
}

TEST_CASE("constant values have correlation 0 and say so") {
  for (const auto& [x, y] : {std::pair<Values, Values>{{0.1, 0.1, 0.1}, {1, 2, 3}},
                             {{1, 2, 3}, {0.1, 0.1, 0.1}},
                             {{0.3}, {0.4}}}) {
    const Metrics m = metrics(x, y);
    CHECK(m.constant);
    CHECK(m.srcc == 0);
    CHECK(m.plcc == 0);
    CHECK(m.kendall == 0);
    CHECK(m.final_score == 0);
    CHECK(m.rmse > 0);
  }
}

TEST_CASE("values that can't be compared are refused") {
  const Values three = {1, 2, 3}, two = {1, 2}, none;
  const Values nan = {1, std::numeric_limits<double>::quiet_NaN(), 3},
               inf = {1, 2, std::numeric_limits<double>::infinity()};
  CHECK(compute_metrics(three, two).status().code() == Errc::mismatch);
  CHECK(compute_metrics(none, none).status().code() == Errc::bad_argument);
  CHECK(compute_metrics(nan, three).status().code() == Errc::not_finite);
  CHECK(std::string(compute_metrics(nan, three).status().message()).find("prediction 1") == 0);
  CHECK(std::string(compute_metrics(three, inf).status().message()).find("label 2") == 0);
  CHECK(bootstrap_metrics(nan, three).status().code() == Errc::not_finite);
  BootstrapOptions options;
  options.level = 1;
  CHECK(bootstrap_metrics(three, three, options).status().code() == Errc::bad_argument);
}

TEST_CASE("a resample measured from counts is the metrics of the repeated pairs") {
  const Pairs p = random_pairs(40, 11, 8);
  const detail::RankedPairs pairs(p.x, p.y);
  detail::RankedPairs::Workspace workspace;
  Rng rng(2);
  std::vector<std::uint32_t> counts(40);
  for (auto& c : counts) c = rng.below(4);
  // counts[i] belongs to the i-th sorted pair.
  std::vector<std::pair<double, double>> sorted;
  for (std::size_t i = 0; i < 40; ++i) sorted.emplace_back(p.x[i], p.y[i]);
  std::sort(sorted.begin(), sorted.end());
  Pairs repeated;
  for (std::size_t i = 0; i < 40; ++i)
    for (std::uint32_t c = 0; c < counts[i]; ++c) {
      repeated.x.push_back(sorted[i].first);
      repeated.y.push_back(sorted[i].second);
    }
  const Metrics a = pairs.measure(counts, workspace), b = metrics(repeated.x, repeated.y);
  CHECK(a.count == b.count);
  CHECK(a.srcc == doctest::Approx(b.srcc).epsilon(1e-12));
  CHECK(a.plcc == doctest::Approx(b.plcc).epsilon(1e-12));
  CHECK(a.kendall == doctest::Approx(b.kendall).epsilon(1e-12));
  CHECK(a.rmse == doctest::Approx(b.rmse).epsilon(1e-12));
}

TEST_CASE("bootstrap intervals hold the value, shrink with the data and depend on the seed alone") {
  const Pairs small = random_pairs(50, 21), large = random_pairs(2000, 21);
  BootstrapOptions options;
  const auto a = bootstrap_metrics(small.x, small.y, options),
             b = bootstrap_metrics(large.x, large.y, options);
  REQUIRE(a.ok());
  REQUIRE(b.ok());
  CHECK(a->srcc.low < a->value.srcc);
  CHECK(a->value.srcc < a->srcc.high);
  CHECK(a->rmse.low < a->value.rmse);
  CHECK(a->value.rmse < a->rmse.high);
  CHECK(b->plcc.high - b->plcc.low < 0.4 * (a->plcc.high - a->plcc.low));
  // The interval must be near that of Fisher's transformation: within a third of its width.
  const double z = std::atanh(b->value.plcc), half = 1.96 / std::sqrt(2000.0 - 3);
  const double width = std::tanh(z + half) - std::tanh(z - half);
  CHECK(std::fabs(b->plcc.high - std::tanh(z + half)) < width / 3);
  CHECK(std::fabs(b->plcc.low - std::tanh(z - half)) < width / 3);

  options.threads = 3;
  const auto threaded = bootstrap_metrics(small.x, small.y, options);
  CHECK(threaded->srcc.low == a->srcc.low);
  CHECK(threaded->kendall.high == a->kendall.high);
  options.seed = 2;
  CHECK(bootstrap_metrics(small.x, small.y, options)->srcc.low != a->srcc.low);
}
