// What `tinyfiqa eval` found, as text, JSON or CSV and as a folder of files.
#pragma once

#include <tinyfiqa/base/status.hpp>
#include <tinyfiqa/data/dataset.hpp>
#include <tinyfiqa/evaluation/bootstrap.hpp>

#include "jobs/face_judge.hpp"

#include <cstddef>
#include <string>
#include <vector>

/// One labelled image.
struct EvalRow {
  std::string path;
  double label = 0, prediction = 0;
  tinyfiqa::Status status;  ///< why there is no prediction
};

struct EvalReport {
  std::string data, digest, split;         ///< the labels; `split` may be empty
  std::string predictions;                 ///< the file that they are from, or empty
  std::vector<std::string> models, views;  ///< what scored the images, or empty
  std::vector<EvalRow> rows;
  std::size_t failed = 0;
  tinyfiqa::BootstrapOptions bootstrap;
  tinyfiqa::MetricIntervals metrics;

  /// Fills models, views and rows: each labelled image with its score, or why it has none. Errors: those of
  /// QualitySource::judges().
  tinyfiqa::Status score(const tinyfiqa::Dataset& labels, const QualitySource& source, int threads);
  /// Counts what failed and computes the metrics of the rest. Errors: those of bootstrap_metrics().
  tinyfiqa::Status measure();

  std::string text() const;
  std::string json() const;
  std::string csv() const;
  /// scores.csv, metrics.json and scatter.svg. Errors: cannot_write.
  tinyfiqa::Status write(const std::string& folder) const;

 private:
  std::string scores_csv() const;
  std::string scatter_svg() const;
};
