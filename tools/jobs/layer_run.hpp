// One convolution as a network of its own, to measure its kernel and to compare it with the formula.
#pragma once

#include <tinyfiqa/base/status.hpp>
#include <tinyfiqa/formats/network.hpp>
#include <tinyfiqa/threads/run_threads.hpp>

#include <vector>

class LayerRun {
 public:
  /// `conv`: in_channels, channels, window, stride, padding, groups and act are read. Weights, bias and the input
  /// [N, H, W, in_channels] are random. Errors: bad_argument for sizes that do not go together; too_large;
  /// those of RunThreads.
  static tinyfiqa::Result<LayerRun> create(const tinyfiqa::Op& conv, const tinyfiqa::Extents& input,
                                           const tinyfiqa::Backend& backend, int threads = 1);

  /// Takes the kernel and the layouts that the same convolution has as a step of a network.
  void run_as(const tinyfiqa::Step& step);

  void run();
  const float* output() const { return y_.data(); }

  const char* kernel() const { return step().kernel->name; }
  /// Multiply-adds of a run.
  long long macs() const;
  /// Bytes of the input and the output map.
  long long map_bytes() const;
  /// The largest difference between the output of the last run and the formula (kernels/reference/forward.hpp).
  double largest_error() const;

 private:
  LayerRun() = default;
  const tinyfiqa::Step& step() const { return plan_.plan.steps[0]; }

  tinyfiqa::NetworkDefinition network_;
  tinyfiqa::OwnedPlan plan_;
  std::vector<float> params_, x_, y_;  // the parameters are the weights, then the bias
  std::vector<unsigned char> packed_, arena_;
  tinyfiqa::RunThreads threads_;
};
