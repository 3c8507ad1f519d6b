// The built-in detector on photos.
#include <tinyfiqa/detection/default_scorer.hpp>
#include <tinyfiqa/image/read.hpp>
#include <tinyfiqa/quality/model_registry.hpp>

#include <doctest/doctest.h>

#include "detection/detector_fixtures.hpp"

#include <algorithm>
#include <cmath>
#include <cstring>
#include <string>
#include <utility>
#include <vector>

using namespace tinyfiqa;

namespace {

Image photo(const std::string& name) {
  auto image = read_image(TINYFIQA_SOURCE_DIR "/examples/photos/" + name);
  REQUIRE_MESSAGE(image.ok(), image.status().message());
  return std::move(*image);
}

FaceDetector detector(const DetectorOptions& options = {}) {
  auto d = default_detector(options);
  REQUIRE_MESSAGE(d.ok(), d.status().message());
  return std::move(*d);
}

std::vector<Face> faces_in(FaceDetector& d, const ImageView& image) {
  const auto found = d.detect(image);
  REQUIRE_MESSAGE(found.ok(), found.status().message());
  return std::vector<Face>(found->begin(), found->end());
}

/// Turned clockwise by 90 degrees.
Image turned(const Image& in) {
  Image out(in.height, in.width);
  for (int y = 0; y < in.height; ++y)
    for (int x = 0; x < in.width; ++x) std::memcpy(out.pixel(in.height - 1 - y, x), in.pixel(x, y), 3);
  return out;
}

/// The landmarks of astronaut.jpg, placed by hand.
constexpr double eyes_and_nose[3][2] = {{203.3, 100.7}, {248.3, 103.0}, {226, 126}};

}  // namespace

TEST_CASE("the portrait has one face, with its landmarks where a person puts them") {
  FaceDetector d = detector();
  const auto faces = faces_in(d, photo("astronaut.jpg"));
  REQUIRE(faces.size() == 1);
  const Face& face = faces[0];
  CHECK(face.confidence > 0.7f);
  for (int i = 0; i < 3; ++i)
    CHECK(std::hypot(static_cast<double>(face.landmarks.x[i]) - eyes_and_nose[i][0],
                     static_cast<double>(face.landmarks.y[i]) - eyes_and_nose[i][1]) < 7);
  CHECK(face.box.height > 80);
  CHECK(face.box.height < 170);
}

TEST_CASE("a cup of coffee, a grey area and one pixel show no face") {
  FaceDetector d = detector();
  CHECK(faces_in(d, photo("coffee.jpg")).empty());
  CHECK(faces_in(d, Image(300, 200)).empty());
  CHECK(faces_in(d, Image(1, 1)).empty());
  CHECK(faces_in(d, Image(1, 3000)).empty());
}

TEST_CASE("a sideways photo is found turned, with the landmarks in its own pixels") {
  FaceDetector d = detector();
  const Face upright = faces_in(d, photo("astronaut.jpg"))[0];
  Image image = photo("astronaut.jpg");
  Landmarks expected = upright.landmarks;
  for (int quarter = 1; quarter <= 3; ++quarter) {
    INFO(90 * quarter << " degrees");
    for (int i = 0; i < 5; ++i) {
      const float x = expected.x[i];
      expected.x[i] = static_cast<float>(image.height) - expected.y[i];
      expected.y[i] = x;
    }
    image = turned(image);
    const auto faces = faces_in(d, image);
    REQUIRE(faces.size() >= 1);
    for (int i = 0; i < 5; ++i) {
      CHECK(std::fabs(faces[0].landmarks.x[i] - expected.x[i]) < 8);
      CHECK(std::fabs(faces[0].landmarks.y[i] - expected.y[i]) < 8);
    }
  }
}

TEST_CASE("the largest face alone is the largest of all, also in a photo stored sideways") {
  FaceDetector d = detector();
  CHECK(d.detect_largest(photo("coffee.jpg"))->size == 0);
  for (const Image& image : {photo("group.jpg"), turned(photo("group.jpg"))}) {
    const auto all = faces_in(d, image);
    REQUIRE(all.size() > 1);
    const Face largest = *std::max_element(
        all.begin(), all.end(), [](const Face& a, const Face& b) { return a.box.area() < b.box.area(); });
    const auto found = d.detect_largest(image);
    REQUIRE(found->size == 1);
    CHECK(box_iou((*found)[0].box, largest.box) > 0.7f);
    CHECK(std::fabs((*found)[0].landmarks.x[0] - largest.landmarks.x[0]) < 8);
    CHECK(std::fabs((*found)[0].landmarks.y[0] - largest.landmarks.y[0]) < 8);
  }
}

TEST_CASE("every channel order and row stride gives the same faces, to the bit") {
  FaceDetector d = detector();
  const Image image = photo("astronaut.jpg");
  const auto expected = faces_in(d, image);
  REQUIRE(!expected.empty());
  for (const ChannelOrder order : {ChannelOrder::bgr, ChannelOrder::rgba, ChannelOrder::bgra}) {
    const int bytes = channel_count(order), stride = bytes * image.width + 13;
    std::vector<unsigned char> pixels(static_cast<std::size_t>(stride * image.height), 99);
    const bool swapped = order == ChannelOrder::bgr || order == ChannelOrder::bgra;
    for (int y = 0; y < image.height; ++y)
      for (int x = 0; x < image.width; ++x)
        for (int c = 0; c < 3; ++c)
          pixels[static_cast<std::size_t>(stride * y + bytes * x + (swapped ? 2 - c : c))] =
              image.pixel(x, y)[c];
    const auto faces = faces_in(d, ImageView{pixels.data(), image.height, image.width, stride, order});
    REQUIRE(faces.size() == expected.size());
    CHECK(std::memcmp(&faces[0], &expected[0], sizeof(Face)) == 0);
  }
}

