// Tests of the measures of explanations, on images whose measures are known.
#include <tinyfiqa/base/rng.hpp>
#include <tinyfiqa/explanation/explainer.hpp>
#include <tinyfiqa/image/augment.hpp>
#include <tinyfiqa/image/read.hpp>
#include <tinyfiqa/image/write_jpeg.hpp>

#include <doctest/doctest.h>

#include <cmath>
#include <limits>
#include <string>
#include <vector>

using namespace tinyfiqa;
using K = ComponentKind;

namespace {

/// Luma [height, width] of a formula.
template <class Formula>
std::vector<unsigned char> drawn(int height, int width, const Formula& level) {
  std::vector<unsigned char> luma;
  for (int y = 0; y < height; ++y)
    for (int x = 0; x < width; ++x)
      luma.push_back(
          static_cast<unsigned char>(std::lround(std::clamp(static_cast<double>(level(x, y)), 0.0, 255.0))));
  return luma;
}

LumaPatch patch(const std::vector<unsigned char>& luma, int height, int width) {
  return {luma.data(), height, width};
}

Image grey_image(const std::vector<unsigned char>& luma, int height, int width) {
  Image image(width, height);
  for (std::size_t i = 0; i < luma.size(); ++i)
    for (std::size_t c = 0; c < 3; ++c) image.rgb[3 * i + c] = luma[i];
  return image;
}

std::vector<unsigned char> luma_of(const Image& image) {
  std::vector<unsigned char> luma;
  for (std::size_t i = 0; i < image.rgb.size(); i += 3) luma.push_back(detail::rounded_luma(&image.rgb[i]));
  return luma;
}

/// Random dots, blurred a little: detail in all directions.
std::vector<unsigned char> texture(int side) {
  Rng rng(3);
  Image image = grey_image(drawn(side, side, [&](int, int) { return 40 + 170 * rng.uniform(); }), side, side);
  gaussian_blur(image, 0.7f);
  return luma_of(image);
}

DirectionalSharpness whole(const LumaPatch& p) { return directional_sharpness(p, 0, 0, p.width, p.height); }

/// The mean of `taps` neighbours along (dx, dy).
std::vector<unsigned char> smeared(const std::vector<unsigned char>& luma, int side, int dx, int dy,
                                   int taps) {
  return drawn(side, side, [&](int x, int y) {
    double sum = 0;
    for (int k = 0; k < taps; ++k) {
      const int px = std::clamp(x + dx * (k - taps / 2), 0, side - 1),
                py = std::clamp(y + dy * (k - taps / 2), 0, side - 1);
      sum += luma[static_cast<std::size_t>(py * side + px)];
    }
    return sum / taps;
  });
}

Landmarks landmarks_of(const detail::PlanePoints& points, double roll, double scale, double x, double y) {
  Landmarks p;
  for (int i = 0; i < 5; ++i) {
    p.x[i] = static_cast<float>(scale * (std::cos(roll) * points.x[i] - std::sin(roll) * points.y[i]) + x);
    p.y[i] = static_cast<float>(scale * (std::sin(roll) * points.x[i] + std::cos(roll) * points.y[i]) + y);
  }
  return p;
}

constexpr double radians = 3.14159265358979 / 180;

}  // namespace

TEST_CASE("the value of a component is 50 at its middle, falls to 0 and rises to 100") {
  for (const ComponentSpec& spec : component_specs()) {
    CAPTURE(spec.name);
    CHECK(component_value(spec, spec.middle) == doctest::Approx(50));
    CHECK(component_value(spec, -spec.middle) == doctest::Approx(50));
    CHECK(component_value(spec, 0) == (spec.more_is_better ? 0 : 100));
    const double low = component_value(spec, spec.middle / 2), high = component_value(spec, spec.middle * 2);
    CHECK((spec.more_is_better ? low < 50 && high > 50 : low > 50 && high < 50));
    CHECK(low + high == doctest::Approx(100));
    CHECK(std::isnan(component_value(spec, std::numeric_limits<double>::quiet_NaN())));
  }
}

