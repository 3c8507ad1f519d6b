#include "../image/image_support.hpp"

#include <tinyfiqa/evaluation/similarity.hpp>
#include <tinyfiqa/image/degradation.hpp>

#include <cmath>
#include <numeric>
#include <string>

using namespace tinyfiqa;

namespace {

/// Edges of many sizes and directions.
Image scene(int width = 96, int height = 80) {
  Image image(width, height);
  for (int y = 0; y < height; ++y)
    for (int x = 0; x < width; ++x)
      for (int c = 0; c < 3; ++c)
        image.pixel(x, y)[c] = static_cast<unsigned char>(((x / 7 + y / 5) % 2 != 0 ? 150 : 60) +
                                                          ((x * x + y * y) / 300 % 2 != 0 ? 40 : 0));
  return image;
}

Image degraded(const Image& image, const std::string& name, float strength, const FaceRegion& face,
               std::uint64_t seed = 1) {
  const Degradation* d = find_degradation(name);
  REQUIRE(d != nullptr);
  REQUIRE((d->apply != nullptr));
  Image out = image;
  Rng rng(seed);
  d->apply(out, face, strength, rng);
  CHECK(out.width == image.width);
  CHECK(out.height == image.height);
  return out;
}

double mean_level(const Image& image) {
  return std::accumulate(image.rgb.begin(), image.rgb.end(), 0.0) / static_cast<double>(image.rgb.size());
}

}  // namespace

TEST_CASE("every degradation changes the image, more at one end of its strengths, the same for one seed") {
  const Image image = scene();
  const FaceRegion face{48, 40, 60};
  for (const Degradation& d : degradations()) {
    INFO(d.name);
    if (d.apply == nullptr) continue;
    const Image low = degraded(image, d.name, d.low, face), high = degraded(image, d.name, d.high, face);
    const double by_low = *gmsd(image, low), by_high = *gmsd(image, high);
    CHECK(by_low > 0.005);
    CHECK(by_high > 0.005);
    const std::string name = d.name;
    const bool falls = name == "dark" || name == "contrast";  // a smaller factor is a stronger degradation
    CHECK((falls ? by_low - by_high : by_high - by_low) > 0);
    CHECK(degraded(image, d.name, d.high, face).rgb == high.rgb);
  }
  CHECK(find_degradation("sepia") == nullptr);
}

TEST_CASE("motion keeps what lies along it and a rotation by 0 everything") {
  Image stripes(60, 60);
  for (int y = 0; y < 60; ++y)
    for (int x = 0; x < 60; ++x)
      std::fill_n(stripes.pixel(x, y), 3, static_cast<unsigned char>(y % 12 < 6 ? 200 : 20));
  const double changed = *gmsd(stripes, degraded(stripes, "motion", 9, {30, 30, 60}, 3));
  CHECK(changed > 0.01);  // a drawn direction is hardly the stripes' own
  CHECK(degraded(stripes, "rotation", 0, {30, 30, 60}).rgb == stripes.rgb);
  CHECK(std::fabs(mean_level(degraded(stripes, "bright", 1.5f, {})) - mean_level(stripes)) > 20);
}

TEST_CASE("less contrast keeps the mean level of the face and brings the others closer to it") {
  Image image(60, 60);
  for (int y = 0; y < 60; ++y)
    for (int x = 0; x < 60; ++x)
      std::fill_n(image.pixel(x, y), 3, static_cast<unsigned char>(x < 30 ? 80 : 120));
  const Image flat = degraded(image, "contrast", 0.25f, {30, 30, 40});
  CHECK(static_cast<int>(flat.pixel(0, 0)[0]) == 95);
  CHECK(static_cast<int>(flat.pixel(59, 59)[2]) == 105);
  const Image of_left = degraded(image, "contrast", 0.25f, {15, 30, 20});  // a face of level 80 alone
  CHECK(static_cast<int>(of_left.pixel(0, 0)[0]) == 80);
  CHECK(static_cast<int>(of_left.pixel(59, 0)[1]) == 90);
}

