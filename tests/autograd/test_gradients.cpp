// Gradients of every operation and of whole networks. The formulas are compared with central differences in double;
// the kernels of every instruction set are compared with the formulas in double.
#include <tinyfiqa/autograd/dispatch.hpp>
#include <tinyfiqa/models/mobilenet_v3_small.hpp>
#include <tinyfiqa/models/shufflenet_v2.hpp>
#include <tinyfiqa/models/tinyfqnet.hpp>

#include "each_backend.hpp"
#include "support.hpp"
#include "tape_support.hpp"
#include "thin_networks.hpp"

#include <algorithm>
#include <string>
#include <vector>

using namespace tinyfiqa;
using namespace tape_support;

namespace {

/// Central differences for a sample of the parameters. A large h suffers from curvature, a small one from rounding,
/// so the best of several h counts. A parameter fails if no h agrees.
template <class Net>
void check_differences(const planned::Definition& d, Extents size, TapeMode mode, int samples,
                       double tolerance = 1e-8) {
  Net net;
  Taped<double> t = start<double>(d, size);
  const std::vector<double> params = t.params;
  run_tape(d, size, mode, formulas::table<double>, t);
  const std::vector<double> gradient = t.gradient;
  double scale = 0;
  for (const double g : gradient) scale = std::max(scale, std::fabs(g));
  REQUIRE(scale > 0);
  const auto loss_at = [&](std::size_t i, double h) {
    t.params = params;
    t.params[i] += h;
    run_tape(d, size, mode, formulas::table<double>, t, 1, false);
    return t.loss;
  };
  const auto count = static_cast<std::size_t>(number_params(net).trainable);
  if (sanitized) samples = std::max(2, samples / 10);
  const std::size_t step = std::max<std::size_t>(1, count / static_cast<std::size_t>(samples));
  for (std::size_t i = 0; i < count; i += step) {
    double best = 1e9;
    for (const double h : {1e-3, 3e-4, 1e-4, 1e-5, 1e-6, 1e-7, 1e-8}) {
      // Fourth order: the error is h^4 times the fifth derivative.
      const double near = (loss_at(i, h) - loss_at(i, -h)) / (2 * h),
                   far = (loss_at(i, 2 * h) - loss_at(i, -2 * h)) / (4 * h);
      best = std::min(best, std::fabs((4 * near - far) / 3 - gradient[i]));
      if (best <= tolerance * scale) break;
    }
    INFO("parameter " << i << " gradient " << gradient[i] << " largest " << scale);
    CHECK(best <= tolerance * scale);
  }
}

/// Every operation, connected so that some gradients share memory and others must not.
template <Act A>
struct EveryOp {
  ConvNorm<3, 8, 3, 2, 1, A> stem;
  ConvNorm<8, 8, 1, 1, 1, A> left, right;
  ConvNorm<8, 8, 3, 1, 8, A> deep;
  ConvNorm<8, 8, 5, 2, 8> deep5;
  ConvNorm<8, 12, 3, 1, 4, A> grouped;
  ConvNorm<8, 12, 3, 2, 1, A> dense;
  SqueezeExcite<8, 4> gate;
  ConvNorm<24, 10, 1> join;
  Linear<10, 2, Act::sigmoid> head;

