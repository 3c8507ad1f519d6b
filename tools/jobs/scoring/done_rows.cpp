#include "jobs/scoring/done_rows.hpp"

#include <algorithm>
#include <cstring>
#include <nlohmann/json.hpp>
#include <utility>

using namespace tinyfiqa;

namespace {

constexpr const char* other_file = "; go on with the same options, or write to another file";

/// The same bytes from `at` on.
FileBytes rest_of(const FileBytes& file, std::size_t at) {
  return {file.path, Bytes(file.bytes.data + at, file.bytes.size - at), nullptr};
}

}  // namespace

Status DoneRows::check_header(const std::string& header) {
  if (format_ != TableFormat::csv) return Status();
  const std::string line = header + "\n";
  const bool same =
      file_.bytes.size >= line.size() && std::memcmp(file_.bytes.data, line.data(), line.size()) == 0;
  if (!same)
    return Status::error(Errc::mismatch, file_.path, ": its first line is not '", header, "'", other_file);
  begin_ = line.size();
  CsvRow columns;
  if (auto read = CsvReader(file_).next(columns); !read) return read.status();
  const auto face = std::find(columns.fields.begin(), columns.fields.end(), "face");
  if (face != columns.fields.end()) face_column_ = static_cast<std::size_t>(face - columns.fields.begin());
  return Status();
}

Result<std::optional<DoneRows::Row>> DoneRows::read_row(std::size_t at) const {
  std::optional<Row> row;
  if (at >= file_.bytes.size) return row;
  const FileBytes rest = rest_of(file_, at);
  row = Row{"", true, at, at};
  std::string face;
  if (format_ == TableFormat::csv) {
    CsvReader reader(rest, CsvLimits{rest.bytes.size, 1u << 16u, 4096});
    CsvRow fields;
    const auto more = reader.next(fields);
    if (!more) return more.status();
    row->path = fields.fields[0];
    if (face_column_ < fields.fields.size()) face = fields.fields[face_column_];
    row->end = at + reader.offset();
  } else {
    const void* const newline = std::memchr(rest.bytes.data, '\n', rest.bytes.size);
    const auto* const end = static_cast<const unsigned char*>(newline);
    const auto json = nlohmann::json::parse(rest.bytes.data, end, nullptr, false);
    if (!json.is_object() || !json.contains("path") || !json["path"].is_string())
      return Status::error(Errc::bad_format, file_.path, ": at byte ", at, " there is no row of JSON",
                           other_file);
    row->path = json["path"].get<std::string>();
    if (json.contains("face") && json["face"].is_number_integer())
      face = std::to_string(json["face"].get<long>());
    row->end = at + static_cast<std::size_t>(end - rest.bytes.data) + 1;
  }
  row->is_first = face.empty() || face == "1";
  return row;
}

Result<DoneRows> DoneRows::read(const std::string& path, TableFormat format, const std::string& header) {
  auto file = read_file(path);
  if (!file) return file.status();
  // A line without an end was cut off: it is written again.
  while (file->bytes.size > 0 && file->bytes[file->bytes.size - 1] != '\n') --file->bytes.size;
  DoneRows done(std::move(*file), format);
  if (Status same = done.check_header(header); !same) return same;
  done.at_ = done.bytes_ = done.begin_;
  std::size_t images = 0;
  for (std::size_t at = done.begin_;;) {
    const auto row = done.read_row(at);
    if (!row) return row.status();
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

std::optional<std::string> DoneRows::next() {
  while (given_ < images_) {
    const auto row = read_row(at_);
    if (!row || !*row) return std::nullopt;
    at_ = (*row)->end;
    if (!(*row)->is_first) continue;
    ++given_;
    return (*row)->path;
  }
  return std::nullopt;
}
