// Evaluation: how discarding images by quality changes recognition errors (Peng et al., section 4), and
// verification accuracy.
#pragma once

#include <tinyfiqa/base/config.hpp>
#include <tinyfiqa/base/shuffle.hpp>
#include <tinyfiqa/base/span.hpp>
#include <tinyfiqa/base/status.hpp>
#include <tinyfiqa/evaluation/bootstrap.hpp>

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <limits>
#include <numeric>
#include <utility>
#include <vector>

TINYFIQA_BEGIN

/// Two images that were compared. All pairs of a cluster (a person) are drawn together in a bootstrap.
struct ComparedPair {
  std::uint32_t a = 0, b = 0;  ///< indices of the images
  std::uint32_t cluster = 0;   ///< index of the cluster
  float score = 0;             ///< cosine similarity of the embeddings
};

/// A false match rate is measured only if at least this many false matches are expected.
inline constexpr double least_expected_errors = 10;

/// The threshold for a false match rate: at most the share `rate` of the impostor scores is above it.
/// `descending` has the scores of impostor pairs, highest first. Returns NaN if there are too few of them,
/// that is if rate * count < least_expected_errors.
inline double threshold_for_rate(const std::vector<float>& descending, double rate) {
  const double allowed = rate * static_cast<double>(descending.size());
  if (allowed < least_expected_errors) return std::numeric_limits<double>::quiet_NaN();
  return double{descending[std::min(descending.size() - 1, static_cast<std::size_t>(allowed))]};
}

/// The false non-match rate as a function of the share of images that are discarded, worst quality first.
struct DiscardCurve {
  std::vector<double> discard;    ///< [31] discarded shares, 0 to 0.3 in steps of 0.01
  std::vector<double> fnmr;       ///< [31] false non-match rate at each share
  double area20 = 0, area30 = 0;  ///< areas under the curve from 0 to 0.2 and from 0 to 0.3
  Interval area20_interval, area30_interval;
};

namespace detail {

constexpr std::size_t discard_levels = 31;

/// The rank of each image by quality, worst first. Images of equal quality are in a random order; values that
/// are not finite are worst.
inline std::vector<std::size_t> quality_places(Span<const double> quality, std::uint64_t seed) {
  std::vector<std::size_t> order(quality.size), places(quality.size);
  std::iota(order.begin(), order.end(), std::size_t{0});
  const auto key = [&](std::size_t i) {
    return std::pair(std::isfinite(quality[i]) ? quality[i] : -HUGE_VAL, mix_seed(seed, i));
  };
  std::sort(order.begin(), order.end(), [&](std::size_t a, std::size_t b) { return key(a) < key(b); });
  for (std::size_t i = 0; i < order.size(); ++i) places[order[i]] = i;
  return places;
}

/// For each cluster and discard level, the number of genuine pairs that are kept, and how many of these are
/// not above the threshold.
struct DiscardCounts {
  std::size_t clusters = 0;
  std::vector<double> kept, missed;  // [clusters, discard_levels]

  DiscardCounts(const std::vector<ComparedPair>& genuine, const std::vector<std::size_t>& places,
                double threshold) {
    for (const ComparedPair& p : genuine) clusters = std::max<std::size_t>(clusters, p.cluster + 1u);
    kept.resize(clusters * discard_levels);
    missed.resize(kept.size());
    for (const ComparedPair& p : genuine) {
      const double worst = static_cast<double>(std::min(places[p.a], places[p.b]));
      for (std::size_t level = 0; level < discard_levels; ++level) {
        if (worst < std::floor(static_cast<double>(level * places.size()) / 100)) break;
        kept[p.cluster * discard_levels + level] += 1;
        if (double{p.score} <= threshold) missed[p.cluster * discard_levels + level] += 1;
      }
    }
  }

