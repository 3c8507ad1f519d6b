// Scores that somebody else gave: a CSV of paths and numbers.
#pragma once

#include <tinyfiqa/data/dataset.hpp>

#include <string>
#include <unordered_map>

struct Prediction {
  double value = 0;
  std::string problem;  ///< why there is no value
  bool used = false;
};

/// By path, in its shortest form.
using Predictions = std::unordered_map<std::string, Prediction>;

/// Errors: those of read_csv(), bad_format for missing columns and for two different scores of one path.
tinyfiqa::Result<Predictions> read_predictions(const std::string& csv, const std::string& path_column,
                                               const std::string& score_column);

/// That of the sample's path, as its CSV has it or below the image root; end() where there is none.
Predictions::iterator find_prediction(Predictions& predictions, const tinyfiqa::Sample& sample);
