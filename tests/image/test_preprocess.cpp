#include "image_support.hpp"

#include <tinyfiqa/image/preprocess.hpp>
#include <tinyfiqa/runtime/dispatch.hpp>

#include <doctest/doctest.h>

#include <cmath>
#include <limits>
#include <string>
#include <vector>

using namespace tinyfiqa;

namespace {

const Landmarks upright{{57.3f, 102.3f, 80.0f, 60.0f, 97.3f}, {62.7f, 65.0f, 88.0f, 104.7f, 104.7f}};

std::vector<float> poisoned(const InputSpec& spec) {
  return std::vector<float>(spec.size(), std::numeric_limits<float>::quiet_NaN());
}

int resized = 0, converted = 0;  // calls of the counting backend's kernels

}  // namespace

TEST_CASE("preprocessing uses the backend that it is given, and all backends give the same floats") {
  const Image image = noise(200, 150, 4);
  const InputSpec spec = imagenet_input(60, 44);
  std::vector<float> want = poisoned(spec);
  REQUIRE(preprocess(image, {}, spec, want, View::identity, 0, *choose_backend("scalar")).ok());
  for (const Backend* backend : compiled_backends()) {
    if (!cpu_can_run(backend->isa)) continue;
    std::vector<float> got = poisoned(spec);
    REQUIRE(preprocess(image, {}, spec, got, View::identity, 0, *backend).ok());
    CHECK(got == want);
  }
  Backend counting = *choose_backend("scalar");
  counting.image.resize = [](const unsigned char* in, std::ptrdiff_t in_stride, const kernels::ResizeAxis& x,
                             const kernels::ResizeAxis& y, unsigned char* scratch, unsigned char* out,
                             std::ptrdiff_t out_stride) {
    ++resized;
    choose_backend("scalar")->image.resize(in, in_stride, x, y, scratch, out, out_stride);
  };
  counting.image.to_floats = [](const unsigned char* levels, std::ptrdiff_t pixels, const float* mean,
                                const float* scale, float* out) {
    ++converted;
    choose_backend("scalar")->image.to_floats(levels, pixels, mean, scale, out);
  };
  std::vector<float> got = poisoned(spec);
  REQUIRE(preprocess(image, {}, spec, got, View::identity, 0, counting).ok());
  CHECK(resized > 0);
  CHECK(converted > 0);
  CHECK(got == want);
}

TEST_CASE("input levels are shifted and scaled as each network was trained") {
  Image image(2, 1);
  image.rgb = {0, 128, 255, 10, 20, 30};
  std::vector<float> out = poisoned(imagenet_input(1, 2));
  REQUIRE(preprocess(image, {}, imagenet_input(1, 2), out).ok());
  const double mean[] = {0.485, 0.456, 0.406}, deviation[] = {0.229, 0.224, 0.225};
  for (std::size_t i = 0; i < 6; ++i)
    CHECK(out[i] == doctest::Approx((image.rgb[i] / 255.0 - mean[i % 3]) / deviation[i % 3]).epsilon(1e-6));
  REQUIRE(preprocess(image, {}, tinyfqnet_input(1, 2), out).ok());
  for (std::size_t i = 0; i < 6; ++i) CHECK(out[i] == (static_cast<float>(image.rgb[i]) - 127.5f) / 128);
  CHECK(imagenet_input().height == 600);
  CHECK(imagenet_input().width == 416);
  CHECK(tinyfqnet_input().size() == 64u * 64 * 3);
}

TEST_CASE("the whole image, a box and landmarks each choose the face") {
  const Image face = load("face.png");
  const InputSpec spec = tinyfqnet_input();
  const auto whole = crop_and_resize(face, {}, 64, 64);
  REQUIRE(whole.ok());
  CHECK(difference(*whole, load("face_64x64.png")).max == 0);
  Crop box;
  box.box = Box{10, 20, 100, 110};
  const auto boxed = crop_and_resize(face, box, 64, 64);
  REQUIRE(boxed.ok());
  CHECK(difference(*boxed, resize_image(face, *box.box, 64, 64)).max == 0);
  Crop points;
  points.landmarks = upright;
  const auto aligned = crop_and_resize(face, points, 64, 64);
  REQUIRE(aligned.ok());
  CHECK(difference(*aligned, resize_image(load("face_upright_112x112.png"), 64, 64)).max <= 1);
  std::vector<float> out = poisoned(spec);
  REQUIRE(preprocess(face, points, spec, out).ok());
  for (std::size_t i = 0; i < out.size(); ++i)
    REQUIRE(out[i] == (static_cast<float>(aligned->rgb[i]) - 127.5f) / 128);
}

