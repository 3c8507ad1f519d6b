// Every function that reads pixels gives the same for every layout of the same pixels, to the bit.
#include "each_backend.hpp"
#include "image_support.hpp"
#include "views.hpp"

#include <tinyfiqa/image/augment.hpp>
#include <tinyfiqa/image/degradation.hpp>
#include <tinyfiqa/image/preprocess.hpp>
#include <tinyfiqa/image/write_jpeg.hpp>

#include <doctest/doctest.h>

#include <string>
#include <utility>
#include <vector>

using namespace tinyfiqa;

namespace {

const Landmarks points{{10.3f, 25.1f, 18.0f, 12.2f, 24.9f}, {14.7f, 13.9f, 21.0f, 28.4f, 28.0f}};

Crop with_box() {
  Crop crop;
  crop.box = FaceBox{3, 5, 30, 21};
  return crop;
}
Crop with_landmarks() {
  Crop crop;
  crop.landmarks = points;
  return crop;
}

}  // namespace

TEST_CASE("an image is a view of itself") {
  const Image image = noise(7, 5, 1);
  const ImageView view = image;
  CHECK(view.data == image.rgb.data());
  CHECK(view.width == 7);
  CHECK(view.height == 5);
  CHECK(view.row_stride == 21);
  CHECK(view.order == ChannelOrder::rgb);
  CHECK(check_view(view).ok());
}

TEST_CASE("a view of one of five orders, with gaps or bottom-up, has the pixels of the image") {
  for (const int width : {1, 2, 37})
    for_each_view(noise(width, 29, 2), [](const ForeignImage& f) {
      CHECK(check_view(f.view).ok());
      CHECK(copy_image(f.view).rgb == f.rgb.rgb);
    });
}

TEST_CASE("a bad view is refused and the field named") {
  const Image image = noise(9, 9, 3);
  check_refusals(image, [](const ImageView& v) { return check_view(v); });
  ImageView large = image;
  large.width = max_view_side + 1;
  CHECK(check_view(large).code() == Errc::too_large);
  CHECK(std::string(check_view(large).message()).find("width") != std::string::npos);
}

TEST_CASE("resizing a view equals resizing the image") {
  const std::pair<int, int> sizes[] = {{37, 29}, {37, 11}, {20, 29}, {16, 12}, {64, 64}, {1, 1}, {90, 7}};
  for_each_view(noise(37, 29, 4), [&](const ForeignImage& f) {
    for (const auto& [w, h] : sizes)
      for_each_backend([&, width = w, height = h](const Backend& backend) {
        CHECK(resize_image(f.view, height, width, backend).rgb ==
              resize_image(f.rgb, height, width, backend).rgb);
        for (const Box& box : {Box{3, 4, 20, 22}, Box{36, 28, 1, 1}, Box{0, 5, 37, 24}})
          CHECK(resize_image(f.view, box, height, width, backend).rgb ==
                resize_image(f.rgb, box, height, width, backend).rgb);
      });
  });
}

TEST_CASE("a view of many rows is resized in strips without a seam") {
  for_each_view(noise(5, 1000, 5), [](const ForeignImage& f) {
    CHECK(resize_image(f.view, 33, 7).rgb == resize_image(f.rgb, 33, 7).rgb);
    CHECK(resize_image(f.view, 999, 5).rgb == resize_image(f.rgb, 999, 5).rgb);
  });
}

TEST_CASE("a face is aligned in a view as in the image") {
  const Image image = noise(37, 41, 6);
  for_each_view(image, [](const ForeignImage& f) {
    const Similarity askew{0.8, 0.3, -5, 2};
    CHECK(warp_image(f.view, askew, 50, 40).rgb == warp_image(f.rgb, askew, 50, 40).rgb);
    const auto face = align_face(f.view, points), expected = align_face(f.rgb, points);
    REQUIRE((face.ok() && expected.ok()));
    CHECK(face->rgb == expected->rgb);
  });
  check_refusals(image, [](const ImageView& v) { return align_face(v, points).status(); });
}

