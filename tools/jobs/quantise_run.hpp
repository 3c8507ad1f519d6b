// Makes an 8-bit network of trained weights, for `tinyfiqa quantize`.
#pragma once

#include <tinyfiqa/detection/agreement.hpp>
#include <tinyfiqa/quantisation/fine_tuning.hpp>
#include <tinyfiqa/quantisation/quantiser.hpp>

#include "options/data_options.hpp"

#include <optional>
#include <string>
#include <vector>

/// The options of `tinyfiqa quantize`.
struct QuantiseRunOptions {
  std::string weights, weights_key, out, model, isa = "auto", ranges = "error";
  DataOptions data;
  std::vector<std::string> float_layers;
  int images = 256;  ///< the most that ranges are measured with
  int finetune_epochs = 0, finetune_images = 2000;
  double finetune_rate = 0.01;
  int threads = 0;
  bool finer_channels = false, round_nearest = false, keep_biases = false;
};

/// How near the scores of the 8-bit network are to those of the floats.
struct ScoreChange {
  std::size_t images = 0;
  bool compared = false;  ///< false: there were too few, and the numbers below mean nothing
  bool held_out = false;  ///< of images that no range was measured with
  double spearman = 0;
  double raw = 0;                 ///< mean absolute change
  std::optional<double> quality;  ///< the same in points of 0..100, of calibrated weights
};

/// How near the faces of the 8-bit detector are to those of the floats.
struct FaceChange {
  bool held_out = false;  ///< of photos that no range was measured with
  tinyfiqa::DetectorAgreement agreement;
};

/// A layer, and the decibels of its levels.
struct LayerError {
  std::string layer;
  double decibels = 0;
};

struct QuantiseReport {
  int images = 0;                  ///< that ranges were measured with
  std::vector<LayerError> layers;  ///< in the order of the network
  std::optional<tinyfiqa::FineTuneReport> fine_tuning;
  ScoreChange change;
  std::optional<FaceChange> faces;  ///< of a detector, in place of `change`
  std::size_t failed = 0;           ///< images that could not be read
  std::string checked;              ///< the summary of check_weights()
  std::size_t bytes = 0;            ///< of the file
};

/// Reads weights and faces (for a detector: photos), makes the 8-bit network, compares its scores (its faces), and writes
/// options.out. Prints images that fail to stderr. Errors: those of reading the files and of Quantiser; bad_argument; cannot_write.
tinyfiqa::Result<QuantiseReport> quantise_weights(const QuantiseRunOptions& options);