TEST_CASE("a box outside the image is refused with both named") {
  const Image face = load("face.png");
  std::vector<float> out = poisoned(tinyfqnet_input());
  constexpr int big = std::numeric_limits<int>::max();
  for (const Box& box :
       {Box{100, 0, 61, 10}, Box{0, 151, 10, 10}, Box{-1, 0, 5, 5}, Box{0, 0, 0, 5}, Box{big, big, big, big},
        Box{0, 0, -5, -5}, Box{160, 160, 1, 1}, Box{0, 0, big, big}}) {
    Crop crop;
    crop.box = box;
    const Status status = preprocess(face, crop, tinyfqnet_input(), out);
    CHECK(status.code() == Errc::bad_argument);
    CHECK(std::string(status.message()).find("does not lie inside the image of 160x160") !=
          std::string::npos);
  }
  Crop crop;
  crop.box = Box{100, 0, 61, 10};
  CHECK(std::string(preprocess(face, crop, tinyfqnet_input(), out).message())
            .find("x=100 y=0 width=61 height=10") != std::string::npos);
}

TEST_CASE("other impossible requests are refused") {
  const Image face = load("face.png");
  std::vector<float> out(7);
  Crop both;
  both.box = Box{0, 0, 10, 10};
  both.landmarks = upright;
  CHECK(preprocess(face, both, tinyfqnet_input(), out).code() == Errc::bad_argument);
  CHECK(preprocess(face, {}, tinyfqnet_input(), out).code() == Errc::mismatch);
  CHECK(preprocess(face, {}, tinyfqnet_input(0, 64), out).code() == Errc::bad_argument);
  CHECK(preprocess(Image(), {}, tinyfqnet_input(), out).code() == Errc::bad_argument);
}

TEST_CASE("flips put every pixel where it belongs and undo themselves") {
  const Image image = noise(7, 5, 9);
  const Image h = apply_view(image, View::hflip), v = apply_view(image, View::vflip);
  for (int y = 0; y < 5; ++y)
    for (int x = 0; x < 7; ++x)
      for (int c = 0; c < 3; ++c) {
        CHECK(h.pixel(x, y)[c] == image.pixel(6 - x, y)[c]);
        CHECK(v.pixel(x, y)[c] == image.pixel(x, 4 - y)[c]);
      }
  CHECK(apply_view(h, View::hflip).rgb == image.rgb);
  CHECK(apply_view(v, View::vflip).rgb == image.rgb);
  CHECK(apply_view(image, View::identity).rgb == image.rgb);
}

TEST_CASE("brightness and contrast change levels as torchvision does") {
  Image image = load("face_64x64.png");
  adjust_brightness(image, 0.96f);
  adjust_contrast(image, 1.05f);
  const Difference d = difference(image, load("face_jitter_64x64.png"));
  MESSAGE("max " << d.max << ", mean " << d.mean);
  CHECK(d.max <= 1);
  CHECK(d.mean < 0.001);
}

TEST_CASE("the colour view depends on its seed alone and stays within 5 percent") {
  Image image(8, 8);
  for (auto& level : image.rgb) level = 200;  // constant: contrast leaves it alone, brightness shows
  bool differs = false;
  for (std::uint64_t seed = 0; seed < 50; ++seed) {
    const Image a = apply_view(image, View::color, seed);
    CHECK(a.rgb == apply_view(image, View::color, seed).rgb);
    CHECK(a.rgb[0] >= 188);
    CHECK(a.rgb[0] <= 210);
    differs = differs || a.rgb[0] != 200;
  }
  CHECK(differs);
}

TEST_CASE("a view of a preprocessed face is the view of its pixels") {
  const Image face = load("face.png");
  const InputSpec spec = imagenet_input(30, 20);
  std::vector<float> plain = poisoned(spec), flipped = poisoned(spec);
  REQUIRE(preprocess(face, {}, spec, plain).ok());
  REQUIRE(preprocess(face, {}, spec, flipped, View::hflip).ok());
  for (std::size_t y = 0; y < 30; ++y)
    for (std::size_t x = 0; x < 20; ++x)
      for (std::size_t c = 0; c < 3; ++c)
        REQUIRE(flipped[(y * 20 + x) * 3 + c] == plain[(y * 20 + 19 - x) * 3 + c]);
}