TEST_CASE("reasons are the two lowest components below 50, with the measure in words; a good face has none") {
  Explanation explanation;
  CHECK(reasons_of(explanation).empty());
  explanation.set(K::sharpness, 0.7);
  explanation.set(K::resolution, 60);
  CHECK(reasons_of(explanation).empty());
  explanation.set(K::resolution, 34);
  CHECK(explanation[K::resolution].value < 50);
  REQUIRE(reasons_of(explanation).size() == 1);
  CHECK(reasons_of(explanation)[0].text() == "34 px between the eyes: come closer");
  explanation.set(K::under_exposure, 20);
  explanation.set(K::yaw, -41.2);
  explanation.set(K::over_exposure, 0.25);
  auto reasons = reasons_of(explanation);
  REQUIRE(reasons.size() == 2);
  CHECK(reasons[0].text() == "too dark: add light in front");
  CHECK(reasons[1].text() == "25 % of the face overexposed: reduce the light or the exposure");
  explanation.clear(K::under_exposure);
  explanation.clear(K::over_exposure);
  reasons = reasons_of(explanation);
  REQUIRE(reasons.size() == 2);
  CHECK(reasons[0].kind == K::resolution);
  CHECK(reasons[1].text() == "head turned by 41 degrees: face the camera");
}

TEST_CASE("luma statistics are those of their formulas") {
  const auto histogram = [](const std::vector<unsigned char>& luma) {
    LumaHistogram h;
    h.add(luma.data(), static_cast<int>(luma.size()));
    return h;
  };
  const LumaHistogram flat = histogram(std::vector<unsigned char>(500, 77));
  CHECK(flat.mean() == doctest::Approx(77));
  CHECK(flat.entropy() == 0);
  CHECK(flat.relative_contrast() == 0);
  const LumaHistogram ramp = histogram(drawn(4, 256, [](int x, int) { return x; }));
  CHECK(ramp.mean() == doctest::Approx(127.5));
  CHECK(ramp.entropy() == doctest::Approx(8));
  CHECK(ramp.share_from(247) == doctest::Approx(9.0 / 256));
  CHECK(ramp.share_from(0) == 1);
  const LumaHistogram two = histogram(drawn(2, 50, [](int x, int) { return x % 2 == 0 ? 50 : 150; }));
  CHECK(two.entropy() == doctest::Approx(1));
  CHECK(two.relative_contrast() == doctest::Approx(0.5));  // deviation 50, mean 100
  CHECK(histogram(std::vector<unsigned char>(9, 0)).relative_contrast() == 0);
  CHECK(LumaHistogram().entropy() == 0);
}

TEST_CASE("the deviation of Gaussian noise is found within 4 %, on grey and on a ramp") {
  constexpr int side = 160;
  const Box all = {0, 0, side, side};
  for (const double deviation : {2.0, 5.0, 10.0, 20.0})
    for (const double slope : {0.0, 0.4}) {
      CAPTURE(deviation);
      CAPTURE(slope);
      Rng rng(11);
      const auto noisy =
          drawn(side, side, [&](int x, int) { return 96 + slope * x + deviation * double{rng.normal()}; });
      const auto found = noise_deviation(patch(noisy, side, side), all);
      REQUIRE(found.has_value());
      CHECK(*found == doctest::Approx(deviation).epsilon(0.04));
    }
  const auto ramp = drawn(side, side, [](int x, int y) { return x + y / 2; });
  CHECK(*noise_deviation(patch(ramp, side, side), all) < 0.3);
  CHECK_FALSE(noise_deviation(patch(ramp, side, side), {0, 0, 5, 5}).has_value());
  CHECK_FALSE(noise_deviation(patch(ramp, side, side), {-50, 0, 20, 20}).has_value());
}

