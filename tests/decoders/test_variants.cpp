#include "image/variants.hpp"
#include "photo_support.hpp"

using namespace tinyfiqa;

namespace {

void check_same(const std::string& file, const std::string& expected, int tolerance = 0) {
  const auto got = read_photo(file);
  if (lacks_library(got.status())) return;
  REQUIRE_MESSAGE(got.ok(), got.status().message());
  const auto wanted = read_photo(expected);
  REQUIRE_MESSAGE(wanted.ok(), wanted.status().message());
  REQUIRE(got->width == wanted->width);
  REQUIRE(got->height == wanted->height);
  CHECK(difference(*got, *wanted).max <= tolerance);
}

void check_refused(const std::string& file, const std::string& message) {
  const auto image = read_photo(file);
  if (lacks_library(image.status())) return;
  const std::string got = image ? "no failure" : image.status().message();
  CHECK_MESSAGE(got.find(message) != std::string::npos, got);
}

}  // namespace

TEST_CASE("the tool reads what the library reads") {
  for_each_variant({".bmp", ".png", ".jpg"},
                   [](const auto& file, const auto& expected) { check_same(file, expected); });
}

TEST_CASE("GIF, WebP and TIFF: transparent pixels are white, every orientation is applied") {
  // Alpha of TIFF is multiplied with the colours first, in 8 bits.
  for_each_variant({".gif", ".webp", ".tif"},
                   [](const auto& file, const auto& expected) { check_same(file, expected, 1); });
}

TEST_CASE("HEIC and AVIF: transparent pixels are white") {
  for (const char* name : {"half_visible.alpha.heic", "half_visible.alpha.avif"}) {
    const auto photo = read_photo(fixture(std::string("variants/") + name));
    if (lacks_library(photo.status())) continue;
    REQUIRE_MESSAGE(photo.ok(), photo.status().message());
    const auto expected = read_photo(fixture("variants/half_visible.png"));
    REQUIRE(expected.ok());
    CAPTURE(name);
    for (const int x :
         {4, 20, 44, 60}) {  // not at the edge of what is visible, where the coded alpha is soft
      for (int c = 0; c < 3; ++c) CHECK(std::abs(photo->pixel(x, 30)[c] - expected->pixel(x, 30)[c]) <= 8);
    }
  }
}

TEST_CASE("what the library refuses, and such files of other formats, are refused by name") {
  for_each_refused({".bmp", ".png", ".gif", ".webp", ".tif", ".heic", ".avif"}, check_refused);
}

TEST_CASE("damaged JPEGs are refused by libjpeg, too") {
  for (const auto& file : variant_files("variants/refused", {".jpg"})) {
    CAPTURE(file.filename().string());
    CHECK_FALSE(read_photo(file.string()).ok());
  }
}
