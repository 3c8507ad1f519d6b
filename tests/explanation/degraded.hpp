// Faces, and degradations of one kind with the component that each should lower most.
#pragma once

#include <tinyfiqa/explanation/explainer.hpp>
#include <tinyfiqa/image/degradation.hpp>
#include <tinyfiqa/image/read.hpp>
#include <tinyfiqa/image/write_jpeg.hpp>

#include "photo_faces.hpp"

#include <doctest/doctest.h>

#include <algorithm>
#include <cmath>
#include <string>
#include <vector>

struct DegradationKind {
  const char* name;
  std::vector<float> strengths;
  tinyfiqa::ComponentKind matching;
  void (*apply)(PhotoFace& face, float strength, tinyfiqa::Rng& rng);
};

namespace degraded {

using namespace tinyfiqa;

inline FaceRegion region_of(const PhotoFace& f) {
  Crop crop;
  crop.landmarks = f.face.landmarks;
  const auto region = face_region(f.photo, crop);
  REQUIRE_MESSAGE(region.ok(), region.status().message());
  return *region;
}

/// A degradation of the library. Lengths in pixels are for faces of 100 pixels.
inline void apply_known(const char* name, PhotoFace& f, float strength, Rng& rng) {
  const FaceRegion region = region_of(f);
  const std::string kind = name;
  const float scale = kind == "blur" || kind == "motion" ? region.side / 100 : 1;
  find_degradation(kind)->apply(f.photo, region, strength * scale, rng);
}

template <class Change>
void change_pixels(PhotoFace& f, const Change& change) {
  for (int y = 0; y < f.photo.height; ++y)
    for (int x = 0; x < f.photo.width; ++x) {
      unsigned char* p = f.photo.pixel(x, y);
      float levels[3] = {static_cast<float>(p[0]), static_cast<float>(p[1]), static_cast<float>(p[2])};
      change(levels, x);
      for (int c = 0; c < 3; ++c)
        p[c] = static_cast<unsigned char>(std::clamp(std::lround(levels[c]), 0L, 255L));
    }
}

inline void compress(PhotoFace& f, float quality, Rng&) {
  const auto file = encode_jpeg(f.photo, static_cast<int>(quality));
  REQUIRE(file.ok());
  auto coded = decode_image(Bytes(file->data(), file->size()));
  REQUIRE(coded.ok());
  f.photo = std::move(*coded);
}

/// Fewer pixels, as from further away.
inline void reduce(PhotoFace& f, float factor, Rng&) {
  const auto part = [&](int side) {
    return static_cast<int>(std::lround(static_cast<float>(side) / factor));
  };
  const int width = part(f.photo.width), height = part(f.photo.height);
  const float x = static_cast<float>(width) / static_cast<float>(f.photo.width),
              y = static_cast<float>(height) / static_cast<float>(f.photo.height);
  f.photo = resize_image(f.photo, height, width);
  f.face.box = {f.face.box.x * x, f.face.box.y * y, f.face.box.width * x, f.face.box.height * y};
  for (int i = 0; i < 5; ++i) f.face.landmarks.x[i] *= x, f.face.landmarks.y[i] *= y;
}

inline void desaturate(PhotoFace& f, float kept, Rng&) {
  change_pixels(f, [&](float(&p)[3], int) {
    const float grey = luma_weights[0] * p[0] + luma_weights[1] * p[1] + luma_weights[2] * p[2];
    for (float& level : p) level = grey + (level - grey) * kept;
  });
}

/// Less red and green than the light should have: shade.
inline void cast_blue(PhotoFace& f, float factor, Rng&) {
  change_pixels(f, [&](float(&p)[3], int) { p[0] *= factor, p[1] *= (1 + factor) / 2; });
}
/// Less green.
inline void cast_magenta(PhotoFace& f, float factor, Rng&) {
  change_pixels(f, [&](float(&p)[3], int) { p[1] *= factor; });
}

/// Light from one side: the other side of the face loses this share of it.
inline void light_one_side(PhotoFace& f, float share, Rng& rng) {
  const FaceRegion region = region_of(f);
  const float side = rng.below(2) == 0 ? 1.0f : -1.0f;
  change_pixels(f, [&](float(&p)[3], int x) {
    const float at = std::clamp((static_cast<float>(x) - region.x) / (0.3f * region.side), -1.0f, 1.0f);
    for (float& level : p) level *= 1 - share * (1 + side * at) / 2;
  });
}

}  // namespace degraded

