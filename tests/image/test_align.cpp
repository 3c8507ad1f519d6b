#include "image_support.hpp"

#include <tinyfiqa/image/align.hpp>

#include <doctest/doctest.h>
#define EIGEN_DONT_VECTORIZE  // gcc 12 warns about Eigen's AVX-512 code
#include <Eigen/Geometry>

#include <cmath>
#include <limits>
#include <string>

using namespace tinyfiqa;

namespace {

const Landmarks tilted{{20.0f, 70.5f, 78.0f, 75.0f, 118.0f}, {100.0f, 30.25f, 95.5f, 150.0f, 95.0f}};

}  // namespace

TEST_CASE("the similarity transform equals Eigen's umeyama") {
  Rng rng(5);
  double worst = 0;
  for (int trial = 0; trial < 200; ++trial) {
    Landmarks from;
    double to[5][2];
    Eigen::Matrix<double, 2, 5> a, b;
    for (int i = 0; i < 5; ++i) {
      a(0, i) = from.x[i] = rng.uniform(0.0f, 500.0f);
      a(1, i) = from.y[i] = rng.uniform(0.0f, 500.0f);
      b(0, i) = to[i][0] = rng.uniform(0.0f, 112.0f);
      b(1, i) = to[i][1] = rng.uniform(0.0f, 112.0f);
    }
    const auto s = fit_similarity(from, to);
    REQUIRE(s.ok());
    const Eigen::Matrix3d m = Eigen::umeyama(a, b, true);
    const double due[] = {m(0, 0), m(1, 0), m(0, 2), m(1, 2)}, got[] = {s->a, s->b, s->tx, s->ty};
    for (int i = 0; i < 4; ++i) worst = std::fmax(worst, std::abs(due[i] - got[i]));
  }
  MESSAGE("largest difference of a coefficient: " << worst);
  CHECK(worst < 1e-9);
}

TEST_CASE("a known rotation, scale and shift are found again, and undone by the inverse") {
  const Similarity truth{1.2 * std::cos(0.7), 1.2 * std::sin(0.7), -30.0, 12.5};
  double to[5][2];
  for (int i = 0; i < 5; ++i) {
    to[i][0] = truth.x(upright.x[i], upright.y[i]);
    to[i][1] = truth.y(upright.x[i], upright.y[i]);
  }
  const auto s = fit_similarity(upright, to);
  REQUIRE(s.ok());
  CHECK(s->a == doctest::Approx(truth.a).epsilon(1e-12));
  CHECK(s->b == doctest::Approx(truth.b).epsilon(1e-12));
  CHECK(s->tx == doctest::Approx(truth.tx).epsilon(1e-12));
  CHECK(s->ty == doctest::Approx(truth.ty).epsilon(1e-12));
  const Similarity back = inverse(*s);
  CHECK(back.x(s->x(3, 4), s->y(3, 4)) == doctest::Approx(3));
  CHECK(back.y(s->x(3, 4), s->y(3, 4)) == doctest::Approx(4));
}

TEST_CASE("a warped face equals the result of PIL's affine transform") {
  const Image face = load("face.png");
  for (const auto& [name, points] :
       {std::pair<const char*, Landmarks>{"upright", upright}, {"tilted", tilted}}) {
    const auto fit = fit_similarity(points, face_template);
    REQUIRE(fit.ok());
    const Image aligned = warp_image(face, inverse(*fit), aligned_side, aligned_side);
    const Difference d = difference(aligned, load(std::string("face_") + name + "_112x112.png"));
    MESSAGE(std::string(name) << ": max " << d.max << ", mean " << d.mean);
    CHECK(d.max <= 1);
    CHECK(d.mean < 0.01);
  }
}

TEST_CASE(
    "faces up to twice the template's size are warped alone; larger ones are reduced without aliasing") {
  Landmarks at_template;
  for (int i = 0; i < 5; ++i) {
    at_template.x[i] = static_cast<float>(face_template[i][0]);
    at_template.y[i] = static_cast<float>(face_template[i][1]);
  }
  const auto scaled = [&](float factor) {
    Landmarks points = at_template;
    for (float& x : points.x) x *= factor;
    for (float& y : points.y) y *= factor;
    return points;
  };
  const Image face = resize_image(load("face.png"), aligned_side, aligned_side);  // taken as aligned
  for (const int factor : {2, 3, 6, 11}) {
    INFO("factor " << factor);
    const Image large = resize_image(face, factor * aligned_side, factor * aligned_side);
    const auto aligned = align_face(large, scaled(static_cast<float>(factor)));
    REQUIRE(aligned.ok());
    if (factor == 2) {
      const auto fit = fit_similarity(scaled(2), face_template);
      CHECK(aligned->rgb == warp_image(large, inverse(*fit), aligned_side, aligned_side).rgb);
    }
    CHECK(difference(*aligned, face).mean < 3);  // a little smoother
  }
  // Columns of black and white: the mean is grey, and a warp alone would keep the contrast.
  Image stripes(8 * aligned_side, 8 * aligned_side);
  for (std::size_t i = 0; i < stripes.rgb.size(); ++i) stripes.rgb[i] = i / 3 % 2 == 0 ? 0 : 255;
  const auto grey = align_face(stripes, scaled(8));
  REQUIRE(grey.ok());
  for (int y = 8; y < 104; y += 8)
    for (int x = 8; x < 104; x += 8) CHECK(std::abs(int{grey->pixel(x, y)[0]} - 127) < 12);
}

TEST_CASE("the identity warp copies and everything outside is black") {
  const Image image = noise(20, 10, 2);
  CHECK(difference(warp_image(image, {}, 10, 20), image).max == 0);
  const Image shifted = warp_image(image, {1, 0, 15, -4}, 10, 20);
  CHECK(shifted.pixel(0, 4)[0] == image.pixel(15, 0)[0]);
  CHECK(shifted.pixel(4, 9)[2] == image.pixel(19, 5)[2]);
  CHECK(shifted.pixel(5, 9)[2] == 0);
  CHECK(shifted.pixel(0, 3)[1] == 0);
  const double huge = 1e300, nan = std::numeric_limits<double>::quiet_NaN();
  for (const Similarity& s :
       {Similarity{huge, huge, huge, huge}, Similarity{nan, 0, 0, 0}, Similarity{1, 0, -huge, 0}})
    CHECK(difference(warp_image(image, s, 5, 5), Image(5, 5)).max == 0);
}

TEST_CASE("landmarks without a shape are refused") {
  const Image face = load("face.png");
  Landmarks same;
  for (int i = 0; i < 5; ++i) same.x[i] = same.y[i] = 1234.5f;
  CHECK(align_face(face, same).status().code() == Errc::bad_argument);
  CHECK(align_face(face, Landmarks()).status().code() == Errc::bad_argument);
  same.x[2] += 0.001f;
  CHECK(align_face(face, same).status().code() == Errc::bad_argument);
  for (const float bad : {std::numeric_limits<float>::quiet_NaN(), std::numeric_limits<float>::infinity()}) {
    Landmarks points = upright;
    points.y[3] = bad;
    const auto aligned = align_face(face, points);
    CHECK(aligned.status().code() == Errc::not_finite);
    CHECK(std::string(aligned.status().message()).find("landmark 4 of 5") != std::string::npos);
  }
  Landmarks far = upright;
  for (float& x : far.x) x += 1000;
  const auto aligned = align_face(face, far);
  CHECK(std::string(aligned.status().message()).find("outside the image of 160x160") != std::string::npos);
}
