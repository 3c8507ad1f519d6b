// Scores from a CSV of paths and numbers.
#pragma once

#include <tinyfiqa/data/dataset.hpp>

#include <string>
#include <unordered_map>

/// One score of the CSV.
struct Prediction {
  double value = 0;
  std::string problem;  ///< why there is no value; empty if there is one
  bool used = false;
};

/// Scores by normalised path.
using Predictions = std::unordered_map<std::string, Prediction>;

/// Errors: those of read_csv(); bad_format for missing columns or two different scores of one path.
tinyfiqa::Result<Predictions> read_predictions(const std::string& csv, const std::string& path_column,
                                               const std::string& score_column);

/// The score of the sample, found by its path as in its CSV or as a file below --images; end() if there
/// is none.
Predictions::iterator find_prediction(Predictions& predictions, const tinyfiqa::Sample& sample);
