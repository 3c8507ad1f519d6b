#include "reports/score_table.hpp"

#include <tinyfiqa/formats/csv.hpp>

#include "reports/explanation_columns.hpp"
#include "reports/json_line.hpp"
#include "reports/text.hpp"

#include <utility>

using tinyfiqa::csv_field;
using tinyfiqa::Errc;

const char* const average_landmarks_note = "average landmarks";

TableFormat table_format(const std::string& name) {
  return name == "csv" ? TableFormat::csv : name == "jsonl" ? TableFormat::jsonl : TableFormat::text;
}

std::string short_message(const tinyfiqa::Status& status, const std::string& path) {
  const std::string message = status.message(), prefix = path + ": ";
  return message.compare(0, prefix.size(), prefix) == 0 ? message.substr(prefix.size()) : message;
}

ScoreTable::ScoreTable(TableFormat format, ShownScore shown, ShownFaces faces,
                       std::vector<std::string> models, std::vector<std::string> views, std::string note)
    : format_(format),
      shown_(shown),
      faces_(faces),
      models_(std::move(models)),
      views_(std::move(views)),
      note_(std::move(note)),
      parts_(models_.size() * views_.size() > 1) {
  // Make the names of models unique: a, a#2, a#3.
  for (std::size_t i = 0; i < models_.size(); ++i) {
    int same = 1;
    for (std::size_t j = 0; j < i; ++j) same += models_[j] == models_[i];
    if (same > 1) models_[i] += "#" + std::to_string(same);
  }
}

std::string ScoreTable::header() const {
  if (format_ != TableFormat::csv) return "";
  std::string line = shown_ == ShownScore::quality ? "path,quality,band,score,error" : "path,score,error";
  if (faces_ != ShownFaces::none) line += "," + face_columns();
  for (const auto& model : parts_ ? models_ : std::vector<std::string>()) {
    line += "," + model;
    if (views_.size() > 1)
      for (const auto& view : views_) line += "," + model + "." + view;
  }
  return explained_ ? line + "," + explanation_columns() : line;
}

std::string ScoreTable::csv_row(const ScoreRow& row) const {
  if (!row.status.ok()) {
    const std::size_t parts = parts_ ? models_.size() * (views_.size() > 1 ? 1 + views_.size() : 1) : 0;
    const char* empty = shown_ != ShownScore::quality        ? ",,"
                        : row.status.code() == Errc::no_face ? ",,no face,,"
                                                             : ",,,,";
    const std::string face = faces_ == ShownFaces::none ? "" : "," + face_fields(nullptr);
    return csv_field(row.path) + empty + csv_field(short_message(row.status, row.path)) + face +
           std::string(parts, ',') + (explained_ ? "," + explanation_fields(nullptr) : "");
  }
  std::string line = csv_field(row.path) + ",";
  if (shown_ == ShownScore::quality)
    line += std::to_string(tinyfiqa::whole_quality(row.score.quality)) + "," +
            tinyfiqa::band_name(*row.score.band) + ",";
  line += decimal_text(double{row.score.value}) + ",";
  if (faces_ != ShownFaces::none) line += "," + face_fields(row.face ? &*row.face : nullptr);
  if (parts_)
    for (const auto& network : row.score.networks) {
      line += "," + decimal_text(double{network.score});
      if (views_.size() > 1)
        for (const float view : network.views) line += "," + decimal_text(double{view});
    }
  return explained_ ? line + "," + explanation_fields(row.explanation ? &*row.explanation : nullptr) : line;
}

std::string ScoreTable::json_row(const ScoreRow& row) const {
  nlohmann::ordered_json json;
  json["path"] = row.path;
  if (row.status.ok()) {
    if (shown_ == ShownScore::quality) {
      json["quality"] = tinyfiqa::whole_quality(row.score.quality);
      json["band"] = tinyfiqa::band_name(*row.score.band);
    }
    json["score"] = row.score.value;
    if (row.face)
      add_face(json, *row.face);
    else if (!note_.empty())
      json["note"] = note_;
    for (std::size_t m = 0; m < models_.size(); ++m) {
      nlohmann::ordered_json network{{"model", models_[m]}, {"score", row.score.networks[m].score}};
      for (std::size_t t = 0; t < views_.size(); ++t)
        network["views"][views_[t]] = row.score.networks[m].views[t];
      json["networks"].push_back(network);
    }
    if (row.explanation) add_explanation(json, *row.explanation);
  } else {
    if (row.status.code() == Errc::no_face && shown_ == ShownScore::quality) json["band"] = "no face";
    json["error"] = short_message(row.status, row.path);
    json["code"] = tinyfiqa::errc_name(row.status.code());
  }
  return json_line(json);
}

std::string ScoreTable::text_row(const ScoreRow& row) const {
  const bool quality = shown_ == ShownScore::quality;
  if (row.status.code() == Errc::no_face)
    return (quality ? "  -  no face  " : "no face  ") + shown_text(row.path);
  if (!row.status.ok())
    return (quality ? "error        " : "error   ") + shown_text(row.path) + ": " +
           shown_text(short_message(row.status, row.path));
  std::string line = quality ? format_text("%3d  %-7s  ", tinyfiqa::whole_quality(row.score.quality),
                                           tinyfiqa::band_name(*row.score.band))
                             : decimal_text(double{row.score.value}, 4) + "  ";
  line += shown_text(row.path);
  if (!row.face) return note_.empty() ? line : line + "  (" + note_ + ")";
  const tinyfiqa::FaceBox& box = row.face->face.box;
  if (faces_ == ShownFaces::all)
    line += format_text("  face %zu at %.0f,%.0f,%.0f,%.0f", row.face->number, double{box.x}, double{box.y},
                        double{box.width}, double{box.height});
  const char* const note = framing_note(*row.face);
  return *note == '\0' ? line : line + "  (" + note + ")";
}

std::string ScoreTable::row(const ScoreRow& row) const {
  if (format_ == TableFormat::csv) return csv_row(row);
  if (format_ == TableFormat::jsonl) return json_row(row);
  return row.explanation ? text_row(row) + reason_lines(*row.explanation) : text_row(row);
}