inline const std::vector<DegradationKind>& degradation_kinds() {
  using namespace degraded;
  using Kind = ComponentKind;
  static const std::vector<DegradationKind> kinds = {
      {"blur",
       {1, 2, 4},
       Kind::sharpness,
       [](PhotoFace& f, float s, Rng& rng) { apply_known("blur", f, s, rng); }},
      {"small",
       {3, 5, 8},
       Kind::sharpness,
       [](PhotoFace& f, float s, Rng& rng) { apply_known("small", f, s, rng); }},
      {"motion",
       {5, 12, 25},
       Kind::motion_blur,
       [](PhotoFace& f, float s, Rng& rng) { apply_known("motion", f, s, rng); }},
      {"dark",
       {0.4f, 0.25f, 0.1f},
       Kind::under_exposure,
       [](PhotoFace& f, float s, Rng& rng) { apply_known("dark", f, s, rng); }},
      {"bright",
       {1.5f, 2.5f, 5},
       Kind::over_exposure,
       [](PhotoFace& f, float s, Rng& rng) { apply_known("bright", f, s, rng); }},
      {"noise",
       {10, 25, 45},
       Kind::noise,
       [](PhotoFace& f, float s, Rng& rng) { apply_known("noise", f, s, rng); }},
      {"contrast",
       {0.4f, 0.2f, 0.1f},
       Kind::contrast,
       [](PhotoFace& f, float s, Rng& rng) { apply_known("contrast", f, s, rng); }},
      {"jpeg", {20, 10, 3}, Kind::compression, compress},
      {"reduced", {2, 3, 4}, Kind::resolution, reduce},
      {"desaturated", {0.5f, 0.3f, 0.15f}, Kind::saturation, desaturate},
      {"grey", {0}, Kind::colour, desaturate},
      {"blue cast", {0.6f, 0.45f, 0.3f}, Kind::colour_cast, cast_blue},
      {"magenta cast", {0.7f, 0.55f, 0.4f}, Kind::colour_cast, cast_magenta},
      {"uneven light", {0.5f, 0.7f, 0.9f}, Kind::evenness, light_one_side},
  };
  return kinds;
}

/// The mean values of all components over faces; NaN for those that no face has.
struct MeanComponents {
  double value[tinyfiqa::component_count] = {};
};
template <class Change>
MeanComponents mean_components(const std::vector<PhotoFace>& faces, const Change& change) {
  using namespace tinyfiqa;
  MeanComponents mean;
  int counts[component_count] = {};
  Explainer explainer;
  for (const PhotoFace& original : faces) {
    PhotoFace face = original;
    change(face);
    const auto explanation = explainer.explain(face.photo, face.face, {});
    REQUIRE_MESSAGE(explanation.ok(), explanation.status().message());
    for (std::size_t i = 0; i < component_count; ++i) {
      const Component& c = (*explanation)[static_cast<ComponentKind>(i)];
      if (c.known()) mean.value[i] += c.value, ++counts[i];
    }
  }
  for (std::size_t i = 0; i < component_count; ++i) mean.value[i] /= counts[i];
  return mean;
}

/// Checks that each degradation lowers the mean of its matching component more than that of any other.
inline void check_degradations(const std::vector<PhotoFace>& faces) {
  using namespace tinyfiqa;
  const MeanComponents before = mean_components(faces, [](PhotoFace&) {});
  for (const DegradationKind& kind : degradation_kinds())
    for (const float strength : kind.strengths) {
      const std::string name = kind.name, match = component_spec(kind.matching).name;
      CAPTURE(name);
      CAPTURE(strength);
      Rng rng(7);
      const MeanComponents after =
          mean_components(faces, [&](PhotoFace& face) { kind.apply(face, strength, rng); });
      const auto drop = [&](std::size_t i) { return before.value[i] - after.value[i]; };
      const auto matching = static_cast<std::size_t>(kind.matching);
      std::size_t next = matching == 0 ? 1 : 0;
      for (std::size_t i = 0; i < component_count; ++i)
        if (i != matching && drop(i) > drop(next)) next = i;
      const std::string second = component_specs()[next].name;
      INFO(match, " by ", drop(matching), "; ", second, " by ", drop(next));
      CHECK(drop(matching) > 2);
      CHECK(drop(matching) > drop(next));
      if (faces.size() >= 200)
        MESSAGE(name, " ", strength, ": ", match, " -", drop(matching), ", ", second, " -", drop(next));
    }
}
