// Degrades images on purpose, for `tinyfiqa degrade`.
#pragma once

#include <tinyfiqa/base/status.hpp>

#include "options/data_options.hpp"

#include <cstdint>
#include <string>
#include <vector>

/// The options of `tinyfiqa degrade`.
struct DegradeOptions {
  DataOptions data;
  std::string out;                 ///< folder for the images and faces.csv
  std::vector<std::string> kinds;  ///< names of degradations
  double share = 0.7;              ///< of the images that are degraded, without `copies`
  int copies = 0;                  ///< degraded copies of each image; 0: degrade in place of the image
  int threads = 0;
  bool with_gmsd = false;
  std::uint64_t seed = 1;
};

/// Writes the images and faces.csv. An image that fails has no row, and its error is returned after the work.
/// Errors: bad_argument, cannot_write, those of reading the CSV and the images.
tinyfiqa::Status degrade_images(const DegradeOptions& options);
