// Decoding of hostile maps, lists of faces, suppression.
#include <tinyfiqa/base/rng.hpp>
#include <tinyfiqa/detection/decode.hpp>

#include <doctest/doctest.h>

#include <limits>
#include <vector>

using namespace tinyfiqa;

namespace {

constexpr float not_a_number = std::numeric_limits<float>::quiet_NaN(),
                inf = std::numeric_limits<float>::infinity();

Face face_at(float x, float confidence, float side = 10) {
  Face f;
  f.box = {x, 0, side, side};
  f.confidence = confidence;
  return f;
}

/// A YuNet cell that says: a face of one stride's size, with this logit of both probabilities.
std::vector<float> cell(float logit) {
  std::vector<float> c(YuNetChannels::count, 0.0f);
  c[YuNetChannels::face] = c[YuNetChannels::object] = logit;
  return c;
}

}  // namespace

TEST_CASE("a cell becomes a face at its place") {
  std::vector<float> map;
  for (int i = 0; i < 6; ++i) {
    const auto c = cell(i == 4 ? 3.0f : -9.0f);
    map.insert(map.end(), c.begin(), c.end());
  }
  FaceList faces(10);
  decode_yunet(map.data(), 2, 3, 16, 0.5f, faces);  // cell 4: row 1, column 1
  REQUIRE(faces.size() == 1);
  CHECK(faces[0].box.centre_x() == doctest::Approx(16));
  CHECK(faces[0].box.centre_y() == doctest::Approx(16));
  CHECK(faces[0].box.width == doctest::Approx(16));
  CHECK(faces[0].landmarks.x[2] == doctest::Approx(16));
  CHECK(faces[0].confidence == doctest::Approx(1 / (1 + std::exp(-3.0))));
}

TEST_CASE("the quick test of a cell never drops a face at the threshold") {
  Rng rng(3);
  for (int i = 0; i < 20000; ++i) {
    auto c = cell(0);
    c[YuNetChannels::face] = rng.uniform(-6, 6);
    c[YuNetChannels::object] = rng.uniform(-6, 6);
    const float threshold = rng.uniform(0.02f, 0.98f);
    FaceList faces(2);
    decode_yunet(c.data(), 1, 1, 8, threshold, faces);
    CHECK((faces.size() == 1) == (yunet_confidence(c.data()) >= threshold));
  }
}

TEST_CASE("cells that are no numbers, or boxes without end, are no faces") {
  for (const float bad : {not_a_number, inf, -inf, 1e30f}) {
    for (int channel = 0; channel < YuNetChannels::count; ++channel) {
      auto c = cell(5);
      c[static_cast<std::size_t>(channel)] = bad;
      FaceList faces(10);
      decode_yunet(c.data(), 1, 1, 32, 0.5f, faces);
      for (const Face& f : faces.faces()) CHECK(std::isfinite(f.box.area()));
    }
    const std::vector<float> maps(32, bad);
    FaceList faces(10);
    decode_retinaface(maps.data(), maps.data(), maps.data(), 1, 1, 2, RetinaFaceAnchors{}, 0.5f, faces);
    for (const Face& f : faces.faces()) CHECK(std::isfinite(f.box.area()));
  }
}

TEST_CASE("a full list keeps the faces of the highest confidence, and does not grow") {
  FaceList list(3);
  const Face* const memory = list.faces().data;
  for (const float c : {0.5f, 0.9f, 0.1f, 0.7f, 0.8f, 0.2f}) list.add(face_at(100 * c, c));
  list.suppress(0.3f);
  REQUIRE(list.size() == 3);
  CHECK(list[0].confidence == 0.9f);
  CHECK(list[1].confidence == 0.8f);
  CHECK(list[2].confidence == 0.7f);
  CHECK(list.faces().data == memory);
}

TEST_CASE("suppression keeps the best of overlapping faces and all that are apart") {
  FaceList list(10);
  list.add(face_at(0, 0.6f));
  list.add(face_at(2, 0.9f));  // IoU with the first: 8 / 12
  list.add(face_at(8, 0.7f));  // IoU with the second: 4 / 16
  list.add(face_at(50, 0.5f));
  list.suppress(0.3f);
  REQUIRE(list.size() == 3);
  CHECK(list[0].box.x == 2);
  CHECK(list[1].box.x == 8);
  CHECK(list[2].box.x == 50);
}

TEST_CASE("IoU is the formula's, and 0 for boxes apart or empty") {
  CHECK(box_iou({0, 0, 10, 10}, {5, 0, 10, 10}) == doctest::Approx(1.0 / 3));
  CHECK(box_iou({0, 0, 10, 10}, {0, 0, 10, 10}) == doctest::Approx(1));
  CHECK(box_iou({0, 0, 10, 10}, {10, 0, 10, 10}) == 0);
  CHECK(box_iou({0, 0, 0, 0}, {0, 0, 0, 0}) == 0);
  CHECK(box_iou({0, 0, -5, 10}, {-5, 0, 10, 10}) == 0);
}
