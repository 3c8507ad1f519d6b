#include "../image/image_support.hpp"

#include <tinyfiqa/image/augment.hpp>

#include <cmath>
#include <string>

using namespace tinyfiqa;

namespace {

Augmentation only(Chance Augmentation::*member, float low, float high) {
  Augmentation a;
  a.*member = {1, low, high};
  return a;
}

Image changed(const Image& image, const Augmentation& a, std::uint64_t seed = 1) {
  auto result = augment(image, a, image.height, image.width, Rng(seed));
  REQUIRE_MESSAGE(result.ok(), result.status().message());
  return std::move(*result);
}

double variance(const Image& image) {
  double sum = 0, squares = 0;
  for (const unsigned char level : image.rgb) sum += level, squares += double{1} * level * level;
  const double n = static_cast<double>(image.rgb.size());
  return squares / n - sum / n * (sum / n);
}

}  // namespace

TEST_CASE("nothing is changed unless it is asked for") {
  const Image image = noise(20, 10, 3);
  CHECK_FALSE(Augmentation().any());
  CHECK(changed(image, Augmentation()).rgb == image.rgb);
}

TEST_CASE("each augmentation does what its name says") {
  const Image image = noise(24, 16, 3);
  Augmentation flip;
  flip.hflip = 1;
  CHECK(changed(image, flip).rgb == apply_view(image, View::hflip).rgb);
  Image darker = image;
  adjust_brightness(darker, 0.5f);
  CHECK(changed(image, only(&Augmentation::brightness, 0.5f, 0.5f)).rgb == darker.rgb);
  Image flat = image;
  adjust_contrast(flat, 0.25f);
  CHECK(changed(image, only(&Augmentation::contrast, 0.25f, 0.25f)).rgb == flat.rgb);
  CHECK(variance(changed(image, only(&Augmentation::blur, 1, 1))) < 0.2 * variance(image));
  Augmentation grey;
  grey.grey = 1;
  const Image without = changed(image, grey);
  for (int x = 0; x < image.width; ++x) {
    const unsigned char *p = image.pixel(x, 5), *q = without.pixel(x, 5);
    CHECK(std::fabs(q[0] - (0.299 * p[0] + 0.587 * p[1] + 0.114 * p[2])) <= 0.501);
    CHECK(q[0] == q[1]);
    CHECK(q[0] == q[2]);
  }
  // Validation uses grey images if training uses only grey ones, and nothing else of the augmentation.
  CHECK(changed(image, for_validation(grey)).rgb == without.rgb);
  grey.grey = 0.5f;
  grey.hflip = 1;
  CHECK_FALSE(for_validation(grey).any());
  const Image face = load("face.png");
  const Difference good = difference(face, changed(face, only(&Augmentation::jpeg, 95, 95))),
                   poor = difference(face, changed(face, only(&Augmentation::jpeg, 10, 10)));
  CHECK(good.mean > 0);
  CHECK(good.mean < 2);
  CHECK(poor.mean > 1.5 * good.mean);
}

TEST_CASE("Gaussian blur keeps constants, the sum of a dot, and follows the formula") {
  Image constant(9, 7);
  for (auto& level : constant.rgb) level = 137;
  const Image before = constant;
  gaussian_blur(constant, 2);
  CHECK(constant.rgb == before.rgb);
  Image dot(21, 21);
  dot.pixel(10, 10)[1] = 255;
  gaussian_blur(dot, 1);
  const double norm = 2 * std::acos(-1.0);
  for (int dx = 0; dx < 4; ++dx)
    CHECK(std::fabs(dot.pixel(10 + dx, 10)[1] - 255 * std::exp(-0.5 * dx * dx) / norm) <= 1.5);
  CHECK(dot.pixel(9, 10)[1] == dot.pixel(11, 10)[1]);
  CHECK(dot.pixel(10, 10)[0] == 0);
  Image tiny(1, 1);
  tiny.rgb = {9, 8, 7};
  gaussian_blur(tiny, 5);
  CHECK(tiny.rgb == std::vector<unsigned char>{9, 8, 7});
}

TEST_CASE("a random crop shows a part of the image at the network's resolution") {
  Augmentation a;
  a.crop = {1, 0.5f, 0.5f};
  CHECK(detail::uncropped_side(30, a) == 60);
  CHECK(detail::uncropped_side(30, Augmentation()) == 30);
  const Image image = noise(60, 40, 8);
  bool differs = false;
  Image first;
  for (std::uint64_t seed = 0; seed < 20; ++seed) {
    auto part = augment(image, a, 20, 30, Rng(seed));
    REQUIRE(part.ok());
    CHECK(part->width == 30);
    CHECK(part->height == 20);
    // Every pixel is one of the image: nothing was resized.
    bool found = false;
    for (int y = 0; y <= 20 && !found; ++y)
      for (int x = 0; x <= 30 && !found; ++x)
        found = difference(resize_image(image, {x, y, 30, 20}, 20, 30), *part).max == 0;
    CHECK(found);
    if (seed == 0) first = *part;
    differs = differs || part->rgb != first.rgb;
  }
  CHECK(differs);
}

TEST_CASE("an augmentation that is switched on leaves the draws of the others alone") {
  const Image image = noise(16, 16, 2);
  Augmentation one = only(&Augmentation::contrast, 0.5f, 1.5f), two = one;
  two.brightness = {1, 1, 1};
  for (std::uint64_t seed = 0; seed < 10; ++seed)
    CHECK(changed(image, one, seed).rgb == changed(image, two, seed).rgb);
}

TEST_CASE("probabilities are kept and impossible settings refused") {
  const Image image = noise(8, 8, 2);
  Augmentation a;
  a.hflip = 0.25f;
  int flips = 0;
  for (std::uint64_t seed = 0; seed < 2000; ++seed) flips += changed(image, a, seed).rgb != image.rgb;
  CHECK(flips > 420);
  CHECK(flips < 580);
  CHECK(check_augmentation(a).ok());
  for (const Augmentation& bad : {only(&Augmentation::jpeg, 0, 50), only(&Augmentation::crop, 0, 1),
                                  only(&Augmentation::crop, 0.9f, 1.1f), only(&Augmentation::blur, 2, 1),
                                  only(&Augmentation::brightness, -1, 1)})
    CHECK(check_augmentation(bad).code() == Errc::bad_argument);
  a.hflip = 1.5f;
  CHECK(check_augmentation(a).code() == Errc::bad_argument);
}

TEST_CASE("JPEGs are encoded in memory and read back") {
  const Image face = load("face.png");
  const auto bytes = encode_jpeg(face, 95);
  REQUIRE(bytes.ok());
  const auto back = decode_image({bytes->data(), bytes->size()});
  REQUIRE(back.ok());
  CHECK(difference(face, *back).mean < 2);
  CHECK(encode_jpeg(Image(), 90).status().code() == Errc::bad_argument);
  CHECK(encode_jpeg(face, 0).status().code() == Errc::bad_argument);
}
