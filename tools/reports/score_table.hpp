// Scores as text, CSV or JSON lines.
#pragma once

#include <tinyfiqa/quality/scorer.hpp>

#include <string>
#include <vector>

/// One image's result.
struct ScoreRow {
  std::string path;
  tinyfiqa::Status status;
  tinyfiqa::Score score;
};

enum class TableFormat { text, csv, jsonl };
/// The format of that name.
TableFormat table_format(const std::string& name);
/// The value with so many decimals.
std::string decimal_text(double value, int decimals = 6);
/// The message without "path: " before it.
std::string short_message(const tinyfiqa::Status& status, const std::string& path);

/// What stands first in a row: the quality of 0..100 with its band, or the raw score.
enum class ShownScore { quality, raw };

/// Turns rows into lines. `models` and `views` name the parts of a score. CSV and JSON, which are for
/// programs, have the raw score in either case.
class ScoreTable {
 public:
  ScoreTable(TableFormat format, ShownScore shown, std::vector<std::string> models,
             std::vector<std::string> views);

  /// The line before all rows, without its newline; empty for none.
  std::string header() const;
  std::string row(const ScoreRow& row) const;

 private:
  std::string csv_row(const ScoreRow& row) const;
  std::string json_row(const ScoreRow& row) const;
  std::string text_row(const ScoreRow& row) const;

  TableFormat format_;
  ShownScore shown_;
  std::vector<std::string> models_, views_;
  bool parts_;  ///< more than one network or view: CSV has columns for each
};
