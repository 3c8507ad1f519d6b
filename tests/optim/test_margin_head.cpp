#include <tinyfiqa/autograd/dispatch.hpp>
#include <tinyfiqa/base/rng.hpp>
#include <tinyfiqa/optim/margin_head.hpp>
#include <tinyfiqa/recognition/recognition.hpp>
#include <tinyfiqa/training/batch_gradient.hpp>

#include "each_backend.hpp"

#include "autograd/tape_support.hpp"

#include <cmath>
#include <utility>
#include <vector>

using namespace tinyfiqa;

namespace {

using Vector = std::vector<double>;
constexpr double pi = 3.14159265358979323846;

MarginOptions options(double scale, double margin, bool easy = false) {
  MarginOptions o;
  o.scale = scale;
  o.margin = margin;
  o.easy = easy;
  return o;
}

double value(LossKind kind, const MarginOptions& o, const Vector& cosines, const std::vector<int>& people,
             Vector& gradient) {
  gradient.resize(cosines.size());
  const auto loss = margin_loss<double>(kind, o, cosines, {people.data(), people.size()}, gradient);
  REQUIRE_MESSAGE(loss.ok(), loss.status().message());
  return *loss;
}

/// Cross entropy of softmax, computed independently of the library.
double cross_entropy(const Vector& logits, std::size_t own) {
  double sum = 0;
  for (const double z : logits) sum += std::exp(z);
  return std::log(sum) - logits[own];
}

struct SmallRecogniser {
  ConvNorm<3, 6, 3, 2, 1, Act::silu> stem;
  EmbeddingHead<6, 4> head;

  constexpr Outputs operator()(Graph& g) const {
    const auto pooled = g.mean_hw(stem(g, g.input<3>()));
    return Outputs().add("output", head(g, pooled)).add_on_request("features", pooled);
  }
  template <class Walk>
  constexpr void visit(Walk& walk) {
    visit_in(walk, "stem", stem, 0, 1);
    head.visit(walk, "fc", "bn");
  }
};

/// Four images of three persons out of five, and the loss of the network with class weights and margin.
template <class T>
struct Whole {
  NetworkDefinition net = define_network<SmallRecogniser>();
  std::vector<T> params, images, gradient;
  std::vector<int> people = {3, 0, 3, 1};
  static constexpr Extents size{4, 9, 8, 3};

  Whole() {
    add_class_weights(net, 5);
    std::vector<float> block(block_size(net.params));
    init_params(net.params, block, 5);
    params.assign(block.begin(), block.end());
    for (const float v : planned::random_input(size)) images.push_back(static_cast<T>(v));
  }
  double compute(const TapeKernels<T>& kernels, TapeMode mode) {
    Tape<T> tape({net.ops.data(), net.ops.size()}, static_cast<int>(net.ops.size()) - 1, 1, kernels);
    std::vector<T> block = params;  // a copy, because running statistics change
    Rng rng(1);
    REQUIRE(tape.forward(block.data(), images.data(), size, mode, rng).ok());
    std::vector<T> d(tape.output().size);
    const auto loss = margin_loss<T>(LossKind::arcface, options(8, 0.5), tape.output(),
                                     {people.data(), people.size()}, {d.data(), d.size()});
    REQUIRE_MESSAGE(loss.ok(), loss.status().message());
    gradient.assign(block.size(), T(0));
    tape.backward(block.data(), d.data(), gradient.data());
    return *loss;
  }
};

}  // namespace

TEST_CASE("the margins are those of the papers' equations") {
  const Vector cosines = {0.3, -0.2, 0.55, 0.1};
  Vector gradient;
  const double theta = std::acos(0.55), s = 10;
  CHECK(value(LossKind::arcface, options(s, 0.5), cosines, {2}, gradient) ==
        doctest::Approx(cross_entropy({3, -2, s * std::cos(theta + 0.5), 1}, 2)));
  CHECK(value(LossKind::cosface, options(s, 0.35), cosines, {2}, gradient) ==
        doctest::Approx(cross_entropy({3, -2, s * (0.55 - 0.35), 1}, 2)));
  for (const LossKind kind : {LossKind::arcface, LossKind::cosface})
    CHECK(value(kind, options(s, 0), cosines, {2}, gradient) ==
          doctest::Approx(cross_entropy({3, -2, 5.5, 1}, 2)));
}

