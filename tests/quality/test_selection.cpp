#include <tinyfiqa/quality/selection.hpp>

#include <tinyfiqa/base/rng.hpp>

#include <doctest/doctest.h>

#include <algorithm>

using namespace tinyfiqa;

TEST_CASE("the best few of many are those that a stable sort gives") {
  Rng rng(3);
  BestFew<int> best(5);
  std::vector<std::pair<double, int>> all;
  for (int i = 0; i < 200; ++i) {
    const double score = static_cast<double>(rng.below(20));
    const std::size_t place = best.place(score);
    CHECK(best.offer(score, i) == place);
    all.emplace_back(-score, i);
    std::sort(all.begin(), all.end());
    REQUIRE(best.entries().size() == std::min<std::size_t>(5, all.size()));
    for (std::size_t k = 0; k < best.entries().size(); ++k) {
      CHECK(best.entries()[k].item == all[k].second);
      if (all[k].second == i) CHECK(place == k + 1);
    }
  }
  CHECK(BestFew<int>(0).offer(1, 1) == 0);
}
