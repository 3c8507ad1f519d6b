// Options that say which labelled images a command works on.
#pragma once

#include <tinyfiqa/data/read_dataset.hpp>

#include "options/command_line.hpp"

#include <string>

/// --data, --images, --skip-bad, --whole-image and the columns' names.
struct DataOptions {
  std::string csv;
  tinyfiqa::DatasetOptions dataset;
  bool whole_image = false;

  void add_to(const Command& command);
  /// The same for commands that need no score.
  void add_unlabelled_to(const Command& command);

 private:
  void add_columns_to(const Command& command);
};

/// Reads and checks the rows. Notes, and the first ten rows that can't be used, go to stderr.
tinyfiqa::Result<tinyfiqa::Dataset> read_data(const DataOptions& options);
/// The same for a table that was read from options.csv.
tinyfiqa::Result<tinyfiqa::Dataset> read_data(const DataOptions& options, const tinyfiqa::CsvTable& table);
