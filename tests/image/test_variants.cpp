#include "variants.hpp"

#include <cstddef>
#include <iterator>

using namespace tinyfiqa;

namespace {

Image read(const std::string& file) {
  auto image = read_image(file);
  REQUIRE_MESSAGE(image.ok(), image.status().message());
  return std::move(*image);
}

void check_same(const std::string& file, const std::string& expected) {
  const Image got = read(file), wanted = read(expected);
  CHECK(got.width == wanted.width);
  CHECK(got.height == wanted.height);
  CHECK(got.rgb == wanted.rgb);
}

void check_refused(const std::string& file, const std::string& message) {
  const auto image = read_image(file);
  const std::string got = image ? "no failure" : image.status().message();
  CHECK_MESSAGE(got.find(message) != std::string::npos, got);
}

}  // namespace

TEST_CASE(
    "BMPs of every header, depth, order of rows, mask and run length give the pixels that Pillow reads") {
  for_each_variant({".bmp"}, check_same);
}

TEST_CASE("PNGs of every colour type, depth and interlacing give the visible pixels on white") {
  for_each_variant({".png"}, check_same);
}

TEST_CASE("JPEGs may lack the end marker and have foreign bytes between and behind their segments") {
  for_each_variant({".jpg"}, check_same);
}

TEST_CASE("damaged, wholly transparent and unsupported images are refused by name") {
  for_each_refused({".bmp", ".png", ".jpg"}, check_refused);
}

TEST_CASE("a byte that is changed anywhere in a PNG is noticed") {
  const auto good = file_bytes(fixture("variants/ramp.interlaced8.png"));
  int accepted = 0;
  for (std::size_t i = 0; i + 12 < good.size(); ++i) {
    auto bytes = good;
    bytes[i] ^= 0x10;
    accepted += decode_image(Bytes(bytes.data(), bytes.size())).ok() ? 1 : 0;
  }
  CHECK(accepted == 0);
}

TEST_CASE("a JPEG whose last scan lost its end is refused, though it ends with its marker") {
  for (const char* name : {"baseline.jpg", "progressive.jpg", "restarts.jpg"}) {
    const auto good = file_bytes(fixture(std::string("variants/") + name));
    const unsigned char mark[] = {0xFF, 0xDA};
    const auto scan =
        std::find_end(good.begin(), good.end(), std::begin(mark), std::end(mark)) - good.begin();
    int accepted = 0, files = 0;
    // The last byte may hold nothing but padding.
    for (std::ptrdiff_t end = scan + 20; end + 4 < static_cast<std::ptrdiff_t>(good.size()); ++end) {
      std::vector<unsigned char> bytes(good.begin(), good.begin() + end);
      if (bytes.back() == 0xFF) bytes.pop_back();
      bytes.insert(bytes.end(), {0xFF, 0xD9});
      accepted += decode_image(Bytes(bytes.data(), bytes.size())).ok() ? 1 : 0;
      ++files;
    }
    CAPTURE(name);
    CHECK(files > 40);
    CHECK(accepted == 0);
  }
}
