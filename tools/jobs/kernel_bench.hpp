// Measures one convolution on each instruction set, for `tinyfiqa bench --kernel`.
#pragma once

#include <tinyfiqa/base/status.hpp>
#include <tinyfiqa/nn/operations.hpp>

#include "jobs/speed.hpp"

#include <optional>
#include <string>
#include <vector>

/// The layer that is to be measured, as options give it.
struct KernelShape {
  std::string kernel;  ///< gemm, depthwise or conv
  int batch = 1, height = 0, width = 0, channels = 0;
  std::optional<int> out;      ///< output channels; none: as many as input channels
  std::optional<int> window;   ///< none: 1 of gemm, 3 of the others
  std::optional<int> padding;  ///< none: window / 2
  int stride = 1, groups = 1;
  std::string act = "none";

  /// The layer. Errors: bad_argument for options that the kernel does not have.
  tinyfiqa::Result<tinyfiqa::Op> layer() const;
};

/// The names of the activations.
std::vector<std::string> act_names();

/// One instruction set's kernel of the layer.
struct KernelRow {
  std::string kernel;
  RunTimes times;
  long long macs = 0, map_bytes = 0;
  double largest_error = 0;  ///< against the formula

  double gmac_per_s() const { return static_cast<double>(macs) / times.median_us * 1e-3; }
  double gb_per_s() const { return static_cast<double>(map_bytes) / times.median_us * 1e-3; }
};

/// Measures the layer with each backend in turn. Errors: bad_argument, too_large.
tinyfiqa::Result<std::vector<KernelRow>> measure_kernels(
    const KernelShape& shape, const std::vector<const tinyfiqa::Backend*>& backends, int threads,
    double seconds);
