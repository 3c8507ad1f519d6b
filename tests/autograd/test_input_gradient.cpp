// The gradient of a network's input, which heat maps are made of. The formulas are compared with central differences in
// double, and the kernels of every instruction set with the formulas.
#include <tinyfiqa/autograd/dispatch.hpp>
#include <tinyfiqa/models/mobilenet_v3_small.hpp>
#include <tinyfiqa/models/shufflenet_v2.hpp>
#include <tinyfiqa/models/tinyfqnet.hpp>

#include "each_backend.hpp"
#include "support.hpp"
#include "tape_support.hpp"
#include "thin_networks.hpp"

#include <algorithm>
#include <cmath>
#include <vector>

using namespace tinyfiqa;
using namespace tape_support;

namespace {

/// Several operations read the input: its gradient shares memory with that of a sum, and others add to it.
struct InputInManyPlaces {
  ConvNorm<3, 3, 3, 1, 1, Act::silu> same;
  ConvNorm<3, 6, 1, 1, 1, Act::silu> wide;
  Linear<10, 1, Act::sigmoid> head;

  constexpr Outputs operator()(Graph& g) const {
    const auto x = g.input<3>();
    const auto sum = g.add<3>({x, same(g, x)});
    const auto joined = g.concat<6, 3, 1>({wide(g, sum), g.max_pool(3, 1, 1, x), g.slice<1, 1>(x)});
    return Outputs().add("output", head(g, g.mean_hw(joined)));
  }
  template <class Walk>
  constexpr void visit(Walk& walk) {
    visit_in(walk, "same", same, 0, 1);
    visit_in(walk, "wide", wide, 0, 1);
    visit_in(walk, "head", head);
  }
};

/// Nothing but slices reads the input: their gradients are parts of its gradient.
struct SlicedInput {
  ConvNorm<1, 4, 3, 1, 1, Act::silu> first;
  ConvNorm<2, 4, 1, 1, 1, Act::silu> rest;
  Linear<8, 1, Act::sigmoid> head;

  constexpr Outputs operator()(Graph& g) const {
    const auto x = g.input<3>();
    const auto joined = g.concat<4, 4>({first(g, g.slice<0, 1>(x)), rest(g, g.slice<1, 2>(x))});
    return Outputs().add("output", head(g, g.mean_hw(joined)));
  }
  template <class Walk>
  constexpr void visit(Walk& walk) {
    visit_in(walk, "first", first, 0, 1);
    visit_in(walk, "rest", rest, 0, 1);
    visit_in(walk, "head", head);
  }
};

/// The gradient of sum(d_output * output) by the input, in evaluation.
template <class T>
std::vector<T> input_gradient(const planned::Definition& d, Extents size, const TapeKernels<T>& kernels,
                              Taped<T>& t, int threads = 1) {
  Tape<T> tape({d.ops.data(), d.ops.size()}, d.outputs.main(), threads, kernels);
  tape.differentiate_input();
  Rng rng(1);
  const Status status = tape.forward(t.params.data(), t.input.data(), size, TapeMode::eval, rng);
  REQUIRE_MESSAGE(status.ok(), status.message());
  if (t.d_output.empty()) t.d_output.assign(tape.output().size, T(1));
  t.gradient.assign(t.params.size(), T(0));
  tape.backward(t.params.data(), t.d_output.data(), t.gradient.data());
  return tape.input_gradient();
}

template <class T>
double largest_of(const std::vector<T>& values) {
  double largest = 0;
  for (const T v : values) largest = std::max(largest, std::abs(static_cast<double>(v)));
  return largest;
}

/// Compares the formulas with central differences of fourth order, at every `step`-th number of the input.
void check_differences(const planned::Definition& d, Extents size, std::size_t step) {
  Taped<double> t = start<double>(d, size);
  const std::vector<double> gradient = input_gradient<double>(d, size, formulas::table<double>, t);
  REQUIRE(gradient.size() == t.input.size());
  const double scale = largest_of(gradient);
  REQUIRE(scale > 0);
  const std::vector<double> input = t.input;
  const auto loss_at = [&](std::size_t i, double h) {
    t.input = input;
    t.input[i] += h;
    run_tape(d, size, TapeMode::eval, formulas::table<double>, t, 1, false);
    return t.loss;
  };
  for (std::size_t i = 0; i < input.size(); i += step) {
    double best = 1e9;
    for (const double h : {1e-3, 1e-4, 1e-5, 1e-6}) {
      const double inner = (loss_at(i, h) - loss_at(i, -h)) / (2 * h),
                   outer = (loss_at(i, 2 * h) - loss_at(i, -2 * h)) / (4 * h);
      best = std::min(best, std::fabs((4 * inner - outer) / 3 - gradient[i]));
    }
    INFO("number " << i << " of the input: gradient " << gradient[i] << ", largest " << scale);
    CHECK(best <= 1e-7 * scale);
  }
}

/// An activation whose argument is within rounding of a kink has two right derivatives. So only one of three inputs must
/// agree.
void check_kernels(const planned::Definition& d, Extents size, double tolerance) {
  for_each_backend([&](const Backend& backend) {
    for (const int threads : {1, 2}) {
      double least = 1e9;
      for (const unsigned seed : {9u, 10u, 11u}) {
        Taped<double> reference = start<double>(d, size, seed);
        Taped<float> t = start<float>(d, size, seed);
        const auto want = input_gradient<double>(d, size, formulas::table<double>, reference);
        const auto got =
            input_gradient<float>(d, size, *choose_training_backend(backend.isa)->tape, t, threads);
        REQUIRE(got.size() == want.size());
        double worst = 0;
        for (std::size_t i = 0; i < want.size(); ++i)
          worst = std::max(worst, std::abs(static_cast<double>(got[i]) - want[i]));
        least = std::min(least, worst / largest_of(want));
        if (least <= tolerance) break;
      }
      INFO("threads " << threads << ", error " << least << " of the largest derivative");
      CHECK(least <= tolerance);
    }
  });
}

}  // namespace

TEST_CASE("the gradient of the input agrees with central differences") {
  check_differences(planned::define<InputInManyPlaces>(), {2, 7, 9, 3}, 5);
  check_differences(planned::define<SlicedInput>(), {2, 7, 9, 3}, 5);
  check_differences(planned::define<TinyFQnet>(), {1, 17, 19, 3}, 61);
}

TEST_CASE("the kernels' gradient of the input agrees with the formulas") {
  check_kernels(planned::define<InputInManyPlaces>(), {2, 7, 9, 3}, 1e-5);
  check_kernels(planned::define<SlicedInput>(), {2, 7, 9, 3}, 1e-5);
  check_kernels(planned::define<TinyFQnet>(), {3, 32, 32, 3}, 1e-4);
  check_kernels(planned::define<MobileNetV3SmallQuality>(), {1, 64, 40, 3}, 1e-3);
  check_kernels(planned::define<ShuffleNetV2Quality<ShuffleNetX0_5>>(), {1, 64, 48, 3}, 1e-3);
}

TEST_CASE("a tape that does not differentiate its input has no gradient of it") {
  const auto d = planned::define<TinyFQnet>();
  const Span<const Op> ops{d.ops.data(), d.ops.size()};
  const int output = d.outputs.main();
  const TapePlan without = make_tape_plan(ops, {&output, 1}, {1, 64, 64, 3}, 4),
                 with = make_tape_plan(ops, {&output, 1}, {1, 64, 64, 3}, 4, true);
  REQUIRE(without.problem.error == PlanError::none);
  CHECK(without.values[0].gradient < 0);
  CHECK(with.values[0].gradient >= 0);
}