TEST_CASE(
    "beyond theta + m = pi, or beyond 90 degrees with the easy margin, ArcFace goes on as its authors' "
    "code") {
  Vector gradient;
  const double far = std::cos(pi - 0.4), s = 4;  // theta + m exceeds pi by 0.1
  CHECK(value(LossKind::arcface, options(s, 0.5), {far, 0.2}, {0}, gradient) ==
        doctest::Approx(cross_entropy({s * (far - 0.5 * std::sin(0.5)), s * 0.2}, 0)));
  CHECK(value(LossKind::arcface, options(s, 0.5, true), {-0.1, 0.2}, {0}, gradient) ==
        doctest::Approx(cross_entropy({s * -0.1, s * 0.2}, 0)));
  CHECK(value(LossKind::arcface, options(s, 0.5, true), {0.1, 0.2}, {0}, gradient) ==
        doctest::Approx(cross_entropy({s * std::cos(std::acos(0.1) + 0.5), s * 0.2}, 0)));
}

TEST_CASE("margin losses have the gradient of central differences on every branch") {
  Rng rng(3);
  Vector cosines(40);
  for (double& c : cosines) c = static_cast<double>(rng.uniform(-0.95f, 0.95f));
  cosines[0] = -0.93;  // theta + m exceeds pi for a margin of 0.5
  cosines[5] = 0.999;
  const std::vector<int> people = {0, 0, 4, 2, 1, 3, 2, 2};
  for (const auto& [kind, o] :
       {std::pair(LossKind::arcface, options(16, 0.5)), std::pair(LossKind::arcface, options(64, 0.3, true)),
        std::pair(LossKind::cosface, options(30, 0.35))}) {
    Vector gradient, unused;
    value(kind, o, cosines, people, gradient);
    double largest = 0;
    for (const double g : gradient) largest = std::max(largest, std::fabs(g));
    for (std::size_t i = 0; i < cosines.size(); ++i) {
      Vector c = cosines;
      const double h = 1e-6;
      c[i] = cosines[i] + h;
      const double up = value(kind, o, c, people, unused);
      c[i] = cosines[i] - h;
      const double down = value(kind, o, c, people, unused);
      CHECK(std::fabs((up - down) / (2 * h) - gradient[i]) <= 1e-7 * largest);
    }
  }
}

TEST_CASE("a margin loss at cosine 1 has a finite gradient, and wrong arguments are refused") {
  std::vector<float> gradient(2);
  const std::vector<float> cosines = {1, -1};
  const std::vector<int> own = {0}, other = {1}, none = {2};
  for (const auto* label : {&own, &other}) {
    const auto loss = margin_loss<float>(LossKind::arcface, options(64, 0.5), cosines,
                                         {label->data(), label->size()}, gradient);
    CHECK(std::isfinite(*loss));
    for (const float g : gradient) CHECK(std::isfinite(g));
  }
  const auto fails = [&](const MarginOptions& o, const std::vector<int>& label) {
    return !margin_loss<float>(LossKind::arcface, o, cosines, {label.data(), label.size()}, gradient).ok();
  };
  CHECK(fails(options(64, 2), own));
  CHECK(fails(options(0, 0.5), own));
  CHECK(fails(options(64, 0.5), none));
}

