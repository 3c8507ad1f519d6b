#include <tinyfiqa/image/write_jpeg.hpp>

#include "photo_support.hpp"

using namespace tinyfiqa;

namespace {

/// Waves and a little noise.
Image waves(int width, int height) {
  Image image(width, height);
  unsigned noise = 1;
  for (int y = 0; y < height; ++y) {
    for (int x = 0; x < width; ++x) {
      for (int c = 0; c < 3; ++c) {
        noise = noise * 1664525u + 1013904223u;
        const double wave = 128 + 60 * std::sin(x / (9.0 + c)) + 50 * std::cos(y / (7.0 + 2 * c));
        image.pixel(x, y)[c] = static_cast<unsigned char>(wave + (noise >> 28u));
      }
    }
  }
  return image;
}

/// A JPEG with an EXIF orientation. A quality above 90 is written without chroma subsampling.
std::vector<unsigned char> jpeg(const Image& image, int quality, int orientation = 1) {
  auto bytes = encode_jpeg(image, quality);
  REQUIRE(bytes.ok());
  const unsigned char exif[] = {0xFF,
                                0xE1,
                                0,
                                34,
                                'E',
                                'x',
                                'i',
                                'f',
                                0,
                                0,
                                'I',
                                'I',
                                42,
                                0,
                                8,
                                0,
                                0,
                                0,
                                1,
                                0,
                                0x12,
                                1,
                                3,
                                0,
                                1,
                                0,
                                0,
                                0,
                                static_cast<unsigned char>(orientation),
                                0,
                                0,
                                0,
                                0,
                                0,
                                0,
                                0};
  bytes->insert(bytes->begin() + 2, std::begin(exif), std::end(exif));
  return std::move(*bytes);
}

/// The mean over the cell of a large image that a pixel of a small one covers.
Colour cell_mean(const Image& image, const Photo& small, int x, int y) {
  const auto clamped = [](double v, int end) { return std::clamp(static_cast<int>(std::lround(v)), 0, end); };
  const int left = clamped(small.full_x(x), image.width), right = clamped(small.full_x(x + 1), image.width);
  const int top = clamped(small.full_y(y), image.height), bottom = clamped(small.full_y(y + 1), image.height);
  Colour sum = {};
  for (int row = top; row < bottom; ++row)
    for (int column = left; column < right; ++column)
      for (std::size_t c = 0; c < 3; ++c) sum[c] += image.pixel(column, row)[c];
  for (double& value : sum) value /= (right - left) * (bottom - top);
  return sum;
}

/// The pixels of `part` are those of `whole` at the same place and scale.
void check_same(const Photo& part, const Photo& whole) {
  REQUIRE(part.scale_x == whole.scale_x);
  REQUIRE(part.scale_y == whole.scale_y);
  const int x = static_cast<int>(std::lround((part.left - whole.left) / whole.scale_x));
  const int y = static_cast<int>(std::lround((part.top - whole.top) / whole.scale_y));
  REQUIRE(x >= 0);
  REQUIRE(y >= 0);
  REQUIRE(x + part.image.width <= whole.image.width);
  REQUIRE(y + part.image.height <= whole.image.height);
  CHECK(difference_from(part.image, [&](int column, int row) {
          const unsigned char* p = whole.image.pixel(x + column, y + row);
          return Colour{double(p[0]), double(p[1]), double(p[2])};
        }) == 0);
}

void check_covers(const Photo& part, const Box& box) {
  const double right = std::min(box.x + box.width, part.width),
               bottom = std::min(box.y + box.height, part.height);
  CHECK(part.left <= std::max(box.x, 0));
  CHECK(part.top <= std::max(box.y, 0));
  CHECK(part.full_x(part.image.width) >= right);
  CHECK(part.full_y(part.image.height) >= bottom);
}

}  // namespace

TEST_CASE("a scaled photo has the size that was asked for, and is the mean of the full one") {
  const Image image = waves(1001, 747);
  for (const int quality : {90, 95}) {
    for (const int orientation : {1, 2, 3, 6, 8}) {
      const auto bytes = jpeg(image, quality, orientation);
      const auto full = decode(bytes);
      REQUIRE(full.ok());
      for (const int side : {1001, 500, 300, 125, 60, 31}) {
        CAPTURE(quality);
        CAPTURE(orientation);
        CAPTURE(side);
        const auto small = decode(bytes, {side});
        REQUIRE(small.ok());
        CHECK(small->width == full->width);
        CHECK(small->height == full->height);
        const int longest = std::max(small->image.width, small->image.height);
        CHECK(longest >= side);
        CHECK(longest < 2 * side + 2);
        double sum = 0;
        const double worst = difference_from(small->image, [&](int x, int y) {
          const Colour mean = cell_mean(full->image, *small, x, y);
          sum += std::abs(small->image.pixel(x, y)[1] - mean[1]);
          return mean;
        });
        CHECK(worst < 20);
        CHECK(sum / (small->image.width * small->image.height) < 1.5);
      }
    }
  }
}