TEST_CASE("an occlusion covers its share of the face and nothing else") {
  const Image image = scene();
  const FaceRegion face{48, 40, 50};
  for (std::uint64_t seed = 1; seed <= 20; ++seed) {
    const Image covered = degraded(image, "occlusion", 0.3f, face, seed);
    int changed = 0;
    for (int y = 0; y < image.height; ++y)
      for (int x = 0; x < image.width; ++x) {
        if (std::equal(image.pixel(x, y), image.pixel(x, y) + 3, covered.pixel(x, y))) continue;
        ++changed;
        CHECK(std::fabs(static_cast<float>(x) + 0.5f - face.x) <= 26);
        CHECK(std::fabs(static_cast<float>(y) + 0.5f - face.y) <= 26);
      }
    CHECK(changed > 0.25 * 2500);
    CHECK(changed < 0.35 * 2500);
  }
}

TEST_CASE("the region of a face: by landmarks what alignment shows, by a box the same, else the image") {
  const Image image = scene();
  Landmarks template_points;
  for (int i = 0; i < 5; ++i) {
    template_points.x[i] = static_cast<float>(face_template[i][0]) / 2 + 10;
    template_points.y[i] = static_cast<float>(face_template[i][1]) / 2 + 5;
  }
  const auto by_points = face_region(image, {std::nullopt, template_points});
  REQUIRE(by_points.ok());
  CHECK(by_points->x == doctest::Approx(38).epsilon(1e-4));
  CHECK(by_points->y == doctest::Approx(33).epsilon(1e-4));
  CHECK(by_points->side == doctest::Approx(56).epsilon(1e-4));
  const FaceBox box{10, 20, 30, 40};
  const auto by_box = face_region(image, {box, std::nullopt}),
             by_average = face_region(image, {std::nullopt, average_landmarks(box)});
  REQUIRE((by_box.ok() && by_average.ok()));
  CHECK(by_box->x == by_average->x);
  CHECK(by_box->y == by_average->y);
  CHECK(by_box->side == by_average->side);
  CHECK(by_box->side > 40);
  CHECK(face_region(image, {FaceBox{10, 20, 3000, 40}, std::nullopt}).status().code() == Errc::bad_argument);
  CHECK(face_region(image, {})->x == 48);
}

TEST_CASE("gmsd: 0 for equal images, known for a known case, rising with blur") {
  const Image image = scene();
  CHECK(*gmsd(image, image) == 0);
  double last = 0;
  for (const float sigma : {0.5f, 1.0f, 2.0f, 4.0f}) {
    const double now = *gmsd(image, degraded(image, "blur", sigma, {}));
    CHECK(now > last);
    last = now;
  }
  // An edge from 0 to 90 in the middle of an 8 x 8 map, compared with a flat map. Of the 6 inner columns two
  // have the gradient 3 * 90 / 3 = 90 and the similarity 170 / (90 * 90 + 170); four have the similarity 1.
  Image edge(16, 16), flat(16, 16);
  std::fill(flat.rgb.begin(), flat.rgb.end(), static_cast<unsigned char>(0));
  std::fill(edge.rgb.begin(), edge.rgb.end(), static_cast<unsigned char>(0));
  for (int y = 0; y < 16; ++y)
    for (int x = 8; x < 16; ++x) std::fill_n(edge.pixel(x, y), 3, static_cast<unsigned char>(90));
  const double s = 170.0 / (8100 + 170), mean = (2 * s + 4) / 6;
  const double expected = std::sqrt((2 * (s - mean) * (s - mean) + 4 * (1 - mean) * (1 - mean)) / 6);
  CHECK(*gmsd(flat, edge) == doctest::Approx(expected).epsilon(1e-6));
  CHECK(gmsd(image, Image(5, 5)).status().code() == Errc::mismatch);
  CHECK(gmsd(Image(5, 5), Image(5, 5)).status().code() == Errc::bad_argument);
}
