#include "image_support.hpp"

#include <tinyfiqa/image/preprocess.hpp>
#include <tinyfiqa/runtime/dispatch.hpp>

#include <doctest/doctest.h>

#include <cmath>
#include <limits>
#include <string>
#include <tuple>
#include <vector>

using namespace tinyfiqa;

namespace {

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
  const auto whole = crop_and_resize(face, {}, spec.crop, 64, 64);
  REQUIRE(whole.ok());
  CHECK(difference(*whole, load("face_64x64.png")).max == 0);
  Crop box;
  box.box = FaceBox{10, 20, 100, 110};
  for (const FaceCrop wanted : {FaceCrop::whole, FaceCrop::loose}) {
    const auto boxed = crop_and_resize(face, box, wanted, 64, 64);
    REQUIRE(boxed.ok());
    CHECK(difference(*boxed, resize_image(face, Box{10, 20, 100, 110}, 64, 64)).max == 0);
  }
  Crop points;
  points.landmarks = upright;
  const auto aligned = crop_and_resize(face, points, spec.crop, 64, 64);
  REQUIRE(aligned.ok());
  CHECK(difference(*aligned, resize_image(load("face_upright_112x112.png"), 64, 64)).max <= 1);
  std::vector<float> out = poisoned(spec);
  REQUIRE(preprocess(face, points, spec, out).ok());
  for (std::size_t i = 0; i < out.size(); ++i)
    REQUIRE(out[i] == (static_cast<float>(aligned->rgb[i]) - 127.5f) / 128);
}

TEST_CASE("a network that wants aligned faces sees a box aligned by average landmarks") {
  const Image face = load("face.png");
  Crop box, points;
  box.box = FaceBox{40.4f, 30.7f, 60.3f, 82.1f};
  points.landmarks = average_landmarks(*box.box);
  for (const InputSpec& spec : {tinyfqnet_input(), mobilefacenet_input(), face_input()}) {
    std::vector<float> by_box = poisoned(spec), by_points = poisoned(spec);
    REQUIRE(preprocess(face, box, spec, by_box).ok());
    REQUIRE(preprocess(face, points, spec, by_points).ok());
    CHECK(by_box == by_points);
  }
  const InputSpec loose = imagenet_input(64, 64);
  const auto cut = crop_and_resize(face, box, loose.crop, 64, 64);
  REQUIRE(cut.ok());
  CHECK(difference(*cut, resize_image(face, Box{40, 31, 61, 82}, 64, 64)).max == 0);
}

TEST_CASE("average landmarks stand upright in the middle of a box, at the size of its area") {
  const auto to_template = [](const FaceBox& box) {
    const auto fit = fit_similarity(average_landmarks(box), face_template);
    REQUIRE(fit.ok());
    return *fit;
  };
  const FaceBox usual{10, 20, 100, 136};
  const Landmarks points = average_landmarks(usual);
  for (std::size_t i = 0; i < 5; ++i) {
    CHECK(points.x[i] == doctest::Approx(10 + 100 * box_template[i][0]));
    CHECK(points.y[i] == doctest::Approx(20 + 136 * box_template[i][1]));
  }
  const Similarity fit = to_template(usual);
  CHECK(std::fabs(fit.b / fit.a) < 0.01);
  CHECK(fit.x(60, 0) == doctest::Approx(56).epsilon(0.01));
  const float side = std::sqrt(100 * 136.0f);
  for (const FaceBox& other : {FaceBox{60 - side / 2, 88 - side / 2, side, side},
                               FaceBox{60 - 136 / 2.0f, 88 - 100 / 2.0f, 136, 100}}) {
    const Similarity same = to_template(other);
    CHECK(same.a == doctest::Approx(fit.a).epsilon(1e-5));
    CHECK(same.tx == doctest::Approx(fit.tx).epsilon(1e-4));
    CHECK(same.ty == doctest::Approx(fit.ty).epsilon(1e-4));
  }
}

