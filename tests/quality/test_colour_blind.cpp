#include <tinyfiqa/detection/default_scorer.hpp>
#include <tinyfiqa/image/read.hpp>
#include <tinyfiqa/quality/colour_blind.hpp>
#include <tinyfiqa/quality/model_registry.hpp>

#include <doctest/doctest.h>

#include <algorithm>
#include <cmath>
#include <memory>
#include <string>
#include <utility>
#include <vector>

using namespace tinyfiqa;

namespace {

float score_of(const Model& model, const Image& image) {
  auto scorer = Scorer::create({std::make_shared<const Model>(model)}, {});
  REQUIRE(scorer.ok());
  const auto score = scorer->score(image);
  REQUIRE(score.ok());
  return score->value;
}

/// The input of the first activation inside an image of one colour, without the factor of batch norm.
std::vector<double> first_outputs(const Model& model, float red, float green, float blue) {
  const Param& first = model.params().front().param;
  const Param& mean = *detail::find_param(model, ParamKind::running_mean, first.extents[0]);
  const InputSpec& input = model.spec().input;
  const float levels[3] = {red, green, blue};
  const Span<const float> w = param_values(model.block(), first);
  const auto plane = static_cast<std::size_t>(first.extents[2] * first.extents[3]);
  std::vector<double> outputs;
  for (std::size_t o = 0; o < static_cast<std::size_t>(first.extents[0]); ++o) {
    double sum = -param_values(model.block(), mean)[o];
    for (std::size_t i = 0; i < 3 * plane; ++i) {
      const std::size_t c = i / plane;
      sum += static_cast<double>(w[3 * o * plane + i]) * (levels[c] - input.levels.mean[c]) *
             input.levels.scale[c];
    }
    outputs.push_back(sum);
  }
  return outputs;
}

}  // namespace

TEST_CASE(
    "a network that ignores colour gives a colour image the score of its grey copy, and keeps scores of grey "
    "images") {
  const auto photo = read_image(TINYFIQA_SOURCE_DIR "/examples/faces/astronaut.jpg");
  REQUIRE(photo.ok());
  Image grey = *photo;
  make_grey(grey);
  auto trained = default_model();  // with initial weights the score hardly depends on the photo
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

TEST_CASE("colours may be normalised differently, as for ImageNet") {
  Model model(*find_model("mobilenet_v3_small"));
  const float luma = luma_weights[0] * 200 + luma_weights[1] * 50 + luma_weights[2] * 10;
  const auto grey = first_outputs(model, 90, 90, 90), as_grey = first_outputs(model, luma, luma, luma);
  const auto coloured = first_outputs(model, 200, 50, 10);
  REQUIRE(ignore_colour(model).ok());
  const auto grey_after = first_outputs(model, 90, 90, 90),
             coloured_after = first_outputs(model, 200, 50, 10);
  double change = 0;
  for (std::size_t o = 0; o < grey.size(); ++o) {
    CHECK(grey_after[o] == doctest::Approx(grey[o]).epsilon(1e-4));
    CHECK(coloured_after[o] == doctest::Approx(as_grey[o]).epsilon(1e-4));
    change = std::max(change, std::fabs(coloured_after[o] - coloured[o]));
  }
  CHECK(change > 0.1);
}
