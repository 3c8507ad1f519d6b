// Helpers to train face recognisers: the persons as classes, the classification layer, and the
// verification accuracy.
#pragma once

#include <tinyfiqa/base/config.hpp>
#include <tinyfiqa/base/dot_product.hpp>
#include <tinyfiqa/base/rng.hpp>
#include <tinyfiqa/base/status.hpp>
#include <tinyfiqa/data/dataset.hpp>
#include <tinyfiqa/evaluation/verification.hpp>
#include <tinyfiqa/optim/margin_head.hpp>
#include <tinyfiqa/quality/model_registry.hpp>
#include <tinyfiqa/recognition/embedder.hpp>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <map>
#include <string>
#include <utility>
#include <vector>

TINYFIQA_BEGIN

/// The name of the class weights [people, dimension], which a recogniser has only during training.
inline constexpr const char* class_weights_name = "class_weights.weight";

/// Appends an operation to a recogniser: the cosines of its embedding with the weights of `people` classes.
/// The weights become the last parameter, after the running statistics.
inline void add_class_weights(NetworkDefinition& network, int people) {
  const int embedding = network.outputs.main();
  Op op;
  op.kind = OpKind::custom;
  op.inputs[0] = embedding;
  op.in_channels = network.ops[static_cast<std::size_t>(embedding)].channels;
  op.channels = people;
  op.custom = &custom_op<CosineLayer>;
  NamedParam weights{class_weights_name, matrix_param(ParamKind::linear_weight, people, op.in_channels)};
  weights.param.offset = static_cast<int>(block_size(network.params));
  op.weight = weights.param.offset;
  op.custom_params = weights.param.size();
  network.ops.push_back(op);
  network.params.push_back(std::move(weights));
}

/// The persons of the training rows, which are the classes.
struct PersonClasses {
  std::vector<std::string> names;  ///< sorted by their bytes
  std::vector<int> of;             ///< [samples] index in `names`; -1 for persons outside the training rows

  PersonClasses() = default;
  PersonClasses(const Dataset& data, const std::vector<std::size_t>& rows) {
    for (const std::size_t row : rows) names.push_back(data.samples[row].identity);
    std::sort(names.begin(), names.end());
    names.erase(std::unique(names.begin(), names.end()), names.end());
    for (const Sample& s : data.samples) {
      const auto at = std::lower_bound(names.begin(), names.end(), s.identity);
      of.push_back(at != names.end() && *at == s.identity ? static_cast<int>(at - names.begin()) : -1);
    }
  }
};

/// Two faces as indices of a list, and whether they show the same person.
struct FacePair {
  std::uint32_t a = 0, b = 0;
  bool same = false;
};

/// Draws pairs for a verification test: all pairs of the same person (at most `most`, at random), followed by
/// as many random pairs of two persons. `people` [faces] has the name of each face's person. The result is
/// empty if no person has two faces or if there is only one person.
inline std::vector<FacePair> verification_pairs(const std::vector<std::string>& people, std::size_t most,
                                                std::uint64_t seed) {
  std::map<std::string, std::vector<std::uint32_t>> faces;
  for (std::size_t i = 0; i < people.size(); ++i) faces[people[i]].push_back(static_cast<std::uint32_t>(i));
  if (faces.size() < 2) return {};
  std::vector<FacePair> pairs;
  for (const auto& [name, own] : faces)
    for (std::size_t i = 0; i < own.size(); ++i)
      for (std::size_t j = i + 1; j < own.size(); ++j) pairs.push_back({own[i], own[j], true});
  detail::shuffle(pairs, Rng(detail::mix_seed(seed), detail::shuffle_streams::split));
  pairs.resize(std::min(pairs.size(), most));
  Rng rng(detail::mix_seed(seed, 1));
  const auto count = static_cast<std::uint32_t>(people.size());
  for (std::size_t left = pairs.size(); left > 0;) {
    const FacePair pair{rng.below(count), rng.below(count), false};
    if (people[pair.a] == people[pair.b]) continue;
    pairs.push_back(pair);
    --left;
  }
  return pairs;
}

/// The verification accuracy, 0..1, by ten-fold cross-validation as on LFW: each fold uses the threshold on
/// the cosine that is best on the others. `embeddings` [faces, dimension] need not be normalised.
/// Errors: those of fold_accuracy().
inline Result<double> verification_accuracy(std::vector<float> embeddings, std::size_t dimension,
                                            const std::vector<FacePair>& pairs) {
  for (std::size_t at = 0; at < embeddings.size(); at += dimension)
    normalise({embeddings.data() + at, dimension});
  std::vector<LabelledPair> scored;
  const std::size_t folds = std::min<std::size_t>(10, pairs.size() / 2);
  for (std::size_t i = 0; i < pairs.size(); ++i) {
    const float cosine = dot_product(embeddings.data() + pairs[i].a * dimension,
                                     embeddings.data() + pairs[i].b * dimension, dimension);
    scored.push_back({double{cosine}, pairs[i].same, static_cast<int>(i % std::max<std::size_t>(1, folds))});
  }
  const auto accuracy = fold_accuracy(scored);
  if (!accuracy) return accuracy.status();
  return accuracy->mean;
}

TINYFIQA_END
