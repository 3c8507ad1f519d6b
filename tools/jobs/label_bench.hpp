// Measures the time for labelling: embeddings of aligned faces, then their labels (Peng et al., equation 1).
#pragma once

#include <tinyfiqa/quality/model.hpp>

#include <cstddef>
#include <memory>

/// Seconds for all faces.
struct LabelTimes {
  double embed_s = 0, label_s = 0;
  double mean_quality = 0;  ///< evidence that the work was done
};

/// Labels `faces` images of noise, 20 per person. The network takes batches of 8, as in `tinyfiqa label`. The
/// time does not include decoding and aligning. Errors: those of Embedder and label_faces().
tinyfiqa::Result<LabelTimes> measure_labelling(const std::shared_ptr<const tinyfiqa::Model>& recogniser,
                                               std::size_t faces, int threads);
