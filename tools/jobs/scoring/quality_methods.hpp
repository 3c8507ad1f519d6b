// Quality methods to compare: networks, baselines, scores from a file.
#pragma once

#include <tinyfiqa/data/dataset.hpp>

#include "jobs/verification/embed_run.hpp"

#include <cstdint>
#include <string>
#include <vector>

/// One method's quality of each sample, NaN if a sample has none.
struct QualityMethod {
  std::string name;
  std::vector<double> values;
  std::size_t missing = 0;
};

/// The methods that make_methods() knows by name.
extern const char* const known_methods;

/// Each of `wanted` is random, blur, pose, jpeg, combined (of blur, pose and jpeg), norm (of the embedding),
/// tinyfqnet (with its built-in weights), a CSV with columns path and score, or a weight file. "NAME=" before
/// it gives it a name. Uses the landmarks and boxes of the data set. Errors: bad_argument, and those of
/// reading the files.
tinyfiqa::Result<std::vector<QualityMethod>> make_methods(const tinyfiqa::Dataset& data,
                                                          const FaceEmbeddings& faces,
                                                          const std::vector<std::string>& wanted,
                                                          const EmbedOptions& options, std::uint64_t seed);