TEST_CASE("8 x 8 blocks are found wherever their grid begins, and the more the coarser they are") {
  constexpr int side = 168;
  const Image image = grey_image(texture(side), side, side);
  const auto blocks = [&](int quality, int left, int top) {
    const auto file = encode_jpeg(image, quality);
    REQUIRE(file.ok());
    const auto coded = decode_image(Bytes(file->data(), file->size()));
    REQUIRE(coded.ok());
    LumaReader reader;
    return block_contrast(reader.read(*coded, left, top, 160, 160));
  };
  LumaReader reader;
  const double none = block_contrast(reader.read(image, 0, 0, 160, 160));
  CHECK(none < 0.1);
  CHECK(blocks(5, 0, 0) > 1);
  CHECK(blocks(5, 0, 0) > blocks(20, 0, 0));
  CHECK(blocks(20, 0, 0) > 2 * none);
  CHECK(blocks(5, 3, 6) == doctest::Approx(blocks(5, 0, 0)).epsilon(0.1));
  CHECK(block_contrast(patch(std::vector<unsigned char>(1600, 9), 40, 40)) == 0);
}

TEST_CASE("sharpness falls with blur of any kind, the motion ratio only with blur in one direction") {
  constexpr int side = 112;
  const auto sharp = texture(side);
  const DirectionalSharpness before = whole(patch(sharp, side, side));
  CHECK(before.motion_ratio() > 0.9);
  double last = before.sharpness();
  for (const float sigma : {1.0f, 2.0f, 3.0f}) {
    Image image = grey_image(sharp, side, side);
    gaussian_blur(image, sigma);
    const auto blurred = luma_of(image);
    const DirectionalSharpness after = whole(patch(blurred, side, side));
    CHECK(after.sharpness() < 0.95 * last);
    CHECK(after.motion_ratio() > 0.8);
    last = after.sharpness();
  }
  const int directions[4][2] = {{1, 0}, {1, 1}, {0, 1}, {1, -1}};
  for (std::size_t d = 0; d < 4; ++d) {
    CAPTURE(d);
    const auto moved = smeared(sharp, side, directions[d][0], directions[d][1], 9);
    const DirectionalSharpness after = whole(patch(moved, side, side));
    CHECK(after.motion_ratio() < 0.8);
    CHECK(after.along[d] == *std::min_element(after.along.begin(), after.along.end()));
  }
}

TEST_CASE("sharpness does not depend on exposure or contrast; flat and tiny patches have none") {
  constexpr int side = 112;
  const auto sharp = texture(side);
  const auto dim = drawn(
      side, side, [&](int x, int y) { return 30 + 0.4 * sharp[static_cast<std::size_t>(y * side + x)]; });
  CHECK(whole(patch(dim, side, side)).sharpness() ==
        doctest::Approx(whole(patch(sharp, side, side)).sharpness()).epsilon(0.02));
  const std::vector<unsigned char> grey(side * side, 90);
  CHECK(whole(patch(grey, side, side)).flat);
  CHECK(whole(patch(grey, side, side)).sharpness() == 0);
  CHECK(whole(patch(grey, 8, 8)).flat);
}

TEST_CASE("colours under a fixed exposure are those of CIELAB, whatever the exposure was") {
  const LabColour red = exposed_colour(255, 0, 0);  // L 53.24, a 80.09, b 67.20 before exposure
  const double gain = (65 + 16) / (53.24 + 16);
  CHECK(red.a == doctest::Approx(80.09 * gain).epsilon(0.002));
  CHECK(red.b == doctest::Approx(67.20 * gain).epsilon(0.002));
  const LabColour grey = exposed_colour(90, 90, 90);
  CHECK(std::abs(grey.a) < 0.05);
  CHECK(std::abs(grey.b) < 0.05);
  CHECK(grey.saturation() < 0.001);
  CHECK(exposed_colour(0, 0, 0).saturation() == 0);
  const auto level = [](double light) { return 255 * (1.055 * std::pow(light, 1 / 2.4) - 0.055); };
  const LabColour bright = exposed_colour(200, 150, 120);
  const auto dimmed = [&](double v) { return level(0.3 * detail::linear_light(v)); };
  const LabColour dark = exposed_colour(dimmed(200), dimmed(150), dimmed(120));
  CHECK(dark.a == doctest::Approx(bright.a).epsilon(1e-3));
  CHECK(dark.b == doctest::Approx(bright.b).epsilon(1e-3));
  CHECK(bright.distance_from_skin() == 0);
  CHECK(exposed_colour(120, 150, 220).distance_from_skin() > 20);
  CHECK(exposed_colour(140, 200, 140).distance_from_skin() > 20);
}

