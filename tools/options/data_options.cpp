#include "options/data_options.hpp"

#include "options/model_options.hpp"

#include <cstdio>

using namespace tinyfiqa;

void DataOptions::add_to(const Command& command) {
  command
      .add_option(
          "--data", csv,
          "Labels: a CSV with columns path and score (identity, to train a recogniser), and maybe split, "
          "identity, a box or landmarks")
      .type_name("CSV")
      .required();
  command.add_option("--score-column", dataset.columns.score, "Name of the column of labels")
      .type_name("NAME")
      .show_default();
  add_columns_to(command);
}

void DataOptions::add_unlabelled_to(const Command& command) {
  dataset.need_score = false;
  command
      .add_option(
          "--data", csv,
          "Images: a CSV with a column path, identity where people are compared, and maybe a box or five "
          "landmarks")
      .type_name("CSV")
      .required();
  add_columns_to(command);
}

void DataOptions::add_columns_to(const Command& command) {
  command
      .add_option("--images", dataset.image_root,
                  "Folder that the CSV's paths start from; default: the CSV's own")
      .type_name("DIR");
  command.add_flag("--skip-bad", dataset.skip_bad, "Go on without rows that can't be used");
  command.add_flag("--whole-image", whole_image, "Take no notice of the CSV's boxes and landmarks");
  DatasetColumns& columns = dataset.columns;
  command.add_option("--path-column", columns.path, "Name of the column of paths")
      .type_name("NAME")
      .show_default();
  command
      .add_option("--split-column", columns.split,
                  "Name of the column of train, val or test; default: split if there is one")
      .type_name("NAME");
  command
      .add_option("--identity-column", columns.identity,
                  "Name of the column of identities; default: identity if there is one")
      .type_name("NAME");
}

Result<Dataset> read_data(const DataOptions& options) {
  const auto table = read_csv(options.csv);
  if (!table) return table.status();
  return read_data(options, *table);
}

Result<Dataset> read_data(const DataOptions& options, const CsvTable& table) {
  DatasetOptions dataset = options.dataset;
  dataset.use_crops = !options.whole_image;
  DatasetReport report;
  auto data = read_dataset(table, dataset, &report);
  std::fputs(report.text(report.bad).c_str(), stderr);
  const std::string bad = std::to_string(report.bad.size()) + " of " + std::to_string(report.rows) + " rows";
  if (!data && !report.bad.empty() && !dataset.skip_bad)
    return Status::error(Errc::bad_format, options.csv, ": ", bad,
                         " can't be used; correct them, or go on without them with --skip-bad");
  if (data && !report.bad.empty()) print_note(options.csv + ": went on without " + bad);
  if (!report.warnings.empty())
    print_note(options.csv + ": " + std::to_string(report.warnings.size()) +
               " paths are there more than once; the first:");
  std::fputs(report.text(report.warnings, 1).c_str(), stderr);
  return data;
}
