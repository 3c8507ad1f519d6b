// A data set of labelled faces: a CSV with the columns path, score[, split][, identity][, box][, landmarks],
// and a folder of images.
#pragma once

#include <tinyfiqa/base/config.hpp>
#include <tinyfiqa/base/status.hpp>
#include <tinyfiqa/formats/csv.hpp>
#include <tinyfiqa/image/face.hpp>
#include <tinyfiqa/image/preprocess.hpp>

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <cstring>
#include <optional>
#include <string>
#include <utility>
#include <vector>

TINYFIQA_BEGIN

/// The part of the data that a row belongs to; `none` if the CSV does not say.
enum class Split : unsigned char { none, train, val, test };

/// "none", "train", "val" or "test".
constexpr const char* split_name(Split split) {
  constexpr const char* names[] = {"none", "train", "val", "test"};
  return names[static_cast<unsigned char>(split)];
}

/// One usable row.
struct Sample {
  std::string path;  ///< the path in the CSV
  std::string file;  ///< the path with the image root
  double score = 0;  ///< the label
  /// Landmarks if given, else the box if given, else the whole image. The whole image also if `is_face`.
  Crop crop;
  /// The column note says that the whole image is the face: "aligned crop" or "whole image".
  bool is_face = false;
  std::optional<Landmarks> landmarks;  ///< of such an image, if given
  Status status;                       ///< why the face can't be used, such as no_face; ok if it can
  std::string identity;                ///< name of the person; empty if there is none
  std::uint64_t file_bytes = 0;        ///< size of the image file
  std::size_t line = 0;                ///< line in the CSV, counted from 1
  Split split = Split::none;

  /// True if the CSV says where the face is, so that nothing has to be searched.
  bool has_face() const { return crop.box || crop.landmarks || is_face; }
};

/// Names of the columns. Columns that are named must exist. If the names of the last two are empty, columns
/// called "split" and "identity" are used if they exist.
struct DatasetColumns {
  std::string path = "path", score = "score", split, identity;
};

/// How a data set is read.
struct DatasetOptions {
  DatasetColumns columns;
  std::string image_root;   ///< folder that relative paths start from; empty: the folder of the CSV
  bool need_score = true;   ///< false: the score column is not read and may be missing
  bool skip_bad = false;    ///< true: rows that can't be used are left out; false: they are an error
  bool use_crops = true;    ///< false: columns with boxes and landmarks are ignored
  bool check_files = true;  ///< true: a row whose image file is missing can't be used
};

/// A problem of one row: its line in the CSV (counted from 1) and a sentence.
struct RowProblem {
  std::size_t line = 0;
  std::string text;
};

/// All problems of the rows. Rows in `bad` can't be used; rows in `warnings` can.
struct DatasetReport {
  std::string path;      ///< of the CSV
  std::size_t rows = 0;  ///< all rows, usable or not
  std::vector<RowProblem> bad, warnings;

  /// Problems as text, one per line: "labels.csv:7: no such file: a.jpg". After `limit` lines, one more line
  /// tells how many there are beyond them.
  std::string text(const std::vector<RowProblem>& problems, std::size_t limit = 10) const {
    std::string lines;
    for (std::size_t i = 0; i < std::min(limit, problems.size()); ++i)
      lines += path + ":" + std::to_string(problems[i].line) + ": " + problems[i].text + "\n";
    if (problems.size() > limit) lines += "and " + std::to_string(problems.size() - limit) + " more\n";
    return lines;
  }
};

/// The usable rows of a CSV, in its order.
struct Dataset {
  std::string path;  ///< of the CSV
  std::vector<Sample> samples;
};

/// Mean, standard deviation (divided by n, not n - 1) and range of labels.
struct ScoreSummary {
  std::size_t count = 0;
  double mean = 0, std = 0, min = 0, max = 0;
};

/// Summarises the labels of the samples with these indices; all 0 if there are none.
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

/// The 64-bit hash FNV-1a. It detects accidental changes; it is not cryptographic.
class Fnv1a {
 public:
  void add(const void* data, std::size_t bytes) {
    const auto* p = static_cast<const unsigned char*>(data);
    for (std::size_t i = 0; i < bytes; ++i) hash_ = (hash_ ^ p[i]) * 1099511628211ull;
  }
  /// Adds the bytes from the lowest to the highest, on every machine.
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
  /// The hash as 16 hexadecimal digits.
  std::string text() const {
    std::string digits(16, '0');
    for (int i = 0; i < 16; ++i)
      digits[static_cast<std::size_t>(i)] = "0123456789abcdef"[hash_ >> (60 - 4 * i) & 15u];
    return digits;
  }

 private:
  std::uint64_t hash_ = 14695981039346656037ull;
};

namespace detail {
/// Stands for a box in digest(). It changes whenever networks see another part of the image for the same box, so that
/// nothing made from the old crops is continued with the new ones. 1: cut out; 2: aligned by average landmarks.
inline constexpr std::uint64_t box_version = 2;
}  // namespace detail

/// Adds a row to digest().
inline void add_to_digest(Fnv1a& hash, const Sample& s) {
  hash.add(s.path);
  hash.add(s.score);
  hash.add(std::uint64_t{static_cast<unsigned char>(s.split)});
  hash.add(s.identity);
  hash.add(s.file_bytes);
  hash.add(std::uint64_t{s.crop.box ? detail::box_version : 0});
  if (const auto& b = s.crop.box)
    for (const float v : {b->x, b->y, b->width, b->height}) hash.add(double{v});
  const auto& points = s.is_face ? s.landmarks : s.crop.landmarks;
  hash.add(!points ? std::uint64_t{0} : s.is_face ? std::uint64_t{2} : std::uint64_t{1});
  if (points)
    for (int i = 0; i < 5; ++i) hash.add(double{points->x[i]}), hash.add(double{points->y[i]});
  if (!s.status.ok()) hash.add(std::string(errc_name(s.status.code())));
}

/// A hash of a data set, as 16 hexadecimal digits. It changes when a row, the order of the rows or the size
/// of an image file changes. It does not depend on the location of the folder.
inline std::string digest(const Dataset& data) {
  Fnv1a hash;
  for (const Sample& s : data.samples) add_to_digest(hash, s);
  return hash.text();
}

TINYFIQA_END