  constexpr Outputs operator()(Graph& g) const {
    const auto x = stem(g, g.input<3>());
    const auto a = left(g, x), b = right(g, a);
    const auto sum = g.add<8>({b, a});  // shared gradients
    const auto again = g.add<8>({sum, deep(g, sum)});
    const auto twice = g.add<8>({again, again});
    const auto shuffled = g.shuffle<2>(g.concat<4, 4>({g.slice<0, 4>(twice), g.slice<4, 4>(twice)}));
    const auto part = g.concat<4, 4>({g.slice<2, 4>(shuffled), g.slice<0, 4>(twice)});
    const auto mixed = g.shuffle<4>(g.activation<Act::silu>(part));
    const auto pooled = g.max_pool(3, 2, 1, mixed);
    const auto small = g.add<8>({pooled, deep5(g, gate(g, mixed))});
    const auto joined = g.concat<12, 12>({grouped(g, small), dense(g, mixed)});
    const auto features = g.mean_hw(join(g, g.dropout(0.3f, joined)));
    return Outputs().add("output", head(g, features)).add_on_request("features", features);
  }
  template <class Walk>
  constexpr void visit(Walk& walk) {
    visit_in(walk, "stem", stem, 0, 1);
    visit_in(walk, "left", left, 0, 1);
    visit_in(walk, "right", right, 0, 1);
    visit_in(walk, "deep", deep, 0, 1);
    visit_in(walk, "deep5", deep5, 0, 1);
    visit_in(walk, "grouped", grouped, 0, 1);
    visit_in(walk, "dense", dense, 0, 1);
    visit_in(walk, "gate", gate);
    visit_in(walk, "join", join, 0, 1);
    visit_in(walk, "head", head);
  }
};

template <Act A>
void check_every_op() {
  const std::string name = act_name(A);
  INFO("activation " << name);
  auto d = planned::define<EveryOp<A>>();
  for (Op& op : d.ops) op.fixed_slope = 0.2f;  // of leaky ReLU; the others ignore it
  for (const TapeMode mode : all_modes) {
    INFO("mode " << static_cast<int>(mode));
    check_differences<EveryOp<A>>(d, {2, 9, 10, 3}, mode, 150);
    check_kernels<EveryOp<A>>(d, {2, 9, 10, 3}, mode, 2e-4);
    check_kernels<EveryOp<A>>(d, {3, 23, 16, 3}, mode, 2e-4);
  }
}

}  // namespace

TEST_CASE("every operation has the gradient of central differences, and kernels agree") {
  check_every_op<Act::silu>();
  check_every_op<Act::sigmoid>();
  check_every_op<Act::none>();
  check_every_op<Act::relu>();
  check_every_op<Act::hswish>();
  check_every_op<Act::prelu>();  // without slopes: leaky ReLU
}

TEST_CASE("whole networks have the gradient of central differences") {
  check_differences<TinyFQnet>(planned::define<TinyFQnet>(), {2, 16, 16, 3}, TapeMode::train, 60, 1e-7);
  check_differences<MobileNetV3SmallQuality>(planned::define<MobileNetV3SmallQuality>(), {2, 40, 40, 3},
                                             TapeMode::train, 10, 1e-7);
  check_differences<ShuffleNetV2Quality<ShuffleNetX0_5>>(
      planned::define<ShuffleNetV2Quality<ShuffleNetX0_5>>(), {2, 40, 40, 3}, TapeMode::train, 10, 1e-7);
  check_differences<ShuffleNetV2Quality<ShuffleNetX1_0>>(
      planned::define<ShuffleNetV2Quality<ShuffleNetX1_0>>(), {2, 40, 40, 3}, TapeMode::train, 10, 1e-7);
}

TEST_CASE("recognisers have the gradient of central differences, and kernels agree") {
  using Resnet = FaceResNet<thin::TinyFaceResNetTable>;
  using Efficient = EfficientNet<thin::EfficientNetTable>;
  using Narrow = MobileFaceNetScaled<25>;
  check_differences<Resnet>(planned::define<Resnet>(), {4, 112, 112, 3}, TapeMode::train, 10, 1e-7);
  check_differences<Efficient>(planned::define<Efficient>(), {5, 40, 40, 3}, TapeMode::train, 20, 1e-7);
  check_kernels<Resnet>(planned::define<Resnet>(), {4, 112, 112, 3}, TapeMode::train, 1e-3,
                        inputs_with_kinks);
  check_kernels<Resnet>(planned::define<Resnet>(), {2, 112, 112, 3}, TapeMode::frozen_norms, 1e-3,
                        inputs_with_kinks);
  check_kernels<Efficient>(planned::define<Efficient>(), {5, 40, 40, 3}, TapeMode::train, 1e-3);
  check_kernels<Efficient>(planned::define<Efficient>(), {5, 40, 40, 3}, TapeMode::frozen_norms, 1e-3);
  check_kernels<Narrow>(planned::define<Narrow>(), {3, 112, 112, 3}, TapeMode::train, 1e-3,
                        inputs_with_kinks);
}

TEST_CASE("kernels give the networks' gradients of the formulas") {
  check_kernels<TinyFQnet>(planned::define<TinyFQnet>(), {4, 32, 32, 3}, TapeMode::train, 1e-3,
                           inputs_with_kinks);
  check_kernels<MobileNetV3SmallQuality>(planned::define<MobileNetV3SmallQuality>(), {8, 64, 40, 3},
                                         TapeMode::train, 1e-3, inputs_with_kinks);
  check_kernels<ShuffleNetV2Quality<ShuffleNetX0_5>>(planned::define<ShuffleNetV2Quality<ShuffleNetX0_5>>(),
                                                     {8, 64, 48, 3}, TapeMode::train, 1e-3,
                                                     inputs_with_kinks);
}

