// The shipped detector in 8 bits, beside the floats that it was made of.
#include <tinyfiqa/detection/agreement.hpp>
#include <tinyfiqa/detection/default_detector.hpp>
#include <tinyfiqa/detection/detector_input.hpp>
#include <tinyfiqa/image/read.hpp>
#include <tinyfiqa/quality/load_model.hpp>

#include "each_backend.hpp"

#include <cmath>
#include <cstring>
#include <memory>
#include <string>
#include <vector>

using namespace tinyfiqa;

namespace {

Image example_photo(const std::string& name) {
  auto image = read_image(TINYFIQA_SOURCE_DIR "/examples/photos/" + name);
  REQUIRE_MESSAGE(image.ok(), image.status().message());
  return std::move(*image);
}

std::vector<Face> faces_of(std::shared_ptr<const Model> model, const ImageView& image) {
  auto detector = FaceDetector::create(std::move(model));
  REQUIRE_MESSAGE(detector.ok(), detector.status().message());
  const auto found = detector->detect(image);
  REQUIRE_MESSAGE(found.ok(), found.status().message());
  return std::vector<Face>(found->begin(), found->end());
}

std::shared_ptr<const Model> eight_bits(const Backend& backend) {
  auto model = load_model(TINYFIQA_SOURCE_DIR "/weights/i8/detector.safetensors", "", backend, Use::run);
  REQUIRE_MESSAGE(model.ok(), model.status().message());
  CHECK(model->has_levels());
  return std::make_shared<const Model>(std::move(*model));
}

Face face_at(float x, float confidence = 0.9f) {
  Face face;
  face.box = {x, 10, 20, 20};
  face.confidence = confidence;
  for (int i = 0; i < 5; ++i) face.landmarks.x[i] = x + 4 * static_cast<float>(i), face.landmarks.y[i] = 15;
  return face;
}

}  // namespace

TEST_CASE("the 8-bit detector finds the faces that the floats find, the same on every instruction set") {
  auto floats = default_detector_model();
  REQUIRE(floats.ok());
  const auto model = std::make_shared<const Model>(std::move(*floats));
  for (const char* name : {"astronaut.jpg", "group.jpg", "coffee.jpg"}) {
    INFO(name);
    const Image image = example_photo(name);
    const auto expected = faces_of(model, image);
    std::vector<Face> first;
    for_each_backend_of_levels([&](const Backend& backend) {
      const auto found = faces_of(eight_bits(backend), image);
      if (first.empty()) first = found;
      REQUIRE(found.size() == first.size());
      for (std::size_t i = 0; i < found.size(); ++i) {
        CHECK(std::memcmp(&found[i].box, &first[i].box, sizeof found[i].box) == 0);
        CHECK(std::memcmp(&found[i].landmarks, &first[i].landmarks, sizeof found[i].landmarks) == 0);
        CHECK(found[i].confidence == first[i].confidence);
      }
    });
    DetectorAgreement a;
    a.add({expected.data(), expected.size()}, {first.data(), first.size()});
    CHECK(a.matched == expected.size());
    CHECK(a.student_faces == a.matched);
    CHECK(a.landmark_error < 0.05);
  }
}

TEST_CASE("agreement counts each face once, and measures landmarks in distances of the eyes") {
  const std::vector<Face> expected{face_at(10), face_at(60), face_at(100)};
  Face near = face_at(12), far = face_at(75);
  for (float& y : near.landmarks.y) y += 3;
  const std::vector<Face> found{near, face_at(10), face_at(60), far};
  DetectorAgreement a;
  a.add({expected.data(), expected.size()}, {found.data(), found.size()});
  // `near` takes the first face, so that the second of the same place has none left; `far` overlaps none enough.
  CHECK(a.photos == 1);
  CHECK(a.matched == 2);
  CHECK(a.recall() == doctest::Approx(2.0 / 3));
  CHECK(a.precision() == doctest::Approx(0.5));
  CHECK(a.f1() == doctest::Approx(4.0 / 7));
  CHECK(a.landmark_error == doctest::Approx(std::hypot(2.0, 3.0) / 4 / 2));
  a.add({expected.data(), 1}, {});
  CHECK(a.photos == 2);
  CHECK(a.recall() == doctest::Approx(0.5));
  CHECK(a.landmark_error == doctest::Approx(std::hypot(2.0, 3.0) / 4 / 2));
}

TEST_CASE("a detector's square has the image at its upper left, in the network's order of channels") {
  auto model = default_detector_model();
  REQUIRE(model.ok());
  Image image(40, 20);
  for (std::size_t i = 0; i < image.rgb.size(); ++i) image.rgb[i] = static_cast<unsigned char>(100 + i % 3);
  const auto square = detector_square(image, 64, *model);
  REQUIRE(square.size() == 64 * 64 * 3);
  CHECK(square[0] == 102);  // BGR
  CHECK(square[2] == 100);
  CHECK(square[(19 * 64 + 39) * 3] == 102);
  CHECK(square[(19 * 64 + 40) * 3] == 0);
  CHECK(square[20 * 64 * 3] == 0);
  const auto reduced = detector_square(image, 32, *model);
  CHECK(reduced[(15 * 32 + 31) * 3] == 102);
  CHECK(reduced[16 * 32 * 3] == 0);
}
