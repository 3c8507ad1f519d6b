// From an unpickled checkpoint to named tensors: which dict is the state dict, and where its tensors lie.
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
/// How many tensors a dict holds itself, under names.
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

/// The state dict of a checkpoint, which may be the whole of it or lie deep inside ({"state_dict": ...},
/// {"model": ...}, {"net": ...}): the dict that itself holds the most named tensors; of equals, the one
/// nearest to the root. Optimiser states hold one or two tensors a dict and thus never win. Errors:
/// unsupported.
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
  return Status::error(Errc::unsupported, "holds no dict of named tensors; in Python, save one: ",
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

/// The bytes of a storage that hold its elements; `bytes` is all that the file has for it.
inline Status fit_storage(const PickleNode& storage, Bytes& bytes) {
  std::uint64_t need = dtype_bytes(storage.dtype);
  if (!multiply_into(need, static_cast<std::uint64_t>(storage.integer)) || need > bytes.size) {
    return Status::error(Errc::bad_format, "storage ", in_quotes(storage.text), ": ", storage.integer,
                         " elements promised, ", bytes.size, " bytes there; cut off?");
  }
  bytes.size = static_cast<std::size_t>(need);
  return {};
}

/// "module." is what DataParallel puts before every name.
inline bool all_start_with_module(const PickleData& data, const PickleNode& dict) {
  for (std::size_t i = 0; i + 1 < dict.items.size(); i += 2) {
    if (data[dict.items[i + 1]].kind != PickleKind::tensor) continue;
    if (data[dict.items[i]].text.substr(0, 7) != "module.") return false;
  }
  return true;
}
}  // namespace detail

/// Adds the tensors of the state dict to `file`; other values are ignored, and a "module." that all names
/// have is taken away. `storage_bytes(node)` gives a Result<Bytes>. Errors: bad_format, unsupported,
/// too_large and its own.
template <class StorageBytes>
Status add_state_dict(const PickleData& data, TensorFile& file, StorageBytes storage_bytes) {
  const auto found = find_state_dict(data);
  if (!found) return found.status();
  const PickleNode& dict = data[*found];
  const bool strip = detail::all_start_with_module(data, dict);
  if (strip) file.notes.emplace_back("'module.' was taken away from all names");
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
                           ": a shape that is not a few whole numbers");
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
