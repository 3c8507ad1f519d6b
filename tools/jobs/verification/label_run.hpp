// Labels faces of known people by quality, for `tinyfiqa label` (Peng et al., equation 1).
#pragma once

#include <tinyfiqa/recognition/labels.hpp>

#include "jobs/verification/known_faces.hpp"
#include "options/shard_option.hpp"

#include <cstddef>
#include <optional>
#include <string>
#include <utility>
#include <vector>

/// The options of `tinyfiqa label` that decide the labels.
struct LabelRunOptions {
  KnownFacesOptions faces;
  std::string centres, classifier;  ///< empty if not given
  std::string original_column;      ///< empty: the column original, if there is one
  double far_below = tinyfiqa::LabelOptions().far_below;
  bool no_nearest = false;
  std::optional<Shard> shard;  ///< only this part of the faces

  /// The faces to label: the first, and the one behind the last.
  std::pair<std::size_t, std::size_t> range(const KnownFaces& faces) const;
};

/// Checks that --centres and --classifier fit together, and that embeddings are there for --shard. Errors: bad_argument.
tinyfiqa::Status check_label_options(const LabelRunOptions& options);

/// The label of each face of the data set, in its order; with a shard, those of its faces mean something. Prints how much
/// memory it takes, if that is more than a gigabyte. Errors: those of check_label_options(); mismatch for a classifier of
/// other people or another recogniser; bad_argument for an original that is not in the data set.
tinyfiqa::Result<std::vector<tinyfiqa::FaceLabel>> make_labels(const LabelRunOptions& options,
                                                               const KnownFaces& known);
