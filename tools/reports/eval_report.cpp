#include "reports/eval_report.hpp"

#include <tinyfiqa/formats/csv.hpp>

#include <nlohmann/json.hpp>

#include "charts/charts.hpp"
#include "jobs/text_file.hpp"
#include "reports/text.hpp"

#include <algorithm>

using namespace tinyfiqa;

namespace {

/// One metric of the report.
struct Line {
  const char *key, *name;
  double value;
  Interval interval;
};

std::vector<Line> lines(const MetricIntervals& m) {
  return {{"srcc", "SRCC", m.value.srcc, m.srcc},
          {"plcc", "PLCC", m.value.plcc, m.plcc},
          {"kendall", "Kendall", m.value.kendall, m.kendall},
          {"rmse", "RMSE", m.value.rmse, m.rmse},
          {"final_score", "final score", m.value.final_score, m.final_score}};
}

}  // namespace

Status EvalReport::measure() {
  std::vector<double> x, y;
  for (const EvalRow& row : rows) {
    failed += !row.status.ok();
    if (!row.status.ok()) continue;
    x.push_back(row.prediction);
    y.push_back(row.label);
  }
  if (x.empty()) return Status::error(Errc::bad_argument, data, ": no image has a score");
  const auto result = bootstrap_metrics(x, y, bootstrap);
  if (result) metrics = *result;
  return result.status();
}

std::string EvalReport::text() const {
  std::string out = format_text("%-11s %8zu", "images", metrics.value.count);
  if (failed > 0) out += format_text("  (%zu more without a score)", failed);
  out += format_text("\n%-11s %8s   %g %% interval\n", "", "value", 100 * bootstrap.level);
  for (const Line& l : lines(metrics))
    out += format_text("%-11s %8.4f   %.4f .. %.4f\n", l.name, l.value, l.interval.low, l.interval.high);
  if (metrics.value.constant) out += "All predictions or all labels are equal, so every correlation is 0.\n";
  return out;
}

std::string EvalReport::csv() const {
  std::string out = "metric,value,low,high\n";
  for (const Line& l : lines(metrics))
    out += format_text("%s,%.9g,%.9g,%.9g\n", l.key, l.value, l.interval.low, l.interval.high);
  return out;
}

std::string EvalReport::json() const {
  nlohmann::ordered_json json;
  json["images"] = metrics.value.count;
  json["failed"] = failed;
  json["data"] = data;
  json["data_digest"] = digest;
  if (!split.empty()) json["split"] = split;
  if (!predictions.empty()) json["predictions"] = predictions;
  if (!models.empty()) json["models"] = models;
  if (!views.empty()) json["views"] = views;
  for (const Line& l : lines(metrics))
    json["metrics"][l.key] = {{"value", l.value}, {"low", l.interval.low}, {"high", l.interval.high}};
  json["constant"] = metrics.value.constant;
  json["bootstrap"] = {
      {"resamples", bootstrap.resamples}, {"level", bootstrap.level}, {"seed", bootstrap.seed}};
  // Paths are bytes. Bytes that are not UTF-8 become U+FFFD instead of throwing an exception.
  return json.dump(2, ' ', false, nlohmann::ordered_json::error_handler_t::replace) + "\n";
}

std::string EvalReport::scores_csv() const {
  std::string out = "path,score,label,error\n";
  for (const EvalRow& row : rows)
    out += csv_field(row.path) + "," + (row.status.ok() ? format_text("%.9g", row.prediction) : "") +
           format_text(",%.17g,", row.label) + csv_field(row.status.message()) + "\n";
  return out;
}

std::string EvalReport::scatter_svg() const {
  std::vector<double> x, y;
  for (const EvalRow& row : rows) {
    if (!row.status.ok()) continue;
    x.push_back(row.label);
    y.push_back(row.prediction);
  }
  // With labels of 0..100 and scores of 0..1, the points would be invisible beside the line y = x.
  const auto [x_low, x_high] = std::minmax_element(x.begin(), x.end());
  const auto [y_low, y_high] = std::minmax_element(y.begin(), y.end());
  const double both = std::max(*x_high, *y_high) - std::min(*x_low, *y_low);
  const bool comparable = both <= 3 * (*x_high - *x_low) && both <= 3 * (*y_high - *y_low);
  ChartText text{models.empty() ? predictions : join_text(models, " + "),
                 format_text("n = %zu, SRCC %.4f (%.4f to %.4f), PLCC %.4f (%.4f to %.4f)", x.size(),
                             metrics.value.srcc, metrics.srcc.low, metrics.srcc.high, metrics.value.plcc,
                             metrics.plcc.low, metrics.plcc.high),
                 "label", "score"};
  return svg_document(
      {scatter_chart(text, x, y, comparable ? ScatterLine::identity : ScatterLine::regression)});
}

Status EvalReport::write(const std::string& folder) const {
  Status status = write_text(folder + "/scores.csv", scores_csv());
  if (status) status = write_text(folder + "/metrics.json", json());
  if (status) status = write_text(folder + "/scatter.svg", scatter_svg());
  return status;
}
