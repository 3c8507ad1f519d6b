// Reads a data set and checks every row, so that errors are found before a training begins.
#pragma once

#include <tinyfiqa/base/config.hpp>
#include <tinyfiqa/base/status.hpp>
#include <tinyfiqa/data/dataset.hpp>
#include <tinyfiqa/formats/csv.hpp>

#include <algorithm>
#include <array>
#include <cctype>
#include <cmath>
#include <filesystem>
#include <string>
#include <string_view>
#include <system_error>
#include <unordered_map>
#include <utility>

TINYFIQA_BEGIN

namespace detail {

/// The indices of the columns; npos for missing ones.
struct DatasetFields {
  std::size_t path = CsvTable::npos, score = CsvTable::npos, split = CsvTable::npos,
              identity = CsvTable::npos, note = CsvTable::npos;
  std::array<std::size_t, 10> landmarks;  ///< x1, y1, ..., x5, y5
  std::array<std::size_t, 4> box;         ///< x, y, width, height

  DatasetFields() {
    landmarks.fill(CsvTable::npos);
    box.fill(CsvTable::npos);
  }
};

/// The name of a landmark's column in one of the three supported namings: image_left_eye_x, x1 or lm1_x.
inline std::string landmark_column(int naming, int point, char axis) {
  static constexpr const char* points[] = {"image_left_eye", "image_right_eye", "nose", "image_left_mouth",
                                           "image_right_mouth"};
  const std::string number = std::to_string(point + 1);
  if (naming == 0) return std::string(points[point]) + "_" + axis;
  return naming == 1 ? axis + number : "lm" + number + "_" + axis;
}

/// Finds a group of columns. Either all of them must exist or none; anything else is an error.
template <std::size_t Count, class Name>
Status find_columns(const CsvTable& table, std::array<std::size_t, Count>& found, const Name& name) {
  std::array<std::size_t, Count> columns;
  std::string first_present, first_missing;
  for (std::size_t i = 0; i < Count; ++i) {
    columns[i] = table.column(name(i));
    std::string& first = columns[i] == CsvTable::npos ? first_missing : first_present;
    if (first.empty()) first = name(i);
  }
  if (first_present.empty()) return Status();
  if (!first_missing.empty())
    return Status::error(Errc::bad_format, table.path, ":1: there is a column '", first_present,
                         "' but none is called '", first_missing, "'; add it or rename the columns");
  found = columns;
  return Status();
}

inline Status find_crop_columns(const CsvTable& table, DatasetFields& f) {
  for (int naming = 0; naming < 3 && f.landmarks[0] == CsvTable::npos; ++naming) {
    const Status status = find_columns(table, f.landmarks, [&](std::size_t i) {
      return landmark_column(naming, static_cast<int>(i) / 2, i % 2 == 0 ? 'x' : 'y');
    });
    if (!status) return status;
  }
  static constexpr const char* box[] = {"box_x", "box_y", "box_w", "box_h"};
  return find_columns(table, f.box, [](std::size_t i) { return std::string(box[i]); });
}

inline Result<DatasetFields> find_dataset_columns(const CsvTable& table, const DatasetOptions& options) {
  DatasetFields f;
  const DatasetColumns& names = options.columns;
  const auto need = [&](const std::string& name, const char* option, std::size_t& column) {
    const auto found = csv_column(table, name, option);
    if (found) column = *found;
    return found.status();
  };
  Status status = need(names.path, "path", f.path);
  if (status && options.need_score) status = need(names.score, "score", f.score);
  if (status && !names.split.empty()) status = need(names.split, "split", f.split);
  if (status && !names.identity.empty()) status = need(names.identity, "identity", f.identity);
  if (status && options.use_crops) status = find_crop_columns(table, f);
  if (!status) return status;
  if (names.split.empty()) f.split = table.column("split");
  if (names.identity.empty()) f.identity = table.column("identity");
  if (options.use_crops) f.note = table.column("note");
  return f;
}

/// Converts rows to samples. If a row can't be used, the functions return false and set `problem`.
class SampleReader {
 public:
  SampleReader(const CsvTable& table, const DatasetFields& fields, const DatasetOptions& options)
      : fields_(fields), options_(options), columns_(table.header.size()) {
    root_ = options.image_root.empty() ? std::filesystem::path(table.path).parent_path()
                                       : std::filesystem::path(options.image_root);
  }

