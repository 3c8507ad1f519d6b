#include "jobs/scoring/eval_run.hpp"

#include "jobs/scoring/score_run.hpp"
#include "reports/predictions.hpp"

#include <algorithm>
#include <utility>

using namespace tinyfiqa;

Status score_labels(const Dataset& labels, const QualitySource& source, int threads, EvalReport& report) {
  report.models = source.models();
  report.views = source.views();
  return score_samples(source, labels, threads, [&](std::size_t index, const ScoreRow& row) {
    const Sample& sample = labels.samples[index];
    report.rows.push_back({sample.path, sample.score, double{row.score.value}, row.status});
  });
}

Result<std::size_t> join_predictions(const Dataset& labels, const PredictionFile& file, EvalReport& report) {
  auto found = read_predictions(file.csv, file.path_column, file.score_column);
  if (!found) return found.status();
  report.predictions = file.csv;
  for (const Sample& sample : labels.samples) {
    auto at = find_prediction(*found, sample);
    EvalRow row{sample.path, sample.score, 0, {}};
    if (at == found->end()) {
      row.status = Status::error(Errc::not_found, "no prediction in ", file.csv);
    } else {
      at->second.used = true;
      row.prediction = at->second.value;
      if (!at->second.problem.empty()) row.status = Status::error(Errc::bad_format, at->second.problem);
    }
    report.rows.push_back(std::move(row));
  }
  return static_cast<std::size_t>(
      std::count_if(found->begin(), found->end(), [](const auto& p) { return !p.second.used; }));
}
