// The rows that an earlier run of `score` wrote to a file, so that a later run can go on behind them.
#pragma once

#include <tinyfiqa/formats/csv.hpp>

#include "reports/score_table.hpp"

#include <cstddef>
#include <optional>
#include <string>

/// Reads the paths of the rows again, image by image. The last image is left out: a run that was stopped may not have
/// written all of its rows.
class DoneRows {
 public:
  /// `header`: the first line of CSV. Errors: those of read_file(); mismatch for rows of another format or of other
  /// columns; bad_format for rows that are none.
  static tinyfiqa::Result<DoneRows> read(const std::string& path, TableFormat format,
                                         const std::string& header);

  std::size_t images() const { return images_; }
  /// The bytes of the file in front of the last image.
  std::size_t bytes() const { return bytes_; }
  /// The path of the next image; none behind images().
  std::optional<std::string> next();

 private:
  /// A row's path, whether it is the first of its image, and where it begins and ends.
  struct Row {
    std::string path;
    bool is_first = true;
    std::size_t begin = 0, end = 0;
  };

  DoneRows(tinyfiqa::FileBytes file, TableFormat format) : file_(std::move(file)), format_(format) {}
  tinyfiqa::Result<std::optional<Row>> read_row(std::size_t at) const;
  tinyfiqa::Status check_header(const std::string& header);

  tinyfiqa::FileBytes file_;
  TableFormat format_;
  std::size_t face_column_ = tinyfiqa::CsvTable::npos;
  std::size_t begin_ = 0, images_ = 0, bytes_ = 0, at_ = 0, given_ = 0;
};
