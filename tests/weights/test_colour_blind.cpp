#include <tinyfiqa/fiqa/colour_blind.hpp>
#include <tinyfiqa/fiqa/default_scorer.hpp>
#include <tinyfiqa/io/image.hpp>

#include <doctest/doctest.h>

#include <cmath>
#include <memory>
#include <string>
#include <utility>

using namespace tinyfiqa;

namespace {

float score_of(const Model& model, const Image& image) {
  auto scorer = Scorer::create({std::make_shared<const Model>(model)}, {});
  REQUIRE(scorer.ok());
  const auto score = scorer->score(image);
  REQUIRE(score.ok());
  return score->value;
}

}  // namespace

TEST_CASE(
    "a network that ignores colour gives grey pictures' scores to colour ones, and keeps those of grey "
    "ones") {
  const auto photo = read_image(TINYFIQA_SOURCE_DIR "/examples/faces/astronaut.jpg");
  REQUIRE(photo.ok());
  Image grey = *photo;
  make_grey(grey);
  auto trained = default_model();  // what comes through initial weights hardly depends on the photo
  REQUIRE(trained.ok());
  Model& model = *trained;
  const Param& first = model.params().front().param;
  const auto plane = static_cast<std::size_t>(first.extents[2] * first.extents[3]);
  const Span<float> weights = param_values(model.block(), first);
  for (std::size_t i = 0; i < weights.size;
       ++i)  // reds count for more, blues for less, greys for what they did
    weights.data[i] += i / plane % 3 == 0 ? 0.2f : i / plane % 3 == 2 ? -0.2f : 0.0f;
  model.pack();
  const float before = score_of(model, grey);
  CHECK(std::fabs(score_of(model, *photo) - before) > 0.01f);
  REQUIRE(ignore_colour(model).ok());
  CHECK(score_of(model, grey) == doctest::Approx(before).epsilon(1e-3));
  CHECK(score_of(model, *photo) == doctest::Approx(before).epsilon(5e-3));
}

TEST_CASE("where colours are normalised differently, colour can't be ignored") {
  Model model(*find_model("mobilenet_v3_small"));
  CHECK(ignore_colour(model).code() == Errc::bad_argument);
}
