// Arithmetic of heat maps, and the maps of networks whose right map is known.
#include <tinyfiqa/attribution/heat_mapper.hpp>
#include <tinyfiqa/quality/default_model.hpp>

#include "photo_faces.hpp"

#include <doctest/doctest.h>

#include <cmath>
#include <memory>
#include <numeric>
#include <utility>
#include <vector>

using namespace tinyfiqa;

namespace {

double sum_of(const HeatMap& map) { return std::accumulate(map.values.begin(), map.values.end(), 0.0); }

HeatMap random_map(int height, int width) {
  HeatMap map(height, width);
  Rng rng(4);
  for (float& v : map.values) v = rng.normal();
  return map;
}

/// Scores the mean over all pixels of 2 red - green. Its map is known.
struct RedMinusGreen {
  Linear<3, 1> head;
  constexpr Outputs operator()(Graph& g) const {
    return Outputs().add("score", head(g, g.mean_hw(g.input<3>())));
  }
  template <class Walk>
  constexpr void visit(Walk& walk) {
    visit_in(walk, "head", head);
  }
};
const ModelSpec red_minus_green = ModelSpec::named("red_minus_green", "a linear network")
                                      .with_input(tinyfqnet_input(16, 24))
                                      .defined_by<RedMinusGreen>()
                                      .giving_scores();

std::shared_ptr<const Model> linear_model() {
  auto model = std::make_shared<Model>(red_minus_green);
  const float weights[] = {2, -1, 0, 0};
  REQUIRE(model->block().size == 4);
  std::copy_n(weights, 4, model->block().begin());
  model->pack();
  return model;
}

std::shared_ptr<const Model> built_in_model() {
  auto model = default_model();
  REQUIRE(model.ok());
  return std::make_shared<const Model>(std::move(*model));
}

/// The example face as the built-in network sees it.
Image aligned_example(const Model& model) {
  const PhotoFace f = example_face();
  auto face = crop_and_resize(f.photo, crop_for(FaceCrop::aligned, f.face, f.photo.width, f.photo.height),
                              FaceCrop::aligned, model.input().height, model.input().width);
  REQUIRE(face.ok());
  return std::move(*face);
}

Image coloured_image(int height, int width) {
  Image image(width, height);
  Rng rng(6);
  for (unsigned char& level : image.rgb) level = static_cast<unsigned char>(rng.below(256));
  return image;
}

HeatMapper mapper_of(std::shared_ptr<const Model> model, const HeatMapOptions& options) {
  auto mapper = HeatMapper::create({std::move(model)}, options);
  REQUIRE_MESSAGE(mapper.ok(), mapper.status().message());
  return std::move(*mapper);
}

}  // namespace

TEST_CASE("a blurred heat map has the same sum, and a constant one stays") {
  for (const float deviation : {0.0f, 0.4f, 2.0f, 30.0f}) {
    CAPTURE(deviation);
    const HeatMap map = random_map(9, 13), smooth = blurred(map, deviation);
    CHECK(std::abs(sum_of(smooth) - sum_of(map)) < 1e-4);
    CHECK(smooth.largest() <= map.largest() * 1.00001f);
    HeatMap constant(9, 13);
    for (float& v : constant.values) v = 3;
    for (const float v : blurred(constant, deviation).values) CHECK(std::abs(v - 3) < 1e-5);
  }
}

TEST_CASE("a blurred point is a Gaussian of that deviation in both directions") {
  HeatMap point(41, 41);
  point.at(20, 20) = 1;
  const HeatMap smooth = blurred(point, 3);
  double variance_x = 0, variance_y = 0;
  for (int y = 0; y < 41; ++y)
    for (int x = 0; x < 41; ++x) {
      variance_x += static_cast<double>(smooth.at(y, x)) * (x - 20) * (x - 20);
      variance_y += static_cast<double>(smooth.at(y, x)) * (y - 20) * (y - 20);
    }
  CHECK(variance_x == doctest::Approx(9).epsilon(0.03));  // the tails beyond three deviations are cut off
  CHECK(variance_y == doctest::Approx(variance_x));
}

TEST_CASE("cells of a heat map have its sum, each pixel in one of them") {
  HeatMap map(10, 6);
  for (std::size_t i = 0; i < map.values.size(); ++i) map.values[i] = 1;
  map.score = 0.5f;
  const HeatMap cells = cell_sums(map, 5, 2);
  for (const float v : cells.values) CHECK(v == 6);
  CHECK(cells.score == 0.5f);
  const HeatMap uneven = random_map(7, 11);
  CHECK(sum_of(cell_sums(uneven, 3, 4)) == doctest::Approx(sum_of(uneven)));
}

TEST_CASE("the gradient map of a linear network is what each pixel adds over the blurred face") {
  const auto model = linear_model();
  const Image image = coloured_image(16, 24);
  HeatMapOptions options;
  options.gradient.noise = 0.2f;  // a constant derivative has no noise
  const auto map = mapper_of(model, options).map_face(image);
  REQUIRE_MESSAGE(map.ok(), map.status().message());
  options.gradient.blur = 1;  // nearly constant: the map is that of the face itself, up to a constant
  const auto whole = mapper_of(model, options).map_face(image);
  REQUIRE(whole.ok());
  double worst = 0, mean = 0;
  const auto level_sum = [&](int y, int x) {
    const unsigned char* const p = image.pixel(x, y);
    return (2.0 * p[0] - p[1]) / 128 / (16 * 24);
  };
  for (int y = 0; y < 16; ++y)
    for (int x = 0; x < 24; ++x) mean += level_sum(y, x) / (16 * 24);
  for (int y = 0; y < 16; ++y)
    for (int x = 0; x < 24; ++x)
      worst = std::max(worst, std::abs(double{whole->at(y, x)} - (level_sum(y, x) - mean)));
  CHECK(worst < 0.01 * double{whole->largest()});
  CHECK(std::abs(sum_of(*map)) < 1e-4);  // the blurred face has the same mean, so the same score
}

