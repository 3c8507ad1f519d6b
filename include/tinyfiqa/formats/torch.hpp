// Reads PyTorch's .pth files, in the zip format (since PyTorch 1.6) and in the legacy format. Needs libzip.
#pragma once

#include <tinyfiqa/base/config.hpp>
#include <tinyfiqa/base/status.hpp>
#include <tinyfiqa/formats/file.hpp>
#include <tinyfiqa/formats/pickle.hpp>
#include <tinyfiqa/formats/state_dict.hpp>
#include <tinyfiqa/formats/tensor_file.hpp>
#include <tinyfiqa/formats/torch_legacy.hpp>
#include <tinyfiqa/formats/zip_archive.hpp>

#include <cstddef>
#include <cstdint>
#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

TINYFIQA_BEGIN

/// True for bytes that start like a zip archive.
inline bool looks_like_zip(Bytes bytes) {
  return bytes.size >= 4 && bytes[0] == 'P' && bytes[1] == 'K' && bytes[2] == 3 && bytes[3] == 4;
}

namespace detail {
/// Reads the zip format: FOLDER/data.pkl describes the tensors, FOLDER/data/KEY is a storage, and
/// FOLDER/byteorder is "little".
class TorchZipReader {
 public:
  TorchZipReader(const FileBytes& file, const std::string& set) : file_(file), set_(set) {}

  Result<TensorFile> read() {
    Status status = zip_.open(file_.bytes);
    if (!status) return status;
    status = check_kind();
    if (!status) return status;
    const auto text = zip_.read(folder_ + "data.pkl");
    if (!text) return text.status();
    const auto checkpoint = read_pickle(Bytes((*text)->data(), (*text)->size()));
    if (!checkpoint) return checkpoint.status();
    TensorFile result;
    result.path = file_.path;
    status = add_state_dict(
        *checkpoint, result, [&](const PickleNode& storage) { return storage_bytes(storage, result); }, set_);
    if (!status) return status;
    return result;
  }

 private:
  Status check_kind() {
    if (!zip_.locate("data.pkl", folder_)) return foreign_archive();
    if (zip_.has(folder_ + "constants.pkl")) {
      return Status::error(Errc::unsupported, "a TorchScript archive; in Python, save its weights: ",
                           "torch.save(torch.jit.load(path).state_dict(), other_path)");
    }
    if (!zip_.has(folder_ + "byteorder")) return {};
    const auto order = zip_.read(folder_ + "byteorder");
    if (!order) return order.status();
    const std::vector<unsigned char>& text = **order;
    if (std::string_view(reinterpret_cast<const char*>(text.data()), text.size()) == "little") return {};
    return Status::error(Errc::unsupported, "written on a big-endian machine; save it again on a ",
                         "little-endian one");
  }

  /// The error for a zip archive that torch.save did not write.
  Status foreign_archive() const {
    const auto is = [](const char* what) {
      return Status::error(Errc::unsupported, "a zip archive without data.pkl", what,
                           "; save the weights with torch.save(model.state_dict(), path)");
    };
    for (const char* end : {".pth", ".pt", ".ckpt", ".safetensors"})
      if (const std::string name = zip_.ending_with(end); !name.empty())
        return Status::error(Errc::unsupported, "a zip archive that contains ", in_quotes(name),
                             "; unpack it and give that file");
    if (!zip_.ending_with(".npy").empty()) return is(" (NumPy's .npz)");
    if (!zip_.ending_with("model.weights.h5").empty()) return is(" (a model of Keras)");
    if (!zip_.ending_with("archive_format").empty()) return is(" (an archive of torch.export)");
    if (!zip_.ending_with("MANIFEST.json").empty()) return is(" (an archive of TorchServe)");
    return is(": torch.save did not write it");
  }

  Result<Bytes> storage_bytes(const PickleNode& storage, TensorFile& result) {
    const std::string key(storage.text);
    const auto known = storages_.find(key);
    if (known != storages_.end()) return known->second;
    const auto data = zip_.read(folder_ + "data/" + key);
    if (!data) return data.status();
    result.keep(*data);
    return storages_[key] = Bytes((*data)->data(), (*data)->size());
  }

  const FileBytes& file_;
  const std::string& set_;
  ZipArchive zip_;
  std::string folder_;
  std::map<std::string, Bytes> storages_;
};
}  // namespace detail

/// Reads a state dict of a .pth file in either format. add_state_dict() tells how it is found in a checkpoint that
/// contains more; `set` is the name of the one to read, if there are several. Errors: bad_format, unsupported
/// (whole models, TorchScript, big-endian), too_large.
inline Result<TensorFile> read_torch(const FileBytes& file, const std::string& set = "") {
  if (looks_like_pickle(file.bytes)) return read_torch_legacy(file, set);
  auto result = detail::TorchZipReader(file, set).read();
  if (!result) return result.status().prefixed(file.path, ": PyTorch file: ");
  return result;
}

TINYFIQA_END
