// Embeddings, baselines and similarity do not depend on the memory layout of the pixels.
#include "image/views.hpp"

#include <tinyfiqa/baselines/descriptors.hpp>
#include <tinyfiqa/baselines/perceptual.hpp>
#include <tinyfiqa/evaluation/similarity.hpp>
#include <tinyfiqa/quality/model_registry.hpp>
#include <tinyfiqa/recognition/embedder.hpp>

#include <doctest/doctest.h>

#include <memory>
#include <vector>

using namespace tinyfiqa;

namespace {

Image noise(int width, int height, std::uint64_t seed) {
  Image image(width, height);
  Rng rng(seed);
  for (unsigned char& level : image.rgb) level = static_cast<unsigned char>(rng.below(256));
  return image;
}

}  // namespace

TEST_CASE("the embedding of a view is that of the image") {
  auto embedder = Embedder::create(std::make_shared<const Model>(*find_model("mobilefacenet")));
  REQUIRE(embedder.ok());
  const Image image = noise(100, 130, 1);
  for_each_view(image, [&](const ForeignImage& f) {
    const auto embedding = embedder->embed(f.view), expected = embedder->embed(f.rgb);
    REQUIRE((embedding.ok() && expected.ok()));
    CHECK(*embedding == *expected);
  });
  check_refusals(image, [&](const ImageView& v) { return embedder->embed(v).status(); });
  check_refusals(image, [&](const ImageView& v) { return embedder->set(0, v); });
}

TEST_CASE("the baselines of a view are those of the image") {
  for_each_view(noise(64, 64, 2), [](const ForeignImage& f) {
    const std::vector<float> grey = grey_levels(f.view);
    CHECK(grey == grey_levels(f.rgb));
    CHECK(hog_features(grey) == hog_features(grey_levels(f.rgb)));
    CHECK(blur_quality(f.view) == blur_quality(f.rgb));
    CHECK(blockiness_quality(f.view) == blockiness_quality(f.rgb));
    CHECK(jpeg_quality(Bytes(), f.view) == jpeg_quality(Bytes(), f.rgb));
  });
}

TEST_CASE("the similarity of two views is that of the images") {
  const Image original = noise(25, 31, 3), changed = noise(25, 31, 4);
  for_each_view(changed, [&](const ForeignImage& f) {
    const auto similarity = gmsd(original, f.view), expected = gmsd(original, f.rgb);
    REQUIRE((similarity.ok() && expected.ok()));
    CHECK(*similarity == *expected);
    CHECK(*gmsd(f.view, f.rgb) == 0);
  });
  for (const BadView& bad : bad_views(original)) CHECK_FALSE(gmsd(bad.view, original).ok());
}
