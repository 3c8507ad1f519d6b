// Fine-tuning of 8-bit networks brings their outputs nearer to the floats', and keeps what it can't improve.
#include <tinyfiqa/quality/tinyfqnet_model.hpp>
#include <tinyfiqa/quantisation/fine_tuning.hpp>
#include <tinyfiqa/quantisation/quantiser.hpp>

#include <doctest/doctest.h>

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <cstring>
#include <string>
#include <utility>
#include <vector>

using namespace tinyfiqa;

namespace {

constexpr int side = 32;
constexpr std::size_t image_bytes = side * side * 3;

std::vector<unsigned char> random_levels(int images) {
  Rng rng(4);
  std::vector<unsigned char> levels;
  for (int i = 0; i < images; ++i) {
    const unsigned brightest = 40 + rng.below(216);
    for (std::size_t k = 0; k < image_bytes; ++k)
      levels.push_back(static_cast<unsigned char>(rng.below(brightest)));
  }
  return levels;
}

/// With each weight at its nearest step, biases as they are, and one of the last layer's too large: there is something to gain.
Model coarse(const Model& floats, const std::vector<unsigned char>& images) {
  QuantiseOptions options;
  options.fit_rounding = options.correct_biases = false;
  auto quantiser = Quantiser::create(floats, side, side, options);
  REQUIRE(quantiser.ok());
  for (std::size_t i = 0; i < 8; ++i)
    quantiser->add({images.begin() + static_cast<std::ptrdiff_t>(i * image_bytes),
                    images.begin() + static_cast<std::ptrdiff_t>((i + 1) * image_bytes)});
  auto whole = quantiser->quantise();
  REQUIRE_MESSAGE(whole.ok(), whole.status().message());
  for (const NamedParam& p : whole->params())
    if (p.param.kind == ParamKind::linear_bias) whole->block().data[p.param.offset] += 0.2f;
  whole->pack();
  return std::move(*whole);
}

Result<FineTuneReport> tune(const Model& floats, Model& whole, const std::vector<unsigned char>& images,
                            const FineTuneOptions& options) {
  return FineTuner(floats, whole, {images.data(), images.size()}, side, side, options).run();
}

bool same(Span<const float> a, Span<const float> b) {
  return a.size == b.size && std::memcmp(a.data, b.data, a.size * sizeof(float)) == 0;
}

}  // namespace

TEST_CASE("fine-tuning brings the outputs of an 8-bit network nearer to those of the floats") {
  const Model floats = *tinyfqnet_model(native_backend());
  const auto images = random_levels(96);
  const Model before = coarse(floats, images);
  FineTuneOptions options;
  options.epochs = 12;
  options.rate = 0.1;
  Model whole = before, again = before;
  const auto report = tune(floats, whole, images, options);
  REQUIRE_MESSAGE(report.ok(), report.status().message());
  MESSAGE("output error " << report->before << " before, " << report->after << " after");
  CHECK(report->after < 0.5 * report->before);
  CHECK(report->best_epoch > 0);
  CHECK_FALSE(same(whole.block(), before.block()));

  REQUIRE(tune(floats, again, images, options).ok());
  CHECK(same(again.block(), whole.block()));

  // The weights are whole numbers of steps: rounding them again changes no more than a float's last bit.
  round_weights(again.network(), again.input().levels, again.block());
  float most = 0;
  for (std::size_t i = 0; i < whole.block().size; ++i)
    most = std::max(most,
                    std::fabs(again.block()[i] - whole.block()[i]) / (std::fabs(whole.block()[i]) + 1e-6f));
  CHECK(most < 1e-6f);
}

TEST_CASE("fine-tuning keeps the weights if none are better, if it is ended, and without enough images") {
  const Model floats = *tinyfqnet_model(native_backend());
  const auto images = random_levels(40);
  const Model before = coarse(floats, images);
  FineTuneOptions options;
  options.epochs = 1;
  options.rate = 30;  // far too much
  Model whole = before;
  auto report = tune(floats, whole, images, options);
  REQUIRE(report.ok());
  CHECK(report->best_epoch == 0);
  CHECK(report->after == report->before);
  CHECK(same(whole.block(), before.block()));

  options.rate = 0.03;
  int calls = 0;
  options.on_batch = [&](int done, int all) {
    CHECK(done == ++calls);
    CHECK(all == 2);  // 35 of the 40 images, in batches of 16
    return false;
  };
  CHECK(tune(floats, whole, images, options).ok());
  CHECK(calls == 1);
  CHECK(same(whole.block(), before.block()));

  report = tune(floats, whole, random_levels(31), options);
  REQUIRE_FALSE(report.ok());
  CHECK(std::string(report.status().message()).find("at least 32 images, not 31") != std::string::npos);
}
