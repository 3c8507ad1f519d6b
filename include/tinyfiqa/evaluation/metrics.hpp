// Metrics of the agreement of predictions with labels: SRCC, PLCC, Kendall's tau-b, RMSE and the final score.
#pragma once

#include <tinyfiqa/base/config.hpp>
#include <tinyfiqa/base/span.hpp>
#include <tinyfiqa/base/status.hpp>

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <numeric>
#include <utility>
#include <vector>

TINYFIQA_BEGIN

/// The metrics of `count` pairs. If all predictions or all labels are equal (also if there is only one pair),
/// the correlations are 0 and `constant` is true.
struct Metrics {
  std::size_t count = 0;
  double srcc = 0;         ///< Spearman's rank correlation, -1..1; tied values get their average rank
  double plcc = 0;         ///< Pearson's linear correlation, -1..1
  double kendall = 0;      ///< Kendall's tau-b, -1..1
  double rmse = 0;         ///< root mean square error, in the units of the labels
  double final_score = 0;  ///< (SRCC + PLCC) / 2
  bool constant = false;
};

namespace detail {

/// Pairs sorted by (x, y), with the rank of each value among the distinct values. The rank correlations of
/// any multiset of the pairs are then computed without another sort; a bootstrap needs many of them.
class RankedPairs {
 public:
  RankedPairs(Span<const double> x, Span<const double> y) : order_(x.size) {
    std::iota(order_.begin(), order_.end(), std::size_t{0});
    x_rank_ = distinct_ranks(x, x_ranks_);
    y_rank_ = distinct_ranks(y, y_ranks_);
    std::sort(order_.begin(), order_.end(), [&](std::size_t a, std::size_t b) {
      return std::pair(x_rank_[a], y_rank_[a]) < std::pair(x_rank_[b], y_rank_[b]);
    });
    // Scaling by powers of two is exact; it keeps the squares from overflowing.
    x_scale_ = scale_of(x);
    y_scale_ = scale_of(y);
    for (const std::size_t i : order_) {
      pairs_.push_back({std::ldexp(x[i], -x_scale_), std::ldexp(y[i], -y_scale_), x_rank_[i], y_rank_[i]});
    }
  }

  std::size_t size() const { return pairs_.size(); }

  /// Scratch memory of measure(). Each thread needs its own.
  struct Workspace {
    std::vector<double> x_mean_rank, y_mean_rank;
    std::vector<std::uint64_t> x_counts, y_counts, tree;
  };

  /// The metrics of the multiset that contains the i-th sorted pair counts[i] times.
  Metrics measure(const std::vector<std::uint32_t>& counts, Workspace& workspace) const {
    Metrics m;
    count_ranks(counts, workspace);
    for (const std::uint64_t c : workspace.x_counts) m.count += static_cast<std::size_t>(c);
    m.rmse = rmse(counts, m.count);
    m.constant = is_constant(workspace.x_counts) || is_constant(workspace.y_counts);
    if (m.constant) return m;
    mean_ranks(workspace.x_counts, workspace.x_mean_rank);
    mean_ranks(workspace.y_counts, workspace.y_mean_rank);
    m.plcc = correlation(counts, m.count, [](const Pair& p) { return std::pair(p.x, p.y); });
    m.srcc = correlation(counts, m.count, [&](const Pair& p) {
      return std::pair(workspace.x_mean_rank[p.x_rank], workspace.y_mean_rank[p.y_rank]);
    });
    m.kendall = kendall(counts, m.count, workspace);
    m.final_score = (m.srcc + m.plcc) / 2;
    return m;
  }

 private:
  struct Pair {
    double x, y;
    std::uint32_t x_rank, y_rank;
  };

  static int scale_of(Span<const double> values) {
    double largest = 0;
    for (const double v : values) largest = std::max(largest, std::fabs(v));
    int exponent = 0;
    std::frexp(largest, &exponent);
    return exponent;
  }

