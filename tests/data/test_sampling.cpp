#include <tinyfiqa/data/sampling.hpp>

#include <doctest/doctest.h>

#include <cmath>
#include <limits>
#include <map>

using namespace tinyfiqa;

namespace {

/// Scores with the distribution of a recogniser's labels: most are around 0.8, few are low.
std::vector<double> skewed(std::size_t count) {
  std::vector<double> scores;
  Rng rng(3);
  for (std::size_t i = 0; i < count; ++i) {
    const double u = double{rng.uniform()};
    scores.push_back(0.9 - 0.9 * u * u * u);
  }
  return scores;
}

std::vector<std::size_t> draw(const std::vector<double>& scores, const SamplingOptions& options) {
  auto drawn = sample_by_quality(scores, options);
  REQUIRE_MESSAGE(drawn.ok(), drawn.status().message());
  return std::move(*drawn);
}

std::map<int, int> histogram(const std::vector<double>& scores, const std::vector<std::size_t>& rows) {
  std::map<int, int> bins;
  for (const std::size_t i : rows) ++bins[static_cast<int>(scores[i] * 10)];
  return bins;
}

}  // namespace

TEST_CASE("sampling evens out the bins, gives the wanted number, and depends on the seed alone") {
  const auto scores = skewed(20000);
  SamplingOptions options;
  options.bins = 10;
  options.target = 8000;
  const auto rows = draw(scores, options);
  CHECK(rows.size() == 8000);
  CHECK(std::is_sorted(rows.begin(), rows.end()));
  const auto bins = histogram(scores, rows);
  for (int b = 1; b < 9; ++b) CHECK(bins.at(b) == doctest::Approx(8000.0 / 9).epsilon(0.03));
  CHECK(draw(scores, options) == rows);
  options.seed = 2;
  CHECK(draw(scores, options) != rows);
}

TEST_CASE("only the lowest and highest scores are taken more than once, and never too often") {
  const auto scores = skewed(2000);
  SamplingOptions options;
  options.target = 2000;
  options.most_copies = 3;
  std::map<std::size_t, int> copies;
  for (const std::size_t i : draw(scores, options)) ++copies[i];
  std::vector<double> sorted = scores;
  std::sort(sorted.begin(), sorted.end());
  int most = 0;
  for (const auto& [row, count] : copies) {
    most = std::max(most, count);
    // A bin that contains one rare score is rare as a whole, so allow the width of a bin (0.01) at both ends.
    const bool rare = scores[row] <= sorted[199] + 0.01 || scores[row] >= sorted[1900] - 0.01;
    if (count > 1) CHECK(rare);
  }
  CHECK(most == 3);
}

TEST_CASE("bins that have too little give what they have") {
  SamplingOptions options;
  options.target = 100;
  options.most_copies = 2;
  options.lowest_share = options.highest_share = 0;
  CHECK(draw({0.1, 0.5, 0.9}, options).size() == 3);
  options.lowest_share = 0.4;
  CHECK(draw({0.1, 0.5, 0.9}, options) == std::vector<std::size_t>{0, 0, 1, 2});
  CHECK(draw({-3.0, 7.0}, SamplingOptions()).size() == 2);
}

TEST_CASE("scores that are no numbers and options out of range are errors") {
  CHECK(sample_by_quality({}).status().code() == Errc::bad_argument);
  const std::vector<double> bad = {0.5, std::numeric_limits<double>::quiet_NaN()};
  CHECK(sample_by_quality(bad).status().code() == Errc::not_finite);
  SamplingOptions options;
  options.most_copies = 0.5;
  const std::vector<double> good = {0.5};
  CHECK(sample_by_quality(good, options).status().code() == Errc::bad_argument);
}
