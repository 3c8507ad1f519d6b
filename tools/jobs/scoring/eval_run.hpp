// Collects the scores of labelled images for `tinyfiqa eval` and the studies.
#pragma once

#include <tinyfiqa/data/dataset.hpp>

#include "jobs/scoring/face_judge.hpp"
#include "reports/eval_report.hpp"

#include <string>

/// Scores all labelled images. Fills models, views and rows of the report. Errors: those
/// of QualitySource::judges().
tinyfiqa::Status score_labels(const tinyfiqa::Dataset& labels, const QualitySource& source, int threads,
                              EvalReport& report);

/// A CSV with the scores of images, and its columns.
struct PredictionFile {
  std::string csv, path_column = "path", score_column = "score";
};

/// Joins labels and predictions by path, as in the CSV of labels or below --images. Fills
/// predictions and rows of the report. Returns the number of predictions without a label. Errors:
/// those of read_predictions().
tinyfiqa::Result<std::size_t> join_predictions(const tinyfiqa::Dataset& labels, const PredictionFile& file,
                                               EvalReport& report);