TEST_CASE("other formats are scaled down, too") {
  for (const std::string name :
       {"srgb.png", "lossless.webp", "turned.webp", "ramp.tif", "ramp.heic", "cells.gif"}) {
    const auto bytes = photo_bytes(name);
    const auto full = decode(bytes);
    if (lacks_library(full.status())) continue;
    REQUIRE(full.ok());
    for (const int side : {64, 33, 32, 20, 7}) {
      CAPTURE(name);
      CAPTURE(side);
      const auto small = decode(bytes, {side});
      REQUIRE(small.ok());
      const int longest = std::max(small->image.width, small->image.height);
      CHECK(longest >= side);
      CHECK(longest < 2 * side);
      CHECK(difference_from(small->image,
                            [&](int x, int y) { return cell_mean(full->image, *small, x, y); }) < 4);
    }
  }
}

TEST_CASE("a part is what the same box of the whole photo is, for every orientation") {
  const Image image = waves(333, 257);
  const Box boxes[] = {{0, 0, 333, 257},   {0, 0, 1, 1},         {100, 60, 77, 90}, {150, 200, 60, 40},
                       {-20, -30, 90, 80}, {200, 190, 400, 300}, {255, 0, 2, 250},  {7, 131, 200, 3}};
  for (const int quality : {90, 95}) {
    for (int orientation = 1; orientation <= 8; ++orientation) {
      const auto bytes = jpeg(image, quality, orientation);
      const auto whole = decode(bytes);
      REQUIRE(whole.ok());
      for (const Box& box : boxes) {
        CAPTURE(quality);
        CAPTURE(orientation);
        CAPTURE(box.x);
        const auto part = decode_part(Bytes(bytes.data(), bytes.size()), box);
        REQUIRE_MESSAGE(part.ok(), part.status().message());
        check_covers(*part, box);
        check_same(*part, *whole);
      }
    }
  }
}

TEST_CASE("a scaled part is what the same box of the scaled photo is") {
  const Image image = waves(901, 677);
  for (const int quality : {90, 95}) {
    for (int orientation = 1; orientation <= 8; ++orientation) {
      const auto bytes = jpeg(image, quality, orientation);
      for (const int divisor : {2, 4, 8}) {
        const Box box{203, 307, 300, 260};
        const auto part = decode_part(Bytes(bytes.data(), bytes.size()), box, {300 / divisor});
        const auto whole = decode(bytes, {901 / divisor});
        REQUIRE(part.ok());
        REQUIRE(whole.ok());
        CAPTURE(quality);
        CAPTURE(orientation);
        CAPTURE(divisor);
        check_covers(*part, box);
        check_same(*part, *whole);
      }
    }
  }
}

TEST_CASE("parts of other formats are cut out of the whole photo") {
  for (const std::string name : {"progressive.jpg", "cmyk.jpg", "p3.jpg", "p3.png", "turned.webp",
                                 "turned6.heic", "ramp.tif", "cells.gif"}) {
    CAPTURE(name);
    const auto bytes = photo_bytes(name);
    const auto whole = decode(bytes);
    if (lacks_library(whole.status())) continue;
    REQUIRE(whole.ok());
    const auto part = decode_part(Bytes(bytes.data(), bytes.size()), {20, 11, 21, 30});
    REQUIRE(part.ok());
    check_covers(*part, {20, 11, 21, 30});
    check_same(*part, *whole);
  }
}

TEST_CASE("a box beside the photo is refused") {
  const auto bytes = photo_bytes("ramp.jpg");
  for (const Box& box : {Box{64, 0, 10, 10}, {0, -5, 10, 5}, {10, 10, 0, 4}, {10, 10, 4, -4}}) {
    const auto part = decode_part(Bytes(bytes.data(), bytes.size()), box);
    CHECK(part.status().code() == Errc::bad_argument);
  }
}

TEST_CASE("the limit counts what is in memory: a baseline JPEG may be large, if little of it is wanted") {
  const auto bytes = jpeg(waves(800, 600), 90);
  CHECK(decode(bytes, {0, 100'000}).status().code() == Errc::too_large);
  CHECK(decode(bytes, {200, 100'000}).ok());
  CHECK(decode_part(Bytes(bytes.data(), bytes.size()), {300, 300, 200, 200}, {0, 100'000}).ok());
  const auto progressive = photo_bytes("progressive.jpg");  // all its coefficients are in memory at once
  CHECK(decode(progressive, {8, 1000}).status().code() == Errc::too_large);
}
