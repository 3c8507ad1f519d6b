// How long labelling takes: embeddings of aligned faces, then their centres and labels (P2, equation 1).
#pragma once

#include <tinyfiqa/quality/model.hpp>

#include <cstddef>
#include <memory>

struct LabelTimes {
  double embed_s = 0, label_s = 0;
  double mean_quality = 0;  ///< shows that the work was done
};

/// Noise instead of `faces` aligned faces, of which 20 each are one person; 8 go through the network at once,
/// as in `tinyfiqa label`. Decoding and aligning are not in it. Errors: those of Embedder and label_faces().
tinyfiqa::Result<LabelTimes> measure_labelling(const std::shared_ptr<const tinyfiqa::Model>& recogniser,
                                               std::size_t faces, int threads);
