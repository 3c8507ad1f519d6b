#include <tinyfiqa/baselines/perceptual.hpp>
#include <tinyfiqa/image/read.hpp>
#include <tinyfiqa/image/resize.hpp>

#include "support.hpp"

#include <doctest/doctest.h>

using namespace tinyfiqa;

namespace {

const std::string faces = TINYFIQA_SOURCE_DIR "/examples/faces/";

Landmarks frontal() {
  Landmarks p;
  for (int i = 0; i < 5; ++i) {
    p.x[i] = static_cast<float>(face_template[i][0]);
    p.y[i] = static_cast<float>(face_template[i][1]);
  }
  return p;
}

Image read(const std::string& name) {
  auto image = read_image(faces + name);
  REQUIRE_MESSAGE(image.ok(), image.status().message());
  return std::move(*image);
}

}  // namespace

TEST_CASE("sharpness falls when an image is blurred or made small and large again; flat ones have none") {
  const Image sharp = resize_image(read("astronaut.jpg"), 112, 112);
  const Image blurred = resize_image(read("astronaut_blur.jpg"), 112, 112);
  CHECK(blur_quality(sharp) > 2 * blur_quality(blurred));
  CHECK(blur_quality(Image(30, 20)) == 0);
  CHECK(blur_quality(Image(2, 2)) == 0);
  Image dot(3, 3);
  for (int c = 0; c < 3; ++c) dot.pixel(1, 1)[c] = 100;
  CHECK(blur_quality(dot) == doctest::Approx(0));  // the variance of one inner pixel is 0
}

TEST_CASE("the template's own pose is the best; turned, nodding and tilted heads are worse") {
  const Landmarks best = frontal();
  CHECK(pose_quality(best) > -0.02);
  Landmarks turned = best, nodding = best, tilted = best;
  turned.x[2] += 10;
  nodding.y[2] -= 8;
  const double c = std::cos(0.4), s = std::sin(0.4);
  for (int i = 0; i < 5; ++i) {
    tilted.x[i] = static_cast<float>(c * double{best.x[i]} - s * double{best.y[i]});
    tilted.y[i] = static_cast<float>(s * double{best.x[i]} + c * double{best.y[i]});
  }
  CHECK(head_pose(turned).yaw == doctest::Approx(0.31).epsilon(0.05));
  CHECK(head_pose(nodding).pitch < -0.15);
  CHECK(head_pose(tilted).roll == doctest::Approx(0.4).epsilon(0.02));
  CHECK(head_pose(tilted).yaw == doctest::Approx(head_pose(best).yaw).epsilon(0.001));
  for (const Landmarks& p : {turned, nodding, tilted}) CHECK(pose_quality(p) < pose_quality(best));
  CHECK(std::isfinite(pose_quality(Landmarks())));
}

TEST_CASE("a strongly compressed JPEG is told by its file and by its blocks") {
  const auto good = read_file(faces + "astronaut.jpg"), bad = read_file(faces + "astronaut_jpeg.jpg");
  REQUIRE((good.ok() && bad.ok()));
  CHECK(saved_quality(good->bytes) > 80);
  const Image fine = read("astronaut.jpg"), coarse = read("astronaut_jpeg.jpg");
  CHECK(blockiness_quality(coarse) < blockiness_quality(fine));
  CHECK(jpeg_quality(bad->bytes, coarse) < jpeg_quality(good->bytes, fine));
  CHECK(blockiness_quality(Image(64, 64)) == 10);
  CHECK(blockiness_quality(Image(8, 8)) == 10);
}

TEST_CASE("the saved quality of a file that is no JPEG, or is cut off anywhere, can be asked for") {
  CHECK(saved_quality({}) == 100);
  const auto file = read_file(faces + "astronaut.jpg");
  REQUIRE(file.ok());
  for (std::size_t size = 0; size < std::min<std::size_t>(700, file->bytes.size); ++size) {
    const std::vector<unsigned char> part(file->bytes.data, file->bytes.data + size);
    CHECK(saved_quality({part.data(), part.size()}) > 0);
  }
}

TEST_CASE("the combined quality lies in 0..1, rises with each of its parts and bears any of their values") {
  const double middle = combined_quality(150, -0.2, 8);
  CHECK(combined_quality(300, -0.2, 8) > middle);
  CHECK(combined_quality(150, -0.1, 8) > middle);
  CHECK(combined_quality(150, -0.2, 9) > middle);
  for (const double q : {combined_quality(0, -4, 0), combined_quality(1e6, 0, 10), middle}) {
    CHECK(q > 0);
    CHECK(q < 1);
  }
}