TEST_CASE("network, class weights and margin together have the gradient of central differences") {
  for (const TapeMode mode : {TapeMode::train, TapeMode::frozen_norms}) {
    INFO("mode " << static_cast<int>(mode));
    Whole<double> whole;
    whole.compute(formulas::table<double>, mode);
    const Vector gradient = whole.gradient, params = whole.params;
    double largest = 0;
    for (const double g : gradient) largest = std::max(largest, std::fabs(g));
    REQUIRE(largest > 0);
    for (const NamedParam& p : whole.net.params) {
      if (!is_trainable(p.param.kind)) continue;
      INFO(p.name);
      for (int k = 0; k < p.param.size(); ++k) {
        const auto i = static_cast<std::size_t>(p.param.offset + k);
        const auto loss_at = [&](double h) {
          whole.params = params;
          whole.params[i] += h;
          return whole.compute(formulas::table<double>, mode);
        };
        const double h = 1e-4, near = (loss_at(h) - loss_at(-h)) / (2 * h),
                     far = (loss_at(2 * h) - loss_at(-2 * h)) / (4 * h);
        CHECK(std::fabs((4 * near - far) / 3 - gradient[i]) <= 1e-8 * std::max(1.0, largest));
      }
    }
    for_each_backend([&](const Backend& backend) {
      Whole<float> fast;
      fast.compute(*choose_training_backend(backend.isa)->tape, mode);
      double worst = 0;
      for (std::size_t i = 0; i < gradient.size(); ++i)
        worst = std::max(worst, std::fabs(static_cast<double>(fast.gradient[i]) - gradient[i]));
      CHECK(worst <= 1e-4 * largest);
    });
  }
}

TEST_CASE("a bias before batch norm moves the running mean, as in PyTorch, and has no gradient in training") {
  Whole<float> whole;
  const auto find = [&](const char* name) -> const Param& {
    for (const NamedParam& p : whole.net.params)
      if (p.name == name) return p.param;
    FAIL(name);
    return whole.net.params[0].param;
  };
  const Param &bias = find("fc.bias"), &mean = find("bn.running_mean");
  const auto run = [&](float b, TapeMode mode, const TapeKernels<float>& kernels) {
    std::vector<float> block = whole.params;
    block[static_cast<std::size_t>(bias.offset)] = b;
    Tape<float> tape({whole.net.ops.data(), whole.net.ops.size()}, whole.net.outputs.main(), 1, kernels);
    Rng rng(1);
    REQUIRE(tape.forward(block.data(), whole.images.data(), Whole<float>::size, mode, rng).ok());
    return std::pair(block[static_cast<std::size_t>(mean.offset)], tape.output()[0]);
  };
  for_each_backend([&](const Backend& backend) {
    for (const auto* kernels : {choose_training_backend(backend.isa)->tape, &formulas::table<float>}) {
      const auto low = run(0, TapeMode::train, *kernels), high = run(3, TapeMode::train, *kernels);
      CHECK(high.first - low.first == doctest::Approx(0.3));
      CHECK(high.second == doctest::Approx(low.second).epsilon(1e-4));
      const float below = run(0, TapeMode::eval, *kernels).second,
                  above = run(3, TapeMode::eval, *kernels).second;
      CHECK(above - below == doctest::Approx(3).epsilon(1e-3));  // running variance 1, weight 1
    }
  });
}

TEST_CASE("micro-batches with frozen norms give the margin loss's gradient of the whole batch") {
  Whole<float> whole;
  const std::vector<float> people(whole.people.begin(), whole.people.end());
  std::vector<float> gradients[2];
  double losses[2];
  for (const int micro : {0, 3}) {
    BatchGradientOptions o;
    o.loss = LossKind::cosface;
    o.margin = options(8, 0.2);
    o.micro_batch = micro;
    o.mode = TapeMode::frozen_norms;
    BatchGradient step({whole.net.ops.data(), whole.net.ops.size()},
                       static_cast<int>(whole.net.ops.size()) - 1, *choose_training_backend("auto")->tape, o);
    auto& gradient = gradients[micro > 0 ? 1 : 0];
    gradient.resize(whole.params.size());
    std::vector<float> block = whole.params;
    const auto loss = step.compute(block, whole.images, Whole<float>::size, people, Rng(9), gradient);
    REQUIRE_MESSAGE(loss.ok(), loss.status().message());
    losses[micro > 0 ? 1 : 0] = *loss;
  }
  CHECK(losses[1] == doctest::Approx(losses[0]));
  for (std::size_t i = 0; i < gradients[0].size(); ++i)
    CHECK(gradients[1][i] == doctest::Approx(gradients[0][i]).epsilon(1e-3).scale(1e-2));
}
