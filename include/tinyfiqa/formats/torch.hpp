// Reads PyTorch's .pth files, in the zip format (since PyTorch 1.6) and in the legacy format. This is the
// only header that needs libzip.
#pragma once

#include <tinyfiqa/base/config.hpp>
#include <tinyfiqa/base/status.hpp>
#include <tinyfiqa/formats/file.hpp>
#include <tinyfiqa/formats/pickle.hpp>
#include <tinyfiqa/formats/state_dict.hpp>
#include <tinyfiqa/formats/tensor_file.hpp>
#include <tinyfiqa/formats/torch_legacy.hpp>

#include <zip.h>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

TINYFIQA_BEGIN

/// torch.save does not compress. Files that were compressed afterwards may unpack to 16 times their size plus
/// 1 MiB, and to at most 4 GiB. Larger ones are refused as zip bombs: deflate can reach a factor of 1000.
constexpr std::uint64_t max_unpacked_bytes = std::uint64_t{4} << 30u;
constexpr std::uint64_t max_unpacked_ratio = 16;

/// True for bytes that start like a zip archive.
inline bool looks_like_zip(Bytes bytes) {
  return bytes.size >= 4 && bytes[0] == 'P' && bytes[1] == 'K' && bytes[2] == 3 && bytes[3] == 4;
}

namespace detail {
/// A zip archive in memory. It limits the number of bytes that are unpacked in all.
class ZipArchive {
 public:
  ~ZipArchive() {
    if (zip_ != nullptr) zip_discard(zip_);
  }
  ZipArchive() = default;
  ZipArchive(const ZipArchive&) = delete;
  ZipArchive& operator=(const ZipArchive&) = delete;

  Status open(Bytes bytes) {
    zip_error_t error;
    zip_error_init(&error);
    zip_source_t* const source = zip_source_buffer_create(bytes.data, bytes.size, 0, &error);
    if (source != nullptr) zip_ = zip_open_from_source(source, ZIP_RDONLY, &error);
    if (source != nullptr && zip_ == nullptr) zip_source_free(source);
    Status status;
    if (zip_ == nullptr) {
      status = Status::error(Errc::bad_format, "zip: ", zip_error_strerror(&error),
                             "; the file is damaged or cut off: copy or download it again");
    }
    zip_error_fini(&error);
    budget_ = std::min<std::uint64_t>(max_unpacked_bytes,
                                      (std::uint64_t{1} << 20u) + max_unpacked_ratio * bytes.size);
    return status;
  }

  bool has(const std::string& name) const { return zip_name_locate(zip_, name.c_str(), 0) >= 0; }

  /// Finds the first entry called `name`, at the top or in a folder at the top, and writes its folder
  /// ("archive/", or empty) to `folder`. Returns false if there is none.
  bool locate(std::string_view name, std::string& folder) const {
    const zip_int64_t count = zip_get_num_entries(zip_, 0);
    for (zip_int64_t i = 0; i < count; ++i) {
      const char* const text = zip_get_name(zip_, static_cast<zip_uint64_t>(i), ZIP_FL_ENC_RAW);
      const std::string_view entry = text == nullptr ? "" : text;
      if (entry.size() < name.size() || entry.substr(entry.size() - name.size()) != name) continue;
      const std::string_view prefix = entry.substr(0, entry.size() - name.size());
      const std::size_t slash = prefix.find('/');
      if (!prefix.empty() && slash != prefix.size() - 1) continue;
      folder = std::string(prefix);
      return true;
    }
    return false;
  }

  /// The unpacked bytes of an entry. libzip checks their CRC.
  Result<std::shared_ptr<const std::vector<unsigned char>>> read(const std::string& name) {
    zip_stat_t info;
    zip_stat_init(&info);
    if (zip_stat(zip_, name.c_str(), 0, &info) != 0 || (info.valid & ZIP_STAT_SIZE) == 0) {
      return Status::error(Errc::bad_format, "the archive has no record ", in_quotes(name),
                           "; copy or download it again");
    }
    if (info.size > budget_) {
      return Status::error(Errc::too_large, "record ", in_quotes(name), " unpacks to ", info.size,
                           " bytes: more than 4 GiB or 16 times the file; save it again with torch.save");
    }
    budget_ -= info.size;
    auto data = std::make_shared<std::vector<unsigned char>>(static_cast<std::size_t>(info.size));
    zip_file_t* const entry = zip_fopen(zip_, name.c_str(), 0);
    if (entry == nullptr) {
      return Status::error(Errc::bad_format, "record ", in_quotes(name), ": ", zip_strerror(zip_),
                           "; copy or download it again");
    }
    const bool whole = zip_fread(entry, data->data(), info.size) == static_cast<zip_int64_t>(info.size);
    unsigned char beyond = 0;
    const bool ended = zip_fread(entry, &beyond, 1) == 0;  // libzip compares the CRC only at the end
    const int closed = zip_fclose(entry);
    if (!whole || !ended || closed != 0) {
      return Status::error(Errc::bad_format, "record ", in_quotes(name),
                           " is damaged or cut off; download it again");
    }
    return std::shared_ptr<const std::vector<unsigned char>>(std::move(data));
  }

 private:
  zip_t* zip_ = nullptr;
  std::uint64_t budget_ = 0;
};

/// Reads the zip format: FOLDER/data.pkl describes the tensors, FOLDER/data/KEY is a storage, and
/// FOLDER/byteorder is "little".
class TorchZipReader {
 public:
  explicit TorchZipReader(const FileBytes& file) : file_(file) {}

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
    status = add_state_dict(*checkpoint, result,
                            [&](const PickleNode& storage) { return storage_bytes(storage, result); });
    if (!status) return status;
    return result;
  }

 private:
  Status check_kind() {
    if (!zip_.locate("data.pkl", folder_)) {
      return Status::error(Errc::unsupported, "a zip archive without data.pkl: torch.save did not write it; ",
                           "save the weights with torch.save(model.state_dict(), path)");
    }
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
  ZipArchive zip_;
  std::string folder_;
  std::map<std::string, Bytes> storages_;
};
}  // namespace detail

/// Reads the state dict of a .pth file in either format. find_state_dict() tells how it is found in a
/// checkpoint that contains more. Errors: bad_format, unsupported (Python objects, TorchScript,
/// big-endian), too_large.
inline Result<TensorFile> read_torch(const FileBytes& file) {
  if (looks_like_pickle(file.bytes)) return read_torch_legacy(file);
  auto result = detail::TorchZipReader(file).read();
  if (!result) return result.status().prefixed(file.path, ": PyTorch file: ");
  return result;
}
/// As above, for a path.
inline Result<TensorFile> read_torch(const std::string& path) {
  const auto file = read_file(path);
  if (!file) return file.status();
  return read_torch(*file);
}

TINYFIQA_END