  std::string problem;

  bool read(const CsvRow& row, Sample& sample) {
    problem.clear();
    sample.line = row.line;
    if (row.fields.size() < columns_) return fail(count_text(row) + "; add the missing comma");
    if (row.fields.size() > columns_)
      return fail(count_text(row) + "; put fields that contain a comma in quotes");
    return read_path(row, sample) && read_score(row, sample) && read_split(row, sample) &&
           read_crop(row, sample) && check_file(sample);
  }

 private:
  bool fail(std::string text) {
    problem = std::move(text);
    return false;
  }
  std::string count_text(const CsvRow& row) const {
    return std::to_string(row.fields.size()) + " fields, but there are " + std::to_string(columns_) +
           " columns";
  }
  static bool has(std::size_t column) { return column != CsvTable::npos; }

  bool read_path(const CsvRow& row, Sample& sample) {
    sample.path = row.fields[fields_.path];
    if (sample.path.empty()) return fail("the path is empty");
    sample.file = (root_ / sample.path).string();
    if (has(fields_.identity)) sample.identity = row.fields[fields_.identity];
    return true;
  }
  bool read_score(const CsvRow& row, Sample& sample) {
    if (!has(fields_.score)) return true;
    return parse_number(row.fields[fields_.score], "the score", sample.score, problem);
  }
  bool read_split(const CsvRow& row, Sample& sample) {
    if (!has(fields_.split)) return true;
    std::string word(csv_trimmed(row.fields[fields_.split]));
    for (char& c : word) c = static_cast<char>(std::tolower(static_cast<unsigned char>(c)));
    if (word == "train" || word == "training") sample.split = Split::train;
    if (word == "val" || word == "valid" || word == "validation") sample.split = Split::val;
    if (word == "test" || word == "testing") sample.split = Split::test;
    if (sample.split != Split::none) return true;
    return fail("the split '" + word.substr(0, 40) + "' is not train, val or test");
  }
  /// True if the row has a value in at least one of the columns. A row may leave all of them empty.
  template <std::size_t Count>
  static bool given(const CsvRow& row, const std::array<std::size_t, Count>& columns) {
    return has(columns[0]) && std::any_of(columns.begin(), columns.end(),
                                          [&](std::size_t c) { return !csv_trimmed(row.fields[c]).empty(); });
  }
  bool read_crop(const CsvRow& row, Sample& sample) {
    const auto note = has(fields_.note) ? csv_trimmed(row.fields[fields_.note]) : std::string_view();
    sample.is_face = note == aligned_crop_note || note == whole_image_note;
    if (given(row, fields_.landmarks)) return read_landmarks(row, sample);
    return sample.is_face || !given(row, fields_.box) || read_box(row, sample);
  }
  bool read_landmarks(const CsvRow& row, Sample& sample) {
    Landmarks points;
    for (std::size_t i = 0; i < 10; ++i) {
      double value = 0;
      if (!parse_number(row.fields[fields_.landmarks[i]], "a landmark", value, problem)) return false;
      (i % 2 == 0 ? points.x : points.y)[i / 2] = static_cast<float>(value);
    }
    const auto fit = face_transform(points);
    if (!fit) return fail(fit.status().message());
    (sample.is_face ? sample.landmarks : sample.crop.landmarks) = points;
    return true;
  }
  bool read_box(const CsvRow& row, Sample& sample) {
    float numbers[4] = {};
    for (std::size_t i = 0; i < 4; ++i) {
      double value = 0;
      if (!parse_number(row.fields[fields_.box[i]], "the box", value, problem)) return false;
      numbers[i] = static_cast<float>(std::clamp(value, -1e9, 1e9));
    }
    sample.crop.box = FaceBox{numbers[0], numbers[1], numbers[2], numbers[3]};
    // As whole_pixels() does, as far as it is possible without the image.
    if (numbers[0] <= -1 || numbers[1] <= -1) return fail("the box begins outside the image");
    return numbers[2] >= 0.5f && numbers[3] >= 0.5f ? true : fail("the box has no pixels");
  }
  bool check_file(Sample& sample) {
    std::error_code error;
    const auto status = std::filesystem::status(sample.file, error);
    if (std::filesystem::is_regular_file(status))
      sample.file_bytes = std::filesystem::file_size(sample.file, error);
    if (error) sample.file_bytes = 0;
    if (!options_.check_files) return true;
    if (!std::filesystem::exists(status)) return fail("no such file: " + sample.file);
    if (!std::filesystem::is_regular_file(status)) return fail("not a regular file: " + sample.file);
    return sample.file_bytes > 0 ? true : fail("an empty file: " + sample.file);
  }