TEST_CASE("the angles of a projected head are found again") {
  for (const double yaw : {-60.0, -30.0, 0.0, 15.0, 45.0})
    for (const double pitch : {-30.0, -10.0, 0.0, 20.0})
      for (const double roll : {-80.0, 0.0, 25.0}) {
        CAPTURE(yaw);
        CAPTURE(pitch);
        CAPTURE(roll);
        const auto points = detail::project_face(face_model, yaw * radians, pitch * radians);
        const HeadAngles found = head_angles(landmarks_of(points, roll * radians, 61, 300, 200));
        CHECK(found.yaw == doctest::Approx(yaw).epsilon(0.002));
        CHECK(found.pitch == doctest::Approx(pitch).epsilon(0.002));
        CHECK(found.roll == doctest::Approx(roll).epsilon(0.002));
      }
}

TEST_CASE("a mirrored head has the opposite yaw and roll; a head that looks up has a positive pitch") {
  const auto points = detail::project_face(face_model, 20 * radians, 10 * radians);
  const Landmarks p = landmarks_of(points, 5 * radians, 50, 90, 90);
  Landmarks mirrored;
  const int twin[5] = {1, 0, 2, 4, 3};
  for (int i = 0; i < 5; ++i) mirrored.x[i] = 200 - p.x[twin[i]], mirrored.y[i] = p.y[twin[i]];
  const HeadAngles a = head_angles(p), b = head_angles(mirrored);
  CHECK(a.yaw == doctest::Approx(-b.yaw));
  CHECK(a.roll == doctest::Approx(-b.roll));
  CHECK(a.pitch == doctest::Approx(b.pitch));
  Landmarks up = landmarks_of(detail::project_face(face_model, 0, 0), 0, 50, 90, 90);
  up.y[2] -= 5;
  CHECK(head_angles(up).pitch > 5);
  up.x[2] += 8;
  CHECK(head_angles(up).yaw > 5);
  Landmarks one_point;
  CHECK(std::isfinite(head_angles(one_point).yaw));
}

TEST_CASE(
    "the distance of the eyes is that of a frontal head; the place of a face is measured as in the "
    "standard") {
  const auto points = detail::project_face(face_model, 40 * radians, 0);
  Face face;
  face.landmarks = landmarks_of(points, 0, 60, 200, 150);
  face.box = {140, 80, 120, 160};
  Explanation explanation;
  explain_landmarks(face, explanation);
  CHECK(explanation[K::resolution].measure == doctest::Approx(60).epsilon(0.005));
  CHECK(explanation[K::yaw].measure == doctest::Approx(40).epsilon(0.005));

  for (int i = 0; i < 5; ++i) face.landmarks.x[i] = face.landmarks.y[i] = 200;
  face.landmarks.x[0] = 150, face.landmarks.x[1] = 250;
  face.box = {100, 100, 150, 1000 / 0.613f};
  explain_place(face, 400, 4000, explanation);
  CHECK(explanation[K::head_size].measure == doctest::Approx(0.25));               // 1000 of 4000
  CHECK(explanation[K::centring].measure == doctest::Approx(200 / (1.4 * 1000)));  // the upper margin
  explain_place(face, 260, 4000, explanation);
  CHECK(explanation[K::centring].measure == doctest::Approx(10 / (0.9 * 100)));  // that on the right
  explain_place(face, 240, 4000, explanation);
  CHECK(explanation[K::centring].value == 0);  // an eye is outside

  const Face other{{0, 0, 15, 1000 / 0.613f}, {}, 1};
  explain_others(face, largest_other_area(face, {&face, 1}), explanation);
  CHECK(explanation[K::single_face].value == 100);
  const Face both[] = {other, face};
  explain_others(face, largest_other_area(face, {both, 2}), explanation);
  CHECK(explanation[K::single_face].measure == doctest::Approx(0.1));
}
