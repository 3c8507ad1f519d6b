// Ranking SVM: learns a linear scoring function from ordered pairs (Joachims 2002).
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

/// Two rows of a matrix: `better` should get a higher score than `worse`.
struct RankPair {
  std::uint32_t better = 0, worse = 0;
};

/// Options of train_rank_svm().
struct RankOptions {
  double cost = 1;         ///< C * number of pairs: weight of the loss of all pairs against |w|^2 / 2
  int rounds = 30;         ///< passes over all pairs
  std::uint64_t seed = 1;  ///< of the order of the pairs
};

/// Draws `count` pairs of rows whose labels differ by `gap` or more, at random with replacement. Returns
/// fewer if such pairs are rare.
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

/// Trains on features x [N, columns]. Returns the weights w [columns] that minimise
///   |w|^2 / 2 + C * sum over pairs of max(0, 1 - w . (x_better - x_worse))^2,  C = cost / number of pairs,
/// by dual coordinate descent (Hsieh et al. 2008, L2 loss).
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
