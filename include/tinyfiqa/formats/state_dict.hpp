// Finds the state dicts in an unpickled checkpoint, and the bytes of the tensors of one.
#pragma once

#include <tinyfiqa/base/config.hpp>
#include <tinyfiqa/base/status.hpp>
#include <tinyfiqa/formats/bytes.hpp>
#include <tinyfiqa/formats/pickle_data.hpp>
#include <tinyfiqa/formats/tensor_file.hpp>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <set>
#include <string>
#include <string_view>
#include <unordered_map>
#include <utility>
#include <vector>

TINYFIQA_BEGIN

/// Deeper parts of a checkpoint are not searched for weights.
constexpr std::size_t max_checkpoint_depth = 32;

/// Checkpoints with more sets of weights than this are read as if they had the first ones alone.
constexpr std::size_t max_weight_sets = 256;

/// The state dicts of a checkpoint: `dicts[i]` is the node of `sets[i]`. Those from `large` on have fewer than half of
/// the tensors of the largest one; they are read only by name.
struct StateDicts {
  std::vector<WeightSet> sets;
  std::vector<PickleRef> dicts;
  std::size_t large = 0;
};

namespace detail {
/// True for tensors, also for those that can't be read.
inline bool is_tensor(PickleKind kind) { return kind == PickleKind::tensor || kind == PickleKind::unread; }

/// The number of tensors that are direct values of a dict and have a string as key, without counters.
inline std::size_t count_named_tensors(const PickleData& data, const PickleNode& dict) {
  std::size_t count = 0;
  for (std::size_t i = 0; i + 1 < dict.items.size(); i += 2) {
    const PickleNode& key = data[dict.items[i]];
    count += key.kind == PickleKind::text && is_tensor(data[dict.items[i + 1]].kind) && !is_counter(key.text);
  }
  return count;
}
inline bool is_container(PickleKind kind) {
  return kind == PickleKind::dict || kind == PickleKind::list || kind == PickleKind::tuple;
}
/// True for the state of an optimiser: its tensors are moments, not weights.
inline bool is_optimiser(const PickleData& data, const PickleNode& dict) {
  for (std::size_t i = 0; dict.kind == PickleKind::dict && i < dict.items.size(); i += 2)
    if (data[dict.items[i]].text == "param_groups") return true;
  return false;
}

/// Walks through the containers of a checkpoint, those near the root first.
class CheckpointWalk {
 public:
  explicit CheckpointWalk(const PickleData& data) : data_(data), seen_(data.nodes.size(), false) {
    visit(data.root, 0, "", 0);
    for (std::size_t next = 0; next < stops_.size(); ++next) visit_parts(next);
  }

  struct Stop {
    PickleRef node;
    std::size_t parent, depth;
    std::string key;
  };
  /// All that was reached, without what the states of optimisers contain.
  const std::vector<Stop>& stops() const { return stops_; }
  /// The keys that lead to a stop, joined by dots.
  std::string name(std::size_t stop) const {
    std::string text;
    for (; stops_[stop].depth > 0; stop = stops_[stop].parent)
      text = stops_[stop].key + (text.empty() ? "" : ".") + text;
    return text;
  }

 private:
  void visit_parts(std::size_t stop) {
    const PickleNode& node = data_[stops_[stop].node];
    const std::size_t depth = stops_[stop].depth + 1;
    if (depth > max_checkpoint_depth || !is_container(node.kind) || is_optimiser(data_, node)) return;
    const bool dict = node.kind == PickleKind::dict;
    for (std::size_t i = 0; i < node.items.size(); i += dict ? 2 : 1)
      visit(node.items[i + (dict ? 1 : 0)], stop, dict ? key_text(data_[node.items[i]]) : std::to_string(i),
            depth);
  }
  void visit(PickleRef node, std::size_t parent, std::string key, std::size_t depth) {
    const PickleKind kind = data_[node].kind;
    if (seen_[node] || !(is_container(kind) || kind == PickleKind::opaque)) return;  // the memo allows cycles
    seen_[node] = true;
    stops_.push_back({node, parent, depth, std::move(key)});
  }
  static std::string key_text(const PickleNode& key) {
    return key.kind == PickleKind::integer ? std::to_string(key.integer)
                                           : std::string(key.text.substr(0, 100));
  }

