// Measures the speed of a network on this machine.
#pragma once

#include <tinyfiqa/quality/model.hpp>

#include <functional>

/// Times of one run. spread: interquartile range divided by the median.
struct RunTimes {
  double median_us = 0, min_us = 0, spread = 0;
};

/// Calls `run` for `seconds`, at least 10 times, after one call to warm up.
RunTimes time_runs(const std::function<void()>& run, double seconds);

/// The same of a network, and its size.
struct Speed : RunTimes {
  long long params = 0, macs = 0;  ///< macs: multiply-adds of the whole batch
  double gmac_per_s() const { return static_cast<double>(macs) / median_us * 1e-3; }
};

/// Runs a batch of random images for `seconds`, at least 10 times, after one run to warm up.
/// Errors: bad_argument, too_large.
tinyfiqa::Result<Speed> measure_speed(const tinyfiqa::Model& model, int batch, int height, int width,
                                      int threads, double seconds);
