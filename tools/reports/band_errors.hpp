// How often a recogniser will fail with the photos of each band.
#pragma once

#include <tinyfiqa/quality/calibration.hpp>

#include "jobs/embed_run.hpp"
#include "options/data_options.hpp"

#include <array>
#include <cstddef>
#include <string>
#include <vector>

/// --pairs, --pairs-root, --pairs-data, --recogniser and --embeddings.
struct BandErrorOptions {
  std::string pairs, root, csv;
  EmbedOptions embed;
  std::size_t most_impostors = 1000000;

  void add_to(const Command& command);
  bool wanted() const { return !pairs.empty(); }
};

/// The faces that --pairs compares, with embeddings. `data`: options for their CSV, but for its name.
tinyfiqa::Result<KnownFaces> read_pair_faces(const BandErrorOptions& options, DataOptions data);

/// Genuine pairs by the band of their worse image, and those that fail where one impostor in a thousand is
/// taken for the same person. raw [faces]: the network's scores, not a number where there is none. Errors:
/// those of read_pairs(); bad_argument where the impostors are too few for that rate.
tinyfiqa::Result<std::array<tinyfiqa::BandErrors, 4>> band_errors(const BandErrorOptions& options,
                                                                  const KnownFaces& known,
                                                                  const tinyfiqa::Calibration& calibration,
                                                                  const std::vector<float>& raw);
