// Confidence intervals of the metrics: percentiles over bootstrap resamples (Efron 1979).
#pragma once

#include <tinyfiqa/base/config.hpp>
#include <tinyfiqa/base/shuffle.hpp>
#include <tinyfiqa/base/span.hpp>
#include <tinyfiqa/base/status.hpp>
#include <tinyfiqa/evaluation/metrics.hpp>
#include <tinyfiqa/evaluation/quantile.hpp>
#include <tinyfiqa/threads/start.hpp>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <thread>
#include <vector>

TINYFIQA_BEGIN

/// Options of a bootstrap.
struct BootstrapOptions {
  int resamples = 1000;    ///< number of resamples, at least 1
  double level = 0.95;     ///< confidence level, between 0 and 1
  std::uint64_t seed = 1;  ///< of the resamples
  int threads = 1;         ///< at least 1; the result does not depend on it
};

/// A confidence interval.
struct Interval {
  double low = 0, high = 0;
};

/// The metrics and an interval for each. A resample with constant predictions or labels has correlation 0.
struct MetricIntervals {
  Metrics value;
  Interval srcc, plcc, kendall, rmse, final_score;
};

namespace detail {

/// Measures the resamples first, first + step, ... The metrics of resample r depend only on the seed and r.
inline void measure_resamples(const RankedPairs& pairs, const BootstrapOptions& options, std::size_t first,
                              std::size_t step, std::vector<Metrics>& out) {
  const auto n = static_cast<std::uint32_t>(pairs.size());
  std::vector<std::uint32_t> counts;
  RankedPairs::Workspace workspace;
  for (std::size_t r = first; r < out.size(); r += step) {
    Rng rng(mix_seed(options.seed, r), shuffle_streams::bootstrap);
    counts.assign(n, 0);
    for (std::uint32_t i = 0; i < n; ++i) ++counts[rng.below(n)];
    out[r] = pairs.measure(counts, workspace);
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

/// The metrics of predictions and labels [n], with bootstrap intervals. Errors: those of compute_metrics();
/// bad_argument if an option is out of range.
inline Result<MetricIntervals> bootstrap_metrics(Span<const double> predictions, Span<const double> labels,
                                                 const BootstrapOptions& options = {}) {
  const Status status = detail::check_pairs(predictions, labels);
  if (!status) return status;
  if (options.resamples < 1 || options.threads < 1 || !(options.level > 0 && options.level < 1))
    return Status::error(Errc::bad_argument,
                         "a bootstrap needs resamples >= 1, threads >= 1 and a level between 0 and 1");
  const detail::RankedPairs pairs(predictions, labels);
  detail::RankedPairs::Workspace workspace;
  MetricIntervals m;
  m.value = pairs.measure(std::vector<std::uint32_t>(pairs.size(), 1), workspace);
  std::vector<Metrics> resamples(static_cast<std::size_t>(options.resamples));
  const std::size_t threads = std::min(static_cast<std::size_t>(options.threads), resamples.size());
  std::vector<std::thread> others;
  others.reserve(threads);
  for (std::size_t t = 1; t < threads; ++t)
    others.push_back(
        try_thread([&, t] { detail::measure_resamples(pairs, options, t, threads, resamples); }));
  detail::measure_resamples(pairs, options, 0, threads, resamples);
  for (std::size_t t = 1; t < threads; ++t) {
    if (others[t - 1].joinable())
      others[t - 1].join();
    else
      detail::measure_resamples(pairs, options, t, threads, resamples);
  }
  m.srcc = detail::percentile_interval(resamples, &Metrics::srcc, options.level);
  m.plcc = detail::percentile_interval(resamples, &Metrics::plcc, options.level);
  m.kendall = detail::percentile_interval(resamples, &Metrics::kendall, options.level);
  m.rmse = detail::percentile_interval(resamples, &Metrics::rmse, options.level);
  m.final_score = detail::percentile_interval(resamples, &Metrics::final_score, options.level);
  return m;
}

TINYFIQA_END
