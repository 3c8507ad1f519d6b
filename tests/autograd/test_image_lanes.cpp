// Training of maps in image lanes: which maps lie so, and that their kernels agree with the formulas.
#include <tinyfiqa/models/mobilenet_v3_small.hpp>
#include <tinyfiqa/models/tinyfqnet.hpp>

#include "support.hpp"
#include "tape_support.hpp"

#include <algorithm>
#include <limits>

using namespace tinyfiqa;
using namespace tape_support;

namespace {

/// Every operation that has a kernel for image lanes, connected so that some gradients share memory, some are added to,
/// and some are copied. Most widths are no multiples of a tile.
template <Act A, int StemStride>
struct LaneNet {
  ConvNorm<3, 5, 3, StemStride, 1, A> stem;
  ConvNorm<5, 7, 1, 1, 1, A> left;
  ConvNorm<7, 7, 1> right;
  ConvNorm<7, 7, 3, 1, 7, A> deep, deeper;
  ConvNorm<7, 7, 3, 2, 7, A> half, other_half;
  ConvBias<7, 19, A> last;
  Linear<19, 2, Act::sigmoid> head;

  constexpr Outputs operator()(Graph& g) const {
    const auto a = left(g, stem(g, g.input<3>())), b = right(g, a);
    const auto sum = g.add<7>({b, a});  // its gradient is that of both
    const auto again = g.add<7>({deep(g, sum), sum});
    const auto more = g.add<7>({again, b});  // copies its gradient, and adds it to b's
    const auto wide = g.add<7>({deeper(g, more), more});
    const auto small = g.add<7>({half(g, wide), other_half(g, wide)});
    const auto features = g.mean_hw(last(g, small));
    return Outputs().add("output", head(g, features)).add_on_request("features", features);
  }
  static constexpr int lane_maps = 13;  ///< 8 convolutions and 5 sums
  template <class Walk>
  constexpr void visit(Walk& walk) {
    visit_in(walk, "stem", stem, 0, 1);
    visit_in(walk, "left", left, 0, 1);
    visit_in(walk, "right", right, 0, 1);
    visit_in(walk, "deep", deep, 0, 1);
    visit_in(walk, "deeper", deeper, 0, 1);
    visit_in(walk, "half", half, 0, 1);
    visit_in(walk, "other_half", other_half, 0, 1);
    visit_in(walk, "last", last);
    visit_in(walk, "head", head);
  }
};

template <Act A, int StemStride>
void check_lane_net(Extents size) {
  using Net = LaneNet<A, StemStride>;
  for (const TapeMode mode : all_modes) {
    INFO("mode " << static_cast<int>(mode) << ", height " << size.h);
    check_kernels<Net>(planned::define<Net>(), size, mode, 2e-4, inputs_with_kinks);
  }
}

/// The maps in image lanes, of a step on `size`.
int lane_maps(const planned::Definition& d, Extents size, const Backend& backend,
              bool input_gradient = false) {
  Tape<float> tape({d.ops.data(), d.ops.size()}, d.outputs.main(), 1,
                   *choose_training_backend(backend.isa)->tape);
  if (input_gradient) tape.differentiate_input();
  REQUIRE(tape.prepare(size).ok());
  int count = 0;
  for (const TapeValue& v : tape.plan().values) count += v.lanes ? 1 : 0;
  return count;
}

int lane_images(const Backend& backend) { return choose_training_backend(backend.isa)->tape->lane_images; }

/// All widths fill their vectors.
struct WideNet {
  ConvNorm<3, 16, 3, 2, 1, Act::relu> stem;
  ConvNorm<16, 32, 1> next;
  Linear<32, 1> head;
  constexpr Outputs operator()(Graph& g) const {
    return Outputs().add("output", head(g, g.mean_hw(next(g, stem(g, g.input<3>())))));
  }
  template <class Walk>
  constexpr void visit(Walk& walk) {
    visit_in(walk, "stem", stem, 0, 1);
    visit_in(walk, "next", next, 0, 1);
    visit_in(walk, "head", head);
  }
};
/// Max pooling has no kernel for image lanes.
struct WithPool {
  ConvNorm<3, 5, 3, 2, 1, Act::relu> stem;
  ConvNorm<5, 5, 1> next;
  Linear<5, 1> head;
  constexpr Outputs operator()(Graph& g) const {
    return Outputs().add("output", head(g, g.mean_hw(next(g, g.max_pool(3, 2, 1, stem(g, g.input<3>()))))));
  }
  template <class Walk>
  constexpr void visit(Walk& walk) {
    visit_in(walk, "stem", stem, 0, 1);
    visit_in(walk, "next", next, 0, 1);
    visit_in(walk, "head", head);
  }
};

}  // namespace

