#include <tinyfiqa/autograd/dispatch.hpp>
#include <tinyfiqa/formats/init_params.hpp>
#include <tinyfiqa/nn/layers.hpp>
#include <tinyfiqa/quality/model_registry.hpp>
#include <tinyfiqa/training/batch_gradient.hpp>
#include <tinyfiqa/training/trainer.hpp>

#include "check_close.hpp"
#include "each_backend.hpp"

#include <algorithm>
#include <cmath>
#include <string>
#include <vector>

using namespace tinyfiqa;

namespace {

using Floats = std::vector<float>;

/// A network, a batch and the options of its gradient.
struct Case {
  NetworkDefinition net;
  Floats start, x, label, params, gradient;
  Extents size;
  double loss = 0;

  Case(NetworkDefinition definition, Extents extents) : net(std::move(definition)), size(extents) {
    start.resize(block_size(net.params));
    gradient.resize(start.size());
    init_params(net.params, start, 3);
    Rng rng(4);
    x.resize(static_cast<std::size_t>(size.floats()));
    for (float& v : x) v = rng.normal();
    for (int i = 0; i < size.n; ++i) label.push_back(rng.uniform());
  }
  Span<const Op> ops() const { return {net.ops.data(), net.ops.size()}; }
  Result<double> compute(BatchGradient& step) {
    params = start;
    return step.compute(params, x, size, label, Rng(9), gradient);
  }
  void run(const BatchGradientOptions& options) {
    BatchGradient step(ops(), net.outputs.main(), *choose_training_backend("auto")->tape, options);
    const auto value = compute(step);
    REQUIRE_MESSAGE(value.ok(), value.status().message());
    loss = *value;
  }
};

/// Checks that the parts together give the loss and the gradient of the whole batch.
void check_exact(Case& c, BatchGradientOptions options) {
  for (const LossKind loss : {LossKind::mse, LossKind::msecorr, LossKind::l2norm, LossKind::smooth_l1}) {
    INFO(loss_name(loss));
    options.loss = loss;
    options.micro_batch = 0;
    c.run(options);
    const Floats whole = c.gradient;
    const double loss_value = c.loss;
    for (const int micro : {1, 3, 6}) {
      INFO("micro-batches of " << micro);
      options.micro_batch = micro;
      c.run(options);
      CHECK(std::fabs(c.loss - loss_value) <= 1e-5 * loss_value);
      CHECK(largest_difference(whole, c.gradient) <= 2e-5);
      CHECK(c.params == c.start);
    }
    options.micro_batch = c.size.n;
    c.run(options);
    CHECK(c.gradient == whole);
  }
}

/// A network without batch norm, in which images do not affect each other.
struct PlainNet {
  ConvBias<3, 8, Act::hswish> stem;
  Linear<8, 1> head;
  constexpr Outputs operator()(Graph& g) const {
    const auto pooled = g.mean_hw(stem(g, g.input<3>()));
    return Outputs().add("output", head(g, g.dropout(0.5f, pooled))).add_on_request("features", pooled);
  }
  template <class Walk>
  constexpr void visit(Walk& walk) {
    visit_in(walk, "stem", stem);
    visit_in(walk, "head", head);
  }
};

}  // namespace

TEST_CASE("with frozen norms micro-batches give the gradient of the whole batch, dropout included") {
  Case c(find_model("mobilenet_v3_small")->define(), {7, 32, 32, 3});
  BatchGradientOptions options;
  options.mode = TapeMode::frozen_norms;
  options.threads = 2;
  check_exact(c, options);
}

TEST_CASE("subnormal floats are zeros in a step, and as before after it") {
  Case c(define_network<PlainNet>(), {7, 12, 12, 3});
  std::fill(c.x.begin(), c.x.end(), 1e-39f);
  const std::uint64_t before = detail::float_control();
  c.run(BatchGradientOptions());
  CHECK(detail::float_control() == before);
  const Span<float> stem = param_values(Span<float>(c.gradient), c.net.params.front().param);
  const auto is_zero = [](float g) { return g == 0; };
  CHECK(std::all_of(stem.begin(), stem.end(), is_zero) == (detail::flush_subnormals_bits != 0));
  CHECK_FALSE(std::all_of(c.gradient.begin(), c.gradient.end(), is_zero));
}

