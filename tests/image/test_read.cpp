#include "image_support.hpp"

#include <doctest/doctest.h>

#include <algorithm>
#include <iterator>
#include <string>
#include <utility>
#include <vector>

using namespace tinyfiqa;

namespace {

std::string failure(const std::string& name) {
  const auto image = read_image(fixture("image/" + name));
  REQUIRE_FALSE(image.ok());
  const std::string text = image.status().message();
  CHECK(text.find("image/" + name + ": ") != std::string::npos);
  return text.substr(text.find(": ") + 2);
}

Status decode_status(const std::string& text) {
  return decode_image(Bytes(reinterpret_cast<const unsigned char*>(text.data()), text.size())).status();
}

bool contains(const std::string& text, const char* part) { return text.find(part) != std::string::npos; }

}  // namespace

TEST_CASE("lossless formats all give the same pixels") {
  const Image rgb = load("rgb.png");
  CHECK(rgb.width == 31);
  CHECK(rgb.height == 23);
  CHECK(rgb.rgb.size() == 31u * 23 * 3);
  // rgb16.png: the upper 8 bits are kept.
  for (const char* name : {"rgb.bmp", "rgb.ppm", "rgb16.png"}) {
    CAPTURE(name);
    CHECK(difference(load(name), rgb).max == 0);
  }
}

TEST_CASE("grey, palettes and 1 or 16 bits become RGB as PIL converts them, alpha is laid on white") {
  const char* pairs[][2] = {
      {"grey.png", "grey_expected.png"},
      {"grey.pgm", "grey_expected.png"},
      {"rgba.png", "rgba_expected.png"},
      {"grey16.png", "grey_expected.png"},
      {"grey16.pgm", "grey_expected.png"},
      {"one_bit.png", "one_bit_expected.png"},
      {"palette.png", "palette_expected.png"},
      {"palette.bmp", "palette_expected.png"},
      {"grey_alpha.png", "grey_alpha_expected.png"},
      {"palette_alpha.png", "palette_alpha_expected.png"},
  };
  for (const auto& pair : pairs) {
    const char *name = pair[0], *expected = pair[1];
    CAPTURE(name);
    CHECK(difference(load(name), load(expected)).max == 0);
  }
}

TEST_CASE("JPEGs agree with libjpeg within a few levels") {
  for (const std::string kind : {"baseline", "progressive", "444", "grey", "cmyk"}) {
    const Difference d = difference(load("jpeg_" + kind + ".jpg"), load("jpeg_" + kind + "_expected.png"));
    MESSAGE(kind << ": max " << d.max << ", mean " << d.mean);
    CHECK(d.max <= 5);
    CHECK(d.mean < 0.75);
  }
}

TEST_CASE("the colours of a JPEG are the same with and without stb_image's SIMD code") {
  for (const std::string name : {"jpeg_baseline.jpg", "jpeg_progressive.jpg", "jpeg_444.jpg", "jpeg_grey.jpg",
                                 "jpeg_cmyk.jpg", "exif1.jpg"}) {
    CAPTURE(name);
    const auto file = read_file(fixture("image/" + name));
    REQUIRE(file.ok());
    int width = 0, height = 0, channels = 0;
    unsigned char* const rgb = stbi_load_from_memory(file->bytes.data, static_cast<int>(file->bytes.size),
                                                     &width, &height, &channels, 3);
    REQUIRE(rgb != nullptr);
    const Image image = load(name);
    CHECK(image.rgb == std::vector<unsigned char>(rgb, rgb + image.rgb.size()));
    stbi_image_free(rgb);
  }
}

TEST_CASE("all eight EXIF orientations are applied") {
  for (int k = 1; k <= 8; ++k) {
    const std::string name = "exif" + std::to_string(k);
    const Image image = load(name + ".jpg");
    CAPTURE(k);
    CHECK(image.width == (k < 5 ? 40 : 24));
    CHECK(image.height == (k < 5 ? 24 : 40));
    CHECK(difference(image, load(name + "_expected.png")).max <= 3);
  }
  CHECK(difference(load("exif_chunk.png"), load("exif_chunk_expected.png")).max == 0);
}