  static std::vector<std::uint32_t> distinct_ranks(Span<const double> values, std::size_t& distinct) {
    std::vector<double> sorted(values.begin(), values.end());
    std::sort(sorted.begin(), sorted.end());
    sorted.erase(std::unique(sorted.begin(), sorted.end()), sorted.end());
    distinct = sorted.size();
    std::vector<std::uint32_t> ranks;
    for (const double v : values)
      ranks.push_back(
          static_cast<std::uint32_t>(std::lower_bound(sorted.begin(), sorted.end(), v) - sorted.begin()));
    return ranks;
  }

  void count_ranks(const std::vector<std::uint32_t>& counts, Workspace& workspace) const {
    workspace.x_counts.assign(x_ranks_, 0);
    workspace.y_counts.assign(y_ranks_, 0);
    for (std::size_t i = 0; i < pairs_.size(); ++i) {
      workspace.x_counts[pairs_[i].x_rank] += counts[i];
      workspace.y_counts[pairs_[i].y_rank] += counts[i];
    }
  }

  static bool is_constant(const std::vector<std::uint64_t>& rank_counts) {
    return std::count_if(rank_counts.begin(), rank_counts.end(), [](std::uint64_t c) { return c > 0; }) < 2;
  }

  static void mean_ranks(const std::vector<std::uint64_t>& counts, std::vector<double>& ranks) {
    ranks.resize(counts.size());
    std::uint64_t below = 0;
    for (std::size_t r = 0; r < counts.size(); ++r) {
      ranks[r] = static_cast<double>(below) + 0.5 * (static_cast<double>(counts[r]) + 1);
      below += counts[r];
    }
  }

  /// sum (u - mean u)(v - mean v) / sqrt(sum (u - mean u)^2 sum (v - mean v)^2)
  template <class Values>
  double correlation(const std::vector<std::uint32_t>& counts, std::size_t n, const Values& values) const {
    double u_mean = 0, v_mean = 0, uu = 0, vv = 0, uv = 0;
    for (std::size_t i = 0; i < pairs_.size(); ++i) {
      const auto [u, v] = values(pairs_[i]);
      u_mean += counts[i] * u;
      v_mean += counts[i] * v;
    }
    u_mean /= static_cast<double>(n);
    v_mean /= static_cast<double>(n);
    for (std::size_t i = 0; i < pairs_.size(); ++i) {
      const auto [u, v] = values(pairs_[i]);
      const double du = u - u_mean, dv = v - v_mean;
      uu += counts[i] * (du * du);
      vv += counts[i] * (dv * dv);
      uv += counts[i] * (du * dv);
    }
    if (!(uu > 0) || !(vv > 0)) return 0;
    return std::clamp(uv / std::sqrt(uu) / std::sqrt(vv), -1.0, 1.0);
  }

  double rmse(const std::vector<std::uint32_t>& counts, std::size_t n) const {
    const int scale = std::max(x_scale_, y_scale_);
    double sum = 0;
    for (std::size_t i = 0; i < pairs_.size(); ++i) {
      const double d = std::ldexp(pairs_[i].x, x_scale_ - scale) - std::ldexp(pairs_[i].y, y_scale_ - scale);
      sum += counts[i] * (d * d);
    }
    return n == 0 ? 0 : std::ldexp(std::sqrt(sum / static_cast<double>(n)), scale);
  }

  static double pairs_within(std::uint64_t count) {
    return 0.5 * static_cast<double>(count) * (static_cast<double>(count) - 1);
  }
  static double ties(const std::vector<std::uint64_t>& counts) {
    double sum = 0;
    for (const std::uint64_t c : counts) sum += pairs_within(c);
    return sum;
  }

