// Degradations of photos, each with a strength: blur, low resolution, darkness, noise, JPEG, contrast, ...
#pragma once

#include <tinyfiqa/base/config.hpp>
#include <tinyfiqa/base/rng.hpp>
#include <tinyfiqa/base/span.hpp>
#include <tinyfiqa/base/status.hpp>
#include <tinyfiqa/image/augment.hpp>
#include <tinyfiqa/image/preprocess.hpp>
#include <tinyfiqa/image/resize.hpp>

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <string>
#include <vector>

TINYFIQA_BEGIN

/// The square that alignment shows: its centre and its side, in pixels of the image.
struct FaceRegion {
  float x = 0, y = 0, side = 0;
};

/// The region by landmarks, else by the average landmarks in the box, else of the whole image. Errors: those of
/// face_transform(); bad_argument for the box.
inline Result<FaceRegion> face_region(const ImageView& image, const Crop& crop) {
  const auto landmarks = detail::landmarks_of(crop, FaceCrop::aligned, image.width, image.height);
  if (!landmarks) return landmarks.status();
  if (*landmarks) {
    const auto to_template = face_transform(**landmarks);
    if (!to_template) return to_template.status();
    const Similarity back = inverse(*to_template);
    const double middle = aligned_side / 2.0;
    return FaceRegion{static_cast<float>(back.x(middle, middle)), static_cast<float>(back.y(middle, middle)),
                      static_cast<float>(aligned_side * std::hypot(back.a, back.b))};
  }
  return FaceRegion{static_cast<float>(image.width) / 2, static_cast<float>(image.height) / 2,
                    static_cast<float>(std::min(image.width, image.height))};
}

/// One degradation, with a strength in low..high.
struct Degradation {
  const char* name;
  const char* strength;  ///< what the number means, with its unit
  float low, high;
  /// Changes the image in-place. Null for JPEG: save the file with the strength as its quality.
  void (*apply)(Image& image, const FaceRegion& face, float strength, Rng& rng);
};

