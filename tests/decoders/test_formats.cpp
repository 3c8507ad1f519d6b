#include "photo_support.hpp"

#include "decoders/icc_profile.hpp"
#include "decoders/png.hpp"

using namespace tinyfiqa;

namespace {

/// Decodes a fixture of the usual size and compares it with expected(x, y).
template <class Expected>
void check_photo(const std::string& name, double tolerance, const Expected& expected) {
  CAPTURE(name);
  const auto photo = decode(photo_bytes(name));
  if (lacks_library(photo.status())) return;
  REQUIRE_MESSAGE(photo.ok(), photo.status().message());
  CHECK(photo->width == ramp_width);
  CHECK(photo->height == ramp_height);
  REQUIRE(photo->image.width == ramp_width);
  REQUIRE(photo->image.height == ramp_height);
  CHECK(difference_from(photo->image, expected) <= tolerance);
}

std::string failure(const std::vector<unsigned char>& bytes) {
  const auto photo = decode(bytes);
  return photo ? "no failure" : photo.status().message();
}

bool has(const std::string& text, const char* part) { return text.find(part) != std::string::npos; }

std::size_t find_marker(const std::vector<unsigned char>& jpeg, unsigned char kind) {
  const unsigned char marker[] = {0xFF, kind};
  return static_cast<std::size_t>(
      std::search(jpeg.begin(), jpeg.end(), std::begin(marker), std::end(marker)) - jpeg.begin());
}

}  // namespace

TEST_CASE("every format gives the colours that were written") {
  struct Row {
    std::string name;
    int cell;
    double tolerance;
  };
  // Cells of 8 x 8 pixels, of which there are 48, fit into a GIF's palette.
  for (const Row& row : {Row{"ramp.jpg", 1, 4},
                         {"progressive.jpg", 1, 4},
                         {"cmyk.jpg", 1, 6},
                         {"ramp.webp", 1, 14},
                         {"lossless.webp", 1, 0},
                         {"animated.webp", 1, 0},
                         {"ramp.heic", 1, 7},
                         {"ramp.avif", 1, 7},
                         {"ramp.tif", 1, 0},
                         {"lzw.tif", 8, 0},
                         {"jpeg.tif", 1, 8},
                         {"cmyk.tif", 8, 1},
                         {"sixteen.png", 8, 0},
                         {"cells.gif", 8, 0},
                         {"interlaced.gif", 8, 0},
                         {"animated.gif", 8, 0}}) {
    check_photo(row.name, row.tolerance, [&](int x, int y) { return ramp(x, y, row.cell); });
  }
  check_photo("grey.tif", 1, [](int x, int y) { return ramp_grey(x, y, 8); });
}

TEST_CASE("photos are turned upright: by EXIF's orientation, or as HEIC says it") {
  for (const auto& [file, cell, tolerance] :
       {std::tuple{"turned.webp", 1, 0.0}, {"turned.tif", 8, 0.0}, {"turned6.heic", 1, 7.0}}) {
    const std::string name = file;
    CAPTURE(name);
    const auto photo = decode(photo_bytes(name));
    if (lacks_library(photo.status())) continue;
    REQUIRE_MESSAGE(photo.ok(), photo.status().message());
    REQUIRE(photo->image.width == ramp_height);
    REQUIRE(photo->image.height == ramp_width);
    const int size = cell;
    CHECK(difference_from(photo->image, [&](int x, int y) { return ramp(y, ramp_height - 1 - x, size); }) <=
          tolerance);
  }
}

TEST_CASE("HEIC is turned by its own mirroring and rotation, in all eight ways") {
  const auto stored = decode(photo_bytes("turned1.heic"));
  if (lacks_library(stored.status())) return;
  REQUIRE(stored.ok());
  for (int k = 2; k <= 8; ++k) {
    CAPTURE(k);
    const auto turned = decode(photo_bytes("turned" + std::to_string(k) + ".heic"));
    REQUIRE_MESSAGE(turned.ok(), turned.status().message());
    const Image expected =
        detail::upright(stored->image.rgb.data(), stored->image.width, stored->image.height, 3, k);
    CHECK(turned->image.width == expected.width);
    CHECK(turned->image.rgb == expected.rgb);
  }
}

