// Networks on the tape: weights, random inputs, gradients in float and double.
#pragma once

#include <tinyfiqa/autograd/dispatch.hpp>
#include <tinyfiqa/autograd/tape.hpp>

#include "each_backend.hpp"
#include "planned.hpp"

#include <algorithm>
#include <cmath>
#include <sstream>
#include <string>
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

inline constexpr TapeMode all_modes[] = {TapeMode::train, TapeMode::frozen_norms, TapeMode::eval};

/// The differences between a run and the formulas; both texts are empty if there are none.
struct Disagreement {
  std::string forward, backward;  ///< running statistics and numbers at all; gradients
};

template <class Net>
Disagreement compare(const Taped<double>& want, const Taped<float>& got, double tolerance) {
  Net net;
  number_params(net);
  // A bias before another batch norm has gradient zero: what is left there is rounding of the network's
  // scale.
  double floor = 0;
  for (const double g : want.gradient) floor = std::max(floor, 1e-3 * std::fabs(g));
  Disagreement found;
  for_each_param(net, [&](const char* name, const Param& p) {
    const bool trained = is_trainable(p.kind);
    double largest = floor, worst = 0;
    bool numbers = true;
    for (int i = p.offset; i < p.offset + p.size(); ++i) {
      const auto at = static_cast<std::size_t>(i);
      const double a = trained ? want.gradient[at] : want.params[at];
      const double b = static_cast<double>(trained ? got.gradient[at] : got.params[at]);
      numbers = numbers && std::isfinite(b);
      largest = std::max(largest, std::fabs(a));
      worst = std::max(worst, std::fabs(a - b));
    }
    if (numbers && worst <= tolerance * largest) return;
    std::ostringstream text;
    text << name << ": largest " << largest << ", error " << worst << (numbers ? "; " : ", not finite; ");
    (trained && numbers ? found.backward : found.forward) += text.str();
  });
  return found;
}

/// Compares the kernels of every instruction set with the formulas in double: the largest error of each tensor,
/// relative to its largest magnitude, running statistics included. If the argument of an activation is within
/// rounding of a kink, float and double take different sides, and the gradients differ although both are right. In a
/// large network this happens for some inputs. So such a network may be tried on several inputs: values must agree on
/// all that are tried, gradients on one.
template <class Net>
void check_kernels(const planned::Definition& d, Extents size, TapeMode mode, double tolerance,
                   unsigned inputs = 1) {
  constexpr unsigned first_input = 9;
  std::vector<Taped<double>> want;
  for_each_backend([&](const Backend& backend) {
    for (const int threads : {1, 2}) {
      Disagreement found;
      for (unsigned which = 0; which == 0 || (which < inputs && !found.backward.empty()); ++which) {
        if (want.size() == which) {
          want.push_back(start<double>(d, size, first_input + which));
          run_tape(d, size, mode, formulas::table<double>, want.back());
        }
        const Taped<double>& reference = want[which];
        Taped<float> got = start<float>(d, size, first_input + which);
        for (const double v : reference.d_output) got.d_output.push_back(static_cast<float>(v));
        run_tape(d, size, mode, *choose_training_backend(backend.isa)->tape, got, threads);
        found = compare<Net>(reference, got, tolerance);
        INFO("threads " << threads << ", input " << which << ": " << found.forward);
        CHECK(found.forward.empty());
      }
      INFO("threads " << threads << ": " << found.backward);
      CHECK(found.backward.empty());
    }
  });
}
inline constexpr unsigned inputs_with_kinks = 3;

/// One thread count gives the same bits every time, and two counts agree within 1e-5, on every instruction set.
inline void check_same_bits(const planned::Definition& d, Extents size) {
  for_each_backend([&](const Backend& backend) {
    std::vector<std::vector<float>> gradients;
    for (const int threads : {1, 1, 2, 2}) {
      Taped<float> t = start<float>(d, size);
      run_tape(d, size, TapeMode::train, *choose_training_backend(backend.isa)->tape, t, threads);
      gradients.push_back(t.gradient);
    }
    CHECK(gradients[0] == gradients[1]);
    CHECK(gradients[2] == gradients[3]);
    float largest = 0, worst = 0;
    for (std::size_t i = 0; i < gradients[0].size(); ++i) {
      largest = std::max(largest, std::fabs(gradients[0][i]));
      worst = std::max(worst, std::fabs(gradients[0][i] - gradients[2][i]));
    }
    CHECK(worst <= 1e-5f * largest);
  });
}

}  // namespace tape_support
