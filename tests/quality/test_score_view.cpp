// Equal pixels have equal scores, whether in an Image or in a buffer of OpenCV, NumPy or a camera.
#include "image/views.hpp"

#include <tinyfiqa/detection/default_scorer.hpp>

#include <doctest/doctest.h>

#include <string>
#include <utility>
#include <vector>

using namespace tinyfiqa;

namespace {

Image face() {
  auto image = read_image(TINYFIQA_SOURCE_DIR "/examples/faces/astronaut.jpg");
  REQUIRE_MESSAGE(image.ok(), std::string(image.status().message()));
  return std::move(*image);
}

std::vector<Crop> crops() {
  std::vector<Crop> all(3);
  all[1].box = FaceBox{20, 30, 100, 110};
  all[2].landmarks = Landmarks{{57.3f, 102.3f, 80.0f, 60.0f, 97.3f}, {62.7f, 65.0f, 88.0f, 104.7f, 104.7f}};
  return all;
}

}  // namespace

TEST_CASE("every layout of the same pixels has the same score to the bit") {
  ScoreOptions flips;
  flips.views = {View::identity, View::hflip, View::vflip};
  for (const ScoreOptions& options : {ScoreOptions(), flips}) {
    auto scorer = default_scorer(options);
    REQUIRE_MESSAGE(scorer.ok(), std::string(scorer.status().message()));
    for_each_view(face(), [&](const ForeignImage& f) {
      for (const Crop& crop : crops()) {
        const auto score = scorer->score(f.view, crop), expected = scorer->score(f.rgb, crop);
        REQUIRE((score.ok() && expected.ok()));
        CHECK(score->value == expected->value);
        CHECK(score->quality == expected->quality);
        CHECK(score->band == expected->band);
      }
    });
  }
}

TEST_CASE("a scorer refuses a bad view and names the field") {
  auto scorer = default_scorer();
  REQUIRE(scorer.ok());
  check_refusals(face(), [&](const ImageView& v) { return scorer->score(v).status(); });
}
