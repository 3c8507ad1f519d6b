// A linear function that puts things into order, learned from pairs (Joachims 2002).
#pragma once

#include <tinyfiqa/base/config.hpp>
#include <tinyfiqa/base/rng.hpp>
#include <tinyfiqa/base/shuffle.hpp>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <utility>
#include <vector>

TINYFIQA_BEGIN

/// `better` should score higher than `worse`: rows of a matrix.
struct RankPair {
  std::uint32_t better = 0, worse = 0;
};

struct RankOptions {
  double cost = 1;  ///< C / number of pairs: how much a pair in wrong order weighs against a short w
  int rounds = 30;  ///< over all pairs
  std::uint64_t seed = 1;
};

/// `count` pairs of rows whose labels differ by `gap` or more, drawn at random; fewer if such pairs are rare.
inline std::vector<RankPair> draw_rank_pairs(const std::vector<double>& labels, std::size_t count, double gap,
                                             Rng rng) {
  std::vector<RankPair> pairs;
  const auto rows = static_cast<std::uint32_t>(labels.size());
  for (std::size_t tries = 0; rows > 1 && pairs.size() < count && tries < 20 * count; ++tries) {
    const std::uint32_t a = rng.below(rows), b = rng.below(rows);
    if (labels[a] - labels[b] >= gap && labels[a] > labels[b]) pairs.push_back({a, b});
  }
  return pairs;
}

/// w [columns] that minimises  1/2 |w|^2 + C sum_pairs max(0, 1 - w (x_better - x_worse))^2  over x [N,
/// columns], by descent along the dual's coordinates (Hsieh, Chang, Lin, Keerthi, Sundararajan 2008, L2
/// loss).
inline std::vector<double> train_rank_svm(const std::vector<float>& x, std::size_t columns,
                                          const std::vector<RankPair>& pairs, const RankOptions& options) {
  const double c = options.cost / static_cast<double>(std::max<std::size_t>(1, pairs.size()));
  const double diagonal = 1 / (2 * c);
  std::vector<double> w(columns), alpha(pairs.size());
  std::vector<std::uint32_t> order(pairs.size());
  for (std::size_t i = 0; i < order.size(); ++i) order[i] = static_cast<std::uint32_t>(i);
  for (int round = 0; round < options.rounds; ++round) {
    detail::shuffle(order, Rng(options.seed, static_cast<std::uint64_t>(round)));
    for (const std::uint32_t p : order) {
      const float* a = x.data() + std::size_t{pairs[p].better} * columns;
      const float* b = x.data() + std::size_t{pairs[p].worse} * columns;
      double margin = 0, length = diagonal;
      for (std::size_t k = 0; k < columns; ++k) {
        const double d = double{a[k]} - double{b[k]};
        margin += w[k] * d, length += d * d;
      }
      const double now = std::max(0.0, alpha[p] - (margin - 1 + diagonal * alpha[p]) / length);
      const double change = now - alpha[p];
      alpha[p] = now;
      if (change != 0)
        for (std::size_t k = 0; k < columns; ++k) w[k] += change * (double{a[k]} - double{b[k]});
    }
  }
  return w;
}

TINYFIQA_END
