#include <tinyfiqa/base/rng.hpp>
#include <tinyfiqa/detection/default_scorer.hpp>
#include <tinyfiqa/quality/calibration.hpp>
#include <tinyfiqa/quality/model_registry.hpp>

#include <doctest/doctest.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <string>
#include <vector>

using namespace tinyfiqa;

namespace {

/// 0, 1/n, 2/n, ... 1 in a random order: percentile p is p / 100.
std::vector<float> even_scores(std::size_t n) {
  std::vector<float> raw;
  for (std::size_t i = 0; i <= n; ++i) raw.push_back(static_cast<float>(i) / static_cast<float>(n));
  Rng rng(5);
  for (std::size_t i = n; i > 0; --i) std::swap(raw[i], raw[rng.below(static_cast<std::uint32_t>(i + 1))]);
  return raw;
}

std::vector<float> random_scores(std::size_t n, std::uint64_t seed, float step = 0) {
  Rng rng(seed);
  std::vector<float> raw;
  for (std::size_t i = 0; i < n; ++i) {
    const float value = 0.6f + 0.1f * static_cast<float>(rng.normal());
    raw.push_back(step > 0 ? std::round(value / step) * step : value);
  }
  return raw;
}

Calibration fitted(const std::vector<float>& raw, const CalibrationOptions& options = {}) {
  const auto c = fit_calibration(raw, options);
  REQUIRE_MESSAGE(c.ok(), c.status().message());
  return *c;
}

/// The share of the scores whose integer quality is below a limit.
double share_below(const Calibration& c, const std::vector<float>& raw, int limit) {
  const auto below =
      std::count_if(raw.begin(), raw.end(), [&](float r) { return c.quality_number(r) < limit; });
  return static_cast<double>(below) / static_cast<double>(raw.size());
}

void check_error(const Metadata& metadata, const std::string& part) {
  const auto c = calibration_from_metadata(metadata, "some.safetensors");
  REQUIRE_FALSE(c.ok());
  const std::string message = c.status().message();
  INFO(message);
  CHECK(c.status().code() == Errc::bad_format);
  CHECK(message.find("some.safetensors") != std::string::npos);
  CHECK(message.find(part) != std::string::npos);
}

Metadata with(Metadata metadata, const std::string& key, const std::string& value) {
  for (auto& entry : metadata)
    if (entry.first == key) entry.second = value;
  return metadata;
}

}  // namespace

TEST_CASE("percentiles 1 to 99 of the population get qualities 10 to 90, its maximum 100, the floor 0") {
  const Calibration c = fitted(even_scores(2000));
  CHECK(c.quality(0.01f) == doctest::Approx(10));
  CHECK(c.quality(0.5f) == doctest::Approx(50).epsilon(0.001));
  CHECK(c.quality(0.99f) == doctest::Approx(90));
  CHECK(c.quality(1.0f) == doctest::Approx(100));
  CHECK(c.knots.front().quality == 0);
  CHECK(std::isnan(c.quality(std::numeric_limits<float>::quiet_NaN())));
  CHECK(c.quality(c.knots.front().raw) == 0);
  CHECK(c.quality(-1e30f) == 0);
  CHECK(c.quality(1e30f) == 100);
  CHECK(c.quality_number(0.505f) == std::lround(c.quality(0.505f)));
}

TEST_CASE("the bands hold the worst 5 %, the next 15, the next 30 and the rest of the population") {
  for (const auto& raw : {even_scores(2000), random_scores(3000, 1), random_scores(500, 2)}) {
    const Calibration c = fitted(raw);
    CHECK(share_below(c, raw, c.limits.poor) == doctest::Approx(0.05).epsilon(0.3));
    CHECK(share_below(c, raw, c.limits.fair) == doctest::Approx(0.20).epsilon(0.1));
    CHECK(share_below(c, raw, c.limits.good) == doctest::Approx(0.50).epsilon(0.1));
    CHECK(share_below(c, raw, c.worst10) == doctest::Approx(0.10).epsilon(0.2));
    CHECK(c.limits.of(0) == Band::reject);
    CHECK(c.limits.of(c.limits.poor) == Band::poor);
    CHECK(c.limits.of(c.limits.fair) == Band::fair);
    CHECK(c.limits.of(c.limits.good - 1) == Band::fair);
    CHECK(c.limits.of(100) == Band::good);
  }
}

TEST_CASE("a higher raw score never has a lower quality, and each quality lies in 0..100") {
  for (const std::uint64_t seed : {1u, 2u, 3u, 4u})
    for (const float step : {0.0f, 0.01f, 0.05f}) {
      const Calibration c = fitted(random_scores(20 + 400 * seed, seed, step));
      for (std::size_t i = 1; i < c.knots.size(); ++i) CHECK(c.knots[i].raw > c.knots[i - 1].raw);
      float last = 0;
      int falls = 0;
      for (int i = 0; i <= 3000; ++i) {
        const float q = c.quality(static_cast<float>(i) * 0.0005f - 0.2f);
        falls += !(q >= last) || q > 100;
        last = q;
      }
      CHECK(falls == 0);
    }
}