TEST_CASE("a damaged EXIF block means upright") {
  const unsigned char good[] = {'I', 'I', 42, 0, 8, 0, 0, 0, 1, 0, 0x12, 1, 3, 0, 1, 0, 0, 0, 6, 0, 0, 0};
  CHECK(detail::exif_orientation(Bytes(good, sizeof good)) == 6);
  for (std::size_t n = 0; n < sizeof good; ++n) {
    const std::vector<unsigned char> part(good, good + n);  // exactly n bytes, for the sanitizer's sake
    CHECK(detail::exif_orientation(Bytes(part.data(), part.size())) == 1);
  }
  for (const auto& [at, value] :
       {std::pair<int, int>{0, 'M'}, {2, 43}, {7, 255}, {4, 21}, {12, 5}, {18, 0}, {18, 9}}) {
    std::vector<unsigned char> bad(good, good + sizeof good);
    bad[static_cast<std::size_t>(at)] = static_cast<unsigned char>(value);
    CHECK(detail::exif_orientation(Bytes(bad.data(), bad.size())) == 1);
  }
  std::vector<unsigned char> many(good, good + sizeof good);
  many[9] = 255;  // claims 65281 entries
  many[10] = 0x13;
  CHECK(detail::exif_orientation(Bytes(many.data(), many.size())) == 1);
}

TEST_CASE("an image that is cut off anywhere is refused") {
  for (const char* name : {"jpeg_baseline.jpg", "jpeg_progressive.jpg", "exif6.jpg", "rgb.png", "palette.png",
                           "rgb.bmp", "palette.bmp", "rgb.ppm", "grey16.pgm"}) {
    const auto bytes = file_bytes(fixture(std::string("image/") + name));
    REQUIRE(decode_image(Bytes(bytes.data(), bytes.size())).ok());
    int accepted = 0, unnamed = 0;
    const std::size_t end_marker = bytes[0] == 0xFF ? 2 : 0;  // a JPEG needs none
    for (std::size_t n = 16; n + end_marker < bytes.size(); ++n) {
      const std::vector<unsigned char> part(bytes.begin(), bytes.begin() + static_cast<std::ptrdiff_t>(n));
      const auto image = decode_image(Bytes(part.data(), part.size()));
      accepted += image.ok() ? 1 : 0;
      unnamed += contains(image.status().message(), "cut off") ? 0 : 1;
    }
    CAPTURE(name);
    CHECK(accepted == 0);
    CHECK(unnamed == 0);
  }
}

TEST_CASE("a thumbnail's end marker does not hide that the image is cut off") {
  auto bytes = file_bytes(fixture("image/jpeg_baseline.jpg"));
  const unsigned char segment[] = {0xFF, 0xE2, 0, 6, 0xFF, 0xD9, 1, 2};
  bytes.insert(bytes.begin() + 2, std::begin(segment), std::end(segment));
  CHECK(decode_image(Bytes(bytes.data(), bytes.size())).ok());
  CHECK_FALSE(decode_image(Bytes(bytes.data(), bytes.size() - 3)).ok());
}

TEST_CASE("errors of files name the file and the fix") {
  CHECK(contains(failure("cut.jpg"), "cut off after 900 bytes"));
  CHECK(contains(failure("text.jpg"), "this is an HTML page, not an image"));
  CHECK(contains(failure("empty.jpg"), "the file is empty"));
  CHECK(failure("picture.webp") == "WebP is not supported; convert to JPEG or PNG");
  CHECK(failure("picture.gif") == "GIF is not supported; convert to JPEG or PNG");
  CHECK(contains(failure("missing.jpg"), "no such file"));
  CHECK(read_image(fixture("image/missing.jpg")).status().code() == Errc::not_found);
  const auto folder = read_image(fixture("image"));
  CHECK(folder.status().code() == Errc::unreadable);
  CHECK(contains(folder.status().message(), "is a folder"));
}