namespace detail {

/// Bilinear interpolation at (x, y). Points outside the image take the border.
inline void sample_pixel(const Image& image, float x, float y, float (&out)[3]) {
  x = std::clamp(x, 0.0f, static_cast<float>(image.width - 1));
  y = std::clamp(y, 0.0f, static_cast<float>(image.height - 1));
  const int x0 = static_cast<int>(x), y0 = static_cast<int>(y);
  const int x1 = std::min(x0 + 1, image.width - 1), y1 = std::min(y0 + 1, image.height - 1);
  const float fx = x - static_cast<float>(x0), fy = y - static_cast<float>(y0);
  for (int c = 0; c < 3; ++c) {
    const auto level = [&](int px, int py) { return static_cast<float>(image.pixel(px, py)[c]); };
    const float top = level(x0, y0) * (1 - fx) + level(x1, y0) * fx;
    const float bottom = level(x0, y1) * (1 - fx) + level(x1, y1) * fx;
    out[c] = top * (1 - fy) + bottom * fy;
  }
}

inline unsigned char to_level(float x) {
  return static_cast<unsigned char>(std::clamp(x + 0.5f, 0.0f, 255.0f));
}

inline void blur_out_of_focus(Image& image, const FaceRegion&, float sigma, Rng&) {
  gaussian_blur(image, sigma);
}

/// The mean along a line of `length` pixels in a random direction.
inline void blur_by_motion(Image& image, const FaceRegion&, float length, Rng& rng) {
  const float angle = rng.uniform(0, 3.14159265f), dx = std::cos(angle), dy = std::sin(angle);
  const int taps = std::max(2, static_cast<int>(std::lround(length)));
  const Image sharp = image;
  for (int y = 0; y < image.height; ++y)
    for (int x = 0; x < image.width; ++x) {
      float sum[3] = {}, level[3];
      for (int k = 0; k < taps; ++k) {
        const float t = (static_cast<float>(k) / static_cast<float>(taps - 1) - 0.5f) * (length - 1);
        sample_pixel(sharp, static_cast<float>(x) + t * dx, static_cast<float>(y) + t * dy, level);
        for (int c = 0; c < 3; ++c) sum[c] += level[c];
      }
      for (int c = 0; c < 3; ++c) image.pixel(x, y)[c] = to_level(sum[c] / static_cast<float>(taps));
    }
}

/// Resizes to 1/factor of the sides, and back.
inline void shrink(Image& image, const FaceRegion&, float factor, Rng&) {
  const auto part = [&](int side) {
    return std::max(1, static_cast<int>(std::lround(static_cast<float>(side) / factor)));
  };
  image = resize_image(resize_image(image, part(image.height), part(image.width)), image.height, image.width);
}

inline void scale_light(Image& image, const FaceRegion&, float factor, Rng&) {
  adjust_brightness(image, factor);
}

/// Brings all levels closer to the mean luma of the face, as haze or a flat back light does.
inline void flatten_contrast(Image& image, const FaceRegion& face, float factor, Rng&) {
  const auto pixel = [](float at, int size) {
    return std::clamp(static_cast<int>(std::lround(at)), 0, size);
  };
  const float half = face.side / 2;
  const int left = pixel(face.x - half, image.width), right = pixel(face.x + half, image.width);
  double sum = 0;
  long long count = 0;
  for (int y = pixel(face.y - half, image.height); y < pixel(face.y + half, image.height); ++y)
    for (int x = left; x < right; ++x, ++count) {
      const unsigned char* rgb = image.pixel(x, y);
      sum += 0.299 * rgb[0] + 0.587 * rgb[1] + 0.114 * rgb[2];
    }
  const float mean = count > 0 ? static_cast<float>(sum / static_cast<double>(count)) : 127.5f;
  for (unsigned char& level : image.rgb) level = to_level(mean + (static_cast<float>(level) - mean) * factor);
}

inline void add_noise(Image& image, const FaceRegion&, float sigma, Rng& rng) {
  for (unsigned char& level : image.rgb)
    level = static_cast<unsigned char>(
        std::clamp(static_cast<float>(level) + sigma * rng.normal() + 0.5f, 0.0f, 255.0f));
}

/// Covers `share` of the face's area with a rectangle of one random colour, about as a hand or a mask does.
inline void occlude(Image& image, const FaceRegion& face, float share, Rng& rng) {
  const float aspect = rng.uniform(0.6f, 1.67f), side = face.side * std::sqrt(share);
  const float width = std::min(side * std::sqrt(aspect), face.side),
              height = std::min(side / std::sqrt(aspect), face.side);
  const float left = face.x + (rng.uniform() - 0.5f) * (face.side - width) - width / 2;
  const float top = face.y + (rng.uniform() - 0.5f) * (face.side - height) - height / 2;
  unsigned char colour[3];
  for (unsigned char& level : colour) level = static_cast<unsigned char>(rng.below(256));
  const auto pixel = [](float at, int size) {
    return std::clamp(static_cast<int>(std::lround(at)), 0, size);
  };
  for (int y = pixel(top, image.height); y < pixel(top + height, image.height); ++y)
    for (int x = pixel(left, image.width); x < pixel(left + width, image.width); ++x)
      std::copy_n(colour, 3, image.pixel(x, y));
}

/// Rotates about the centre of the face, left or right at random. The landmarks stay where they were, as if a
/// detector had not noticed, so the aligned face is tilted.
inline void rotate(Image& image, const FaceRegion& face, float degrees, Rng& rng) {
  const float angle = (rng.below(2) == 0 ? 1 : -1) * degrees * 3.14159265f / 180;
  const float c = std::cos(angle), s = std::sin(angle);
  const Image upright = image;
  for (int y = 0; y < image.height; ++y)
    for (int x = 0; x < image.width; ++x) {
      const float dx = static_cast<float>(x) - face.x, dy = static_cast<float>(y) - face.y;
      float level[3];
      sample_pixel(upright, face.x + c * dx + s * dy, face.y - s * dx + c * dy, level);
      for (int k = 0; k < 3; ++k) image.pixel(x, y)[k] = to_level(level[k]);
    }
}

}  // namespace detail

/// All degradations. Strengths in pixels are for faces about 100 pixels wide.
inline Span<const Degradation> degradations() {
  static constexpr Degradation all[] = {
      {"blur", "standard deviation of a Gaussian, pixels", 1, 4, detail::blur_out_of_focus},
      {"small", "factor by which the sides shrink before they grow back", 3, 8, detail::shrink},
      {"dark", "factor of all levels", 0.08f, 0.4f, detail::scale_light},
      {"noise", "standard deviation, levels", 10, 45, detail::add_noise},
      {"jpeg", "quality", 3, 20, nullptr},
      {"motion", "length of the motion, pixels", 5, 25, detail::blur_by_motion},
      {"bright", "factor of all levels, clipped at 255", 1.5f, 5, detail::scale_light},
      {"occlusion", "covered share of the face", 0.1f, 0.5f, detail::occlude},
      {"rotation", "degrees", 10, 90, detail::rotate},
      {"contrast", "factor of all distances from the mean level of the face", 0.06f, 0.4f,
       detail::flatten_contrast},
  };
  return {all, sizeof(all) / sizeof(all[0])};
}

/// The degradation of that name, or null.
inline const Degradation* find_degradation(const std::string& name) {
  for (const Degradation& d : degradations())
    if (name == d.name) return &d;
  return nullptr;
}

TINYFIQA_END
