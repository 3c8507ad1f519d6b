// The rows that an earlier run of `score` wrote to a file, so that a later run can go on behind them.
#pragma once

#include "jobs/scoring/row_file.hpp"

#include <cstddef>
#include <optional>
#include <string>

/// Reads paths and scores of the rows again, image by image. The last image is left out: a run that was stopped may not have
/// written all of its rows.
class DoneRows {
 public:
  /// `header`: the first line of CSV. Errors: those of RowFile::open(); mismatch for rows of another format or of other
  /// columns; bad_format for rows that are none.
  static tinyfiqa::Result<DoneRows> read(const std::string& path, TableFormat format,
                                         const std::string& header);

  std::size_t images() const { return images_; }
  /// The bytes of the file in front of the last image.
  std::size_t bytes() const { return bytes_; }
  /// The first row of the next image; none behind images().
  std::optional<RowFile::Row> next();

 private:
  explicit DoneRows(RowFile file) : file_(std::move(file)) {}

  RowFile file_;
  std::size_t images_ = 0, bytes_ = 0, at_ = 0, given_ = 0;
};