TEST_CASE("a view is cropped and resized as the image") {
  const Image image = noise(37, 41, 7);
  for_each_view(image, [](const ForeignImage& f) {
    for (const Crop& crop : {Crop(), with_box(), with_landmarks()}) {
      const auto face = crop_and_resize(f.view, crop, FaceCrop::whole, 32, 24),
                 expected = crop_and_resize(f.rgb, crop, FaceCrop::whole, 32, 24);
      REQUIRE((face.ok() && expected.ok()));
      CHECK(face->rgb == expected->rgb);
    }
  });
  check_refusals(image,
                 [](const ImageView& v) { return crop_and_resize(v, {}, FaceCrop::whole, 8, 8).status(); });
}

TEST_CASE("flips and colours of a view are those of the image") {
  for_each_view(noise(8, 5, 8), [](const ForeignImage& f) {
    for (const View view : {View::identity, View::hflip, View::vflip, View::color})
      CHECK(apply_view(f.view, view, 3).rgb == apply_view(f.rgb, view, 3).rgb);
  });
}

TEST_CASE("a network's input from a view is that from the image") {
  const Image image = noise(24, 32, 9);
  const InputSpec spec = imagenet_input(32, 24);
  std::vector<float> out(spec.size()), expected(spec.size());
  for_each_view(image, [&](const ForeignImage& f) {
    for_each_backend([&](const Backend& backend) {
      REQUIRE(to_input(f.rgb, spec, expected, backend).ok());
      REQUIRE(to_input(f.view, spec, out, backend).ok());
      CHECK(out == expected);
      REQUIRE(preprocess(f.rgb, {}, imagenet_input(16, 12), Span<float>(expected.data(), 16 * 12 * 3),
                         View::hflip, 1, backend)
                  .ok());
      REQUIRE(preprocess(f.view, {}, imagenet_input(16, 12), Span<float>(out.data(), 16 * 12 * 3),
                         View::hflip, 1, backend)
                  .ok());
      CHECK(out == expected);
    });
  });
  check_refusals(image, [&](ImageView v) { return preprocess(v, {}, spec, out); });
  for (const BadView& bad : bad_views(image))
    CHECK_FALSE(to_input(bad.view, spec, out).ok());  // another size is a mismatch
}

TEST_CASE("a JPEG of a view has the bytes of that of the image") {
  const Image image = noise(19, 17, 10);
  for_each_view(image, [](const ForeignImage& f) {
    for (const int quality : {75, 95}) {
      const auto bytes = encode_jpeg(f.view, quality), expected = encode_jpeg(f.rgb, quality);
      REQUIRE((bytes.ok() && expected.ok()));
      CHECK(*bytes == *expected);
    }
  });
  for (const BadView& bad : bad_views(image))
    CHECK(encode_jpeg(bad.view, 90).status().code() == Errc::bad_argument);
}

TEST_CASE("augmentation of a view is that of the image") {
  Augmentation all;
  all.crop.probability = all.brightness.probability = all.blur.probability = all.jpeg.probability = 1;
  all.hflip = 1;
  const Image image = noise(24, 24, 11);
  for_each_view(image, [&](const ForeignImage& f) {
    const auto changed = augment(f.view, all, 16, 16, Rng(3)), expected = augment(f.rgb, all, 16, 16, Rng(3));
    REQUIRE((changed.ok() && expected.ok()));
    CHECK(changed->rgb == expected->rgb);
  });
  check_refusals(image, [&](const ImageView& v) { return augment(v, all, 16, 16, Rng(3)).status(); });
}

TEST_CASE("the region of a face in a view is that in the image") {
  for_each_view(noise(40, 30, 12), [](const ForeignImage& f) {
    for (const Crop& crop : {Crop(), with_box(), with_landmarks()}) {
      const auto region = face_region(f.view, crop), expected = face_region(f.rgb, crop);
      REQUIRE((region.ok() && expected.ok()));
      CHECK(region->x == expected->x);
      CHECK(region->y == expected->y);
      CHECK(region->side == expected->side);
    }
  });
}
