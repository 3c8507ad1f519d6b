// Losses on several outputs, upsampling and concatenation of several maps.
#include <tinyfiqa/autograd/dispatch.hpp>

#include "each_backend.hpp"
#include "runtime/pyramid.hpp"
#include "support.hpp"
#include "tape_support.hpp"

#include <algorithm>
#include <cmath>
#include <vector>

using namespace tinyfiqa;
using namespace tape_support;

namespace {

/// The loss: sum over outputs of sum(weight * output), weights random.
template <class T>
struct Losses {
  std::vector<std::vector<T>> weights;
  std::vector<T> gradient, params;
  std::vector<std::vector<T>> outputs;
  double loss = 0;
};

template <class T>
void run_losses(const planned::Definition& d, const std::vector<int>& outputs, Extents size, TapeMode mode,
                const TapeKernels<T>& kernels, const std::vector<T>& input, Losses<T>& l, int threads = 1) {
  Tape<T> tape(d.ops, outputs, threads, kernels);
  Rng rng(77);
  const Status status = tape.forward(l.params.data(), input.data(), size, mode, rng);
  REQUIRE_MESSAGE(status.ok(), status.message());
  if (l.weights.empty()) {
    Rng random(5);
    for (std::size_t i = 0; i < outputs.size(); ++i) {
      l.weights.emplace_back(tape.output(i).size);
      for (T& w : l.weights.back()) w = static_cast<T>(random.uniform(-1, 1));
    }
  }
  l.loss = 0;
  l.outputs.clear();
  std::vector<const T*> d_outputs;
  for (std::size_t i = 0; i < outputs.size(); ++i) {
    l.outputs.emplace_back(tape.output(i).begin(), tape.output(i).end());
    for (std::size_t k = 0; k < tape.output(i).size; ++k)
      l.loss += static_cast<double>(tape.output(i)[k]) * static_cast<double>(l.weights[i][k]);
    d_outputs.push_back(l.weights[i].data());
  }
  l.gradient.assign(l.params.size(), T(0));
  tape.backward(l.params.data(), Span<const T* const>(d_outputs.data(), d_outputs.size()), l.gradient.data());
}

std::vector<int> all_outputs(const planned::Definition& d) {
  std::vector<int> values;
  for (const Output& output : d.outputs) values.push_back(output.value);
  return values;
}

/// All outputs, outputs that others read, and one value twice.
const std::vector<std::vector<int>> choices(const planned::Definition& d) {
  const int middle = d.outputs.value("middle"), sum = d.outputs.value("sum");
  return {all_outputs(d), {d.outputs.value("fine")}, {sum, middle}, {middle, middle}};
}

constexpr Extents image_size{2, 16, 24, 3};

}  // namespace

TEST_CASE("losses on several outputs have the gradient of central differences") {
  const auto d = planned::define<PyramidNet>();
  PyramidNet net;
  const auto trainable = static_cast<std::size_t>(number_params(net).trainable);
  const Taped<double> begin = start<double>(d, image_size);
  for (const TapeMode mode : {TapeMode::train, TapeMode::frozen_norms, TapeMode::eval})
    for (const auto& outputs : choices(d)) {
      Losses<double> l;
      l.params = begin.params;
      run_losses(d, outputs, image_size, mode, formulas::table<double>, begin.input, l);
      const std::vector<double> gradient = l.gradient;
      double scale = 0;
      for (const double g : gradient) scale = std::max(scale, std::fabs(g));
      REQUIRE(scale > 0);
      for (std::size_t i = 0; i < trainable; i += trainable / (sanitized ? 8 : 60)) {
        const auto loss_at = [&](double h) {
          l.params = begin.params;
          l.params[i] += h;
          run_losses(d, outputs, image_size, mode, formulas::table<double>, begin.input, l);
          return l.loss;
        };
        double best = 1e9;  // kinks of the activations may be within reach of the larger steps
        for (const double h : {1e-4, 1e-5, 1e-6, 1e-7}) {
          best = std::min(best, std::fabs((loss_at(h) - loss_at(-h)) / (2 * h) - gradient[i]));
          if (best <= 1e-6 * scale) break;
        }
        INFO("parameter " << i << ", " << outputs.size() << " outputs, mode " << static_cast<int>(mode));
        CHECK(best <= 1e-6 * scale);
      }
    }
}