TEST_CASE("the order of the scores changes nothing") {
  auto raw = random_scores(300, 7);
  const auto before = calibration_metadata(fitted(raw));
  std::reverse(raw.begin(), raw.end());
  CHECK(calibration_metadata(fitted(raw)) == before);
}

TEST_CASE("the floor is the raw score of quality 0") {
  const auto raw = even_scores(1000);
  CHECK(fitted(raw, {-3.0f}).quality(-3.0f) == 0);
  CHECK(fitted(raw, {-3.0f}).quality(-2.0f) > 0);
  // By default as far below the 1st percentile as the median is above it.
  CHECK(fitted(raw).knots.front().raw == doctest::Approx(0.01 - 0.49));
  CHECK_FALSE(fit_calibration(raw, {0.5f}).ok());
}

TEST_CASE("scores that give no calibration are refused") {
  CHECK_FALSE(fit_calibration({}).ok());
  CHECK_FALSE(fit_calibration(std::vector<float>(least_population - 1, 0.5f)).ok());
  CHECK_FALSE(fit_calibration(std::vector<float>(1000, 0.5f)).ok());
  auto raw = even_scores(100);
  raw[3] = std::numeric_limits<float>::quiet_NaN();
  CHECK(fit_calibration(raw).status().code() == Errc::not_finite);
  for (const float far : {3.4e38f, 3e38f, 2.5e38f}) {
    auto spread = even_scores(100);
    for (std::size_t i = 0; i < spread.size(); ++i) spread[i] = i % 2 == 0 ? -far : far;
    CHECK(fit_calibration(spread).status().code() == Errc::bad_argument);
  }
  std::vector<float> two(1000,
                         0.5f);  // half of all at one end: no telling the bands apart, or a map that does
  std::fill(two.begin(), two.begin() + 500, 0.25f);
  const auto c = fit_calibration(two);
  if (c) CHECK(c->limits.good <= 100);
}

TEST_CASE("metadata holds the map to the last bit") {
  Calibration c = fitted(random_scores(777, 3));
  c.errors = std::array<BandErrors, 4>{{{18, 120}, {3, 200}, {0, 300}, {0, 0}}};
  const auto again = calibration_from_metadata(calibration_metadata(c), "x");
  REQUIRE_MESSAGE(again.ok(), again.status().message());
  REQUIRE(again->has_value());
  const Calibration& d = **again;
  REQUIRE(d.knots.size() == c.knots.size());
  for (std::size_t i = 0; i < c.knots.size(); ++i) {
    CHECK(d.knots[i].raw == c.knots[i].raw);
    CHECK(d.knots[i].quality == c.knots[i].quality);
  }
  CHECK(calibration_metadata(d) == calibration_metadata(c));
  CHECK(d.errors->at(0).rate() == doctest::Approx(0.15));
  CHECK(std::isnan(d.errors->at(3).rate()));
}

TEST_CASE("metadata without a calibration is no error") {
  const auto c = calibration_from_metadata({{"model", "tinyfqnet"}, {"bands", "whatever"}}, "x");
  REQUIRE(c.ok());
  CHECK_FALSE(c->has_value());
}

TEST_CASE("bad metadata is refused with the file and the key") {
  Calibration c = fitted(even_scores(100));
  c.errors = std::array<BandErrors, 4>{};
  const Metadata good = calibration_metadata(c);
  REQUIRE(calibration_from_metadata(good, "x").ok());
  for (const char* knots :
       {"", "0.1:0", "0.1:0 0.2", "a:0 0.2:100", "0.1:0 0.2:nan", "0.1:0 inf:100", "0.1:0 0.2:100x",
        "0.1:-1 0.2:100", "0.1:0 0.2:101", "0.2:0 0.1:100", "0.1:0 0.1:100", "0.1:50 0.2:40",
        "0.1:0  0.2:100", "-3e38:0 3e38:100", "0:0 1:5 -3e38:7", "-2e38:0 1.5e38:50 2e38:100"})
    check_error(with(good, "calibration", knots), "'calibration'");
  for (const char* text : {"", "5% 1, 10% 2", "5% 3, 10% 2, 20% 4", "5% 1, 10% 2, 20% 300",
                           "5% 1, 10% 2, 20% 3 ", "5% 99999999999, 10% 2, 20% 3", "10% 1, 5% 2, 20% 3"})
    check_error(with(good, "thresholds", text), "'thresholds'");
  for (const char* text :
       {"", "good", "reject 0-9, poor 10-9, fair 10-19, good 20-100",
        "reject 0--1, poor 0-9, fair 10-19, good 20-100", "reject 0-9, poor 10-19, fair 20-200, good 201-100",
        "reject 0-9, poor 11-19, fair 20-29, good 30-100"})
    check_error(with(good, "bands", text), "'bands'");
  for (const char* text :
       {"", "reject 1 of 2",
        "false non-matches at FMR 0.001: reject 3 of 2, poor 0 of 0, fair 0 of 0, good 0 of 0"})
    check_error(with(good, "band_errors", text), "'band_errors'");
  check_error({{"calibration", "0.1:0 0.2:100"}}, "'thresholds'");
}

