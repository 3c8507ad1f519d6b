#include "jobs/scoring/row_file.hpp"

#include <algorithm>
#include <cstring>
#include <nlohmann/json.hpp>
#include <utility>

using namespace tinyfiqa;

namespace {

/// The same bytes from `at` on.
FileBytes rest_of(const FileBytes& file, std::size_t at) {
  return {file.path, Bytes(file.bytes.data + at, file.bytes.size - at), nullptr};
}

std::optional<double> number_of(const std::string& field) {
  double value = 0;
  std::string problem;
  return parse_number(field, "the score", value, problem) ? std::optional<double>(value) : std::nullopt;
}

}  // namespace

Result<RowFile> RowFile::open(const std::string& path, TableFormat format) {
  auto file = read_file(path);
  if (!file) return file.status();
  while (file->bytes.size > 0 && file->bytes[file->bytes.size - 1] != '\n') --file->bytes.size;
  RowFile rows(std::move(*file), format);
  if (Status read = rows.read_header(); !read) return read;
  return rows;
}

Status RowFile::read_header() {
  const Bytes all = file_.bytes;
  if (format_ != TableFormat::csv || all.size == 0) return Status();
  const auto* const end = static_cast<const unsigned char*>(std::memchr(all.data, '\n', all.size));
  header_.assign(all.data, end);
  begin_ = header_.size() + 1;
  CsvRow columns;
  if (auto read = CsvReader(file_).next(columns); !read) return read.status();
  const auto find = [&fields = columns.fields](const char* name, std::size_t& column) {
    const auto at = std::find(fields.begin(), fields.end(), name);
    if (at != fields.end()) column = static_cast<std::size_t>(at - fields.begin());
  };
  find("face", face_column_);
  find("score", score_column_);
  return Status();
}

Result<std::optional<RowFile::Row>> RowFile::row(std::size_t at) const {
  if (at >= file_.bytes.size) return std::optional<Row>();
  Row row;
  row.begin = row.end = at;
  std::string face;
  const Status read = format_ == TableFormat::csv ? read_csv(row, face) : read_json(row, face);
  if (!read) return read;
  row.is_first = face.empty() || face == "1";
  return std::optional<Row>(std::move(row));
}

Status RowFile::read_csv(Row& row, std::string& face) const {
  const FileBytes rest = rest_of(file_, row.begin);
  CsvReader reader(rest, CsvLimits{rest.bytes.size, 1u << 16u, 4096});
  CsvRow fields;
  if (const auto more = reader.next(fields); !more) return more.status();
  row.path = fields.fields[0];
  if (face_column_ < fields.fields.size()) face = fields.fields[face_column_];
  if (score_column_ < fields.fields.size()) row.score = number_of(fields.fields[score_column_]);
  row.end = row.begin + reader.offset();
  return Status();
}

Status RowFile::read_json(Row& row, std::string& face) const {
  const Bytes rest = rest_of(file_, row.begin).bytes;
  const auto* const end = static_cast<const unsigned char*>(std::memchr(rest.data, '\n', rest.size));
  const auto json = nlohmann::json::parse(rest.data, end, nullptr, false);
  if (!json.is_object() || !json.contains("path") || !json["path"].is_string())
    return Status::error(Errc::bad_format, file_.path, ": at byte ", row.begin, " there is no row of JSON");
  row.path = json["path"].get<std::string>();
  if (json.contains("face") && json["face"].is_number_integer())
    face = std::to_string(json["face"].get<long>());
  if (json.contains("score") && json["score"].is_number()) row.score = json["score"].get<double>();
  row.end = row.begin + static_cast<std::size_t>(end - rest.data) + 1;
  return Status();
}