  const PickleData& data_;
  std::vector<bool> seen_;
  std::vector<Stop> stops_;
};

/// The error for a checkpoint in which nothing can be read as weights. An object near the root is named: it may
/// hold them.
inline Status no_state_dict(const PickleData& data, const CheckpointWalk& walk) {
  std::string object;
  bool certain = false;  // by its name, the object would hold the weights
  for (std::size_t i = 0; i < walk.stops().size() && !certain; ++i) {
    const PickleNode& node = data[walk.stops()[i].node];
    if (node.kind != PickleKind::opaque) continue;
    const std::string name = walk.name(i);
    certain = is_main_set(name);
    if (certain || object.empty())
      object = (name.empty() ? "" : in_quotes(name) + " is ") + "an object of " +
               in_quotes(data.global_name(node)) + ", whose code is not run";
  }
  if (object.empty())
    object = "contains no dict of named tensors (within " + std::to_string(max_checkpoint_depth) + " levels)";
  return Status::error(Errc::unsupported, object,
                       "; in Python, save the weights alone: ", "torch.save(model.state_dict(), path)");
}
}  // namespace detail

/// Finds the state dicts of a checkpoint. One may be the whole checkpoint or a part of it ({"state_dict": ...},
/// {"model": ..., "ema": ...}). They are the dicts that directly hold named tensors, at least half as many as
/// the one with the most; the states of optimisers are left out. Errors: unsupported.
inline Result<StateDicts> find_state_dicts(const PickleData& data) {
  const detail::CheckpointWalk walk(data);
  std::vector<std::size_t> counts;
  for (const auto& stop : walk.stops()) {
    const PickleNode& node = data[stop.node];
    const bool state = node.kind == PickleKind::dict && !detail::is_optimiser(data, node);
    counts.push_back(state ? detail::count_named_tensors(data, node) : 0);
  }
  const std::size_t most = counts.empty() ? 0 : *std::max_element(counts.begin(), counts.end());
  if (most == 0) return detail::no_state_dict(data, walk);
  StateDicts found;
  for (const bool large : {true, false}) {
    for (std::size_t i = 0; i < counts.size() && found.sets.size() < max_weight_sets; ++i) {
      if (counts[i] == 0 || (2 * counts[i] >= most) != large) continue;
      found.sets.push_back({walk.name(i), counts[i], walk.stops()[i].depth});
      found.dicts.push_back(walk.stops()[i].node);
    }
    if (large) found.large = found.sets.size();
  }
  return found;
}

/// The state dict of that name or, if there is none, the one of the large ones that choose_set() prefers.
inline std::pair<WeightSet, PickleRef> pick_state_dict(const StateDicts& found, const std::string& name) {
  for (std::size_t i = 0; i < found.sets.size() && !name.empty(); ++i)
    if (found.sets[i].name == name) return {found.sets[i], found.dicts[i]};
  const auto first = found.sets.begin();
  const std::size_t best = choose_set({first, first + static_cast<std::ptrdiff_t>(found.large)});
  return {found.sets[best], found.dicts[best]};
}