TEST_CASE("a box within the image stays within, and what is outside is cut off") {
  const auto text = [](const FaceBox& box) {
    const auto b = whole_pixels(box, 20, 10);
    if (!b.ok()) return std::string("refused");
    CHECK((b->x >= 0 && b->y >= 0 && b->width >= 1 && b->height >= 1));
    CHECK((b->x + b->width <= 20 && b->y + b->height <= 10));
    return std::to_string(b->x) + "," + std::to_string(b->y) + "," + std::to_string(b->width) + "," +
           std::to_string(b->height);
  };
  CHECK(text({0, 0, 20, 10}) == "0,0,20,10");
  CHECK(text({10.5f, 4.5f, 9.5f, 5.5f}) == "11,5,9,5");  // each number rounded by itself: 11 + 10 > 20
  CHECK(text({-0.9f, -0.5f, 10, 5}) == "0,0,9,5");       // edges at -0.9, 9.1, -0.5, 4.5
  CHECK(text({10, 4, 10.9f, 6.9f}) == "10,4,10,6");
  CHECK(text({19.6f, 3, 0.6f, 2}) == "19,3,1,2");
  CHECK(text({3.6f, 3, 0.8f, 2}) == "4,3,1,2");
  CHECK(text({-1, -1, 5, 5}) == "0,0,4,4");
  CHECK(text({15, 0, 9, 20}) == "refused");  // 50 of 180 pixels are inside
  for (const FaceBox& box : {FaceBox{-3, 0, 5, 5}, FaceBox{0, -2.6f, 5, 5}, FaceBox{16, 0, 11, 5},
                             FaceBox{0, 8, 5, 6}, FaceBox{3, 3, 0.4f, 2}, FaceBox{3, 3, std::nanf(""), 2}})
    CHECK(text(box) == "refused");
  for (int i = 0; i < 40; ++i)
    for (int k = i; k <= 40; ++k) {
      const float left = static_cast<float>(i) / 2, right = static_cast<float>(k + 1) / 2;
      if (right <= 20) CHECK(text({left, 0, right - left, 1}) != "refused");
    }
}

TEST_CASE("a box of which most lies outside the image is refused with both named") {
  const Image face = load("face.png");
  std::vector<float> out = poisoned(tinyfqnet_input());
  constexpr float big = std::numeric_limits<float>::max();
  const auto message = [&](const FaceBox& box) {
    Crop crop;
    crop.box = box;
    const Status status = preprocess(face, crop, tinyfqnet_input(), out);
    CHECK(status.code() == Errc::bad_argument);
    return std::string(status.message());
  };
  for (const FaceBox& box : {FaceBox{100, 0, 130, 10}, FaceBox{0, 156, 10, 10}, FaceBox{-6, 0, 10, 10},
                             FaceBox{big, big, big, big}, FaceBox{160, 160, 1, 1}, FaceBox{0, 0, big, big},
                             FaceBox{std::nanf(""), 0, 10, 10}})
    CHECK(message(box).find("or most of it does: the image has 160x160 pixels") != std::string::npos);
  for (const FaceBox& box : {FaceBox{0, 0, 0, 5}, FaceBox{0, 0, -5, -5}, FaceBox{3, 3, 0.4f, 9}})
    CHECK(message(box).find("is empty: the image has 160x160 pixels") != std::string::npos);
  CHECK(message(FaceBox{100, 0, 130, 10.25f}).find("x=100 y=0 width=130 height=10.25 ") != std::string::npos);
}

TEST_CASE("of a box over the edge, the part inside the image is taken") {
  for (const auto& [box, left, top, width, height] :
       {std::make_tuple(FaceBox{-4, -4, 20, 20}, 0, 0, 16, 16),
        std::make_tuple(FaceBox{150, 0, 20, 30}, 150, 0, 10, 30),
        std::make_tuple(FaceBox{-20, 10, 200, 160}, 0, 10, 160, 150)}) {
    const auto part = whole_pixels(box, 160, 160);
    REQUIRE_MESSAGE(part.ok(), part.status().message());
    CHECK(part->x == left);
    CHECK(part->y == top);
    CHECK(part->width == width);
    CHECK(part->height == height);
  }
}

TEST_CASE("other impossible requests are refused") {
  const Image face = load("face.png");
  std::vector<float> out(7);
  Crop both;
  both.box = FaceBox{0, 0, 10, 10};
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
