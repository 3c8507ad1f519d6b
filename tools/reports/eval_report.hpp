// The result of `tinyfiqa eval` as text, JSON, CSV and a folder of files.
#pragma once

#include <tinyfiqa/base/status.hpp>
#include <tinyfiqa/data/dataset.hpp>
#include <tinyfiqa/evaluation/bootstrap.hpp>

#include <cstddef>
#include <string>
#include <vector>

/// One labelled image and its score.
struct EvalRow {
  std::string path;
  double label = 0, prediction = 0;
  tinyfiqa::Status status;  ///< why there is no prediction
};

/// How well scores agree with labels.
struct EvalReport {
  std::string data, digest, split;         ///< where the labels are from; `split` may be empty
  std::string predictions;                 ///< the file of the scores; empty if networks scored the images
  std::vector<std::string> models, views;  ///< what scored the images; empty for a file of scores
  std::vector<EvalRow> rows;
  std::size_t failed = 0;
  tinyfiqa::BootstrapOptions bootstrap;
  tinyfiqa::MetricIntervals metrics;

  /// Counts the rows without a score, and computes the metrics of the others. Errors: those
  /// of bootstrap_metrics().
  tinyfiqa::Status measure();

  std::string text() const;
  std::string json() const;
  std::string csv() const;
  /// Writes scores.csv, metrics.json and scatter.svg to the folder. Errors: cannot_write.
  tinyfiqa::Status write(const std::string& folder) const;

 private:
  std::string scores_csv() const;
  std::string scatter_svg() const;
};