  /// tau-b = (concordant - discordant) / sqrt((all - ties in x)(all - ties in y)), in O(n log n).
  double kendall(const std::vector<std::uint32_t>& counts, std::size_t n, Workspace& workspace) const {
    const double all = pairs_within(n), x_ties = ties(workspace.x_counts), y_ties = ties(workspace.y_counts);
    double both_tied = 0;
    std::uint64_t same = 0;
    for (std::size_t i = 0; i < pairs_.size(); ++i) {
      same += counts[i];
      if (i + 1 < pairs_.size() && pairs_[i].x_rank == pairs_[i + 1].x_rank &&
          pairs_[i].y_rank == pairs_[i + 1].y_rank)
        continue;
      both_tied += pairs_within(same);
      same = 0;
    }
    const double difference = all - x_ties - y_ties + both_tied - 2 * discordant(counts, workspace.tree);
    return std::clamp(difference / std::sqrt(all - x_ties) / std::sqrt(all - y_ties), -1.0, 1.0);
  }

  /// The number of discordant pairs of pairs: x < x' and y > y'. `tree` is a Fenwick tree (Fenwick 1994) of
  /// the y that were seen so far. Pairs with the same x are counted first and then added together.
  double discordant(const std::vector<std::uint32_t>& counts, std::vector<std::uint64_t>& tree) const {
    tree.assign(y_ranks_ + 1, 0);
    std::uint64_t seen = 0, found = 0;
    for (std::size_t i = 0, group = 0; i < pairs_.size(); group = i) {
      for (; i < pairs_.size() && pairs_[i].x_rank == pairs_[group].x_rank; ++i) {
        if (counts[i] == 0) continue;
        std::uint64_t not_above = 0;
        for (std::size_t at = pairs_[i].y_rank + 1; at > 0; at &= at - 1) not_above += tree[at];
        found += counts[i] * (seen - not_above);
      }
      for (std::size_t j = group; j < i; ++j) {
        if (counts[j] == 0) continue;
        for (std::size_t at = pairs_[j].y_rank + 1; at <= y_ranks_; at += at & (0 - at))
          tree[at] += counts[j];
        seen += counts[j];
      }
    }
    return static_cast<double>(found);
  }

  std::vector<std::size_t> order_;
  std::vector<std::uint32_t> x_rank_, y_rank_;  // in the caller's order
  std::vector<Pair> pairs_;                     // sorted
  std::size_t x_ranks_ = 0, y_ranks_ = 0;
  int x_scale_ = 0, y_scale_ = 0;
};

/// Checks the arguments of compute_metrics().
inline Status check_pairs(Span<const double> predictions, Span<const double> labels) {
  if (predictions.size != labels.size)
    return Status::error(Errc::mismatch, predictions.size, " predictions, but ", labels.size,
                         " labels; give one label for each prediction");
  if (predictions.empty())
    return Status::error(Errc::bad_argument, "there are no predictions to compare; give at least one");
  if (predictions.size > 0xffffffffu)
    return Status::error(Errc::too_large, predictions.size, " predictions; at most 2^32 - 1 can be compared");
  for (std::size_t i = 0; i < predictions.size; ++i)
    if (!std::isfinite(predictions[i]) || !std::isfinite(labels[i]))
      return Status::error(Errc::not_finite, std::isfinite(labels[i]) ? "prediction " : "label ", i,
                           " (counted from 0) is not a finite number; correct or leave out the pair");
  return Status();
}

}  // namespace detail

/// Computes the metrics of predictions and labels, both [n], n >= 1. Errors: mismatch if the lengths differ,
/// bad_argument if there are no values, not_finite (the message has the index), too_large.
inline Result<Metrics> compute_metrics(Span<const double> predictions, Span<const double> labels) {
  const Status status = detail::check_pairs(predictions, labels);
  if (!status) return status;
  const detail::RankedPairs pairs(predictions, labels);
  detail::RankedPairs::Workspace workspace;
  return pairs.measure(std::vector<std::uint32_t>(pairs.size(), 1), workspace);
}

TINYFIQA_END
