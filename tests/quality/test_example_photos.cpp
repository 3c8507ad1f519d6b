// The weights that come with the library rank the example photos as a person would.
#include <tinyfiqa/detection/default_scorer.hpp>
#include <tinyfiqa/image/read.hpp>
#include <tinyfiqa/image/write_jpeg.hpp>
#include <tinyfiqa/quality/load_model.hpp>
#include <tinyfiqa/quality/tinyfqnet_model.hpp>

#include <doctest/doctest.h>

#include <cmath>
#include <memory>
#include <string>
#include <utility>
#include <vector>

using namespace tinyfiqa;

namespace {

const std::string faces = TINYFIQA_SOURCE_DIR "/examples/faces/";

/// The landmarks of astronaut.jpg, which is 160 pixels wide, scaled to a copy of `width`.
Crop aligned(int width = 160) {
  Landmarks points{{57.3f, 102.3f, 80.0f, 60.0f, 97.3f}, {62.7f, 65.0f, 88.0f, 104.7f, 104.7f}};
  for (float& x : points.x) x *= static_cast<float>(width) / 160;
  for (float& y : points.y) y *= static_cast<float>(width) / 160;
  Crop crop;
  crop.landmarks = points;
  return crop;
}

/// A scorer, and whether it gets landmarks to align the face.
struct Judge {
  const char* name;
  Scorer scorer;
  bool aligns;

  float quality(const Image& photo) {
    const auto score = scorer.score(photo, aligns ? aligned(photo.width) : Crop());
    REQUIRE_MESSAGE(score.ok(), std::string(score.status().message()));
    return score->quality;
  }
};

Scorer ensemble() {
  std::vector<std::shared_ptr<const Model>> models;
  for (const char* name : {"mobilenet_v3_small", "shufflenet_v2_x0_5"}) {
    auto model = load_model(std::string(TINYFIQA_SOURCE_DIR "/weights/ensemble/") + name + ".safetensors");
    REQUIRE_MESSAGE(model.ok(), std::string(model.status().message()));
    models.push_back(std::make_shared<const Model>(std::move(*model)));
  }
  ScoreOptions options;
  options.views = {View::identity, View::hflip, View::vflip};
  return *Scorer::create(std::move(models), options);
}

std::vector<Judge> judges() {
  std::vector<Judge> all;
  for (const bool align : {false, true}) {
    all.push_back({"tinyfqnet_m", std::move(default_scorer()->scorer()), align});
    all.push_back({"tinyfqnet", *Scorer::create({std::make_shared<const Model>(*tinyfqnet_model())}), align});
  }
  all.push_back({"ensemble", ensemble(), false});
  return all;
}

Image load(const std::string& name) {
  auto photo = read_image(faces + name);
  REQUIRE(photo.ok());
  return std::move(*photo);
}

}  // namespace

TEST_CASE("sharp is above blurred above tiny, bright above dark, aligned or not") {
  for (Judge& judge : judges()) {
    INFO(std::string(judge.name) << (judge.aligns ? ", aligned" : ""));
    const auto of = [&](const char* name) { return judge.quality(load(name)); };
    const float plain = of("astronaut.jpg"), blurred = of("astronaut_blur.jpg");
    CHECK(plain > blurred);
    CHECK(plain > of("astronaut_dark.jpg"));
    CHECK(plain > of("astronaut_noise.jpg"));
    CHECK(plain > of("astronaut_jpeg.jpg"));
    CHECK(blurred > of("astronaut_small.jpg"));
  }
}

TEST_CASE("a grey copy has the photo's quality within three points, one of 16 bits within one") {
  const Image photo = load("astronaut.jpg");
  for (Judge& judge : judges()) {
    INFO(std::string(judge.name) << (judge.aligns ? ", aligned" : ""));
    const float plain = judge.quality(photo);
    Image grey = photo;
    make_grey(grey);
    // A grey copy has other rounding errors. Three points are about the 99th percentile over LFW (weights/README.md).
    CHECK(std::fabs(judge.quality(grey) - plain) <= 3);

    std::string wide = "P6 " + std::to_string(photo.width) + " " + std::to_string(photo.height) + " 65535\n";
    for (const unsigned char level : photo.rgb) wide += {static_cast<char>(level), static_cast<char>(level)};
    const auto narrow = decode_image(Bytes(reinterpret_cast<const unsigned char*>(wide.data()), wide.size()));
    REQUIRE_MESSAGE(narrow.ok(), std::string(narrow.status().message()));
    CHECK(std::fabs(judge.quality(*narrow) - plain) <= 1);
  }
}

TEST_CASE("a photo rotated by EXIF has the quality of the upright one within a point") {
  const Image photo = load("astronaut.jpg");
  Image lying(photo.height, photo.width);  // rotated by 90 degrees to the left; orientation 6 rotates it back
  for (int y = 0; y < photo.height; ++y)
    for (int x = 0; x < photo.width; ++x)
      for (int c = 0; c < 3; ++c) lying.pixel(y, photo.width - 1 - x)[c] = photo.pixel(x, y)[c];
  const auto jpeg = encode_jpeg(lying, 100);
  REQUIRE(jpeg.ok());
  const unsigned char exif[] = {0xff, 0xe1, 0, 34, 'E', 'x', 'i', 'f', 0, 0, 'M', 'M', 0, 42, 0, 0, 0, 8,
                                0,    1,    1, 18, 0,   3,   0,   0,   0, 1, 0,   6,   0, 0,  0, 0, 0, 0};
  std::vector<unsigned char> turned(jpeg->begin(), jpeg->begin() + 2);
  turned.insert(turned.end(), std::begin(exif), std::end(exif));
  turned.insert(turned.end(), jpeg->begin() + 2, jpeg->end());
  const auto upright = decode_image(Bytes(turned.data(), turned.size()));
  REQUIRE(upright.ok());
  CHECK(upright->pixel(3, 80)[0] == doctest::Approx(photo.pixel(3, 80)[0]).epsilon(0.2));
  for (Judge& judge : judges()) {
    INFO(std::string(judge.name) << (judge.aligns ? ", aligned" : ""));
    CHECK(std::fabs(judge.quality(*upright) - judge.quality(photo)) <= 1);
  }
}
