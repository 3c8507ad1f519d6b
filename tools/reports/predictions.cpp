#include "reports/predictions.hpp"

#include <tinyfiqa/formats/csv.hpp>

#include <filesystem>

using namespace tinyfiqa;
namespace fs = std::filesystem;

namespace {

/// Normalises a path: "./a/../b.jpg" becomes "b.jpg".
std::string path_key(const std::string& path) { return fs::path(path).lexically_normal().string(); }

}  // namespace

Result<Predictions> read_predictions(const std::string& csv, const std::string& path_column,
                                     const std::string& score_column) {
  const auto table = read_csv(csv);
  if (!table) return table.status();
  const auto path = csv_column(*table, path_column, "prediction path");
  if (!path) return path.status();
  const auto score = csv_column(*table, score_column, "prediction");
  if (!score) return score.status();
  Predictions found;
  for (const CsvRow& row : table->rows) {
    if (row.fields.size() != table->header.size())
      return Status::error(Errc::bad_format, csv, ":", row.line, ": ", row.fields.size(),
                           " fields instead of ", table->header.size(), " as in the header");
    Prediction p;
    parse_number(row.fields[*score], "the prediction", p.value, p.problem);
    const auto [at, is_new] = found.emplace(path_key(row.fields[*path]), p);
    if (!is_new && (at->second.value != p.value || at->second.problem != p.problem))
      return Status::error(Errc::bad_format, csv, ":", row.line, ": ", row.fields[*path],
                           " has two different scores; keep one of them");
  }
  return found;
}

Predictions::iterator find_prediction(Predictions& predictions, const Sample& sample) {
  const auto at = predictions.find(path_key(sample.path));
  return at != predictions.end() ? at : predictions.find(path_key(sample.file));
}