TEST_CASE("formats that are not supported are named") {
  const auto name_of = [](const std::string& bytes) {
    const std::string text = decode_status(bytes).message();
    return text.substr(0, text.find(" is not supported"));
  };
  const std::string four(4, '\0');
  CHECK(name_of(four + "ftypheic" + four) == "HEIC");
  CHECK(name_of(four + "ftypavif" + four) == "AVIF");
  CHECK(name_of(four + "ftypmp42" + four) == "a video file");
  CHECK(name_of(std::string("II*\0\x08\0\0\0", 8)) == "TIFF (or a camera's raw format)");
  CHECK(name_of("%PDF-1.7\n") == "PDF");
  CHECK(name_of(std::string("II*\0\x10\0\0\0CR\x02\0", 12)) == "Canon's raw format CR2");
  CHECK(name_of("FUJIFILMCCD-RAW 0201") == "Fujifilm's raw format RAF");
  CHECK(name_of(four + "ftypcrx " + four) == "Canon's raw format CR3");
  CHECK(name_of("8BPS" + four) == "Photoshop's PSD");
  CHECK(name_of("\xFF\x0A" + four) == "JPEG XL");
  CHECK(name_of(std::string("\0\0\0\x0CjP  ", 8)) == "JPEG 2000");
  CHECK(name_of("\x1A\x45\xDF\xA3" + four) == "a video file");
  CHECK(name_of("RIFF" + four + "AVI " + four) == "a video file");
  CHECK(name_of("P3\n1 1\n255\n0 0 0\n") == "PNM kind P3");
  CHECK(decode_status("%PDF-1.7\n").code() == Errc::unsupported);
  CHECK(decode_status("path,score\na.jpg,0.5\n").code() == Errc::bad_format);
  CHECK(decode_status(std::string("\x01\x02\x03", 3)).code() == Errc::bad_format);
}

TEST_CASE("files that are no images are called what they are") {
  const auto says = [](const std::string& bytes, const char* part) {
    const Status status = decode_status(bytes);
    CHECK(status.code() == Errc::bad_format);
    CHECK_MESSAGE(contains(status.message(), part), status.message());
  };
  says("PK\x03\x04 and more", "zip file, not an image; unpack it");
  says("\x1F\x8B\x08 and more", "an archive");
  says("version https://git-lfs.github.com/spec/v1\noid sha256:1\n", "git lfs pull");
  says("\xEF\xBB\xBF \n<!DOCTYPE html><title>404</title>", "HTML page");
  says("<HTML>", "HTML page");
  says("<?xml version=\"1.0\"?><svg/>", "SVG");
  says("<svg xmlns=\"http://www.w3.org/2000/svg\"/>", "SVG");
  says(std::string(300, '\0'), "nothing but zeros");
  says("just words", "this is text");
}

TEST_CASE("JPEGs with codings that the decoder lacks are refused by name") {
  auto bytes = file_bytes(fixture("image/jpeg_baseline.jpg"));
  const unsigned char baseline[] = {0xFF, 0xC0};
  const auto frame = std::search(bytes.begin(), bytes.end(), std::begin(baseline), std::end(baseline));
  REQUIRE(frame != bytes.end());
  frame[1] = 0xC9;
  const auto arithmetic = decode_image(Bytes(bytes.data(), bytes.size()));
  CHECK(arithmetic.status().code() == Errc::unsupported);
  CHECK(contains(arithmetic.status().message(), "arithmetic coding"));
  frame[1] = 0xC1;
  frame[4] = 12;
  CHECK(contains(decode_image(Bytes(bytes.data(), bytes.size())).status().message(), "12 bits"));
}

