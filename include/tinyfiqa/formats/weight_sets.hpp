// Chooses one of several sets of weights in a file: a network's and its averaged copy, teacher and student, ...
#pragma once

#include <tinyfiqa/base/config.hpp>
#include <tinyfiqa/formats/bytes.hpp>

#include <algorithm>
#include <array>
#include <cstddef>
#include <string>
#include <string_view>
#include <tuple>
#include <vector>

TINYFIQA_BEGIN

/// A set of weights in a file.
struct WeightSet {
  std::string name;         ///< the keys that lead to it, joined by dots: "state_dict", "outer.0.model"
  std::size_t tensors = 0;  ///< without counters
  std::size_t depth = 0;    ///< number of keys in the name
};

namespace detail {
/// True for tensors that count steps: num_batches_tracked of batch norm, n_averaged of torch.optim.swa_utils.
/// Inference does not need them.
inline bool is_counter(std::string_view name) {
  for (const std::string_view end : {"num_batches_tracked", "n_averaged"})
    if (name.size() >= end.size() && name.substr(name.size() - end.size()) == end) return true;
  return false;
}

/// True if one of the words in the name is in the list. Words are what other characters than letters separate.
template <std::size_t Count>
bool has_word(std::string_view name, const std::array<std::string_view, Count>& words) {
  const auto is_letter = [](char c) { return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z'); };
  std::string word;
  for (std::size_t i = 0; i <= name.size(); ++i) {
    if (i < name.size() && is_letter(name[i])) {
      word += static_cast<char>(name[i] | 0x20);
    } else {
      if (std::find(words.begin(), words.end(), word) != words.end()) return true;
      word.clear();
    }
  }
  return false;
}

/// True for names of averaged weights: "model_ema", "state_dict_ema", "swa", "averaged_model".
inline bool is_averaged_set(std::string_view name) {
  constexpr std::array<std::string_view, 9> words = {"ema",     "modelema", "swa",    "avg",     "averaged",
                                                     "average", "shadow",   "polyak", "emamodel"};
  return has_word(name, words);
}
/// True for names of the weights that were trained, and for the file itself.
inline bool is_main_set(std::string_view name) {
  constexpr std::array<std::string_view, 8> words = {"state",   "model",  "net",    "network",
                                                     "weights", "params", "module", "student"};
  return name.empty() || has_word(name, words);
}
}  // namespace detail

/// The index of the set to read; `sets` must not be empty. Averaged weights come first, as timm reads them,
/// unless they have fewer tensors than the trained ones (an average of the parameters alone). Then come
/// names of a trained network ("state_dict", "model", "net", "student", ...), then all others ("teacher").
/// Of equal ones: the one with the most tensors, nearest to the root, first by name. So the order in
/// the file does not matter.
inline std::size_t choose_set(const std::vector<WeightSet>& sets) {
  std::size_t most = 0, trained = 0;
  for (const WeightSet& set : sets) {
    most = std::max(most, set.tensors);
    if (!detail::is_averaged_set(set.name) && detail::is_main_set(set.name))
      trained = std::max(trained, set.tensors);
  }
  const auto order = [most, trained](const WeightSet& set) {
    const int rank = detail::is_averaged_set(set.name) ? (set.tensors >= trained ? 0 : 3)
                     : detail::is_main_set(set.name)   ? 1
                                                       : 2;
    return std::make_tuple(rank, most - set.tensors, set.depth, std::string_view(set.name));
  };
  const auto best = std::min_element(
      sets.begin(), sets.end(), [&](const WeightSet& a, const WeightSet& b) { return order(a) < order(b); });
  return static_cast<std::size_t>(best - sets.begin());
}

/// The names of the sets in quotes, for messages; at most eight.
inline std::string set_names(const std::vector<WeightSet>& sets, std::string_view without = "") {
  std::string names;
  std::size_t count = 0;
  for (const WeightSet& set : sets) {
    if (set.name == without || set.name.empty()) continue;
    if (count++ < 8) names += (names.empty() ? "" : ", ") + in_quotes(set.name);
  }
  return count > 8 ? names + " and " + std::to_string(count - 8) + " more" : names;
}

/// "the averaged weights 'ema' were read, not 'model' (--weights-key chooses)".
inline std::string chosen_set_note(const std::vector<WeightSet>& sets, const std::string& chosen) {
  const std::string read =
      chosen.empty() ? "the weights that are not in a part of their own" : in_quotes(chosen);
  return std::string(detail::is_averaged_set(chosen) ? "the averaged weights "
                                                     : "of several sets of weights, ") +
         read + " were read, not " + set_names(sets, chosen) + " (--weights-key chooses)";
}

TINYFIQA_END
