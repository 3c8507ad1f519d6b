#include "reports/face_table.hpp"

#include <tinyfiqa/data/read_dataset.hpp>

#include "reports/text.hpp"

#include <algorithm>

using namespace tinyfiqa;

FaceTable::FaceTable(const CsvTable& table) {
  const std::vector<std::string> added = split_text(face_columns(), ',');
  for (std::size_t c = 0; c < table.header.size(); ++c) {
    if (std::find(added.begin(), added.end(), table.header[c]) != added.end()) continue;
    kept_.push_back(c);
    header_.push_back(table.header[c]);
  }
  header_.insert(header_.end(), added.begin(), added.end());
  for (const std::string& name : added) given_.push_back(table.column(name));

  detail::DatasetFields fields;
  if (!detail::find_crop_columns(table, fields)) return;  // some of the columns are missing
  for (std::size_t i = 0; i < fields.landmarks.size(); ++i) {
    const std::string name = detail::landmark_column(0, static_cast<int>(i) / 2, i % 2 == 0 ? 'x' : 'y');
    const auto at = std::find(added.begin(), added.end(), name) - added.begin();
    given_[static_cast<std::size_t>(at)] = fields.landmarks[i];
  }
}

std::vector<std::string> FaceTable::kept(const CsvRow& row) const {
  std::vector<std::string> fields;
  for (const std::size_t c : kept_) fields.push_back(row.fields[c]);
  return fields;
}

std::vector<std::string> FaceTable::row(const CsvRow& row, const FoundFace* face) const {
  std::vector<std::string> fields = kept(row);
  for (std::string& field : split_text(face_fields(face), ',')) fields.push_back(std::move(field));
  return fields;
}

std::vector<std::string> FaceTable::row(const CsvRow& row) const {
  std::vector<std::string> fields = kept(row);
  for (const std::size_t c : given_) fields.push_back(c == CsvTable::npos ? "" : row.fields[c]);
  return fields;
}