  /// The false non-match rate at each level, with cluster c counted weight[c] times.
  std::vector<double> fnmr(const std::vector<std::uint32_t>& weight) const {
    std::vector<double> all(discard_levels), bad(discard_levels);
    for (std::size_t c = 0; c < clusters; ++c)
      for (std::size_t level = 0; weight[c] > 0 && level < discard_levels; ++level) {
        all[level] += weight[c] * kept[c * discard_levels + level];
        bad[level] += weight[c] * missed[c * discard_levels + level];
      }
    for (std::size_t level = 0; level < discard_levels; ++level)
      bad[level] = all[level] > 0 ? bad[level] / all[level] : 0;
    return bad;
  }
};

/// The area under the first `levels` steps of 0.01, by the trapezoidal rule.
inline double curve_area(const std::vector<double>& y, std::size_t levels) {
  double area = 0;
  for (std::size_t i = 0; i < levels; ++i) area += 0.01 * (y[i] + y[i + 1]) / 2;
  return area;
}

/// The percentile interval of `values`, which are sorted in place.
inline Interval interval_of(std::vector<double>& values, double level) {
  std::sort(values.begin(), values.end());
  return {sorted_quantile(values, (1 - level) / 2), sorted_quantile(values, (1 + level) / 2)};
}

/// Calls body(weights) for each resample of the clusters; weights[c] is how often cluster c was drawn.
template <class Body>
void for_each_resample(std::size_t clusters, const BootstrapOptions& options, const Body& body) {
  std::vector<std::uint32_t> weight(clusters);
  for (int r = 0; r < options.resamples; ++r) {
    Rng rng(mix_seed(options.seed, static_cast<std::uint64_t>(r)), shuffle_streams::bootstrap);
    std::fill(weight.begin(), weight.end(), 0u);
    for (std::size_t i = 0; i < clusters; ++i) ++weight[rng.below(static_cast<std::uint32_t>(clusters))];
    body(weight);
  }
}

}  // namespace detail

/// Error versus discard (Grother and Tabassi 2007). `quality` [images] has the quality of each image; values
/// that are not finite count as worst. A genuine pair is counted if both its images are kept. The threshold
/// does not change with the discarded share. The intervals are from resamples of the clusters with a fixed
/// threshold and a fixed order of the images. Errors: bad_argument if there are no pairs.
inline Result<DiscardCurve> discard_curve(const std::vector<ComparedPair>& genuine, double threshold,
                                          Span<const double> quality, const BootstrapOptions& options) {
  if (genuine.empty())
    return Status::error(Errc::bad_argument, "there are no pairs of images of the same person to compare");
  const detail::DiscardCounts counts(genuine, detail::quality_places(quality, options.seed), threshold);
  DiscardCurve curve;
  curve.fnmr = counts.fnmr(std::vector<std::uint32_t>(counts.clusters, 1));
  for (std::size_t i = 0; i < detail::discard_levels; ++i)
    curve.discard.push_back(0.01 * static_cast<double>(i));
  curve.area20 = detail::curve_area(curve.fnmr, 20);
  curve.area30 = detail::curve_area(curve.fnmr, 30);
  std::vector<double> areas20, areas30;
  detail::for_each_resample(counts.clusters, options, [&](const std::vector<std::uint32_t>& weight) {
    const auto fnmr = counts.fnmr(weight);
    areas20.push_back(detail::curve_area(fnmr, 20));
    areas30.push_back(detail::curve_area(fnmr, 30));
  });
  curve.area20_interval = detail::interval_of(areas20, options.level);
  curve.area30_interval = detail::interval_of(areas30, options.level);
  return curve;
}

/// A rate and its interval; NaN if there are too few pairs to measure it.
struct RateEstimate {
  double value = std::numeric_limits<double>::quiet_NaN();
  Interval interval;
};

/// The true positive rate at the false positive rate `rate`: the share of genuine pairs above
/// threshold_for_rate(). The interval is from resamples of the clusters with a fixed threshold.
inline RateEstimate true_positive_rate(const std::vector<ComparedPair>& genuine,
                                       const std::vector<float>& impostors_descending, double rate,
                                       const BootstrapOptions& options) {
  RateEstimate result;
  const double threshold = threshold_for_rate(impostors_descending, rate);
  if (genuine.empty() || std::isnan(threshold)) return result;
  std::size_t clusters = 0;
  for (const ComparedPair& p : genuine) clusters = std::max<std::size_t>(clusters, p.cluster + 1u);
  std::vector<double> all(clusters), found(clusters), rates;
  for (const ComparedPair& p : genuine) {
    all[p.cluster] += 1;
    found[p.cluster] += double{p.score} > threshold ? 1 : 0;
  }
  const auto share = [&](const std::vector<std::uint32_t>& weight) {
    double n = 0, hits = 0;
    for (std::size_t c = 0; c < clusters; ++c) n += weight[c] * all[c], hits += weight[c] * found[c];
    return n > 0 ? hits / n : 0;
  };
  result.value = share(std::vector<std::uint32_t>(clusters, 1));
  detail::for_each_resample(clusters, options, [&](const auto& weight) { rates.push_back(share(weight)); });
  result.interval = detail::interval_of(rates, options.level);
  return result;
}