TEST_CASE("kernels on maps in image lanes give the formulas' values, statistics and gradients") {
  check_lane_net<Act::silu, 2>({32, 13, 10, 3});
  check_lane_net<Act::silu, 1>({29, 7, 6, 3});  // three lanes have no image
  check_lane_net<Act::relu, 2>({30, 12, 9, 3});
  check_lane_net<Act::hswish, 2>({16, 16, 17, 3});
  check_kernels<TinyFQnet>(planned::define<TinyFQnet>(), {31, 32, 32, 3}, TapeMode::train, 1e-3,
                           inputs_with_kinks);
}

TEST_CASE("maps lie in image lanes from the input to the mean, if all operations there can read them") {
  const auto net = planned::define<LaneNet<Act::silu, 2>>();
  const auto tiny = planned::define<TinyFQnet>();
  const auto mobile = planned::define<MobileNetV3SmallQuality>();
  for_each_backend([&](const Backend& backend) {
    const int images = lane_images(backend);
    const bool has = images > 0;
    CHECK(images == (backend.vector_floats >= 8 ? backend.vector_floats : 0));
    CHECK(lane_maps(net, {32, 12, 12, 3}, backend) == (has ? LaneNet<Act::silu, 2>::lane_maps : 0));
    CHECK(lane_maps(tiny, {256, 64, 64, 3}, backend) == (has ? 26 : 0));  // 23 convolutions and 3 sums
    CHECK(lane_maps(tiny, {2, 64, 64, 3}, backend) == 0);                 // too few images
    CHECK(lane_maps(tiny, {17, 64, 64, 3}, backend) == 0);                // 7 or 15 lanes would have no image
    CHECK(lane_maps(tiny, {13, 64, 64, 3}, backend) == (has ? 26 : 0));
    CHECK(lane_maps(tiny, {32, 64, 64, 3}, backend, true) == 0);  // the input's gradient lies by pixels
    CHECK(lane_maps(mobile, {16, 64, 64, 3}, backend) == 0);      // has gates
    CHECK(lane_maps(planned::define<WideNet>(), {32, 8, 8, 3}, backend) == 0);  // nothing to gain
    CHECK(lane_maps(planned::define<WithPool>(), {32, 8, 8, 3}, backend) == 0);
  });
}

TEST_CASE("the operation that gives NaN first is found on maps in image lanes") {
  const auto d = planned::define<LaneNet<Act::silu, 2>>();
  for_each_backend([&](const Backend& backend) {
    Tape<float> tape({d.ops.data(), d.ops.size()}, d.outputs.main(), 1,
                     *choose_training_backend(backend.isa)->tape);
    Taped<float> t = start<float>(d, {29, 12, 12, 3});
    Rng rng(1);
    auto found =
        tape.first_not_finite(t.params.data(), t.input.data(), {29, 12, 12, 3}, TapeMode::train, rng);
    REQUIRE(found.ok());
    CHECK(*found == -1);
    // One bad pixel of the last image reaches only the last group's lanes.
    t.input[t.input.size() - 1] = std::numeric_limits<float>::infinity();
    found = tape.first_not_finite(t.params.data(), t.input.data(), {29, 12, 12, 3}, TapeMode::train, rng);
    REQUIRE(found.ok());
    CHECK(*found == 1);  // the first convolution
  });
}

TEST_CASE("training in image lanes gives the same bits every time, and two thread counts agree within 1e-5") {
  check_same_bits(planned::define<LaneNet<Act::silu, 2>>(), {32, 40, 36, 3});
}
