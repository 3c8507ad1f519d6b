// How sure the metrics are: percentile intervals over seeded resamples (Efron 1979).
#pragma once

#include <tinyfiqa/base/config.hpp>
#include <tinyfiqa/base/shuffle.hpp>
#include <tinyfiqa/base/span.hpp>
#include <tinyfiqa/base/status.hpp>
#include <tinyfiqa/evaluation/metrics.hpp>
#include <tinyfiqa/evaluation/quantile.hpp>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <thread>
#include <vector>

TINYFIQA_BEGIN

struct BootstrapOptions {
  int resamples = 1000;
  double level = 0.95;  ///< share of the resamples that the interval holds
  std::uint64_t seed = 1;
  int threads = 1;  ///< the result does not depend on it
};

struct Interval {
  double low = 0, high = 0;
};

/// The metrics with an interval for each. A resample that is constant counts as correlation 0.
struct MetricIntervals {
  Metrics value;
  Interval srcc, plcc, kendall, rmse, final_score;
};

namespace detail {

/// The metrics of resample r depend on the seed and r only.
inline void measure_resamples(const RankedPairs& pairs, const BootstrapOptions& options, std::size_t first,
                              std::size_t step, std::vector<Metrics>& out) {
  const auto n = static_cast<std::uint32_t>(pairs.size());
  std::vector<std::uint32_t> counts;
  RankedPairs::Room room;
  for (std::size_t r = first; r < out.size(); r += step) {
    Rng rng(mix_seed(options.seed, r), shuffle_streams::bootstrap);
    counts.assign(n, 0);
    for (std::uint32_t i = 0; i < n; ++i) ++counts[rng.below(n)];
    out[r] = pairs.measure(counts, room);
  }
}

inline Interval percentile_interval(const std::vector<Metrics>& resamples, double Metrics::*member,
                                    double level) {
  std::vector<double> values;
  for (const Metrics& m : resamples) values.push_back(m.*member);
  std::sort(values.begin(), values.end());
  return {sorted_quantile(values, (1 - level) / 2), sorted_quantile(values, (1 + level) / 2)};
}

}  // namespace detail

/// Errors: those of compute_metrics(); bad_argument for options out of range.
inline Result<MetricIntervals> bootstrap_metrics(Span<const double> predictions, Span<const double> labels,
                                                 const BootstrapOptions& options = {}) {
  const Status status = detail::check_pairs(predictions, labels);
  if (!status) return status;
  if (options.resamples < 1 || options.threads < 1 || !(options.level > 0 && options.level < 1))
    return Status::error(Errc::bad_argument,
                         "a bootstrap needs resamples and threads of 1 or more and a level between 0 and 1");
  const detail::RankedPairs pairs(predictions, labels);
  detail::RankedPairs::Room room;
  MetricIntervals m;
  m.value = pairs.measure(std::vector<std::uint32_t>(pairs.size(), 1), room);
  std::vector<Metrics> resamples(static_cast<std::size_t>(options.resamples));
  const std::size_t threads = std::min(static_cast<std::size_t>(options.threads), resamples.size());
  std::vector<std::thread> others;
  for (std::size_t t = 1; t < threads; ++t)
    others.emplace_back(detail::measure_resamples, std::cref(pairs), std::cref(options), t, threads,
                        std::ref(resamples));
  detail::measure_resamples(pairs, options, 0, threads, resamples);
  for (auto& thread : others) thread.join();
  m.srcc = detail::percentile_interval(resamples, &Metrics::srcc, options.level);
  m.plcc = detail::percentile_interval(resamples, &Metrics::plcc, options.level);
  m.kendall = detail::percentile_interval(resamples, &Metrics::kendall, options.level);
  m.rmse = detail::percentile_interval(resamples, &Metrics::rmse, options.level);
  m.final_score = detail::percentile_interval(resamples, &Metrics::final_score, options.level);
  return m;
}

TINYFIQA_END
