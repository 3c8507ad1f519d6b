// Reads zip archives in memory, which are not trusted. Needs libzip.
#pragma once

#include <tinyfiqa/base/config.hpp>
#include <tinyfiqa/base/span.hpp>
#include <tinyfiqa/base/status.hpp>
#include <tinyfiqa/formats/bytes.hpp>

#include <zip.h>

#include <algorithm>
#include <cstddef>
#include <cstdint>
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

  /// The name of the first entry that ends so, or empty.
  std::string ending_with(std::string_view end) const {
    const zip_int64_t count = zip_get_num_entries(zip_, 0);
    for (zip_int64_t i = 0; i < count; ++i) {
      const char* const text = zip_get_name(zip_, static_cast<zip_uint64_t>(i), ZIP_FL_ENC_RAW);
      const std::string_view entry = text == nullptr ? "" : text;
      if (entry.size() >= end.size() && entry.substr(entry.size() - end.size()) == end)
        return std::string(entry);
    }
    return "";
  }

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

  /// The unpacked bytes of an entry. Their CRC is checked unless it is 0: PyTorch can leave it out
  /// (torch.serialization.set_crc32_options).
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
    // libzip compares the CRC when it finds the end, so the end of an entry without one is not looked for.
    const bool unchecked = (info.valid & ZIP_STAT_CRC) != 0 && info.crc == 0;
    const bool ended = unchecked || zip_fread(entry, &beyond, 1) == 0;
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
}  // namespace detail

TINYFIQA_END
