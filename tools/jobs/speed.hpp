// How long a network takes on this machine.
#pragma once

#include <tinyfiqa/quality/model.hpp>

/// Times of one run, and what it computes.
struct Speed {
  double median_us = 0, min_us = 0, spread = 0;  ///< spread: the quartiles' distance over the median
  long long params = 0, macs = 0;                ///< macs of the whole batch
  double gmac_per_s() const { return static_cast<double>(macs) / median_us * 1e-3; }
};

/// Runs `batch` random images for `seconds`, at least 10 times after one that warms up.
/// Errors: bad_argument, too_large.
tinyfiqa::Result<Speed> measure_speed(const tinyfiqa::Model& model, int batch, int height, int width,
                                      int threads, double seconds);