TEST_CASE("threads and earlier images do not change what is found") {
  DetectorOptions two;
  two.threads = 2;
  FaceDetector a = detector(), b = detector(two);
  const auto expected = faces_in(a, photo("group.jpg"));
  CHECK(faces_in(b, photo("coffee.jpg")).empty());
  const auto faces = faces_in(b, photo("group.jpg"));
  REQUIRE(faces.size() == expected.size());
  CHECK(std::memcmp(faces.data(), expected.data(), faces.size() * sizeof(Face)) == 0);
}

TEST_CASE("the size of the search decides how small a face is found") {
  const Image group = photo("group.jpg");
  DetectorOptions fine, coarse;
  fine.longest_side = 1000;
  coarse.longest_side = 160;
  FaceDetector f = detector(fine), c = detector(coarse);
  CHECK(faces_in(f, group).size() > faces_in(c, group).size());
  fine.smallest_face = 60;
  FaceDetector large = detector(fine);
  for (const Face& face : faces_in(large, group)) CHECK(face.box.height >= 60);
}

TEST_CASE("weights of any size give finite faces in an image that is reduced for the search") {
  DetectorOptions options;
  options.longest_side = 64;
  options.thorough = false;
  options.threshold = 0.01f;
  Image image(2048, 64);
  for (std::size_t i = 0; i < image.rgb.size(); ++i) image.rgb[i] = static_cast<unsigned char>(i % 251);
  std::size_t total = 0;
  for (const float power : {1.0f, 1e36f, 1e37f, 1e38f}) {
    auto model = std::make_shared<Model>(*find_model("yunet_n"));
    fill_detector(*model);
    for (const NamedParam& p : model->params()) {
      if (!is_last_of_head(p.name) || p.name.find("bbox") == std::string::npos) continue;
      const std::ptrdiff_t place = p.param.size() / 2;  // the weights of dx and dy; those of the size follow
      for (std::ptrdiff_t i = 0; i < place; ++i)
        model->block()[static_cast<std::size_t>(p.param.offset + i)] *= power;
    }
    model->pack();
    auto d = FaceDetector::create(model, options);
    REQUIRE_MESSAGE(d.ok(), d.status().message());
    const auto found = faces_in(*d, image);
    total += found.size();
    for (const Face& face : found) CHECK(detail::is_proper(face));
  }
  CHECK(total > 0);
}

TEST_CASE("options out of range and networks that find no faces are refused in words") {
  DetectorOptions bad;
  bad.threshold = 1.5f;
  CHECK(default_detector(bad).status().code() == Errc::bad_argument);
  bad = DetectorOptions();
  bad.longest_side = 5;
  CHECK(default_detector(bad).status().code() == Errc::bad_argument);
  auto scorer_model = default_model();
  REQUIRE(scorer_model.ok());
  const auto wrong = FaceDetector::create(std::make_shared<const Model>(std::move(*scorer_model)));
  CHECK(wrong.status().code() == Errc::bad_argument);
  CHECK(std::string(wrong.status().message()).find("yunet_n") != std::string::npos);
}

TEST_CASE("a photo is scored by its largest face, and a photo without one has no number") {
  auto scorer = default_scorer();
  REQUIRE_MESSAGE(scorer.ok(), scorer.status().message());
  const auto portrait = scorer->score(photo("astronaut.jpg"));
  REQUIRE_MESSAGE(portrait.ok(), portrait.status().message());
  CHECK(*portrait->band != Band::reject);
  CHECK(portrait->framing == Framing::photo);
  const auto none = scorer->score(photo("coffee.jpg"));
  CHECK(none.status().code() == Errc::no_face);
  const auto all = scorer->score_all(photo("group.jpg"));
  REQUIRE(all.ok());
  REQUIRE(all->size() >= 3);
  for (std::size_t i = 1; i < all->size(); ++i)
    CHECK((*all)[i - 1].face.box.area() >= (*all)[i].face.box.area());
  const auto largest = scorer->score(photo("group.jpg"));
  REQUIRE(largest.ok());
  CHECK(largest->value == (*all)[0].value);
}

TEST_CASE("an aligned face is recognised and scored as it is") {
  auto scorer = default_scorer();
  REQUIRE(scorer.ok());
  const auto whole = scorer->score(photo("astronaut.jpg"));
  REQUIRE(whole.ok());
  const auto aligned = align_face(photo("astronaut.jpg"), whole->face.landmarks);
  REQUIRE(aligned.ok());
  const auto again = scorer->score(*aligned);
  REQUIRE_MESSAGE(again.ok(), again.status().message());
  CHECK(again->framing == Framing::aligned);
  CHECK(again->value == scorer->score(*aligned, Crop())->value);
}
