// Reads PyTorch's file format of before version 1.6: five pickles, followed by the raw storages.
#pragma once

#include <tinyfiqa/base/config.hpp>
#include <tinyfiqa/base/status.hpp>
#include <tinyfiqa/formats/file.hpp>
#include <tinyfiqa/formats/pickle.hpp>
#include <tinyfiqa/formats/state_dict.hpp>
#include <tinyfiqa/formats/tensor_file.hpp>

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <unordered_map>
#include <utility>

TINYFIQA_BEGIN

/// True for bytes that start like a pickle of protocol 2 to 5.
inline bool looks_like_pickle(Bytes bytes) {
  return bytes.size >= 2 && bytes[0] == 0x80 && bytes[1] >= 2 && bytes[1] <= 5;
}

namespace detail {
/// The five pickles are a magic number, the protocol 1001, {"little_endian": True, ...}, the checkpoint and
/// the list of storage keys. Then each storage follows: its element count (8 bytes) and its elements.
class LegacyReader {
 public:
  LegacyReader(const FileBytes& file, const std::string& set) : file_(file), set_(set) {}

  Result<TensorFile> read() {
    Status status = check_preamble();
    if (!status) return status;
    const auto checkpoint = next_pickle();
    if (!checkpoint) return checkpoint.status();
    const auto keys = next_pickle();
    if (!keys) return keys.status();
    status = index_storages(*checkpoint, *keys);
    if (!status) return status;
    TensorFile result;
    result.path = file_.path;
    result.keep(file_.owner);
    const auto storage_bytes = [&](const PickleNode& storage) -> Result<Bytes> {
      const auto found = storages_.find(storage.text);
      if (found == storages_.end()) {
        return Status::error(Errc::bad_format, "storage ", in_quotes(storage.text),
                             " is not in the file; copy or download it again");
      }
      return found->second;
    };
    status = add_state_dict(*checkpoint, result, storage_bytes, set_);
    if (!status) return status;
    return result;
  }

 private:
  Result<PickleData> next_pickle() {
    auto data = read_pickle(Bytes(file_.bytes.data + at_, file_.bytes.size - at_));
    if (data) at_ += data->consumed;
    return data;
  }

  Status check_preamble() {
    constexpr std::string_view magic("\x6c\xfc\x9c\x46\xf9\x20\x6a\xa8\x50\x19", 10);
    const auto first = next_pickle();
    if (!first) return first.status();
    if ((*first)[first->root].kind != PickleKind::big || (*first)[first->root].text != magic) {
      return Status::error(Errc::unsupported,
                           "a pickle that torch.save did not write; save the weights with ",
                           "torch.save(model.state_dict(), path)");
    }
    const auto version = next_pickle();
    if (!version) return version.status();
    if ((*version)[version->root].integer != 1001) {
      return Status::error(Errc::unsupported,
                           "the version of the legacy format is not 1001; save the file again");
    }
    const auto system = next_pickle();
    if (!system) return system.status();
    const PickleNode& info = (*system)[system->root];
    for (std::size_t i = 0; info.kind == PickleKind::dict && i + 1 < info.items.size(); i += 2) {
      const PickleNode &key = (*system)[info.items[i]], &value = (*system)[info.items[i + 1]];
      if (key.text == "little_endian" && value.kind == PickleKind::boolean && value.integer == 1) return {};
    }
    return Status::error(Errc::unsupported, "written on a big-endian machine; save it again on a ",
                         "little-endian one");
  }

  /// Finds the elements of each storage. Their element type is known only from
  /// the checkpoint's persistent ids.
  Status index_storages(const PickleData& checkpoint, const PickleData& keys) {
    std::unordered_map<std::string_view, const PickleNode*> known;
    for (const PickleNode& node : checkpoint.nodes) {
      if (node.kind != PickleKind::storage) continue;
      const PickleNode& first = *known.emplace(node.text, &node).first->second;
      if (first.dtype != node.dtype || first.integer != node.integer)
        return bad_storage(node, "it is described twice, and differently");
    }
    const PickleNode& list = keys[keys.root];
    if (list.kind != PickleKind::list)
      return Status::error(Errc::bad_format, "the list of storages is missing; save the file again");
    for (const PickleRef item : list.items) {
      const auto found = known.find(keys[item].text);
      if (keys[item].kind != PickleKind::text || found == known.end()) {
        for (const PickleNode& node : checkpoint.nodes)
          if (node.kind ==
              PickleKind::unread)  // its elements have an unknown size, so the rest can't be found
            return Status::error(Errc::unsupported, unread_reason(checkpoint.global_name(node)),
                                 " can't be read; save the weights as float32");
        return bad_storage(keys[item], "it is listed, but no tensor uses it");
      }
      const Status status = take_storage(*found->second);
      if (!status) return status;
    }
    return {};
  }

  Status take_storage(const PickleNode& storage) {
    if (file_.bytes.size - at_ < 8) return bad_storage(storage, "the file is cut off");
    const auto count = detail::load_le<std::int64_t>(file_.bytes.data + at_);
    at_ += 8;
    if (count != storage.integer)
      return bad_storage(storage, "its element count differs from the checkpoint's");
    Bytes bytes(file_.bytes.data + at_, file_.bytes.size - at_);
    const Status status = fit_storage(storage, bytes);
    if (!status) return status;
    at_ += bytes.size;
    if (!storages_.emplace(storage.text, bytes).second) return bad_storage(storage, "it is listed twice");
    return {};
  }

  static Status bad_storage(const PickleNode& storage, const char* what) {
    return Status::error(Errc::bad_format, "storage ", in_quotes(storage.text), ": ", what,
                         "; copy or download the file again");
  }

  const FileBytes& file_;
  const std::string& set_;
  std::size_t at_ = 0;
  std::unordered_map<std::string_view, Bytes> storages_;
};
}  // namespace detail

/// Reads a state dict of a legacy .pth file, chosen as add_state_dict() does. The tensors are views of its bytes.
/// Errors: bad_format, unsupported, too_large.
inline Result<TensorFile> read_torch_legacy(const FileBytes& file, const std::string& set = "") {
  auto result = detail::LegacyReader(file, set).read();
  if (!result) return result.status().prefixed(file.path, ": PyTorch legacy file: ");
  return result;
}

TINYFIQA_END