namespace {

/// y = a^2 b + w[c] on two maps.
struct SquareTimes {
  static constexpr const char* name = "square_times";
  static Extents size(const Extents& a, const Extents&) { return a; }
  template <class T>
  static void forward(const CustomCall<T>& call) {
    for (long long i = 0; i < call.out.floats(); ++i)
      call.y[i] = call.x[0][i] * call.x[0][i] * call.x[1][i] + call.params[i % call.out.c];
  }
  template <class T>
  static void backward(const CustomCall<T>& call) {
    for (long long i = 0; i < call.out.floats(); ++i) {
      call.dx[0][i] += 2 * call.dy[i] * call.x[0][i] * call.x[1][i];
      call.dx[1][i] += call.dy[i] * call.x[0][i] * call.x[0][i];
      call.dparams[i % call.out.c] += call.dy[i];
    }
  }
};
struct CustomNet {
  ConvNorm<3, 8, 3, 2, 1, Act::silu> stem;
  Param offsets = vector_param(ParamKind::slope, 4);
  Linear<4, 2> head;
  constexpr Outputs operator()(Graph& g) const {
    const auto x = stem(g, g.input<3>());
    const auto y = g.custom<4, 4, 4>(custom_op<SquareTimes>, {g.slice<0, 4>(x), g.slice<4, 4>(x)}, &offsets);
    const auto pooled = g.mean_hw(y);
    return Outputs().add("output", head(g, pooled)).add_on_request("features", pooled);
  }
  template <class Walk>
  constexpr void visit(Walk& walk) {
    visit_in(walk, "stem", stem, 0, 1);
    walk.param("offsets", offsets);
    visit_in(walk, "head", head);
  }
};

}  // namespace

TEST_CASE("the sums that batch norm needs are taken where a gradient is completed, if the kernel there can") {
  const auto taken = [](const planned::Definition& d, const auto& kernels, auto number) {
    Tape<decltype(number)> tape({d.ops.data(), d.ops.size()}, d.outputs.main(), 1, kernels);
    REQUIRE(tape.prepare({2, 64, 64, 3}).ok());
    int count = 0;
    for (const TapeValue& v : tape.plan().values) count += v.dy_sums >= 0 ? 1 : 0;
    return count;
  };
  const auto tiny = planned::define<TinyFQnet>();
  const auto mobile = planned::define<MobileNetV3SmallQuality>();
  CHECK(taken(tiny, formulas::table<double>, 0.0) == 0);
  for_each_backend([&](const Backend& backend) {
    // Of 24 convolutions: not of the output, nor of three that a sum shares its gradient with.
    CHECK(taken(tiny, *choose_training_backend(backend.isa)->tape, 0.0f) == 20);
    // Of 54: not of the output, of nine gates, of six with a sum, and of the one before the dropout.
    CHECK(taken(mobile, *choose_training_backend(backend.isa)->tape, 0.0f) == 37);
  });
}

TEST_CASE("an operation of the user's own is differentiated, trained and run in inference") {
  const auto d = planned::define<CustomNet>();
  const Extents size{2, 9, 8, 3};
  for (const TapeMode mode : all_modes) {
    check_differences<CustomNet>(d, size, mode, 50);
    check_kernels<CustomNet>(d, size, mode, 1e-4);
  }
  for_each_backend([&](const Backend& backend) {
    planned::Planned p;
    planned::make(p, d, d.outputs.main(), size, backend);
    REQUIRE(p.plan.problem.error == PlanError::none);
    Taped<float> t = start<float>(d, size);
    run_tape(d, size, TapeMode::eval, *choose_training_backend(backend.isa)->tape, t);
    const auto y = planned::execute(p, t.input);
    for (std::size_t i = 0; i < y.size(); ++i) CHECK(std::fabs(y[i] - t.output[i]) <= 1e-4f);
  });
}

TEST_CASE("one thread count gives the same bits every time, and two counts agree within 1e-5") {
  check_same_bits(planned::define<EveryOp<Act::silu>>(), {6, 40, 36, 3});
}
