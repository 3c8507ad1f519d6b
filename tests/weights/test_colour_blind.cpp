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
  Image grey = *photo, red = *photo;
  make_grey(grey);
  for (std::size_t i = 0; i < red.rgb.size(); i += 3) red.rgb[i + 1] = red.rgb[i + 2] = 0;
  Model model(*find_model("tinyfqnet"));
  for (const NamedParam& p : model.params())  // unlike colours from unlike weights
    if (p.param.kind == ParamKind::conv_weight)
      for (float& w : param_values(model.block(), p.param)) w *= 3;
  model.pack();
  const float before = score_of(model, grey);
  CHECK(std::fabs(score_of(model, red) - before) > 1e-4f);
  REQUIRE(ignore_colour(model).ok());
  CHECK(score_of(model, grey) == doctest::Approx(before).epsilon(1e-4));
  Image red_grey = red;
  make_grey(red_grey);
  CHECK(score_of(model, red) == doctest::Approx(score_of(model, red_grey)).epsilon(1e-3));
}

TEST_CASE("where colours are normalised differently, colour can't be ignored") {
  Model model(*find_model("mobilenet_v3_small"));
  CHECK(ignore_colour(model).code() == Errc::bad_argument);
}
