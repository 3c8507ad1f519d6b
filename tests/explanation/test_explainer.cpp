// Properties of whole explanations.
#include <tinyfiqa/base/rng.hpp>
#include <tinyfiqa/explanation/explainer.hpp>
#include <tinyfiqa/image/preprocess.hpp>
#include <tinyfiqa/image/read.hpp>

#include <doctest/doctest.h>

#include <cmath>
#include <limits>
#include <string>
#include <vector>

using namespace tinyfiqa;
using K = ComponentKind;

namespace {

Image portrait() {
  auto photo = read_image(TINYFIQA_SOURCE_DIR "/examples/faces/astronaut.jpg");
  REQUIRE_MESSAGE(photo.ok(), photo.status().message());
  return std::move(*photo);
}

Face portrait_face() {
  Face face;
  face.landmarks = {{57.3f, 102.3f, 80.0f, 60.0f, 97.3f}, {62.7f, 65.0f, 88.0f, 104.7f, 104.7f}};
  face.box = {38, 22, 84, 116};
  return face;
}

Explanation explained(const ImageView& photo, const Face& face) {
  auto explanation = Explainer().explain(photo, face, {&face, 1});
  REQUIRE_MESSAGE(explanation.ok(), explanation.status().message());
  return *explanation;
}

}  // namespace

TEST_CASE("a good portrait has all components and no reason") {
  const Explanation explanation = explained(portrait(), portrait_face());
  for (const ComponentSpec& spec : component_specs()) {
    CAPTURE(spec.name);
    CHECK(explanation[spec.kind].known());
    CHECK(explanation[spec.kind].value > reason_below);
    CHECK(explanation[spec.kind].value <= 100);
  }
  CHECK(reasons_of(explanation).empty());
}

TEST_CASE("the degraded example faces have the reason that was made") {
  const auto first_reason = [](const std::string& name) {
    auto photo = read_image(TINYFIQA_SOURCE_DIR "/examples/faces/" + name);
    REQUIRE(photo.ok());
    const auto explanation = Explainer().explain_whole(*photo);
    REQUIRE(explanation.ok());
    const auto worst = explanation->worst();
    return std::string(worst ? component_spec(*worst).name : "none");
  };
  CHECK(first_reason("astronaut.jpg") == "none");
  CHECK(first_reason("astronaut_dark.jpg") == "under_exposure");
  CHECK(first_reason("astronaut_blur.jpg") == "sharpness");
  CHECK(first_reason("astronaut_noise.jpg") == "noise");
  CHECK(first_reason("astronaut_jpeg.jpg") == "compression");
}

TEST_CASE(
    "channel order and row gaps change nothing; a mirrored photo has the same values and the opposite yaw") {
  const Image photo = portrait();
  const Face face = portrait_face();
  const Explanation plain = explained(photo, face);
  std::vector<unsigned char> bgra;
  for (int y = 0; y < photo.height; ++y) {
    for (int x = 0; x < photo.width; ++x) {
      const unsigned char* p = photo.pixel(x, y);
      for (const unsigned char level : {p[2], p[1], p[0], static_cast<unsigned char>(255)})
        bgra.push_back(level);
    }
    bgra.insert(bgra.end(), 12, 77);
  }
  ImageView view;
  view.data = bgra.data();
  view.height = photo.height;
  view.width = photo.width;
  view.row_stride = 4 * photo.width + 12;
  view.order = ChannelOrder::bgra;
  const Explanation other = explained(view, face);

  Face twin = face;
  const auto width = static_cast<float>(photo.width);
  const int opposite[5] = {1, 0, 2, 4, 3};
  for (int i = 0; i < 5; ++i) {
    twin.landmarks.x[i] = width - face.landmarks.x[opposite[i]];
    twin.landmarks.y[i] = face.landmarks.y[opposite[i]];
  }
  twin.box.x = width - face.box.x - face.box.width;
  const Explanation mirrored = explained(apply_view(photo, View::hflip), twin);
  for (const ComponentSpec& spec : component_specs()) {
    CAPTURE(spec.name);
    CHECK(other[spec.kind].measure == plain[spec.kind].measure);
    CHECK(mirrored[spec.kind].value == doctest::Approx(plain[spec.kind].value).epsilon(0.05));
  }
  CHECK(mirrored[K::yaw].measure == doctest::Approx(-plain[K::yaw].measure).epsilon(1e-3));
}

TEST_CASE("a grey photo has no colour to judge, and a whole image no place") {
  Image grey = portrait();
  make_grey(grey);
  const Explanation explanation = explained(grey, portrait_face());
  CHECK(explanation[K::colour].value == 0);
  CHECK_FALSE(explanation[K::colour_cast].known());
  CHECK_FALSE(explanation[K::saturation].known());
  CHECK(reasons_of(explanation).at(0).text() == "no colours: take a photo in colour");
  const auto whole = Explainer().explain_whole(portrait());
  REQUIRE(whole.ok());
  for (const K kind : {K::resolution, K::yaw, K::pitch, K::roll, K::head_size, K::centring, K::single_face})
    CHECK_FALSE((*whole)[kind].known());
  CHECK((*whole)[K::sharpness].known());
}

TEST_CASE("the cheeks of a head that is turned away are not compared") {
  Face face = portrait_face();
  face.landmarks.x[2] = 110;  // the nose beside the eyes
  const Explanation explanation = explained(portrait(), face);
  CHECK(std::abs(explanation[K::yaw].measure) > 40);
  CHECK_FALSE(explanation[K::evenness].known());
}

TEST_CASE("flat, random and tiny images have values of 0..100 or none, and no NaN in between") {
  for (const int side : {1, 7, 30, 300})
    for (const int content : {0, 1, 2}) {
      CAPTURE(side);
      CAPTURE(content);
      Image image(side, side);
      Rng rng(5);
      for (unsigned char& level : image.rgb)
        level = content == 0 ? 0 : content == 1 ? 255 : static_cast<unsigned char>(rng.below(256));
      const auto explanation = Explainer().explain_whole(image);
      REQUIRE(explanation.ok());
      for (const ComponentSpec& spec : component_specs()) {
        const Component& c = (*explanation)[spec.kind];
        CHECK(std::isnan(c.value) == std::isnan(c.measure));
        if (c.known()) CHECK((c.value >= 0 && c.value <= 100));
      }
    }
}

TEST_CASE("landmarks that are no face, and views without pixels, are errors") {
  Explainer explainer;
  Face face = portrait_face();
  face.landmarks.x[0] = std::numeric_limits<float>::quiet_NaN();
  CHECK(explainer.explain(portrait(), face, {}).status().code() == Errc::not_finite);
  face.landmarks = Landmarks();
  CHECK(explainer.explain(portrait(), face, {}).status().code() == Errc::bad_argument);
  CHECK(explainer.explain_whole(ImageView()).status().code() == Errc::bad_argument);
  face = portrait_face();
  for (float& x : face.landmarks.x) x += 5000;
  CHECK(explainer.explain(portrait(), face, {}).status().code() == Errc::bad_argument);
}