TEST_CASE("a network without norms has the gradient of the whole batch in micro-batches of any size") {
  Case c(define_network<PlainNet>(), {7, 12, 12, 3});
  check_exact(c, BatchGradientOptions());
}

TEST_CASE("with batch statistics each micro-batch has its own, and the correlation is the whole batch's") {
  Case c(find_model("shufflenet_v2_x0_5")->define(), {6, 64, 64, 3});
  for (Op& op : c.net.ops) op.drop_probability = 0;
  BatchGradientOptions options;
  options.micro_batch = 4;  // parts of 3 and 3
  c.run(options);
  // The same by hand: predictions of both parts, one loss, two backward passes, statistics moved twice.
  Tape<float> tape(c.ops(), c.net.outputs.main(), 1, *choose_training_backend("auto")->tape);
  const std::size_t half = c.x.size() / 2;
  Floats params = c.start, scratch = c.start, predictions, d(6), gradient(c.start.size());
  Rng rng(1);
  for (const std::size_t part : {0u, 1u}) {
    REQUIRE(
        tape.forward(scratch.data(), c.x.data() + part * half, {3, 64, 64, 3}, TapeMode::train, rng).ok());
    predictions.insert(predictions.end(), tape.output().begin(), tape.output().end());
  }
  const auto loss = msecorr_loss<float>(predictions, c.label, d);
  REQUIRE(loss.ok());
  for (const std::size_t part : {0u, 1u}) {
    REQUIRE(tape.forward(params.data(), c.x.data() + part * half, {3, 64, 64, 3}, TapeMode::train, rng).ok());
    tape.backward(params.data(), d.data() + 3 * part, gradient.data());
  }
  CHECK(c.loss == *loss);
  CHECK(c.gradient == gradient);
  CHECK(c.params == params);
  CHECK(c.params != c.start);
  options.micro_batch = 0;
  c.run(options);
  CHECK(largest_difference(gradient, c.gradient) > 1e-3);  // the statistics are not those of the whole batch
}

TEST_CASE("a bad label is an error in micro-batches too") {
  Case c(define_network<PlainNet>(), {5, 8, 8, 3});
  c.label[4] = std::nanf("");
  for (const LossKind loss : {LossKind::mse, LossKind::msecorr}) {
    BatchGradientOptions options;
    options.loss = loss;
    options.micro_batch = 2;
    BatchGradient step(c.ops(), c.net.outputs.main(), *choose_training_backend("auto")->tape, options);
    const auto value = c.compute(step);
    CHECK(value.status().code() == Errc::not_finite);
  }
}

TEST_CASE("batch 64 at 600x416 fits in 8 GiB, and in a third of that by micro-batches of 16") {
  for (const std::string name : {"mobilenet_v3_small", "shufflenet_v2_x0_5", "shufflenet_v2_x1_0"}) {
    const NetworkDefinition net = find_model(name)->define();
    const auto memory = [&](int n) {
      Tape<float> tape({net.ops.data(), net.ops.size()}, net.outputs.main(), 2,
                       *choose_training_backend("auto")->tape);
      REQUIRE(tape.prepare({n, 600, 416, 3}).ok());
      return static_cast<double>(tape.peak_bytes());
    };
    // Besides the tape, memory is needed for three batches (two are loaded ahead),
    // weights, gradient and moments.
    const double gib = 1024.0 * 1024 * 1024, batches = 3 * 64.0 * 600 * 416 * 3 * 4,
                 numbers = 4 * 4.0 * static_cast<double>(block_size(net.params));
    MESSAGE(name << ": " << (memory(64) + batches + numbers) / gib << " GiB, "
                 << (memory(16) + batches + numbers) / gib << " GiB in micro-batches of 16");
    CHECK(memory(64) + batches + numbers < 8 * gib);
    CHECK(memory(16) + batches + numbers < 8 * gib / 3);
  }
}

template <class B>
constexpr auto trains(const B& backend)
    -> decltype(Trainer::create(tinyfqnet_spec, backend, Dataset(), {}, TrainOptions()), true) {
  return true;
}
constexpr bool trains(...) { return false; }

TEST_CASE("a backend for inference alone is refused by the trainer when the program is compiled") {
  CHECK(trains(TrainingBackend()));
  CHECK_FALSE(trains(Backend()));
}
