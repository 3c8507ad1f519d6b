#include "jobs/scoring/report_table.hpp"

#include <tinyfiqa/formats/csv.hpp>

#include "reports/explanation_columns.hpp"
#include "reports/face_columns.hpp"
#include "reports/text.hpp"

#include <cmath>
#include <filesystem>
#include <map>
#include <utility>

using namespace tinyfiqa;
namespace fs = std::filesystem;
using Json = nlohmann::ordered_json;

namespace {

constexpr const char* how_to_write = "write the table with tinyfiqa score PHOTOS --explain --out scores.csv";

/// The fields of a row by the names of their columns.
using Fields = std::map<std::string, std::string>;

struct TableRow {
  std::size_t line = 0;
  Fields fields;

  const std::string& at(const std::string& name) const {
    static const std::string empty;
    const auto found = fields.find(name);
    return found == fields.end() ? empty : found->second;
  }
};

struct RowTable {
  std::string path;
  std::vector<TableRow> rows;
  bool calibrated = false, explained = false, scored = false;

  template <class... Parts>
  Status error(const TableRow& row, const Parts&... parts) const {
    return Status::error(Errc::bad_format, path, ":", row.line, ": ", parts..., "; ", how_to_write);
  }
};

Result<RowTable> read_csv_rows(const std::string& path) {
  const auto csv = read_csv(path);
  if (!csv) return csv.status();
  if (const auto column = csv_column(*csv, "path", "path"); !column) return column.status();
  const auto has = [&](const char* name) { return csv->column(name) != CsvTable::npos; };
  RowTable table{path, {}, has("quality"), has("reasons"), has("score") || has("quality")};
  for (const CsvRow& row : csv->rows) {
    TableRow& read = table.rows.emplace_back();
    read.line = row.line;
    if (row.fields.size() != csv->header.size())
      return table.error(read, row.fields.size(), " fields, but there are ", csv->header.size(), " columns");
    for (std::size_t i = 0; i < row.fields.size(); ++i) read.fields[csv->header[i]] = row.fields[i];
  }
  return table;
}

std::string number_text(const Json& json) {
  return json.is_number_float() ? format_text("%.9g", json.get<double>())
         : json.is_number()     ? json.dump()
                                : "";
}

/// The row of CSV that has the same values.
Fields csv_fields(const Json& json) {
  Fields fields;
  const auto put = [&](const std::string& name, const Json& value) {
    fields[name] = value.is_string() ? value.get<std::string>() : number_text(value);
  };
  for (const auto& [name, value] : json.items()) {
    if (name == "box" && value.is_array() && value.size() == 4) {
      const char* const names[] = {"box_x", "box_y", "box_w", "box_h"};
      for (std::size_t i = 0; i < 4; ++i) put(names[i], value[i]);
    } else if (name == "landmarks" && value.is_array()) {
      for (std::size_t i = 0; i < value.size() && i < 5; ++i)
        if (value[i].is_array() && value[i].size() == 2) {
          put(std::string(landmark_column_names[i]) + "_x", value[i][0]);
          put(std::string(landmark_column_names[i]) + "_y", value[i][1]);
        }
    } else if (name == "components" && value.is_object()) {
      for (const auto& [component, number] : value.items()) put(component, number);
    } else if (name == "reasons" && value.is_array()) {
      std::vector<std::string> texts;
      for (const Json& text : value) texts.push_back(text.is_string() ? text.get<std::string>() : "");
      fields[name] = join_text(texts, "; ");
    } else {
      put(name, value);
    }
  }
  return fields;
}

Result<RowTable> read_json_rows(const std::string& path) {
  const auto file = read_file(path, FileAccess::copy);
  if (!file) return file.status();
  RowTable table{path, {}, false, false, false};
  const std::string text(reinterpret_cast<const char*>(file->bytes.data), file->bytes.size);
  std::size_t line = 0;
  for (const std::string& part : split_text(text, '\n')) {
    ++line;
    if (part.empty()) continue;
    TableRow& row = table.rows.emplace_back();
    row.line = line;
    const Json json = Json::parse(part, nullptr, false);
    if (!json.is_object() || !json.contains("path") || !json["path"].is_string())
      return table.error(row, "no row of JSON with a path");
    row.fields = csv_fields(json);
    // Rows without a face have no quality, but a band.
    table.calibrated = table.calibrated || json.contains("quality") || json.contains("band");
    table.explained = table.explained || json.contains("components");
  }
  table.scored = true;
  return table;
}

/// Where the photo of a row is.
std::string photo_file(const std::string& path, const std::string& table, const std::string& images) {
  if (!images.empty()) return (fs::path(images) / path).string();
  std::error_code ignored;
  if (fs::path(path).is_absolute() || fs::exists(path, ignored)) return path;
  const fs::path beside = fs::path(table).parent_path() / path;
  return fs::exists(beside, ignored) ? beside.string() : path;
}

/// Reads one row. Errors: bad_format, with the line.
class FaceReader {
 public:
  FaceReader(const RowTable& table, const std::string& images) : table_(table), images_(images) {}

