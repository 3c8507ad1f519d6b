#include "jobs/scoring/done_rows.hpp"

#include <utility>

using namespace tinyfiqa;

namespace {

constexpr const char* other_file = "; go on with the same options, or write to another file";

}  // namespace

Result<DoneRows> DoneRows::read(const std::string& path, TableFormat format, const std::string& header) {
  auto file = RowFile::open(path, format);
  if (!file) return file.status();
  if (file->header() != header)
    return Status::error(Errc::mismatch, path, ": its first line is not '", header, "'", other_file);
  DoneRows done(std::move(*file));
  done.at_ = done.bytes_ = done.file_.begin();
  std::size_t images = 0;
  for (std::size_t at = done.at_;;) {
    const auto row = done.file_.row(at);
    if (!row) return Status::error(row.status().code(), row.status().message(), other_file);
    if (!*row) break;
    if ((*row)->is_first) {
      ++images;
      done.bytes_ = (*row)->begin;
    }
    at = (*row)->end;
  }
  done.images_ = images == 0 ? 0 : images - 1;
  return done;
}

std::optional<RowFile::Row> DoneRows::next() {
  while (given_ < images_) {
    auto row = file_.row(at_);
    if (!row || !*row) return std::nullopt;
    at_ = (*row)->end;
    if (!(*row)->is_first) continue;
    ++given_;
    return std::move(*row);
  }
  return std::nullopt;
}