  const DatasetFields& fields_;
  const DatasetOptions& options_;
  std::size_t columns_;
  std::filesystem::path root_;
};

/// Warns of paths that occur more than once, especially in different parts of a split.
inline void warn_of_duplicates(const Dataset& data, DatasetReport& report) {
  std::unordered_map<std::string_view, const Sample*> known;  // the paths are those of the samples
  for (const Sample& s : data.samples) {
    const auto [at, is_new] = known.emplace(s.path, &s);
    if (is_new) continue;
    const Sample& first = *at->second;
    const bool leaks = first.split != s.split;
    report.warnings.push_back({s.line, s.path + " is in line " + std::to_string(first.line) + " already" +
                                           (leaks ? std::string(", there for ") + split_name(first.split) +
                                                        ", here for " + split_name(s.split)
                                                  : std::string())});
  }
}

}  // namespace detail

/// Converts a table to a data set; see the next function.
inline Result<Dataset> read_dataset(const CsvTable& table, const DatasetOptions& options = {},
                                    DatasetReport* report = nullptr) {
  const auto fields = detail::find_dataset_columns(table, options);
  if (!fields) return fields.status();
  DatasetReport own;
  DatasetReport& r = report != nullptr ? *report : own;
  r = {table.path, table.rows.size(), {}, {}};
  Dataset data;
  data.path = table.path;
  detail::SampleReader reader(table, *fields, options);
  for (const CsvRow& row : table.rows) {
    Sample sample;
    if (reader.read(row, sample))
      data.samples.push_back(std::move(sample));
    else
      r.bad.push_back({row.line, reader.problem});
  }
  detail::warn_of_duplicates(data, r);
  if (!r.bad.empty() && !options.skip_bad)
    return Status::error(Errc::bad_format, table.path, ":", r.bad[0].line, ": ", r.bad[0].text, " (",
                         r.bad.size(), " of ", r.rows, " rows can't be used; correct or skip them)");
  if (data.samples.empty())
    return Status::error(Errc::bad_format, table.path, ": none of the ", r.rows,
                         " rows can be used; correct them");
  return data;
}

/// Reads a CSV and checks every row. The problems of the rows are written to `report` if it is not null, even
/// if this function fails. Errors: those of read_csv(); bad_format if a column is missing, if a row can't be
/// used and DatasetOptions::skip_bad is false, or if no usable row is left.
inline Result<Dataset> read_dataset(const std::string& path, const DatasetOptions& options = {},
                                    DatasetReport* report = nullptr) {
  const auto table = read_csv(path);
  if (!table) return table.status();
  return read_dataset(*table, options, report);
}

TINYFIQA_END
