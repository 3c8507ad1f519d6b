// A table of images with the columns of found faces, as `detect --data` and --save-faces write it.
#pragma once

#include <tinyfiqa/formats/csv.hpp>

#include <cstddef>
#include <string>
#include <vector>

#include "reports/face_columns.hpp"

/// Adds the columns of face_columns() to a table. Columns of these names that it has are replaced.
class FaceTable {
 public:
  /// The table needs to live only as long as the constructor runs.
  explicit FaceTable(const tinyfiqa::CsvTable& table);

  const std::vector<std::string>& header() const { return header_; }
  /// The fields of a row of the table, with those of the face; empty ones for null.
  std::vector<std::string> row(const tinyfiqa::CsvRow& row, const FoundFace* face) const;
  /// The fields of a row with the face that the table gives it: its box, its landmarks (whatever their columns are
  /// called) and its note.
  std::vector<std::string> row(const tinyfiqa::CsvRow& row) const;

 private:
  std::vector<std::string> kept(const tinyfiqa::CsvRow& row) const;

  std::vector<std::string> header_;
  std::vector<std::size_t> kept_;   ///< columns of the table that are no face columns
  std::vector<std::size_t> given_;  ///< for each face column, the column of the table that has it, or npos
};