/// One line of a pairs file.
struct LabelledPair {
  double score = 0;   ///< cosine similarity of the embeddings
  bool same = false;  ///< true if both images show the same person
  int fold = 0;       ///< counted from 0
};

/// Verification accuracy by cross-validation, the protocol of LFW and YTF.
struct FoldAccuracy {
  std::vector<double> folds;  ///< accuracy of each fold, 0..1
  double mean = 0, std = 0;   ///< of the folds; std divides by n - 1
  double threshold = 0;       ///< mean of the thresholds
};

namespace detail {

/// The threshold with the most correct decisions: a pair is accepted if its score is above it. It lies in the
/// middle of two neighbouring scores.
inline double best_threshold(std::vector<std::pair<double, bool>> pairs) {
  std::sort(pairs.begin(), pairs.end());
  std::ptrdiff_t right = 0, best = 0;  // correct decisions, minus those with a threshold below all scores
  double threshold = pairs.empty() ? 0 : pairs[0].first - 1;
  for (std::size_t i = 0; i < pairs.size(); ++i) {
    right += pairs[i].second ? -1 : 1;
    if (i + 1 < pairs.size() && pairs[i + 1].first <= pairs[i].first) continue;
    if (right <= best) continue;
    best = right;
    threshold = i + 1 < pairs.size() ? (pairs[i].first + pairs[i + 1].first) / 2 : pairs[i].first + 1;
  }
  return threshold;
}

}  // namespace detail

/// The accuracy of each fold with the threshold that is best on all other folds. Errors: bad_argument if
/// there are fewer than two folds or a fold has no pair.
inline Result<FoldAccuracy> fold_accuracy(const std::vector<LabelledPair>& pairs) {
  int folds = 0;
  for (const LabelledPair& p : pairs) folds = std::max(folds, p.fold + 1);
  if (folds < 2)
    return Status::error(Errc::bad_argument, "the accuracy by folds needs at least two folds; number them");
  FoldAccuracy result;
  for (int fold = 0; fold < folds; ++fold) {
    std::vector<std::pair<double, bool>> others;
    for (const LabelledPair& p : pairs)
      if (p.fold != fold) others.emplace_back(p.score, p.same);
    const double threshold = detail::best_threshold(std::move(others));
    double right = 0, count = 0;
    for (const LabelledPair& p : pairs)
      if (p.fold == fold) right += (p.score > threshold) == p.same ? 1 : 0, count += 1;
    if (!(count > 0))
      return Status::error(Errc::bad_argument, "no pair in fold ", fold + 1, " of ", folds,
                           "; number the folds without gaps");
    result.folds.push_back(right / count);
    result.threshold += threshold / folds;
    result.mean += right / count / folds;
  }
  for (const double a : result.folds)
    result.std += (a - result.mean) * (a - result.mean) / static_cast<double>(folds - 1);
  result.std = std::sqrt(result.std);
  return result;
}

/// A receiver operating characteristic: for falling thresholds, the shares of pairs with a score above the threshold.
struct RocCurve {
  std::vector<double> false_positive, true_positive;  ///< rates, 0..1, from (0, 0) to (1, 1)
};

/// The curve with a point for each different score. Errors: bad_argument without a genuine or without an impostor pair.
inline Result<RocCurve> roc_curve(const std::vector<LabelledPair>& pairs) {
  std::vector<std::pair<double, bool>> sorted;
  double genuine = 0, impostors = 0;
  for (const LabelledPair& p : pairs) {
    sorted.emplace_back(p.score, p.same);
    (p.same ? genuine : impostors) += 1;
  }
  if (!(genuine > 0 && impostors > 0))
    return Status::error(Errc::bad_argument, "a ROC needs pairs of the same person and of different people");
  std::sort(sorted.begin(), sorted.end(), [](const auto& a, const auto& b) { return a.first > b.first; });
  RocCurve roc{{0}, {0}};
  double accepted_genuine = 0, accepted_impostors = 0;
  for (std::size_t i = 0; i < sorted.size(); ++i) {
    (sorted[i].second ? accepted_genuine : accepted_impostors) += 1;
    if (i + 1 < sorted.size() && !(sorted[i + 1].first < sorted[i].first))
      continue;  // equal scores go together
    roc.false_positive.push_back(accepted_impostors / impostors);
    roc.true_positive.push_back(accepted_genuine / genuine);
  }
  return roc;
}

TINYFIQA_END
