#include "options/data_options.hpp"

#include "jobs/input_list.hpp"
#include "jobs/output_path.hpp"
#include "options/messages.hpp"
#include "reports/text.hpp"

#include <algorithm>
#include <cstdio>
#include <filesystem>
#include <limits>
#include <utility>

using namespace tinyfiqa;

void DataOptions::add_to(const Command& command) {
  command
      .add_option("--data", csv,
                  "Read the images and labels from this CSV: columns path and score; optional: split, "
                  "identity, a box "
                  "or five landmarks")
      .type_name("CSV")
      .required();
  command.add_option("--score-column", dataset.columns.score, "Read the labels from this column")
      .type_name("NAME")
      .show_default();
  add_columns_to(command);
}

void DataOptions::add_unlabelled_to(const Command& command, bool required) {
  dataset.need_score = false;
  const Option data = command.add_option(
      "--data", csv,
      "Read the list of images from this CSV: column path, and identity to compare people; optional: a "
      "box or five landmarks. A folder stands for all images in it and below");
  data.type_name("CSV");
  if (required) data.required();
  add_columns_to(command);
}

Status DataOptions::images_or_data() {
  if (csv.empty()) csv = std::exchange(dataset.image_root, "");
  if (!csv.empty()) return {};
  return Status::error(Errc::bad_argument,
                       "give the images: --images FOLDER, or a table of them by --data CSV");
}

void DataOptions::add_columns_to(const Command& command) {
  command
      .add_option("--images", dataset.image_root,
                  "Resolve relative paths of the CSV from this folder (default: the folder of the CSV)")
      .type_name("DIR");
  command.add_flag("--skip-bad", dataset.skip_bad, "Skip rows that can't be used, instead of stopping");
  command.add_flag("--whole-image", whole_image,
                   "Take whole images as faces: ignore the boxes and landmarks of the CSV, and find none");
  DatasetColumns& columns = dataset.columns;
  command.add_option("--path-column", columns.path, "Read the paths from this column")
      .type_name("NAME")
      .show_default();
  command
      .add_option("--split-column", columns.split,
                  "Read train, val or test from this column (default: split, if there is one)")
      .type_name("NAME");
  command
      .add_option("--identity-column", columns.identity,
                  "Read the identities from this column (default: identity, if there is one)")
      .type_name("NAME");
}

void DataOptions::add_save_faces_to(const Command& command) {
  command
      .add_option(
          "--save-faces", save_faces,
          "Write the CSV again to this file, with the faces that were found, as `detect --data` does; "
          "with that file as --data nothing is searched")
      .type_name("CSV")
      .excludes(command.option("--whole-image"));
}

void DataOptions::add_faces_to(const Command& command) {
  add_save_faces_to(command);
  faces.add_search_to(command);
}

Status DataOptions::check_output() const {
  return save_faces.empty() ? Status() : check_output_file(save_faces);
}

namespace {

/// The images in a folder and below as a table.
Result<CsvTable> folder_table(const std::string& folder, const std::string& path_column) {
  CsvTable table;
  table.path = folder;
  table.header = {path_column};
  std::string left_out;
  for (const InputItem& item : list_inputs({folder}, &left_out)) {
    if (!item.status) return item.status;
    CsvRow row;
    row.line = table.rows.size() + 1;
    row.fields = {std::filesystem::absolute(item.path).string()};
    table.rows.push_back(std::move(row));
  }
  if (!left_out.empty()) print_note(left_out);
  return table;
}

}  // namespace

Result<CsvTable> read_table(const DataOptions& options) {
  if (const Status s = options.check_output(); !s) return s;
  std::error_code none;
  if (std::filesystem::is_directory(options.csv, none))
    return folder_table(options.csv, options.dataset.columns.path);
  CsvLimits limits;
  limits.file_bytes = std::numeric_limits<std::size_t>::max();  // tables of ten million faces have gigabytes
  return read_csv(options.csv, limits);
}

Result<DataTable> read_data(const DataOptions& options) {
  auto table = read_table(options);
  if (!table) return table.status();
  auto data = read_data(options, *table);
  if (!data) return data.status();
  return DataTable{std::move(*table), std::move(*data)};
}

Result<Dataset> read_data(const DataOptions& options, const CsvTable& table) {
  DatasetOptions dataset = options.dataset;
  dataset.use_crops = !options.whole_image;
  DatasetReport report;
  auto data = read_dataset(table, dataset, &report);
  print_problems(report.path, report.bad);
  const std::string bad = std::to_string(report.bad.size()) + " of " + std::to_string(report.rows) + " rows";
  if (!data && !report.bad.empty() && !dataset.skip_bad)
    return Status::error(Errc::bad_format, options.csv, ": ", bad,
                         " can't be used; correct them, or skip them with --skip-bad");
  if (data && !report.bad.empty()) print_note(options.csv + ": skipped " + bad);
  if (!report.warnings.empty())
    print_note(options.csv + ": " + std::to_string(report.warnings.size()) +
               " paths occur more than once; the first:");
  print_problems(report.path, report.warnings, 1);
  return data;
}

void print_problems(const std::string& table, std::vector<RowProblem> problems, std::size_t limit) {
  for (std::size_t i = 0; i < std::min(limit, problems.size()); ++i)
    problems[i].text = shown_text(problems[i].text);
  DatasetReport report;
  report.path = shown_text(table);
  std::fputs(report.text(problems, limit).c_str(), stderr);
}

std::unordered_map<std::size_t, const CsvRow*> rows_by_line(const CsvTable& table) {
  std::unordered_map<std::size_t, const CsvRow*> rows;
  for (const CsvRow& row : table.rows) rows[row.line] = &row;
  return rows;
}

Result<std::unordered_map<std::size_t, std::string>> column_by_line(const CsvTable& table,
                                                                    const std::string& name,
                                                                    const char* option) {
  const auto column = csv_column(table, name, option);
  if (!column) return column.status();
  std::unordered_map<std::size_t, std::string> values;
  for (const CsvRow& row : table.rows)
    if (*column < row.fields.size()) values[row.line] = row.fields[*column];
  return values;
}