namespace detail {
inline bool read_extents(const PickleData& data, PickleRef tuple, std::vector<std::int64_t>& out) {
  if (data[tuple].items.size() > max_tensor_rank) return false;
  for (const PickleRef item : data[tuple].items) {
    if (data[item].kind != PickleKind::integer) return false;
    out.push_back(data[item].integer);
  }
  return true;
}

/// Shortens `bytes`, the bytes that the file has for a storage, to the size of its elements.
/// Errors: bad_format if there are too few.
inline Status fit_storage(const PickleNode& storage, Bytes& bytes) {
  std::uint64_t need = dtype_bytes(storage.dtype);
  if (!multiply_into(need, static_cast<std::uint64_t>(storage.integer)) || need > bytes.size) {
    return Status::error(Errc::bad_format, "storage ", in_quotes(storage.text), ": ", storage.integer,
                         " elements declared, but only ", bytes.size,
                         " bytes are there; copy or download the file again");
  }
  bytes.size = static_cast<std::size_t>(need);
  return {};
}

/// Why a tensor is not read, by the class or function that would make it.
inline std::string unread_reason(const std::string& global) {
  const auto has = [&](const char* part) { return global.find(part) != std::string::npos; };
  if (has("Complex") || has("complex")) return "complex numbers";
  if (has("float8") || has("float4")) return "8-bit floats (" + global + ")";
  if (has("QInt") || has("QUInt") || has("_rebuild_qtensor")) return "quantised numbers (" + global + ")";
  if (has("sparse")) return "a sparse tensor";
  if (has("numpy")) return "an array of NumPy";
  return "a tensor of " + global;
}

/// "skipped what is no tensor, without running its code: argparse.Namespace, ..."; empty if there is nothing of the
/// kind. The names of PyTorch's element types are not mentioned.
inline std::string skipped_note(const PickleData& data) {
  std::set<std::string> names;
  for (const PickleNode& node : data.nodes)
    if (node.kind == PickleKind::opaque && data[node.items[0]].text != "torch" &&
        data[node.items[0]].text != "torch.storage")
      names.insert(data.global_name(node).substr(0, 60));
  std::string text;
  std::size_t count = 0;
  for (const std::string& name : names)
    if (count++ < 3) text += (text.empty() ? "" : ", ") + name;
  if (count == 0) return "";
  return "skipped what is no tensor, without running its code: " + text +
         (count > 3 ? " and " + std::to_string(count - 3) + " more" : "");
}

/// Reads one tensor of a state dict. `storage_bytes(node)` returns the bytes of a storage as Result<Bytes>.
template <class StorageBytes>
Result<TensorEntry> state_entry(const PickleData& data, std::string_view name, const PickleNode& tensor,
                                StorageBytes& storage_bytes) {
  const PickleNode& storage = data[tensor.items[0]];
  TensorEntry entry;
  entry.name = std::string(name);
  entry.dtype = storage.dtype;
  entry.offset = tensor.integer;
  if (!read_extents(data, tensor.items[1], entry.shape) ||
      !read_extents(data, tensor.items[2], entry.strides)) {
    return Status::error(Errc::bad_format, in_quotes(entry.name),
                         ": its shape is not a tuple of at most 16 integers; save the weights again");
  }
  auto bytes = storage_bytes(storage);
  if (!bytes) return bytes.status();
  entry.storage = *bytes;
  if (const Status status = fit_storage(storage, entry.storage); !status) return status;
  return entry;
}
}  // namespace detail

/// Tensors may be views that share or repeat what is stored, such as an expanded one with stride 0. In all they may
/// have 16 times the bytes that are stored, plus 1 MiB.
constexpr std::uint64_t max_view_ratio = 16;

/// Adds the tensors of a state dict to `file`: of the one called `set`, otherwise of the one that choose_set()
/// prefers. A note then says which one was read. Other values are ignored, except that `file.unread` names the
/// tensors that can't be read. `storage_bytes(node)` returns the bytes of a storage as Result<Bytes>. Errors:
/// bad_format, unsupported, too_large, and those of storage_bytes.
template <class StorageBytes>
Status add_state_dict(const PickleData& data, TensorFile& file, StorageBytes storage_bytes,
                      const std::string& set = "") {
  auto found = find_state_dicts(data);
  if (!found) return found.status();
  const auto [chosen, ref] = pick_state_dict(*found, set);
  found->sets.resize(found->large);
  file.sets = std::move(found->sets);
  file.set = chosen.name;
  if (file.sets.size() > 1 && (set.empty() || set != chosen.name))
    file.notes.push_back(chosen_set_note(file.sets, chosen.name));
  if (std::string note = detail::skipped_note(data); !note.empty()) file.notes.push_back(std::move(note));
  const PickleNode& dict = data[ref];
  std::unordered_map<std::string_view, std::size_t> storages;
  std::uint64_t stored = 0;
  for (std::size_t i = 0; i + 1 < dict.items.size(); i += 2) {
    const PickleNode &key = data[dict.items[i]], &tensor = data[dict.items[i + 1]];
    if (key.kind == PickleKind::text && tensor.kind == PickleKind::unread)
      file.unread.push_back({std::string(key.text), detail::unread_reason(data.global_name(tensor))});
    if (key.kind != PickleKind::text || tensor.kind != PickleKind::tensor) continue;
    auto entry = detail::state_entry(data, key.text, tensor, storage_bytes);
    if (!entry) return entry.status();
    if (storages.emplace(data[tensor.items[0]].text, entry->storage.size).second)
      stored += entry->storage.size;
    if (const Status status = file.add(std::move(*entry)); !status) return status;
  }
  if (!file.unread.empty()) file.notes.push_back(unread_note(file.unread));
  if (file.bytes() <= max_view_ratio * stored + (std::uint64_t{1} << 20u)) return {};
  return Status::error(Errc::too_large, "the tensors are views that repeat ", stored, " bytes to ",
                       file.bytes(), "; at most 16 times as many are read: save copies (tensor.clone())");
}

TINYFIQA_END
