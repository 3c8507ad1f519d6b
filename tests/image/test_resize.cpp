#include "image_support.hpp"

#include <tinyfiqa/image/resize.hpp>
#include <tinyfiqa/kernels/reference/resize.hpp>

#include <doctest/doctest.h>

#include "each_backend.hpp"

#include <algorithm>
#include <string>
#include <utility>
#include <vector>

using namespace tinyfiqa;

namespace {

Image by_reference(const Image& image, int height, int width) {
  Image out(width, height);
  reference::resize_u8x3(image.rgb.data(), image.height, image.width, out.rgb.data(), height, width);
  return out;
}

Image cut_out(const Image& image, const Box& b) {
  Image out(b.width, b.height);
  for (int y = 0; y < b.height; ++y) std::copy_n(image.pixel(b.x, b.y + y), 3 * b.width, out.pixel(0, y));
  return out;
}

}  // namespace

TEST_CASE("resizing equals PIL's bilinear resize bit for bit") {
  const std::pair<const char*, std::vector<std::pair<int, int>>> cases[] = {
      {"61x47", {{20, 33}, {61, 10}, {13, 47}, {130, 99}, {1, 1}, {3, 120}}},
      {"1x1", {{5, 7}}},
      {"3000x1", {{7, 64}, {3000, 3}}},
      {"1x3000", {{64, 7}, {3, 3000}}},
  };
  for (const auto& [source, sizes] : cases) {
    const Image image = load(std::string("resize_") + source + ".png");
    for (const auto& [w, h] : sizes) {
      const std::string name =
          std::string("resize_") + source + "_to_" + std::to_string(w) + "x" + std::to_string(h);
      CAPTURE(name);
      const Image expected = load(name + ".png");
      CHECK(difference(resize_image(image, h, w), expected).max == 0);
      CHECK(difference(by_reference(image, h, w), expected).max == 0);
    }
  }
  CHECK(difference(resize_image(load("face.png"), 64, 64), load("face_64x64.png")).max == 0);
}

TEST_CASE("the fast resize equals the naive one at random sizes") {
  Rng rng(3);
  const auto size = [&](std::uint32_t bound) { return 1 + static_cast<int>(rng.below(bound)); };
  for (int i = 0; i < 60; ++i) {
    const std::uint32_t bound = i % 3 == 0 ? 4 : i % 3 == 1 ? 20 : 70;
    const Image image = noise(size(bound), size(bound), static_cast<std::uint64_t>(i));
    const int width = i % 5 == 0 ? image.width : size(bound),
              height = i % 7 == 0 ? image.height : size(bound);
    CAPTURE(image.width);
    CAPTURE(image.height);
    CAPTURE(width);
    CAPTURE(height);
    const Image expected = by_reference(image, height, width);
    for_each_backend([&](const Backend& backend) {
      CHECK(difference(resize_image(image, height, width, backend), expected).max == 0);
    });
  }
}

TEST_CASE("resizing a rectangle equals cropping it first") {
  const Image image = load("resize_61x47.png");
  CHECK(difference(resize_image(image, {7, 5, 30, 21}, 25, 18), load("resize_61x47_box_to_18x25.png")).max ==
        0);
  for (const Box& box :
       {Box{0, 0, 61, 47}, Box{60, 46, 1, 1}, Box{40, 0, 21, 47}, Box{0, 30, 61, 17}, Box{3, 4, 9, 40}})
    for (const auto& [w, h] : {std::pair<int, int>{9, 40}, {64, 64}, {21, 5}, {1, 1}})
      CHECK(difference(resize_image(image, box, h, w), resize_image(cut_out(image, box), h, w)).max == 0);
}

TEST_CASE("levels become the same floats on every instruction set, and nothing beside them is written") {
  const float mean[3] = {0.5f, 100.25f, 255.0f}, scale[3] = {1 / 127.5f, 0.017f, -3.0f};
  for (const int pixels : {0, 1, 15, 16, 17, 33, 100}) {
    const Image image = noise(std::max(1, pixels), 1, static_cast<std::uint64_t>(pixels));
    for_each_backend([&](const Backend& backend) {
      std::vector<float> out(3 * static_cast<std::size_t>(pixels) + 5, 7.0f);
      backend.image.to_floats(image.rgb.data(), pixels, mean, scale, out.data());
      int wrong = 0;
      for (std::size_t i = 0; i < out.size(); ++i) {
        const bool inside = i < 3 * static_cast<std::size_t>(pixels);
        const float level = inside ? static_cast<float>(image.rgb[i]) : 0.0f;
        wrong += out[i] != (inside ? (level - mean[i % 3]) * scale[i % 3] : 7.0f);
      }
      CHECK(wrong == 0);
    });
  }
}

TEST_CASE("the kernel writes its rows and nothing between them") {
  const Image image = noise(37, 29, 1);
  for (const auto& [w, h] : {std::pair<int, int>{20, 11}, {37, 11}, {20, 29}, {37, 29}, {50, 60}}) {
    const detail::ResizeTables x(37, w), y(29, h);
    std::vector<unsigned char> scratch(kernels::resize_scratch_bytes(x.axis, y.axis), 0xAB);
    const int stride = 3 * w + 5;
    std::vector<unsigned char> out(static_cast<std::size_t>(stride * h), 0xCD);
    kernels::resize_u8x3(image.rgb.data(), 3 * 37, x.axis, y.axis, scratch.data(), out.data(), stride);
    const Image expected = resize_image(image, h, w);
    int wrong = 0;
    for (int r = 0; r < h; ++r)
      for (int i = 0; i < stride; ++i) {
        const int due = i < 3 * w ? expected.pixel(0, r)[i] : 0xCD;
        wrong += out[static_cast<std::size_t>(r * stride + i)] == due ? 0 : 1;
      }
    CHECK(wrong == 0);
  }
}

TEST_CASE("weights of every window add up to one and a constant image stays as it is") {
  for (const auto& [in, out] : {std::pair<int, int>{5000, 3}, {1000, 416}, {3, 1000}, {65535, 1}, {2, 1}}) {
    const detail::ResizeTables t(in, out);
    for (int i = 0; i < out; ++i) {
      double sum = 0;
      const int count = t.axis.count[i];
      for (int j = 0; j < count; ++j) sum += t.axis.weights[i * t.axis.taps + j];
      REQUIRE(count >= 1);
      REQUIRE(t.axis.first[i] >= 0);
      REQUIRE(t.axis.first[i] + count <= in);
      CHECK(sum / (1 << 22) == doctest::Approx(1).epsilon(0.5 * count / (1 << 22) + 1e-12));
    }
  }
  Image white(65535, 1);
  std::fill(white.rgb.begin(), white.rgb.end(), static_cast<unsigned char>(255));
  CHECK(resize_image(white, 1, 1).rgb == std::vector<unsigned char>({255, 255, 255}));
}
