// Splits a data set into training, validation and test samples.
#pragma once

#include <tinyfiqa/base/config.hpp>
#include <tinyfiqa/base/shuffle.hpp>
#include <tinyfiqa/base/status.hpp>
#include <tinyfiqa/data/dataset.hpp>

#include <algorithm>
#include <cstdint>
#include <string>
#include <unordered_map>
#include <utility>
#include <vector>

TINYFIQA_BEGIN

/// How training rows are split if the CSV names no validation rows.
struct SplitOptions {
  double train_share = 0.8;  ///< share of the rows to train on, between 0 and 1
  bool by_identity = false;  ///< true: no person is in both parts; each row without an identity is a person
  std::uint64_t seed = 1;
};

/// Indices of Dataset::samples, each list in ascending order.
struct DataSplit {
  std::vector<std::size_t> train, val, test;
};

namespace detail {

/// Groups the rows that must stay together. The groups are in the order of their first rows.
inline std::vector<std::vector<std::size_t>> group_rows(const Dataset& data,
                                                        const std::vector<std::size_t>& rows,
                                                        bool by_identity) {
  std::vector<std::vector<std::size_t>> groups;
  std::unordered_map<std::string, std::size_t> known;
  for (const std::size_t row : rows) {
    const std::string& identity = data.samples[row].identity;
    if (by_identity && !identity.empty()) {
      const auto [at, is_new] = known.emplace(identity, groups.size());
      if (!is_new) {
        groups[at->second].push_back(row);
        continue;
      }
    }
    groups.push_back({row});
  }
  return groups;
}

/// Moves whole groups, in an order given by the seed, from train to val until val has its share.
inline void split_rows(const Dataset& data, const SplitOptions& options, DataSplit& split) {
  const double val_share = (1 - options.train_share) * static_cast<double>(split.train.size());
  const auto wanted =
      std::clamp(static_cast<std::size_t>(val_share + 0.5), std::size_t{1}, split.train.size() - 1);
  auto groups = group_rows(data, split.train, options.by_identity);
  shuffle(groups, Rng(mix_seed(options.seed), shuffle_streams::split));
  std::vector<char> to_val(groups.size(), 0);
  std::size_t taken = 0;
  for (std::size_t g = 0; g < groups.size(); ++g) {
    if (taken + groups[g].size() > wanted) continue;
    to_val[g] = 1;
    taken += groups[g].size();
  }
  const auto smaller = [](const auto& a, const auto& b) { return a.size() < b.size(); };
  if (taken == 0)  // every group is larger than the share: move the smallest
    to_val[static_cast<std::size_t>(std::min_element(groups.begin(), groups.end(), smaller) -
                                    groups.begin())] = 1;
  split.train.clear();
  for (std::size_t g = 0; g < groups.size(); ++g) {
    auto& side = to_val[g] != 0 ? split.val : split.train;
    side.insert(side.end(), groups[g].begin(), groups[g].end());
  }
  std::sort(split.train.begin(), split.train.end());
  std::sort(split.val.begin(), split.val.end());
}

}  // namespace detail

/// Splits a data set. If the CSV's split column names validation rows, that split is used.
/// Otherwise the training rows (and rows without a split) are divided at random; the result depends
/// only on the data and the options.
/// Errors: bad_argument if the share is not between 0 and 1; bad_format if there is nothing
/// to train on or to validate with.
inline Result<DataSplit> split_dataset(const Dataset& data, const SplitOptions& options = {}) {
  if (!(options.train_share > 0 && options.train_share < 1))
    return Status::error(Errc::bad_argument, "the training share must be between 0 and 1");
  DataSplit split;
  for (std::size_t i = 0; i < data.samples.size(); ++i) {
    const Split own = data.samples[i].split;
    (own == Split::val ? split.val : own == Split::test ? split.test : split.train).push_back(i);
  }
  if (split.train.empty())
    return Status::error(Errc::bad_format, data.path,
                         ": no rows to train on; mark some as 'train' in the split column");
  if (!split.val.empty()) return split;
  if (detail::group_rows(data, split.train, options.by_identity).size() < 2)
    return Status::error(Errc::bad_format, data.path, ": one ", options.by_identity ? "identity" : "row",
                         " is not enough to train and validate with; at least two are needed");
  detail::split_rows(data, options, split);
  return split;
}

TINYFIQA_END
