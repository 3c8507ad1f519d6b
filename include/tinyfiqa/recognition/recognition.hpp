// Training of face recognisers: who is to be told apart, the layer that does it, and how well it works on
// pairs of faces.
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

/// The name of the class weights beside a recogniser's own parameters: [people, dimension].
inline constexpr const char* class_weights_name = "class_weights.weight";

/// Adds the cosines with `people` class weights behind the embedding, as the last operation. The weights are
/// the last parameter, behind the running statistics.
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

/// The people of the images that are trained on, in the order of their names' bytes.
struct PersonClasses {
  std::vector<std::string> names;
  std::vector<int> of;  ///< [samples] number of the person; -1 for who is not among them

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

/// Two faces, by their places in a list of faces.
struct FacePair {
  std::uint32_t a = 0, b = 0;
  bool same = false;
};

/// Pairs to verify: all of one person, or `most` of them drawn at random, and as many of two people.
/// people [faces]: names. None at all where no two faces show one person, or all of them do.
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

/// The share of pairs that a threshold on the cosine decides rightly: ten folds, each by the threshold that
/// is best on the others, as on LFW. embeddings [faces, dimension], not normalised. Errors:
/// fold_accuracy()'s.
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