TEST_CASE("JPEGs that would make the decoder read or write out of bounds are refused") {
  const auto good = file_bytes(fixture("image/jpeg_baseline.jpg"));
  const auto marker = [](std::vector<unsigned char>& bytes, unsigned char kind) {
    const unsigned char mark[] = {0xFF, kind};
    const auto at = std::search(bytes.begin(), bytes.end(), std::begin(mark), std::end(mark));
    REQUIRE(at != bytes.end());
    return &*at;
  };
  const auto message = [](const std::vector<unsigned char>& bytes) {
    return std::string(decode_image(Bytes(bytes.data(), bytes.size())).status().message());
  };
  auto bytes = good;
  marker(bytes, 0xC4)[5 + 12] = 255;  // a Huffman table with too many codes
  CHECK(contains(message(bytes), "damaged JPEG (Huffman table)"));
  bytes = good;
  bytes.resize(static_cast<std::size_t>(marker(bytes, 0xDA) - bytes.data()));
  bytes.insert(bytes.end(), {0xFF, 0xD9});  // no scan at all
  CHECK(contains(message(bytes), "damaged JPEG (a component without a scan)"));
  bytes = good;
  marker(bytes, 0xC0)[10] = 77;  // the scan names a component that the frame lacks
  CHECK(contains(message(bytes), "damaged JPEG (scan header)"));
  bytes = good;
  marker(bytes, 0xDA)[6] = 0x33;  // tables that were never defined
  CHECK(contains(message(bytes), "damaged JPEG (scan header)"));
  bytes = good;
  marker(bytes, 0xDB)[4] = 9;  // there are four quantisation tables
  CHECK(contains(message(bytes), "damaged JPEG (quantisation table)"));
}

TEST_CASE("an image without pixels is refused") {
  for (const int at : {18, 22}) {  // a BMP's width and height
    auto bytes = file_bytes(fixture("image/rgb.bmp"));
    for (int i = 0; i < 4; ++i) bytes[static_cast<std::size_t>(at + i)] = 0;
    const auto image = decode_image(Bytes(bytes.data(), bytes.size()));
    CHECK(image.status().code() == Errc::bad_format);
    CHECK(contains(image.status().message(), "damaged BMP"));
  }
}

TEST_CASE("images beyond the limits are refused before they are decoded") {
  const auto small = read_image(fixture("image/rgb.png"), 31 * 23 - 1);
  CHECK(small.status().code() == Errc::too_large);
  CHECK(contains(small.status().message(), "31x23 = 713 pixels; the limit is 712"));
  CHECK(read_image(fixture("image/rgb.png"), 31 * 23).ok());
  auto bomb = file_bytes(fixture("image/rgb.png"));
  const auto write_checksum = [&bomb] {
    const auto sum = detail::png_checksum(Bytes(bomb.data() + 12, 17));
    for (int i = 0; i < 4; ++i)
      bomb[29 + static_cast<std::size_t>(i)] = static_cast<unsigned char>(sum >> (24 - 8 * i));
  };
  bomb[16 + 2] = 0x75;  // 29983 x 29975 claimed
  bomb[20 + 2] = 0x75;
  write_checksum();
  const auto image = decode_image(Bytes(bomb.data(), bomb.size()));
  CHECK(image.status().code() == Errc::too_large);
  bomb[16 + 1] = 1;
  write_checksum();
  CHECK(contains(decode_image(Bytes(bomb.data(), bomb.size())).status().message(),
                 "a side may have at most 65535"));
  CHECK(decode_status("P6 60000 60000 255\nx").code() == Errc::too_large);
}

TEST_CASE("PNM headers may hold comments and must hold sane numbers") {
  const auto one =
      decode_image(Bytes(reinterpret_cast<const unsigned char*>("P5#c\n2 #d\n1\n3 \x00\x02"), 17));
  REQUIRE_MESSAGE(one.ok(), one.status().message());
  CHECK(one->rgb == std::vector<unsigned char>({0, 0, 0, 170, 170, 170}));
  for (const char* bad : {"P5 0 1 255\n00", "P5 1 0 255\n00", "P5 1 1 0\n00", "P5 1 1 65536\n00",
                          "P5 -1 1 255\n00", "P5 99999999999999999999 1 255\n0", "P5 a b c\n", "P6 \n"})
    CHECK(decode_status(bad).code() == Errc::bad_format);
}