  Result<ReportFace> read(const TableRow& row) const {
    ReportFace face;
    face.path = row.at("path");
    if (face.path.empty()) return table_.error(row, "the path is empty");
    face.file = photo_file(face.path, table_.path, images_);
    face.error = row.at("error");
    face.note = row.at("note");
    Status status = read_score(row, face);
    if (status) status = read_place(row, face);
    if (status && table_.explained && face.scored()) status = read_components(row, face);
    if (!status) return status;
    return face;
  }

 private:
  /// An empty field leaves the number as it is.
  Status number(const TableRow& row, const std::string& name, double& value) const {
    const std::string& text = row.at(name);
    std::string problem;
    if (text.empty() || parse_number(text, name.c_str(), value, problem)) return Status();
    return table_.error(row, problem);
  }

  /// A whole number of 0 to 100, or nothing if the field is empty.
  Status percent(const TableRow& row, const std::string& name, std::optional<int>& value) const {
    double read = -1;
    if (row.at(name).empty()) return Status();
    if (const Status s = number(row, name, read); !s) return s;
    if (!(read >= 0 && read <= 100)) return table_.error(row, name, " is ", row.at(name), ", not 0 to 100");
    value = static_cast<int>(read);
    return Status();
  }

  Status read_score(const TableRow& row, ReportFace& face) const {
    if (const Status s = number(row, "score", face.score); !s) return s;
    if (const Status s = percent(row, "quality", face.quality); !s) return s;
    if (face.quality) face.band = row.at("band");
    const bool scored = table_.calibrated ? face.quality.has_value() : !std::isnan(face.score);
    if (!scored && face.error.empty()) return table_.error(row, "neither a score nor an error");
    return Status();
  }

  Status read_place(const TableRow& row, ReportFace& face) const {
    auto found = read_face_fields([&](const std::string& name) { return row.at(name); });
    if (!found) return table_.error(row, found.status().message());
    face.face = *found;
    return Status();
  }

  Status read_components(const TableRow& row, ReportFace& face) const {
    for (const ComponentSpec& spec : component_specs()) {
      face.components.emplace_back();
      if (const Status s = percent(row, spec.name, face.components.back()); !s) return s;
    }
    face.reasons = read_reasons(row.at("reasons"));
    return Status();
  }

  const RowTable& table_;
  const std::string& images_;
};

std::string extension_of(const std::string& path) { return fs::path(path).extension().string(); }

}  // namespace

bool is_report_table(const std::string& path) {
  return extension_of(path) == ".csv" || extension_of(path) == ".jsonl";
}

Result<Report> read_report_table(const std::string& path, const std::string& images) {
  const auto table = extension_of(path) == ".jsonl" ? read_json_rows(path) : read_csv_rows(path);
  if (!table) return table.status();
  if (!table->scored || table->rows.empty())
    return Status::error(Errc::bad_format, path,
                         table->rows.empty() ? ": has no rows; " : ": has no column score or quality; ",
                         how_to_write);
  Report report;
  report.shown = table->calibrated ? ShownScore::quality : ShownScore::raw;
  report.explained = table->explained;
  const FaceReader reader(*table, images);
  for (const TableRow& row : table->rows) {
    auto face = reader.read(row);
    if (!face) return face.status();
    report.faces.push_back(std::move(*face));
  }
  return report;
}
