// Finds the state dict in an unpickled checkpoint, and the bytes of its tensors.
#pragma once

#include <tinyfiqa/base/config.hpp>
#include <tinyfiqa/base/status.hpp>
#include <tinyfiqa/formats/bytes.hpp>
#include <tinyfiqa/formats/pickle_data.hpp>
#include <tinyfiqa/formats/tensor_file.hpp>

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

TINYFIQA_BEGIN

namespace detail {
/// The number of tensors that are direct values of a dict and have a string as key.
inline std::size_t count_named_tensors(const PickleData& data, const PickleNode& dict) {
  std::size_t count = 0;
  for (std::size_t i = 0; i + 1 < dict.items.size(); i += 2) {
    count +=
        data[dict.items[i]].kind == PickleKind::text && data[dict.items[i + 1]].kind == PickleKind::tensor;
  }
  return count;
}
inline bool is_container(PickleKind kind) {
  return kind == PickleKind::dict || kind == PickleKind::list || kind == PickleKind::tuple;
}
}  // namespace detail

/// Finds the state dict of a checkpoint. It may be the whole checkpoint or a part of it ({"state_dict": ...},
/// {"model": ...}, {"net": ...}). The result is the dict that directly holds the most named tensors; if
/// several hold as many, it is the one nearest to the root. The dicts of an optimiser hold one or two tensors
/// each, so they are not chosen. Errors: unsupported.
inline Result<PickleRef> find_state_dict(const PickleData& data) {
  std::vector<bool> seen(data.nodes.size(), false);  // the memo allows cycles
  std::vector<PickleRef> queue{data.root};
  seen[data.root] = true;
  PickleRef best = 0;
  std::size_t most = 0;
  for (std::size_t next = 0; next < queue.size(); ++next) {
    const PickleNode& node = data[queue[next]];
    if (!detail::is_container(node.kind)) continue;
    const std::size_t count = node.kind == PickleKind::dict ? detail::count_named_tensors(data, node) : 0;
    if (count > most) {
      most = count;
      best = queue[next];
    }
    for (const PickleRef item : node.items) {
      if (!seen[item]) queue.push_back(item);
      seen[item] = true;
    }
  }
  if (most != 0) return best;
  return Status::error(Errc::unsupported, "contains no dict of named tensors; in Python, save one: ",
                       "torch.save(model.state_dict(), path)");
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

/// True if all names begin with "module.", which PyTorch's DataParallel adds.
inline bool all_start_with_module(const PickleData& data, const PickleNode& dict) {
  for (std::size_t i = 0; i + 1 < dict.items.size(); i += 2) {
    if (data[dict.items[i + 1]].kind != PickleKind::tensor) continue;
    if (data[dict.items[i]].text.substr(0, 7) != "module.") return false;
  }
  return true;
}
}  // namespace detail

/// Adds the tensors of the state dict to `file`. Other values are ignored. If all names begin with "module.",
/// that prefix is removed. `storage_bytes(node)` returns the bytes of a storage as Result<Bytes>. Errors:
/// bad_format, unsupported, too_large, and those of storage_bytes.
template <class StorageBytes>
Status add_state_dict(const PickleData& data, TensorFile& file, StorageBytes storage_bytes) {
  const auto found = find_state_dict(data);
  if (!found) return found.status();
  const PickleNode& dict = data[*found];
  const bool strip = detail::all_start_with_module(data, dict);
  if (strip) file.notes.emplace_back("the prefix 'module.' was removed from all names");
  for (std::size_t i = 0; i + 1 < dict.items.size(); i += 2) {
    const PickleNode &key = data[dict.items[i]], &tensor = data[dict.items[i + 1]];
    if (key.kind != PickleKind::text || tensor.kind != PickleKind::tensor) continue;
    const PickleNode& storage = data[tensor.items[0]];
    TensorEntry entry;
    entry.name = std::string(key.text.substr(strip ? 7 : 0));
    entry.dtype = storage.dtype;
    entry.offset = tensor.integer;
    if (!detail::read_extents(data, tensor.items[1], entry.shape) ||
        !detail::read_extents(data, tensor.items[2], entry.strides)) {
      return Status::error(Errc::bad_format, in_quotes(entry.name),
                           ": its shape is not a tuple of at most 16 integers; save the weights again");
    }
    auto bytes = storage_bytes(storage);
    if (!bytes) return bytes.status();
    entry.storage = *bytes;
    Status status = detail::fit_storage(storage, entry.storage);
    if (status.ok()) status = file.add(std::move(entry));
    if (!status.ok()) return status;
  }
  return {};
}

TINYFIQA_END