namespace {

/// A model whose weight file has this metadata.
std::shared_ptr<const Model> described(const Metadata& metadata, std::uint64_t seed = 1) {
  Model model(*find_model("tinyfqnet"), native_backend(), seed);
  TensorFile file;
  file.path = "made up";
  file.metadata = metadata;
  const Status status = model.describe(file);
  REQUIRE_MESSAGE(status.ok(), status.message());
  return std::make_shared<const Model>(std::move(model));
}

Image noise(std::uint64_t seed) {
  Image image(64, 64);
  Rng rng(seed);
  for (unsigned char& level : image.rgb) level = static_cast<unsigned char>(rng.below(256));
  return image;
}

Score score_of(std::vector<std::shared_ptr<const Model>> models) {
  auto scorer = Scorer::create(std::move(models));
  REQUIRE_MESSAGE(scorer.ok(), scorer.status().message());
  const auto score = scorer->score(noise(1));
  REQUIRE(score.ok());
  CHECK(scorer->calibrated() == score->band.has_value());
  return *score;
}

}  // namespace

TEST_CASE("a score has the quality of the networks' maps, their mean, and the band of their mean limits") {
  Calibration low, high;
  low.knots = {{0, 20}, {1, 40}};
  low.limits = {10, 20, 30};
  high.knots = {{-1, 60}, {1, 100}};
  high.limits = {20, 40, 60};
  const auto a = described(calibration_metadata(low)), b = described(calibration_metadata(high), 2);
  const Score one = score_of({a}), both = score_of({a, b});
  CHECK(one.quality == doctest::Approx(low.quality(one.value)));
  CHECK(*one.band == low.limits.of(whole_quality(one.quality)));
  const float mean = (low.quality(both.networks[0].score) + high.quality(both.networks[1].score)) / 2;
  CHECK(both.quality == doctest::Approx(mean));
  CHECK(*both.band == BandLimits{15, 30, 45}.of(whole_quality(mean)));
}

TEST_CASE("without a calibration of every network a score has no quality") {
  Calibration c;
  c.knots = {{0, 0}, {1, 100}};
  c.limits = {10, 20, 30};
  const auto with_one = described(calibration_metadata(c)), without = described({});
  for (const Score& s : {score_of({without}), score_of({with_one, without})}) {
    CHECK(std::isnan(s.quality));
    CHECK_FALSE(s.band.has_value());
    CHECK(std::isfinite(s.value));
  }
}

TEST_CASE("a weight file names the input size of its network") {
  CHECK(described({{"input_size", "80x96"}})->input().height == 80);
  CHECK(described({{"input_size", "80x96"}})->input().width == 96);
  CHECK(described({})->input().height == 64);
  Model model(*find_model("tinyfqnet"));
  for (const char* size : {"", "64", "64x", "0x64", "-1x64", "64x64 ", "64x70000", "64*64"}) {
    TensorFile file;
    file.path = "some.file";
    file.metadata = {{"input_size", size}};
    const Status status = model.describe(file);
    CHECK(status.code() == Errc::bad_format);
    CHECK(std::string(status.message()).find("some.file: metadata 'input_size'") != std::string::npos);
  }
  CHECK(model.input().height == 64);
}

TEST_CASE("the built-in scorer needs no file and gives qualities and bands") {
  auto scorer = default_scorer();
  REQUIRE_MESSAGE(scorer.ok(), scorer.status().message());
  CHECK(scorer->scorer().calibrated());
  const auto sharp = scorer->score(TINYFIQA_SOURCE_DIR "/examples/faces/astronaut.jpg", Crop()),
             blurred = scorer->score(TINYFIQA_SOURCE_DIR "/examples/faces/astronaut_blur.jpg", Crop());
  REQUIRE((sharp.ok() && blurred.ok()));
  CHECK(sharp->quality >= blurred->quality);
  CHECK(sharp->quality <= 100);
  CHECK(blurred->quality >= 0);
  CHECK(*sharp->band == scorer->scorer().band_limits()->of(whole_quality(sharp->quality)));
}
