// Every way to give a face a quality: networks, baselines, scores from a file.
#pragma once

#include <tinyfiqa/data/dataset.hpp>

#include "jobs/embed_run.hpp"

#include <cstdint>
#include <string>
#include <vector>

/// One method's quality of each sample; not a number where it has none.
struct QualityMethod {
  std::string name;
  std::vector<double> values;
  std::size_t missing = 0;
};

/// The names that make_methods() knows beside files.
extern const char* const known_methods;

/// Each of `wanted` is random, blur, pose, jpeg, combined (of the last three), norm (of the embedding),
/// tinyfqnet (the built-in weights), a CSV of path and score, or a weight file; "NAME=" before it names it.
/// Landmarks and boxes of the data set are used. Errors: bad_argument, and those of reading the files.
tinyfiqa::Result<std::vector<QualityMethod>> make_methods(const tinyfiqa::Dataset& data,
                                                          const FaceEmbeddings& faces,
                                                          const std::vector<std::string>& wanted,
                                                          const EmbedOptions& options, std::uint64_t seed);
