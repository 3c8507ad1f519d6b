// Trains the learned baselines of Peng et al., for `tinyfiqa train-baseline`.
#pragma once

#include <tinyfiqa/base/status.hpp>

#include "jobs/verification/embed_run.hpp"
#include "options/data_options.hpp"

#include <cstddef>
#include <cstdint>
#include <string>

/// The options of `tinyfiqa train-baseline`.
struct BaselineTrainingOptions {
  DataOptions data;
  EmbedOptions embed;
  std::string method;  ///< svm or rqs
  std::string out;
  double cost = 0;  ///< 0: the default of the method
  double gamma = 1, tube = 0.05, gap = 0.1;
  std::size_t pairs = 20000;
  std::uint64_t seed = 1;
};

/// Trains the baseline and writes its file. Checks first that the file can be written. Errors: cannot_write,
/// those of reading data and weights; bad_argument if the data can't be learned from.
tinyfiqa::Status train_baseline(const BaselineTrainingOptions& options);
