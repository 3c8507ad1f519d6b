// Labelled faces: a CSV of (path, score[, split][, identity][, box][, landmarks]) and a folder of pictures.
#pragma once

#include <tinyfiqa/base/config.hpp>
#include <tinyfiqa/base/status.hpp>
#include <tinyfiqa/formats/csv.hpp>
#include <tinyfiqa/image/preprocess.hpp>

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <cstring>
#include <string>
#include <utility>
#include <vector>

TINYFIQA_BEGIN

/// The part of an experiment that a row belongs to; `none` where the CSV does not say.
enum class Split : unsigned char { none, train, val, test };

/// "none", "train", "val" or "test".
constexpr const char* split_name(Split split) {
  constexpr const char* names[] = {"none", "train", "val", "test"};
  return names[static_cast<unsigned char>(split)];
}

/// One usable row.
struct Sample {
  std::string path;              ///< as the CSV has it
  std::string file;              ///< the same, below the image root
  double score = 0;              ///< the label
  Crop crop;                     ///< landmarks, else a box, else the whole picture
  std::string identity;          ///< empty where there is none
  std::uint64_t file_bytes = 0;  ///< size of the picture's file
  std::size_t line = 0;          ///< of the CSV, from 1
  Split split = Split::none;
};

/// Names of the columns. `path` and `score` must be there; an empty name of the other two means "split" and
/// "identity" if there are such columns, and a name that was given must be there.
struct DatasetColumns {
  std::string path = "path", score = "score", split, identity;
};

struct DatasetOptions {
  DatasetColumns columns;
  std::string image_root;   ///< folder that relative paths start from; empty: the CSV's own folder
  bool need_score = true;   ///< false: there need be no score column, and none is read
  bool skip_bad = false;    ///< leave out rows that can't be used instead of failing
  bool use_crops = true;    ///< take box and landmark columns if there are any
  bool check_files = true;  ///< a row whose picture is missing is bad
};

/// What is wrong with a row.
struct RowProblem {
  std::size_t line = 0;
  std::string text;
};

/// Everything that was found in the rows, for people: `bad` rows can't be used, `warnings` can.
struct DatasetReport {
  std::string path;
  std::size_t rows = 0;
  std::vector<RowProblem> bad, warnings;

  /// "labels.csv:7: no such file: a.jpg", one a line, `limit` of them at most and how many more.
  std::string text(const std::vector<RowProblem>& problems, std::size_t limit = 10) const {
    std::string lines;
    for (std::size_t i = 0; i < std::min(limit, problems.size()); ++i)
      lines += path + ":" + std::to_string(problems[i].line) + ": " + problems[i].text + "\n";
    if (problems.size() > limit) lines += "and " + std::to_string(problems.size() - limit) + " more\n";
    return lines;
  }
};

struct Dataset {
  std::string path;  ///< of the CSV
  std::vector<Sample> samples;
};

/// Mean, standard deviation (of the population) and range of labels.
struct ScoreSummary {
  std::size_t count = 0;
  double mean = 0, std = 0, min = 0, max = 0;
};

/// Over the samples with these numbers.
inline ScoreSummary summarize_scores(const Dataset& data, const std::vector<std::size_t>& rows) {
  ScoreSummary s;
  s.count = rows.size();
  if (rows.empty()) return s;
  const auto score = [&](std::size_t row) { return data.samples[row].score; };
  const double count = static_cast<double>(rows.size());
  s.min = s.max = score(rows[0]);
  for (const std::size_t row : rows) {
    s.mean += score(row) / count;
    s.min = std::min(s.min, score(row));
    s.max = std::max(s.max, score(row));
  }
  for (const std::size_t row : rows) s.std += (score(row) - s.mean) * (score(row) - s.mean) / count;
  s.std = std::sqrt(s.std);
  return s;
}

/// FNV-1a over 64 bits: tells data sets apart by accident, not against intent.
class Fnv1a {
 public:
  void add(const void* data, std::size_t bytes) {
    const auto* p = static_cast<const unsigned char*>(data);
    for (std::size_t i = 0; i < bytes; ++i) hash_ = (hash_ ^ p[i]) * 1099511628211ull;
  }
  /// Lowest byte first, on every machine.
  void add(std::uint64_t value) {
    for (int shift = 0; shift < 64; shift += 8) {
      const auto byte = static_cast<unsigned char>(value >> shift);
      add(&byte, 1);
    }
  }
  void add(double value) {
    std::uint64_t bits = 0;
    std::memcpy(&bits, &value, sizeof bits);
    add(bits);
  }
  void add(const std::string& text) {
    add(std::uint64_t{text.size()});
    add(text.data(), text.size());
  }
  std::uint64_t hash() const { return hash_; }

 private:
  std::uint64_t hash_ = 14695981039346656037ull;
};

/// A number that changes when a row, their order or the size of a picture's file does; it does not depend on
/// where the folder is. 16 hexadecimal digits.
inline std::string digest(const Dataset& data) {
  Fnv1a hash;
  for (const Sample& s : data.samples) {
    hash.add(s.path);
    hash.add(s.score);
    hash.add(std::uint64_t{static_cast<unsigned char>(s.split)});
    hash.add(s.identity);
    hash.add(s.file_bytes);
    hash.add(std::uint64_t{s.crop.box.has_value()});
    if (const auto& b = s.crop.box)
      for (const int v : {b->x, b->y, b->width, b->height}) hash.add(static_cast<double>(v));
    hash.add(std::uint64_t{s.crop.landmarks.has_value()});
    if (const auto& points = s.crop.landmarks)
      for (int i = 0; i < 5; ++i) hash.add(double{points->x[i]}), hash.add(double{points->y[i]});
  }
  std::string text(16, '0');
  for (int i = 0; i < 16; ++i)
    text[static_cast<std::size_t>(i)] = "0123456789abcdef"[hash.hash() >> (60 - 4 * i) & 15u];
  return text;
}

TINYFIQA_END