TEST_CASE("the occlusion map of a linear network is what a grey square takes away") {
  const auto model = linear_model();
  Image image(24, 16);
  for (unsigned char& level : image.rgb) level = 128;  // the middle of the input's range
  for (int y = 4; y < 8; ++y)
    for (int x = 8; x < 12; ++x) image.pixel(x, y)[0] = 255;  // raises the score
  HeatMapOptions options;
  options.method = HeatMethod::occlusion;
  options.occlusion = {0.25f, 0.25f, 1};  // squares of 4 x 4 pixels side by side
  const auto map = mapper_of(model, options).map_face(image);
  REQUIRE_MESSAGE(map.ok(), map.status().message());
  const double inside = 16 * 2 * 127 / 128.0 / (16 * 24);
  for (int y = 0; y < 16; ++y)
    for (int x = 0; x < 24; ++x) {
      const bool in_square = y >= 4 && y < 8 && x >= 8 && x < 12;
      CHECK(double{map->at(y, x)} == doctest::Approx(in_square ? inside : 0).epsilon(1e-4));
    }
}

TEST_CASE("the values of a gradient map add up to what the face scores above its blurred copy") {
  const auto model = built_in_model();
  const Image face = aligned_example(*model);
  HeatMapOptions options;
  options.gradient.noise = 0;
  options.gradient.copies = 256;
  const auto map = mapper_of(model, options).map_face(face);
  REQUIRE_MESSAGE(map.ok(), map.status().message());
  // The blurred face, by the library's degradation of the same kernel.
  const InputSpec& spec = model->input();
  std::vector<float> input(spec.size());
  REQUIRE(to_input(face, spec, {input.data(), input.size()}).ok());
  for (std::size_t c = 0; c < 3; ++c) {
    HeatMap plane(spec.height, spec.width);
    for (std::size_t i = 0; i < plane.values.size(); ++i) plane.values[i] = input[3 * i + c];
    plane = blurred(plane, options.gradient.blur * 64);
    for (std::size_t i = 0; i < plane.values.size(); ++i) input[3 * i + c] = plane.values[i];
  }
  auto session = Session::create(*model, 1, spec.height, spec.width);
  REQUIRE(session.ok());
  float blurred_score = 0;
  session->run(input.data(), &blurred_score);
  const double gained = double{map->score} - double{blurred_score};
  INFO("the face scores ", map->score, ", its blurred copy ", blurred_score);
  CHECK(std::abs(gained) > 0.05);
  CHECK(sum_of(*map) == doctest::Approx(gained).epsilon(0.01));
}

TEST_CASE("the score of a map is that of the scorer, and the view hflip mirrors its map") {
  const auto model = built_in_model();
  const Image face = aligned_example(*model), mirrored = apply_view(face, View::hflip);
  auto scorer = Scorer::create({model});
  REQUIRE(scorer.ok());
  for (const HeatMethod method : {HeatMethod::gradient, HeatMethod::occlusion}) {
    HeatMapOptions options;
    options.method = method;
    options.gradient.noise = 0;  // it is not mirrored
    const auto plain = mapper_of(model, options).map_face(mirrored);
    options.views = {View::hflip};
    const auto viewed = mapper_of(model, options).map_face(face);
    options.views = {};
    const auto heat = mapper_of(model, options).map(face);
    REQUIRE(plain.ok());
    REQUIRE(viewed.ok());
    REQUIRE(heat.ok());
    CHECK(double{heat->map.score} == doctest::Approx(double{scorer->score(face)->value}).epsilon(1e-5));
    bool same = true;
    for (int y = 0; y < plain->height; ++y)
      for (int x = 0; x < plain->width; ++x) same &= plain->at(y, x) == viewed->at(y, plain->width - 1 - x);
    CHECK(same);
  }
}

TEST_CASE("heat maps refuse options and networks that give none, and say why") {
  const auto model = built_in_model();
  HeatMapOptions options;
  options.gradient.copies = 0;
  auto mapper = HeatMapper::create({model}, options);
  CHECK(std::string(mapper.status().message()).find("at least 1 copy") != std::string::npos);
  options = {};
  options.method = HeatMethod::occlusion;
  options.occlusion.stride = 0.5f;
  mapper = HeatMapper::create({model}, options);
  CHECK(std::string(mapper.status().message()).find("stride") != std::string::npos);
  mapper = HeatMapper::create({model, linear_model()});
  CHECK(std::string(mapper.status().message()).find("different parts") != std::string::npos);
  mapper = HeatMapper::create({});
  CHECK(mapper.status().code() == Errc::bad_argument);
  auto ready = HeatMapper::create({model});
  REQUIRE(ready.ok());
  CHECK(ready->map_face(Image(5, 5)).status().code() == Errc::mismatch);
}
