// How often a recogniser fails on the images of each band of quality.
#pragma once

#include <tinyfiqa/quality/calibration.hpp>

#include "jobs/verification/known_faces.hpp"
#include "options/data_options.hpp"

#include <array>
#include <cstddef>
#include <string>
#include <vector>

/// --pairs, --pairs-root, --pairs-data, --recogniser and --embeddings of `calibrate`.
struct BandErrorOptions {
  std::string pairs, root, csv;
  EmbedOptions embed;
  std::size_t most_impostors = 1000000;

  void add_to(const Command& command);
  bool wanted() const { return !pairs.empty(); }
};

/// The faces that --pairs compares, with embeddings. `data` has the options for reading options.csv.
tinyfiqa::Result<KnownFaces> read_pair_faces(const BandErrorOptions& options, DataOptions data);

/// The genuine pairs by the band of their worse image, and how many of them are rejected at a false match
/// rate of 1e-3. `raw` [faces]: the scores of the network, NaN if a face has none. Errors: those of
/// read_pairs(); bad_argument if there are too few impostor pairs for that rate.
tinyfiqa::Result<std::array<tinyfiqa::BandErrors, 4>> band_errors(const BandErrorOptions& options,
                                                                  const KnownFaces& known,
                                                                  const tinyfiqa::Calibration& calibration,
                                                                  const std::vector<float>& raw);
