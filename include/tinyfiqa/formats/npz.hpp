// NumPy's .npz archives: several named arrays in one file. Needs libzip.
#pragma once

#include <tinyfiqa/base/config.hpp>
#include <tinyfiqa/base/status.hpp>
#include <tinyfiqa/formats/npy.hpp>
#include <tinyfiqa/formats/write_file.hpp>

#include <zip.h>

#include <cstdint>
#include <string>
#include <utility>
#include <vector>

TINYFIQA_BEGIN

/// An array of an archive.
struct NamedArray {
  std::string name;
  std::vector<std::int64_t> shape;
  std::vector<float> values;  ///< row-major
};

namespace detail {

/// An archive that is being made in memory; discarded by the destructor unless finish() was called.
class ZipWriter {
 public:
  ZipWriter() {
    source_ = zip_source_buffer_create(nullptr, 0, 0, nullptr);
    if (source_ == nullptr) return;
    zip_source_keep(source_);  // its bytes are read after the archive was closed
    zip_ = zip_open_from_source(source_, ZIP_TRUNCATE, nullptr);
  }
  ~ZipWriter() {
    if (zip_ != nullptr) zip_discard(zip_);
    if (source_ != nullptr) zip_source_free(source_);
  }
  ZipWriter(const ZipWriter&) = delete;
  ZipWriter& operator=(const ZipWriter&) = delete;

  /// `bytes` must stay until finish(). False when it fails.
  bool add(const std::string& name, const std::vector<unsigned char>& bytes) {
    if (zip_ == nullptr) return false;
    zip_source_t* const member = zip_source_buffer(zip_, bytes.data(), bytes.size(), 0);
    if (member == nullptr) return false;
    const zip_int64_t index = zip_file_add(zip_, name.c_str(), member, ZIP_FL_OVERWRITE);
    if (index < 0) {
      zip_source_free(member);
      return false;
    }
    zip_file_set_mtime(zip_, static_cast<zip_uint64_t>(index), 315532800,
                       0);  // 1980: equal inputs, equal bytes
    return zip_set_file_compression(zip_, static_cast<zip_uint64_t>(index), ZIP_CM_STORE, 0) == 0;
  }
  /// The archive's bytes; empty when it fails.
  std::vector<unsigned char> finish() {
    if (zip_ == nullptr || zip_close(zip_) != 0) return {};
    zip_ = nullptr;
    zip_stat_t info;
    if (zip_source_stat(source_, &info) != 0 || zip_source_open(source_) != 0) return {};
    std::vector<unsigned char> bytes(static_cast<std::size_t>(info.size));
    const zip_int64_t got = zip_source_read(source_, bytes.data(), bytes.size());
    zip_source_close(source_);
    return got == static_cast<zip_int64_t>(bytes.size()) ? bytes : std::vector<unsigned char>();
  }

 private:
  zip_source_t* source_ = nullptr;
  zip_t* zip_ = nullptr;
};

}  // namespace detail

/// Writes arrays as numpy.savez does, uncompressed; numpy.load(path)[name] reads one. Errors: bad_argument,
/// cannot_write.
inline Status write_npz(const std::string& path, const std::vector<NamedArray>& arrays) {
  std::vector<std::vector<unsigned char>> members;
  for (const NamedArray& array : arrays) {
    auto bytes = npy_bytes(array.shape, {array.values.data(), array.values.size()});
    if (!bytes) return bytes.status().prefixed(path, ": ", array.name, ": ");
    members.push_back(std::move(*bytes));
  }
  detail::ZipWriter zip;
  bool good = true;
  for (std::size_t i = 0; i < arrays.size(); ++i) good = good && zip.add(arrays[i].name + ".npy", members[i]);
  const std::vector<unsigned char> bytes = good ? zip.finish() : std::vector<unsigned char>();
  if (bytes.empty()) return Status::error(Errc::cannot_write, path, ": the archive could not be made");
  const Bytes whole(bytes);
  return write_file(path, Span<const Bytes>(&whole, 1));
}

TINYFIQA_END
