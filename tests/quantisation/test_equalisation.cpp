// Level factors: they are powers of two that fit together, and channels of small range gain by them.
#include <tinyfiqa/quality/model_registry.hpp>

#include <doctest/doctest.h>

#include "noise.hpp"

#include <cmath>
#include <cstddef>
#include <utility>
#include <vector>

using namespace tinyfiqa;

namespace {

const Op& op_of(const NetworkDefinition& network, int id) {
  return network.ops[static_cast<std::size_t>(id)];
}

/// Multiplies channels of the first layer by 1, 1/4, 1/16, ..., and the next layer's weights by the inverse.
void spread_channels(Model& model) {
  const NetworkDefinition& network = model.network();
  const Op &first = op_of(network, 1), &second = op_of(network, 2);
  REQUIRE(first.has_norm());
  REQUIRE(first.act == Act::relu);
  REQUIRE(second.kind == OpKind::conv);
  REQUIRE(second.inputs[0] == 1);
  float* const block = model.block().data;
  const int cin = second.in_channels / second.groups, taps = second.window * second.window;
  for (int c = 0; c < first.channels; ++c) {
    const float by = std::ldexp(1.0f, -2 * (c % 4));
    block[first.norm_weight + c] *= by;
    block[first.norm_bias + c] *= by;
    for (int o = 0; o < second.channels; ++o)
      for (int t = 0; t < taps; ++t)
        if (c / cin == o / (second.channels / second.groups))
          block[second.weight + (o * cin + c % cin) * taps + t] /= by;
  }
  model.pack();
}

}  // namespace

TEST_CASE("channels of small range get finer levels, and lose less") {
  Model floats(*find_model("tinyfqnet"), native_backend(), 3);
  spread_channels(floats);
  double with = 0, without = 0;
  for (const bool equalise : {true, false}) {
    QuantiseOptions options;
    options.finer_channels = equalise;
    Quantiser quantiser = quantiser_of_noise(floats, 32, options);
    const auto whole = quantiser.quantise();
    REQUIRE(whole.ok());
    (equalise ? with : without) = quantiser.errors()[2].signal_to_noise();
    CHECK((op_of(whole->network(), 1).level_factors >= 0) == equalise);
    if (!equalise) continue;
    const float* const factors = whole->block().data + op_of(whole->network(), 1).level_factors;
    CHECK(factors[3] < factors[0]);
  }
  MESSAGE("second layer: " << with << " dB, with one scale " << without << " dB");
  CHECK(with > without + 6);
}

TEST_CASE("level factors are powers of two, and equal where an operation knows none") {
  constexpr auto by_outputs = RangeRule::output_error;
  const std::pair<const char*, RangeRule> cases[] = {{"tinyfqnet", RangeRule::square_error},
                                                     {"mobilenet_v3_small", RangeRule::square_error},
                                                     {"shufflenet_v2_x0_5", RangeRule::square_error},
                                                     {"mobilenet_v3_small", by_outputs},
                                                     {"shufflenet_v2_x0_5", by_outputs}};
  for (const auto& tried : cases) {
    const char* const name = tried.first;
    const RangeRule rule = tried.second;
    INFO(name << (rule == by_outputs ? ", searched" : ""));
    const Model floats(*find_model(name), native_backend(), 3);
    QuantiseOptions options;
    options.finer_channels = true;
    options.rule = rule;
    Quantiser quantiser = quantiser_of_noise(floats, 48, options);
    const auto whole = quantiser.quantise();
    REQUIRE(whole.ok());
    const NetworkDefinition& network = whole->network();
    const auto factor = [&](int id, int c) {
      return whole->block().data[static_cast<std::size_t>(op_of(network, id).level_factors + c)];
    };
    int finer = 0;
    for (int id = 0; id < static_cast<int>(network.ops.size()); ++id) {
      const Op& op = op_of(network, id);
      int first = 0;  // of the concatenation's present input
      for (int c = 0; c < op.channels; ++c) {
        int exponent = 0;
        const float mantissa = std::frexp(factor(id, c), &exponent);
        CHECK(mantissa == 0.5f);
        finer += factor(id, c) < 1 ? 1 : 0;
        if (op.dtype == DType::f32 || op.kind == OpKind::input) CHECK(factor(id, c) == 1.0f);
        if (op.kind == OpKind::add) {
          CHECK(factor(id, c) == factor(op.inputs[0], c));
          CHECK(factor(id, c) == factor(op.inputs[1], c));
        }
        if (op.kind == OpKind::scale || op.kind == OpKind::mean_hw || op.kind == OpKind::max_pool)
          CHECK(factor(id, c) == factor(op.inputs[0], c));
        if (op.kind == OpKind::slice) CHECK(factor(id, c) == factor(op.inputs[0], op.first_channel + c));
        if (op.kind == OpKind::shuffle) {
          const int each = op.channels / op.shuffle_groups;
          const int group = c % op.shuffle_groups, at = c / op.shuffle_groups;
          CHECK(factor(id, c) == factor(op.inputs[0], group * each + at));
        }
        if (op.kind == OpKind::concat) {
          const int of = c < op_of(network, op.inputs[0]).channels ? 0 : 1;
          first = of == 0 ? 0 : op_of(network, op.inputs[0]).channels;
          CHECK(factor(id, c) == factor(op.inputs[of], c - first));
        }
      }
      if (op.kind == OpKind::scale)  // a gate is 0..1
        for (int c = 0; c < op.channels; ++c) CHECK(factor(op.inputs[1], c) == 1.0f);
    }
    CHECK(finer > 10);
  }
}

TEST_CASE("a caller hears of each layer whose rounding is fitted") {
  const Model floats(*find_model("tinyfqnet"), native_backend(), 3);
  for (const bool fit : {true, false}) {
    std::vector<int> heard;
    int layers = 0;
    QuantiseOptions options;
    options.fit_rounding = fit;
    options.on_layer = [&](int done, int all) {
      heard.push_back(done);
      layers = all;
    };
    Quantiser quantiser = quantiser_of_noise(floats, 32, options);
    REQUIRE(quantiser.quantise().ok());
    CHECK(heard.empty() == !fit);
    CHECK(static_cast<int>(heard.size()) == layers);
    for (std::size_t i = 0; i < heard.size(); ++i) CHECK(heard[i] == static_cast<int>(i) + 1);
  }
}
