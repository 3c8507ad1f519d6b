// Error versus discard: which pairs, and how qualities compare on them.
#pragma once

#include <tinyfiqa/evaluation/bootstrap.hpp>

#include "options/command_line.hpp"

#include <cstdint>
#include <string>
#include <vector>

#include "jobs/quality_methods.hpp"
#include "reports/verify_data.hpp"
#include "reports/verify_report.hpp"

/// --pairs, --pairs-root, --folds, --resamples, --most-impostors, --seed.
struct DiscardOptions {
  std::string pairs, pairs_root;
  int folds = 10, resamples = 1000;
  std::uint64_t seed = 1;
  std::size_t most_impostors = 10'000'000;

  void add_to(const Command& sub);
  /// The first three of them.
  void add_pairs_to(const Command& sub);
  tinyfiqa::BootstrapOptions bootstrap() const;
};

/// All pairs of one person, or those of options.pairs; thresholds from pairs of two people. Fills the
/// report's discard, accuracy and counts. Errors: those of read_pairs(), discard_curve(), fold_accuracy().
tinyfiqa::Status compare_discarding(const VerifyFaces& faces, const std::vector<QualityMethod>& methods,
                                    const DiscardOptions& options, VerifyReport& report);
