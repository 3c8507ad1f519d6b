// Names of tensors in a checkpoint: what wrappers of the network put before them is removed.
#pragma once

#include <tinyfiqa/base/config.hpp>
#include <tinyfiqa/base/status.hpp>
#include <tinyfiqa/formats/named_params.hpp>
#include <tinyfiqa/formats/tensor_file.hpp>
#include <tinyfiqa/formats/weight_hash.hpp>
#include <tinyfiqa/formats/weight_sets.hpp>

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

TINYFIQA_BEGIN

namespace detail {
inline bool starts_with(std::string_view text, std::string_view prefix) {
  return text.substr(0, prefix.size()) == prefix;
}
inline bool ends_with(std::string_view text, std::string_view end) {
  return text.size() >= end.size() && text.substr(text.size() - end.size()) == end;
}

/// A copy of the file whose tensors have other names; `name(old)` gives the new one, empty to leave the tensor out.
/// Errors: bad_format if two tensors get one name.
template <class Name>
Result<TensorFile> renamed(const TensorFile& file, Name name) {
  TensorFile result;
  result.path = file.path;
  for (const auto& entry : file.metadata)  // (a hash covers the names)
    if (entry.first != weight_hash_key) result.metadata.push_back(entry);
  result.notes = file.notes;
  result.sets = file.sets;
  result.set = file.set;
  for (const auto& owner : file.owners()) result.keep(owner);
  for (TensorEntry entry : file.entries()) {
    entry.name = name(std::string_view(entry.name));
    if (entry.name.empty()) continue;
    if (const Status status = result.add(std::move(entry)); !status) return status;
  }
  for (const UnreadTensor& tensor : file.unread) {
    std::string text = name(std::string_view(tensor.name));
    if (!text.empty()) result.unread.push_back({std::move(text), tensor.what});
  }
  return result;
}

/// The parts of names that torch.compile, FSDP and activation checkpointing insert, anywhere in a name.
constexpr std::array<std::string_view, 3> inserted_parts = {"_orig_mod.", "_fsdp_wrapped_module.",
                                                            "_checkpoint_wrapped_module."};

inline std::string without_inserted(std::string_view name) {
  std::string text(name);
  for (const std::string_view part : inserted_parts)
    for (std::size_t at = 0; (at = text.find(part, at)) != std::string::npos;)
      if (at == 0 || text[at - 1] == '.')
        text.erase(at, part.size());
      else
        ++at;
  return text;
}

inline bool has_inserted(const TensorFile& file) {
  return std::any_of(file.entries().begin(), file.entries().end(), [](const TensorEntry& entry) {
    return std::any_of(inserted_parts.begin(), inserted_parts.end(),
                       [&](std::string_view part) { return entry.name.find(part) != std::string::npos; });
  });
}

/// True if all names begin with "module.", which DataParallel and AveragedModel add. AveragedModel also adds the
/// tensor n_averaged.
inline bool all_in_module(const TensorFile& file) {
  std::size_t count = 0;
  for (const TensorEntry& entry : file.entries()) {
    if (entry.name == "n_averaged") continue;
    if (!starts_with(entry.name, "module.")) return false;
    ++count;
  }
  return count > 0;
}

/// True if the file has this parameter, with this prefix and with the right shape.
inline bool has_param(const TensorFile& file, const std::string& prefix, const NamedParam& p) {
  const TensorEntry* const entry = file.find(prefix + p.name);
  return entry != nullptr && std::equal(entry->shape.begin(), entry->shape.end(), p.param.extents,
                                        p.param.extents + p.param.rank);
}
}  // namespace detail

/// Removes what wrappers of a network add to its names: "_orig_mod." of torch.compile, "module." of DataParallel
/// and SWA, and the like. Changes nothing if two tensors would get one name.
inline TensorFile without_wrappers(TensorFile file) {
  if (detail::has_inserted(file)) {
    auto plain = detail::renamed(file, detail::without_inserted);
    if (plain) file = std::move(*plain);
    if (plain) file.notes.emplace_back("'_orig_mod.' and the like were removed from the names");
  }
  for (int depth = 0; depth < 8 && detail::all_in_module(file); ++depth) {
    auto plain = detail::renamed(file, [](std::string_view name) {
      return std::string(name.substr(name == "n_averaged" ? name.size() : 7));
    });
    if (!plain) break;
    file = std::move(*plain);
    file.notes.emplace_back("the prefix 'module.' was removed from all names");
  }
  return file;
}

/// The tensors whose names begin with "KEY.", without that prefix. `found` tells whether there are any.
inline TensorFile tensors_below(const TensorFile& file, const std::string& key, bool& found) {
  const std::string prefix = key + ".";
  auto part = detail::renamed(file, [&](std::string_view name) {
    return std::string(detail::starts_with(name, prefix) ? name.substr(prefix.size()) : "");
  });
  found = part.ok() && !part->entries().empty();
  if (!found) return file;
  return std::move(*part);
}

/// The prefixes with which a file has these parameters in their right shapes; "" among them if they have none. A head
/// (a prefix of names of the network) need not be there. So "model." of Lightning is found, and any other one.
inline std::vector<WeightSet> find_prefixes(const TensorFile& file, const std::vector<NamedParam>& params,
                                            std::string_view head) {
  std::vector<const NamedParam*> needed;
  for (const NamedParam& p : params)
    if (head.empty() || !detail::starts_with(p.name, head)) needed.push_back(&p);
  std::vector<WeightSet> found;
  if (needed.empty()) return found;
  const std::string& first = needed[0]->name;
  for (const TensorEntry& entry : file.entries()) {
    if (!detail::ends_with(entry.name, first)) continue;
    const std::string prefix = entry.name.substr(0, entry.name.size() - first.size());
    if (!prefix.empty() && prefix.back() != '.') continue;
    if (!std::all_of(needed.begin(), needed.end(),
                     [&](const NamedParam* p) { return detail::has_param(file, prefix, *p); }))
      continue;
    const auto dots = static_cast<std::size_t>(std::count(prefix.begin(), prefix.end(), '.'));
    found.push_back({prefix.substr(0, prefix.empty() ? 0 : prefix.size() - 1), needed.size(), dots});
  }
  return found;
}

TINYFIQA_END
