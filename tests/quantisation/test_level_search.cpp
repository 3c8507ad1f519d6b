// Levels chosen by the outputs: they follow what the outputs depend on, not the numbers of the map.
#include <tinyfiqa/quality/model_registry.hpp>
#include <tinyfiqa/quantisation/level_search.hpp>

#include <doctest/doctest.h>

#include "noise.hpp"

#include <cmath>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <vector>

using namespace tinyfiqa;

namespace {

/// A value of two channels: many numbers of 0..1 that the output adds, and in the first channel some of 40 that it ignores. The
/// numbers of the second channel are an eighth, and count eightfold, or not at all.
struct OneValue {
  static constexpr int value = 1, unread = 2, pixels = 64, images = 8;
  float second = 8;  ///< what the output multiplies the second channel with
  int runs = 0, images_run = 0;

  static std::vector<float> numbers(int image) {
    Rng rng(5, static_cast<std::uint64_t>(image));
    std::vector<float> y;
    for (int p = 0; p < pixels; ++p) {
      const float x = static_cast<float>(rng.uniform());
      y.push_back(p % 8 == 0 ? 40 * x : x);
      y.push_back(x / 8);
    }
    return y;
  }
  float output(const std::vector<float>& y) const {
    float sum = 0;
    for (int p = 0; p < pixels; ++p)
      if (p % 8 != 0)
        sum += y[static_cast<std::size_t>(2 * p)] + second * y[static_cast<std::size_t>(2 * p + 1)];
    return sum;
  }
  static Step step(int op) {
    Step s;
    s.op = op;
    s.y.extents = {1, 8, pixels / 8, 2};
    s.y.pixel_stride = 2;
    return s;
  }
  void operator()(const LevelSearch::Change& change, const std::function<bool(Span<const float>)>& take) {
    ++runs;
    for (int i = 0; i < images; ++i) {
      ++images_run;
      std::vector<float> y = numbers(i), other = numbers(i);
      if (change) change(step(value), y.data()), change(step(unread), other.data());
      const float sum = output(y);
      if (!take(Span<const float>(&sum, 1))) return;
    }
  }
};

/// The mean square error of the outputs by these levels.
double error(const OneValue& run, const LevelChoice& choice) {
  double sum = 0;
  for (int i = 0; i < OneValue::images; ++i) {
    std::vector<float> y = OneValue::numbers(i);
    const float before = run.output(y);
    round_to_levels(OneValue::step(OneValue::value), y.data(), choice.levels[OneValue::value],
                    choice.factors.empty() ? std::vector<float>() : choice.factors[OneValue::value]);
    sum += static_cast<double>((run.output(y) - before) * (run.output(y) - before));
  }
  return sum / OneValue::images;
}

/// What of a network the search reads: convolutions of two channels.
struct Setting {
  NetworkDefinition network;
  ValueLevels values;
  ChannelExtremes extremes{ChannelNumbers(3), ChannelNumbers(3)};
  LevelChoice choice;

  Setting() {
    network.ops.resize(3);
    network.ops[0].kind = OpKind::input;
    for (std::size_t id = 0; id < 3; ++id) {
      if (id > 0) network.ops[id].kind = OpKind::conv;
      network.ops[id].channels = 2;
      values.levels.push_back(true);
      values.group.push_back(static_cast<int>(id));
    }
    for (const std::size_t id : {std::size_t{1}, std::size_t{2}}) {
      extremes.lowest[id] = {0, 0};
      extremes.highest[id] = {40, 0.125f};
    }
    choice.levels.assign(3, ValueHistogram::of_range(0, 40));
  }
};

}  // namespace

TEST_CASE("levels that are searched suit what the outputs depend on") {
  Setting s;
  const LevelChoice before = s.choice;
  OneValue run;
  run.second = 0;
  LevelSearch(s.network, s.values, s.extremes, {}, std::ref(run)).improve(s.choice);
  MESSAGE("mean square error " << error(run, before) << " before, " << error(run, s.choice) << " after");
  CHECK(error(run, s.choice) < 0.6 * error(run, before));
  CHECK(s.choice.levels[1].scale < 0.7f * before.levels[1].scale);
  CHECK(s.choice.levels[2] == before.levels[2]);  // no output depends on it
  CHECK(s.choice.factors.empty());
  CHECK(run.images_run < OneValue::images * run.runs);  // a bad choice is not tried with all images
}

TEST_CASE("level factors are searched too, if they are free") {
  Setting s;
  s.choice.factors.assign(3, {1.0f, 1.0f});
  Setting without = s;
  std::vector<std::vector<int>> free{{-1, -1}, {2, 3}, {4, 5}};
  OneValue run;
  LevelSearch(s.network, s.values, s.extremes, free, std::ref(run)).improve(s.choice);
  free[1] = {-1, -1};
  LevelSearch(without.network, without.values, without.extremes, free, std::ref(run)).improve(without.choice);
  MESSAGE("mean square error " << error(run, without.choice) << " without, " << error(run, s.choice)
                               << " with factors");
  CHECK(error(run, s.choice) < 0.1 * error(run, without.choice));
  CHECK(s.choice.factors[1][1] < s.choice.factors[1][0]);
  CHECK(without.choice.factors[1] == std::vector<float>{1, 1});
  int exponent = 0;
  for (const float factor : s.choice.factors[1]) CHECK(std::frexp(factor, &exponent) == 0.5f);
}

TEST_CASE("a value that shares its levels or factors with another is searched with it") {
  Setting s;
  s.choice.factors.assign(3, {1.0f, 1.0f});
  OneValue run;
  // By a factor: the second channels'.
  LevelSearch(s.network, s.values, s.extremes, {{-1, -1}, {2, 3}, {4, 3}}, std::ref(run)).improve(s.choice);
  CHECK(s.choice.factors[1][1] < 1);
  CHECK(s.choice.factors[2][1] == s.choice.factors[1][1]);
  CHECK(s.choice.factors[2][0] == 1);
  // By a scale.
  Setting group;
  group.values.group[2] = 1;
  LevelSearch(group.network, group.values, group.extremes, {}, std::ref(run)).improve(group.choice);
  CHECK(group.choice.levels[1].scale < 40.0f / 255);
  CHECK(group.choice.levels[2] == group.choice.levels[1]);
}

TEST_CASE("a caller hears of each value whose levels are searched") {
  const Model floats(*find_model("tinyfqnet"), native_backend(), 3);
  std::vector<int> heard;
  int values = 0;
  QuantiseOptions options;
  options.rule = RangeRule::output_error;
  options.on_search = [&](int done, int all) {
    heard.push_back(done);
    values = all;
  };
  Quantiser quantiser = quantiser_of_noise(floats, 32, options);
  const auto whole = quantiser.quantise();
  REQUIRE(whole.ok());
  CHECK(whole->has_levels());
  CHECK(heard.size() > 3);
  CHECK(static_cast<int>(heard.size()) == values);
  for (std::size_t i = 0; i < heard.size(); ++i) CHECK(heard[i] == static_cast<int>(i) + 1);
}