TEST_CASE("Display P3 and Adobe RGB are converted to sRGB, in every format that can hold a profile") {
  check_photo("p3.png", 1.5, [](int x, int y) { return from_p3(ramp(x, y)); });
  check_photo("p3.webp", 1.5, [](int x, int y) { return from_p3(ramp(x, y)); });
  check_photo("p3.tif", 1.5, [](int x, int y) { return from_p3(ramp(x, y, 8)); });
  check_photo("adobe.png", 1.5, [](int x, int y) { return from_adobe(ramp(x, y)); });
  struct Row {
    const char *name, *plain;  ///< the same lossy data with and without a profile
    Colour (*convert)(const Colour&);
  };
  for (const Row& row : {Row{"p3.jpg", "ramp.jpg", from_p3},
                         {"adobe.jpg", "ramp.jpg", from_adobe},
                         {"p3.heic", "ramp.heic", from_p3},
                         {"coded_p3.heic", "ramp.heic", from_p3},
                         {"p3.avif", "ramp.avif", from_p3}}) {
    const auto stored = decode(photo_bytes(row.plain));
    if (lacks_library(stored.status())) continue;
    REQUIRE(stored.ok());
    check_photo(row.name, 1.5, [&](int x, int y) {
      const unsigned char* p = stored->image.pixel(x, y);
      return row.convert({double(p[0]), double(p[1]), double(p[2])});
    });
  }
}

TEST_CASE("a grey profile is converted") {
  const auto expected = [](int x, int y) {
    const double level = srgb_encode(std::pow(ramp_grey(x, y)[0] / 255, 1.8));
    return Colour{level, level, level};
  };
  check_photo("gamma18.png", 2, expected);
  check_photo("gamma18.jpg", 4, expected);
}

TEST_CASE("a profile that is sRGB is recognised by its numbers and changes nothing") {
  const auto profile = [](const char* name) {
    const auto bytes = photo_bytes(name);
    return decode_png(Bytes(bytes.data(), bytes.size()), default_max_pixels)->profile;
  };
  const auto srgb = profile("srgb.png"), p3 = profile("p3.png"), adobe = profile("adobe.png");
  REQUIRE(srgb.size() > 128);
  CHECK(is_srgb(srgb));
  CHECK_FALSE(is_srgb(p3));
  CHECK_FALSE(is_srgb(adobe));
  for (std::size_t n = 0; n < srgb.size(); ++n) {
    const std::vector<unsigned char> part(srgb.begin(), srgb.begin() + static_cast<std::ptrdiff_t>(n));
    is_srgb(Bytes(part.data(), part.size()));  // reads nothing behind the end
  }
  check_photo("srgb.png", 0, [](int x, int y) { return ramp(x, y); });
}

TEST_CASE("a damaged profile is ignored") {
  check_photo("bad_profile.png", 0, [](int x, int y) { return ramp(x, y); });
}

TEST_CASE("a file that is cut off is refused, whatever its format") {
  struct Row {
    std::string name;
    std::size_t needless;  ///< bytes at the end that hold no pixel
  };
  for (const Row& row : {Row{"ramp.jpg", 2},
                         {"progressive.jpg", 2},
                         {"cmyk.jpg", 2},
                         {"p3.jpg", 2},
                         {"ramp.webp", 1},
                         {"lossless.webp", 1},
                         {"ramp.heic", 0},
                         {"ramp.avif", 0},
                         {"lzw.tif", 0},
                         {"jpeg.tif", 2},
                         {"cells.gif", 5},
                         {"interlaced.gif", 5},
                         {"p3.png", 0}}) {
    const auto bytes = photo_bytes(row.name);
    CAPTURE(row.name);
    if (lacks_library(decode(bytes).status())) continue;
    int accepted = 0, unnamed = 0;
    for (std::size_t n = 16; n + row.needless < bytes.size(); n += 1 + n / 200) {
      const std::vector<unsigned char> part(bytes.begin(), bytes.begin() + static_cast<std::ptrdiff_t>(n));
      const std::string why = failure(part);
      accepted += why == "no failure" ? 1 : 0;
      unnamed += has(why, "cut off") || has(why, "damaged") ? 0 : 1;
      if (why == "no failure" || !(has(why, "cut off") || has(why, "damaged"))) MESSAGE(n << ": " << why);
    }
    CHECK(accepted == 0);
    CHECK(unnamed == 0);
  }
}

