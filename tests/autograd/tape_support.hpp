// Networks on the tape: weights, random inputs, gradients in float and double.
#pragma once

#include <tinyfiqa/autograd/tape.hpp>

#include "planned.hpp"

#include <cmath>
#include <vector>

namespace tape_support {
using namespace tinyfiqa;

/// A network's gradient at one input, for the loss sum(weight * output).
template <class T>
struct Taped {
  std::vector<T> params, input, d_output, gradient, output;
  double loss = 0;
};

/// `d_output` stands for the loss; made here when it is empty.
template <class T>
void run_tape(const planned::Definition& d, Extents size, TapeMode mode, const TapeKernels<T>& kernels,
              Taped<T>& t, int threads = 1, bool backward = true) {
  Tape<T> tape({d.ops.data(), d.ops.size()}, d.outputs.main(), threads, kernels);
  Rng rng(77);
  const Status status = tape.forward(t.params.data(), t.input.data(), size, mode, rng);
  REQUIRE_MESSAGE(status.ok(), status.message());
  t.output.assign(tape.output().begin(), tape.output().end());
  if (t.d_output.empty()) {
    Rng weights(5);
    for (std::size_t i = 0; i < t.output.size(); ++i)
      t.d_output.push_back(static_cast<T>(weights.uniform(-1, 1)));
  }
  t.loss = 0;
  for (std::size_t i = 0; i < t.output.size(); ++i)
    t.loss += static_cast<double>(t.output[i]) * static_cast<double>(t.d_output[i]);
  if (!backward) return;
  t.gradient.assign(t.params.size(), T(0));
  tape.backward(t.params.data(), t.d_output.data(), t.gradient.data());
}

template <class T>
Taped<T> start(const planned::Definition& d, Extents size, std::uint64_t input_seed = 9) {
  Taped<T> t;
  for (float v : d.params) t.params.push_back(static_cast<T>(v));
  for (float v : planned::random_input(size, input_seed)) t.input.push_back(static_cast<T>(v));
  return t;
}

}  // namespace tape_support
