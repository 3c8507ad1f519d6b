#include "score_table.hpp"

#include <tinyfiqa/io/csv.hpp>

#include <nlohmann/json.hpp>

#include <cstdio>
#include <utility>

using tinyfiqa::csv_field;

namespace {

std::string number(float value, int decimals = 6) {
  char text[64];
  std::snprintf(text, sizeof text, "%.*f", decimals, static_cast<double>(value));
  return text;
}

/// The message without the path that it begins with: the row has that already.
std::string short_message(const ScoreRow& row) {
  const std::string message = row.status.message(), prefix = row.path + ": ";
  return message.compare(0, prefix.size(), prefix) == 0 ? message.substr(prefix.size()) : message;
}

}  // namespace

ScoreTable::ScoreTable(TableFormat format, std::vector<std::string> models, std::vector<std::string> views)
    : format_(format),
      models_(std::move(models)),
      views_(std::move(views)),
      parts_(models_.size() * views_.size() > 1) {
  // Two members of one kind need names of their own.
  for (std::size_t i = 0; i < models_.size(); ++i) {
    int same = 1;
    for (std::size_t j = 0; j < i; ++j) same += models_[j] == models_[i];
    if (same > 1) models_[i] += "#" + std::to_string(same);
  }
}

std::string ScoreTable::header() const {
  if (format_ != TableFormat::csv) return "";
  std::string line = "path,score,error";
  if (!parts_) return line;
  for (const auto& model : models_) {
    line += "," + model;
    if (views_.size() > 1)
      for (const auto& view : views_) line += "," + model + "." + view;
  }
  return line;
}

std::string ScoreTable::csv_row(const ScoreRow& row) const {
  if (!row.status.ok()) {
    const std::size_t parts = parts_ ? models_.size() * (views_.size() > 1 ? 1 + views_.size() : 1) : 0;
    return csv_field(row.path) + ",," + csv_field(short_message(row)) + std::string(parts, ',');
  }
  std::string line = csv_field(row.path) + "," + number(row.score.value) + ",";
  if (!parts_) return line;
  for (const auto& network : row.score.networks) {
    line += "," + number(network.score);
    if (views_.size() > 1)
      for (const float view : network.views) line += "," + number(view);
  }
  return line;
}

std::string ScoreTable::json_row(const ScoreRow& row) const {
  nlohmann::ordered_json json;
  json["path"] = row.path;
  if (row.status.ok()) {
    json["score"] = row.score.value;
    for (std::size_t m = 0; m < models_.size(); ++m) {
      nlohmann::ordered_json network{{"model", models_[m]}, {"score", row.score.networks[m].score}};
      for (std::size_t t = 0; t < views_.size(); ++t)
        network["views"][views_[t]] = row.score.networks[m].views[t];
      json["networks"].push_back(network);
    }
  } else {
    json["error"] = short_message(row);
    json["code"] = tinyfiqa::errc_name(row.status.code());
  }
  // Paths are bytes; what is not UTF-8 becomes U+FFFD rather than an exception.
  return json.dump(-1, ' ', false, nlohmann::ordered_json::error_handler_t::replace);
}

std::string ScoreTable::row(const ScoreRow& row) const {
  if (format_ == TableFormat::csv) return csv_row(row);
  if (format_ == TableFormat::jsonl) return json_row(row);
  if (row.status.ok()) return number(row.score.value, 4) + "  " + row.path;
  return "error   " + row.path + ": " + short_message(row);
}
