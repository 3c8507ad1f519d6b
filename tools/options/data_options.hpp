// Options for the images, labelled or not, that a command works on.
#pragma once

#include <tinyfiqa/data/read_dataset.hpp>

#include "options/command_line.hpp"
#include "options/face_options.hpp"

#include <cstddef>
#include <string>
#include <unordered_map>
#include <vector>

/// --data, --images, --skip-bad, --whole-image, and the names of the columns.
struct DataOptions {
  std::string csv;
  tinyfiqa::DatasetOptions dataset;
  bool whole_image = false;
  FaceOptions faces;       ///< how the faces of rows without landmarks are found
  std::string save_faces;  ///< the table with the found faces is written here; empty: it is not written

  void add_to(const Command& command);
  /// The same options for commands that need no labels. --data may be a folder too. Where it is not required, --images
  /// alone is that folder (images_or_data()).
  void add_unlabelled_to(const Command& command, bool required = true);
  /// Without --data, takes the folder of --images. Errors: bad_argument if there is neither.
  tinyfiqa::Status images_or_data();
  /// --save-faces, --detector and the other options of the search, for commands that find faces
  /// (jobs/faces/table_faces.hpp). Call it after the others.
  void add_faces_to(const Command& command);
  /// Only --save-faces, for commands that have the other options anyway.
  void add_save_faces_to(const Command& command);
  /// Checks that --save-faces can be written, if it is given. Errors: cannot_write.
  tinyfiqa::Status check_output() const;

 private:
  void add_columns_to(const Command& command);
};

/// Checks the rows of a table that was read from options.csv. Prints notes and the first ten unusable rows to
/// stderr.
tinyfiqa::Result<tinyfiqa::Dataset> read_data(const DataOptions& options, const tinyfiqa::CsvTable& table);

/// Checks options.check_output() and reads options.csv, of any size. If it is a folder, the table has the images in it and
/// below. Errors: also those of read_csv(); not_found for a folder without images.
tinyfiqa::Result<tinyfiqa::CsvTable> read_table(const DataOptions& options);

/// A table and its usable rows.
struct DataTable {
  tinyfiqa::CsvTable table;
  tinyfiqa::Dataset data;
};
/// Both of options.csv. Errors: those of read_table() and read_data().
tinyfiqa::Result<DataTable> read_data(const DataOptions& options);

/// Prints problems of a table's rows, one a line, to standard error: the first `limit` of them, and how many more.
void print_problems(const std::string& table, std::vector<tinyfiqa::RowProblem> problems,
                    std::size_t limit = 10);

/// The rows of a table by their line.
std::unordered_map<std::size_t, const tinyfiqa::CsvRow*> rows_by_line(const tinyfiqa::CsvTable& table);
/// The values of a column by the line of their row. `option` says in errors what the column is for. Errors:
/// those of csv_column().
tinyfiqa::Result<std::unordered_map<std::size_t, std::string>> column_by_line(const tinyfiqa::CsvTable& table,
                                                                              const std::string& name,
                                                                              const char* option);