TEST_CASE("a JPEG whose pixels are all there needs no end marker") {
  for (const std::string name : {"ramp.jpg", "progressive.jpg"}) {
    auto bytes = photo_bytes(name);
    const auto whole = decode(bytes);
    REQUIRE(whole.ok());
    bytes.resize(bytes.size() - 2);
    const auto open = decode(bytes);
    REQUIRE_MESSAGE(open.ok(), open.status().message());
    CHECK(open->image.rgb == whole->image.rgb);
    bytes.insert(bytes.end(), 700, 'x');  // as some phones append their own data
    CHECK(decode(bytes).ok());
  }
}

TEST_CASE("a JPEG with damaged data is refused, even if it ends with its marker") {
  auto zeroed = photo_bytes("ramp.jpg");
  const std::size_t data = find_marker(zeroed, 0xDA) + 40;
  std::fill(zeroed.begin() + static_cast<std::ptrdiff_t>(data),
            zeroed.begin() + static_cast<std::ptrdiff_t>(data + 300), 0);
  CHECK(has(failure(zeroed), "damaged JPEG"));
  auto half = photo_bytes("ramp.jpg");
  half.resize(half.size() / 2 + 300);
  half.insert(half.end(), {0xFF, 0xD9});
  CHECK(has(failure(half), "damaged JPEG"));
  auto padded = photo_bytes("ramp.jpg");  // cameras fill up the last bytes
  padded.insert(padded.end() - 2, 100, 0);
  CHECK(decode(padded).ok());
}

TEST_CASE("a damaged PNG, GIF or TIFF is refused by name") {
  auto png = photo_bytes("p3.png");
  png[png.size() - 30] ^= 1;
  CHECK(has(failure(png), "damaged PNG (wrong checksum"));
  auto gif = photo_bytes("cells.gif");
  for (std::size_t i = gif.size() - 60; i < gif.size() - 20; ++i) gif[i] = 0xFF;
  CHECK(has(failure(gif), "damaged GIF"));
  auto tiff = photo_bytes("lzw.tif");
  if (lacks_library(decode(tiff).status())) return;
  std::fill(tiff.begin() + 100, tiff.begin() + 300, static_cast<unsigned char>(0xFF));
  const std::string why = failure(tiff);
  CHECK_MESSAGE(has(why, "damaged TIFF"), why);
}

TEST_CASE("what a library reads and the tool can't use is refused by name") {
  for (const auto& [name, part] :
       {std::pair{"pq.heic", "high dynamic range"}, {"thumbnail.tif", "raw format"}}) {
    const auto photo = decode(photo_bytes(name));
    if (lacks_library(photo.status())) continue;
    CHECK(photo.status().code() == Errc::unsupported);
    CHECK(has(photo.status().message(), part));
    CHECK(has(photo.status().message(), "convert to JPEG or PNG"));
  }
}

TEST_CASE("photos above the limit are refused before they are decoded") {
  for (const char* name :
       {"ramp.jpg", "p3.png", "cells.gif", "ramp.webp", "ramp.heic", "ramp.avif", "lzw.tif"}) {
    CAPTURE(name);
    const auto bytes = photo_bytes(name);
    const auto photo = decode(bytes, {0, ramp_width * ramp_height - 1});
    if (lacks_library(photo.status())) continue;
    CHECK(photo.status().code() == Errc::too_large);
    CHECK(decode(bytes, {0, ramp_width * ramp_height}).ok());
  }
}
