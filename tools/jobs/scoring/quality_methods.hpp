// Quality methods to compare: networks, baselines, scores from a file.
#pragma once

#include "jobs/verification/known_faces.hpp"

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
/// it gives it a name. Uses the landmarks and boxes of the data set; a method that wants aligned faces lets `known`
/// find those that are not given. Errors: bad_argument, those of KnownFaces::find_faces() and of reading the files.
tinyfiqa::Result<std::vector<QualityMethod>> make_methods(KnownFaces& known,
                                                          const std::vector<std::string>& wanted,
                                                          std::uint64_t seed);
