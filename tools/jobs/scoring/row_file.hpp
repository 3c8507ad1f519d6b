// A file of rows that `score` wrote as csv or jsonl, read again image by image.
#pragma once

#include <tinyfiqa/formats/csv.hpp>

#include "reports/score_table.hpp"

#include <cstddef>
#include <optional>
#include <string>

class RowFile {
 public:
  /// A row's path, its raw score if it has one, whether it is the first of its image, and where it begins and ends.
  struct Row {
    std::string path;
    std::optional<double> score;
    bool is_first = true;
    std::size_t begin = 0, end = 0;
  };

  /// A line without an end at the file's end, which was cut off, is left out. Errors: those of read_file(); bad_format.
  static tinyfiqa::Result<RowFile> open(const std::string& path, TableFormat format);

  const std::string& path() const { return file_.path; }
  /// The first line of CSV, without its end; empty for JSON lines.
  const std::string& header() const { return header_; }
  /// Where the first row begins.
  std::size_t begin() const { return begin_; }
  tinyfiqa::Bytes bytes() const { return file_.bytes; }
  /// The row that begins at this byte; nothing at the end. Errors: bad_format.
  tinyfiqa::Result<std::optional<Row>> row(std::size_t at) const;

 private:
  RowFile(tinyfiqa::FileBytes file, TableFormat format) : file_(std::move(file)), format_(format) {}
  tinyfiqa::Status read_header();
  tinyfiqa::Status read_csv(Row& row, std::string& face) const;
  tinyfiqa::Status read_json(Row& row, std::string& face) const;

  tinyfiqa::FileBytes file_;
  TableFormat format_;
  std::string header_;
  std::size_t face_column_ = tinyfiqa::CsvTable::npos, score_column_ = tinyfiqa::CsvTable::npos;
  std::size_t begin_ = 0;
};
