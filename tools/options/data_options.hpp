// Options for the images, labelled or not, that a command works on.
#pragma once

#include <tinyfiqa/data/read_dataset.hpp>

#include "options/command_line.hpp"

#include <cstddef>
#include <string>
#include <unordered_map>

/// --data, --images, --skip-bad, --whole-image, and the names of the columns.
struct DataOptions {
  std::string csv;
  tinyfiqa::DatasetOptions dataset;
  bool whole_image = false;

  void add_to(const Command& command);
  /// The same options for commands that need no labels.
  void add_unlabelled_to(const Command& command);

 private:
  void add_columns_to(const Command& command);
};

/// Reads and checks the rows of options.csv. Prints notes and the first ten unusable rows to stderr.
tinyfiqa::Result<tinyfiqa::Dataset> read_data(const DataOptions& options);
/// The same for a table that is already read from options.csv.
tinyfiqa::Result<tinyfiqa::Dataset> read_data(const DataOptions& options, const tinyfiqa::CsvTable& table);

/// The rows of a table by their line.
std::unordered_map<std::size_t, const tinyfiqa::CsvRow*> rows_by_line(const tinyfiqa::CsvTable& table);
/// The values of a column by the line of their row. `option` says in errors what the column is for. Errors:
/// those of csv_column().
tinyfiqa::Result<std::unordered_map<std::size_t, std::string>> column_by_line(const tinyfiqa::CsvTable& table,
                                                                              const std::string& name,
                                                                              const char* option);