TEST_CASE("kernels agree with the formulas on several outputs, upsampling and concatenations of three maps") {
  const auto d = planned::define<PyramidNet>();
  const Taped<double> begin = start<double>(d, image_size);
  const Taped<float> begin_float = start<float>(d, image_size);
  for_each_backend([&](const Backend& backend) {
    for (const auto& outputs : choices(d))
      for (const int threads : {1, 2}) {
        Losses<double> want;
        want.params = begin.params;
        run_losses(d, outputs, image_size, TapeMode::frozen_norms, formulas::table<double>, begin.input,
                   want);
        Losses<float> got;
        got.params = begin_float.params;
        for (const auto& weights : want.weights) got.weights.emplace_back(weights.begin(), weights.end());
        run_losses(d, outputs, image_size, TapeMode::frozen_norms,
                   *choose_training_backend(backend.isa)->tape, begin_float.input, got, threads);
        for (std::size_t i = 0; i < outputs.size(); ++i)
          for (std::size_t k = 0; k < want.outputs[i].size(); ++k)
            CHECK(std::fabs(static_cast<double>(got.outputs[i][k]) - want.outputs[i][k]) <= 1e-4);
        double largest = 0, worst = 0;
        for (std::size_t i = 0; i < want.gradient.size(); ++i) {
          largest = std::max(largest, std::fabs(want.gradient[i]));
          worst = std::max(worst, std::fabs(static_cast<double>(got.gradient[i]) - want.gradient[i]));
        }
        INFO("threads " << threads << ", " << outputs.size() << " outputs");
        CHECK(worst <= 2e-4 * largest);
      }
  });
}

TEST_CASE("the tape's outputs are those of inference") {
  const auto d = planned::define<PyramidNet>();
  const Taped<float> begin = start<float>(d, image_size);
  const std::vector<int> outputs = all_outputs(d);
  for_each_backend([&](const Backend& backend) {
    planned::Planned p;
    planned::make(p, d, outputs, image_size, backend);
    const auto inferred = planned::execute_all(p, begin.input);
    Losses<float> taped;
    taped.params = begin.params;
    run_losses(d, outputs, image_size, TapeMode::eval, *choose_training_backend(backend.isa)->tape,
               begin.input, taped);
    for (std::size_t i = 0; i < outputs.size(); ++i)
      for (std::size_t k = 0; k < inferred[i].size(); ++k)
        CHECK(std::fabs(inferred[i][k] - taped.outputs[i][k]) <= 1e-4f);
  });
}

TEST_CASE("Adam of every backend makes the formula's step, whatever the count") {
  AdamStep a;
  a.keep = 0.99f;
  a.decay = 0.01f;
  a.b1 = 0.9f, a.c1 = 0.1f, a.b2 = 0.999f, a.c2 = 0.001f, a.eps = 1e-8f;
  a.step = 0.02f, a.root = 1.5f;
  for_each_backend([&](const Backend& backend) {
    for (const std::size_t count : {1u, 7u, 16u, 33u, 100u}) {
      Rng rng(3);
      std::vector<float> g(count), m(count), v(count), p(count);
      for (std::size_t i = 0; i < count; ++i) {
        g[i] = rng.normal();
        m[i] = rng.normal();
        v[i] = rng.uniform();
        p[i] = rng.normal();
      }
      std::vector<double> want;
      for (std::size_t i = 0; i < count; ++i) {
        const double grad = double{g[i]} + 0.01 * double{p[i]}, first = 0.9 * double{m[i]} + 0.1 * grad,
                     second = 0.999 * double{v[i]} + 0.001 * grad * grad;
        want.push_back(0.99 * double{p[i]} - 0.02 * first / (std::sqrt(second) * 1.5 + 1e-8));
      }
      choose_training_backend(backend.isa)
          ->adam(a, static_cast<std::ptrdiff_t>(count), g.data(), m.data(), v.data(), p.data());
      for (std::size_t i = 0; i < count; ++i)
        CHECK(static_cast<double>(p[i]) == doctest::Approx(want[i]).epsilon(1e-5));
    }
  });
}
