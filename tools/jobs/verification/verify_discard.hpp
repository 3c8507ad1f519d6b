// Error versus discard: how discarding images by quality changes recognition errors.
#pragma once

#include <tinyfiqa/evaluation/bootstrap.hpp>

#include "options/command_line.hpp"

#include <cstdint>
#include <string>
#include <vector>

#include "jobs/scoring/quality_methods.hpp"
#include "jobs/verification/verify_data.hpp"
#include "reports/verify_report.hpp"

/// --pairs, --pairs-root, --folds, --resamples, --most-impostors, --most-genuine and --seed.
struct DiscardOptions {
  std::string pairs, pairs_root;
  int folds = 10, resamples = 1000;
  std::uint64_t seed = 1;
  std::size_t most_impostors = 10'000'000, most_genuine = 100'000'000;

  void add_to(const Command& sub);
  /// Only --pairs, --pairs-root and --folds.
  void add_pairs_to(const Command& sub);
  tinyfiqa::BootstrapOptions bootstrap() const;
};

/// Compares all pairs of one person, or those of options.pairs, at thresholds from pairs of two people.
/// Fills discard, accuracy and the counts of the report. Errors: those of read_pairs(), discard_curve()
/// and fold_accuracy().
tinyfiqa::Status compare_discarding(const VerifyFaces& faces, const std::vector<QualityMethod>& methods,
                                    const DiscardOptions& options, VerifyReport& report);
