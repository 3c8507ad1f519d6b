// Scores as text, CSV or JSON lines.
#pragma once

#include <tinyfiqa/explanation/component.hpp>
#include <tinyfiqa/quality/scorer.hpp>

#include <optional>
#include <string>
#include <vector>

#include "reports/face_columns.hpp"

/// One image's result.
struct ScoreRow {
  std::string path;
  tinyfiqa::Status status;
  tinyfiqa::Score score;
  std::optional<FoundFace> face;                                    ///< if one was searched and found
  std::optional<tinyfiqa::Explanation> explanation = std::nullopt;  ///< for --explain
};

/// The values of --format.
enum class TableFormat { text, csv, jsonl };
/// The format of this name: csv or jsonl, otherwise text.
TableFormat table_format(const std::string& name);
/// The message of the status, without "path: " at its beginning.
std::string short_message(const tinyfiqa::Status& status, const std::string& path);

/// The first part of a row: the quality 0..100 with its band, or the raw score.
enum class ShownScore { quality, raw };

/// What is known about the faces of the rows.
enum class ShownFaces { none, largest, all };

/// The note of rows whose face is a given box that was aligned by average landmarks.
extern const char* const average_landmarks_note;

/// Formats rows as lines. `models` and `views` name the parts of a score. `note` is that of rows whose face was given.
/// CSV and JSON always have the raw score too, and the found faces if any are shown.
class ScoreTable {
 public:
  ScoreTable(TableFormat format, ShownScore shown, ShownFaces faces, std::vector<std::string> models,
             std::vector<std::string> views, std::string note = "");

  /// Adds the explanations of rows: lines of text, or columns.
  void show_explanations() { explained_ = true; }

  /// The first line, without its newline; empty if there is none.
  std::string header() const;
  std::string row(const ScoreRow& row) const;

 private:
  std::string csv_row(const ScoreRow& row) const;
  std::string json_row(const ScoreRow& row) const;
  std::string text_row(const ScoreRow& row) const;

  TableFormat format_;
  ShownScore shown_;
  ShownFaces faces_;
  std::vector<std::string> models_, views_;
  std::string note_;
  bool explained_ = false;
  bool parts_;  ///< true for several networks or views: CSV has columns for each
};
