// Balances a training set: fewer images of common quality, more of rare quality (Peng et al., section 3.4).
#pragma once

#include <tinyfiqa/base/config.hpp>
#include <tinyfiqa/base/shuffle.hpp>
#include <tinyfiqa/base/span.hpp>
#include <tinyfiqa/base/status.hpp>

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <numeric>
#include <vector>

TINYFIQA_BEGIN

/// Options of sample_by_quality().
struct SamplingOptions {
  std::size_t bins = 100;       ///< number of equal bins between low and high
  double low = 0, high = 1;     ///< scores outside this range belong to the first and the last bin
  double lowest_share = 0.10;   ///< share of the images, those with the lowest scores, that count as rare
  double highest_share = 0.05;  ///< the same for the highest scores
  double most_copies = 4;       ///< an image of a rare bin is taken at most this often
  std::size_t target = 0;       ///< number of rows in the result; 0: as many as there are scores
  std::uint64_t seed = 1;
};

namespace detail {

/// Draws `wanted` rows: each row floor(wanted / rows.size()) times, and the rest at random
/// without replacement.
inline void draw_rows(std::vector<std::size_t> rows, std::size_t wanted, Rng rng,
                      std::vector<std::size_t>& drawn) {
  if (rows.empty()) return;
  for (std::size_t copy = 0; copy < wanted / rows.size(); ++copy)
    drawn.insert(drawn.end(), rows.begin(), rows.end());
  shuffle(rows, rng);
  drawn.insert(drawn.end(), rows.begin(), rows.begin() + static_cast<std::ptrdiff_t>(wanted % rows.size()));
}

/// The level at which the sum of min(capacity[b], level) is `target`, found by bisection.
inline double fill_level(const std::vector<double>& capacity, double target) {
  double low = 0, high = *std::max_element(capacity.begin(), capacity.end());
  for (int i = 0; i < 100; ++i) {
    const double level = (low + high) / 2;
    double sum = 0;
    for (const double c : capacity) sum += std::min(c, level);
    (sum < target ? low : high) = level;
  }
  return high;
}

}  // namespace detail

/// Chooses rows to train on. The result is in ascending order; over-sampled rows occur several times.
///
/// All bins get the same number of rows if they have enough. A bin has one row for each of its images; a bin
/// that contains one of the lowest or highest scores has `most_copies` for each. The number of rows per bin
/// is chosen so that the result has `target` rows. If all bins together have fewer, the result is smaller.
/// Errors: bad_argument if there are no scores or an option is out of range; not_finite.
inline Result<std::vector<std::size_t>> sample_by_quality(Span<const double> scores,
                                                          const SamplingOptions& options = {}) {
  if (scores.empty() || options.bins < 1 || !(options.low < options.high) || !(options.most_copies >= 1) ||
      !(options.lowest_share >= 0) || !(options.highest_share >= 0))
    return Status::error(Errc::bad_argument,
                         "sampling needs scores, bins >= 1, low < high, shares >= 0 and most_copies >= 1");
  std::vector<std::vector<std::size_t>> bins(options.bins);
  std::vector<double> sorted(scores.begin(), scores.end());
  for (std::size_t i = 0; i < scores.size; ++i) {
    if (!std::isfinite(scores[i]))
      return Status::error(Errc::not_finite, "score ", i, " (from 0) is not finite; correct it");
    const double at = (scores[i] - options.low) / (options.high - options.low);
    const double place = std::clamp(std::floor(at * static_cast<double>(options.bins)), 0.0,
                                    static_cast<double>(options.bins - 1));
    bins[static_cast<std::size_t>(place)].push_back(i);
  }
  std::sort(sorted.begin(), sorted.end());
  const auto at_share = [&](double share) {
    const double place = std::clamp(share, 0.0, 1.0) * static_cast<double>(sorted.size());
    return static_cast<std::size_t>(place);
  };
  const std::size_t lowest = at_share(options.lowest_share), highest = at_share(options.highest_share);
  std::vector<double> capacity;
  for (const auto& rows : bins) {
    const bool rare = std::any_of(rows.begin(), rows.end(), [&](std::size_t i) {
      return (lowest > 0 && scores[i] <= sorted[lowest - 1]) ||
             (highest > 0 && scores[i] >= sorted[sorted.size() - highest]);
    });
    capacity.push_back(static_cast<double>(rows.size()) * (rare ? options.most_copies : 1));
  }
  const std::size_t target = options.target > 0 ? options.target : scores.size;
  const double level = detail::fill_level(capacity, static_cast<double>(target));
  std::vector<std::size_t> drawn;
  // The fraction of a row that rounding left over so far. Its random start decides
  // which of many small bins get a row.
  double owed = 0.99 * double{Rng(options.seed, detail::shuffle_streams::split).uniform()};
  for (std::size_t b = 0; b < bins.size(); ++b) {
    owed += std::min(capacity[b], level);
    const double wanted = std::min(std::floor(owed + 1e-6), std::ceil(capacity[b]));
    owed -= wanted;
    detail::draw_rows(bins[b], static_cast<std::size_t>(wanted),
                      Rng(detail::mix_seed(options.seed, b), detail::shuffle_streams::order), drawn);
  }
  std::sort(drawn.begin(), drawn.end());
  return drawn;
}

TINYFIQA_END
