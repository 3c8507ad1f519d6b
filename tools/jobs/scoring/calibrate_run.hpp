// Calibrates a network on a population of faces, for `tinyfiqa calibrate`.
#pragma once

#include <tinyfiqa/quality/calibration.hpp>

#include "jobs/scoring/score_run.hpp"
#include "jobs/verification/band_errors.hpp"
#include "options/data_options.hpp"

#include <memory>
#include <optional>
#include <string>
#include <vector>

/// The options of `tinyfiqa calibrate`.
struct CalibrateOptions {
  std::string weights, weights_key, out, model, isa = "auto";
  DataOptions data;  ///< the population
  ViewOptions views;
  BandErrorOptions errors;
  std::vector<std::string> about;  ///< KEY=TEXT
  std::string licence;
  std::optional<float> floor;  ///< raw score of quality 0
  int threads = 0;
  bool half = false, ignore_colour = false;
};

/// A calibrated network.
struct CalibratedModel {
  std::shared_ptr<const tinyfiqa::Model> network;  ///< with exactly the weights that will be in the file
  tinyfiqa::Calibration calibration;
  tinyfiqa::Metadata metadata;
  std::string population;  ///< "200 faces of faces.csv"
  std::vector<float> raw;  ///< the raw scores of the population, without faces that failed
};

/// Scores the population and fits the calibration, and with --pairs counts the errors of each band. Checks
/// first that options.out can be written. Prints faces without a score to stderr, and their number into
/// `failed`, also after an error. Errors: those of reading the files; bad_argument; cannot_write.
tinyfiqa::Result<CalibratedModel> calibrate_model(const CalibrateOptions& options, std::size_t& failed);

/// Writes the weights with their metadata, reads the file again and checks it. Returns the summary of
/// check_weights(). Errors: cannot_write, those of check_weights().
tinyfiqa::Result<std::string> write_calibrated(const CalibratedModel& model, const CalibrateOptions& options);
