// Random augmentation of training images: crop, flip, colour, blur, JPEG, grey.
#pragma once

#include <tinyfiqa/base/config.hpp>
#include <tinyfiqa/base/rng.hpp>
#include <tinyfiqa/base/status.hpp>
#include <tinyfiqa/image/preprocess.hpp>
#include <tinyfiqa/image/resize.hpp>
#include <tinyfiqa/image/write_jpeg.hpp>

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <cstring>
#include <vector>

TINYFIQA_BEGIN

/// A change made with this probability, with a strength uniform in low..high.
struct Chance {
  float probability = 0, low = 0, high = 0;
};

/// Default: none, as in Hamidi et al. 2025. Blur and JPEG change the quality itself: use them only where the
/// labels stay right.
struct Augmentation {
  Chance crop{0, 0.85f, 1};            ///< share of the sides that is kept; the place is random
  float hflip = 0;                     ///< probability
  Chance brightness{0, 0.95f, 1.05f};  ///< factor
  Chance contrast{0, 0.95f, 1.05f};    ///< factor
  Chance blur{0, 0.3f, 1.5f};          ///< standard deviation of the Gaussian in pixels
  Chance jpeg{0, 50, 95};              ///< quality
  float grey = 0;                      ///< probability

  bool any() const {
    return hflip > 0 || crop.probability > 0 || brightness.probability > 0 || contrast.probability > 0 ||
           blur.probability > 0 || jpeg.probability > 0 || grey > 0;
  }
};

/// The augmentation of held-out images: none, except that a network trained on grey images alone is measured
/// on grey images.
inline Augmentation for_validation(const Augmentation& a) {
  Augmentation held_out;
  held_out.grey = a.grey >= 1 ? 1.0f : 0.0f;
  return held_out;
}

namespace detail {

inline Status check_chance(const char* name, const Chance& c, float low, float high) {
  if (!(c.probability >= 0 && c.probability <= 1))
    return Status::error(Errc::bad_argument, "augmentation ", name, ": the probability must lie in 0..1");
  if (c.probability > 0 && !(c.low >= low && c.low <= c.high && c.high <= high))
    return Status::error(Errc::bad_argument, "augmentation ", name,
                         ": the range must rise and stay within the documented limits");
  return Status();
}

/// One random decision: whether to apply, and how strongly. It always draws two numbers, so that one
/// augmentation does not change the draws of another.
struct Draw {
  bool apply;
  float strength;

  Draw(Rng& rng, const Chance& chance) {
    apply = rng.uniform() < chance.probability;
    strength = rng.uniform(chance.low, chance.high);
  }
};

/// out[i] = sum_k weights[k] line(k)[i], rounded, for i < sum.size(). `sum` is scratch.
template <class Line>
void weigh_lines(const std::vector<float>& weights, const Line& line, std::vector<float>& sum,
                 unsigned char* out) {
  std::fill(sum.begin(), sum.end(), 0.5f);
  for (std::size_t k = 0; k < weights.size(); ++k) {
    const unsigned char* in = line(static_cast<int>(k));
    for (std::size_t i = 0; i < sum.size(); ++i) sum[i] += weights[k] * static_cast<float>(in[i]);
  }
  for (std::size_t i = 0; i < sum.size(); ++i) out[i] = static_cast<unsigned char>(std::min(sum[i], 255.0f));
}

}  // namespace detail

/// Crop shares in 0.1..1, factors in 0..10, blur in 0..20 pixels, JPEG quality in 1..100.
/// Errors: bad_argument.
inline Status check_augmentation(const Augmentation& a) {
  for (const Status& status :
       {detail::check_chance("flip", {a.hflip, 0, 0}, 0, 0),
        detail::check_chance("grey", {a.grey, 0, 0}, 0, 0), detail::check_chance("crop", a.crop, 0.1f, 1),
        detail::check_chance("brightness", a.brightness, 0, 10),
        detail::check_chance("contrast", a.contrast, 0, 10), detail::check_chance("blur", a.blur, 0, 20),
        detail::check_chance("jpeg", a.jpeg, 1, 100)})
    if (!status) return status;
  return Status();
}

/// Gaussian blur in-place. `sigma` is in pixels. The window ends at three standard deviations; pixels beyond
/// the border repeat the border.
inline void gaussian_blur(Image& image, float sigma) {
  const int radius = static_cast<int>(std::ceil(3 * sigma));
  if (radius < 1) return;
  std::vector<float> weights;
  float sum = 0;
  for (int k = -radius; k <= radius; ++k) {
    weights.push_back(std::exp(-0.5f * static_cast<float>(k * k) / (sigma * sigma)));
    sum += weights.back();
  }
  for (float& w : weights) w /= sum;
  Image rows(image.width, image.height);
  Image padded(image.width + 2 * radius, 1);
  std::vector<float> line(std::size_t{3} * static_cast<std::size_t>(image.width));
  for (int y = 0; y < image.height; ++y) {
    for (int x = 0; x < padded.width; ++x)
      std::memcpy(padded.pixel(x, 0), image.pixel(std::clamp(x - radius, 0, image.width - 1), y), 3);
    detail::weigh_lines(
        weights, [&](int k) { return padded.pixel(k, 0); }, line, rows.pixel(0, y));
  }
  for (int y = 0; y < image.height; ++y) {
    const auto row = [&](int k) { return rows.pixel(0, std::clamp(y + k - radius, 0, image.height - 1)); };
    detail::weigh_lines(weights, row, line, image.pixel(0, y));
  }
}

namespace detail {

/// The side of images before a random crop, chosen so that the smallest crop still has the resolution of
/// the network.
inline int uncropped_side(int side, const Augmentation& a) {
  if (!(a.crop.probability > 0)) return side;
  return static_cast<int>(std::lround(static_cast<float>(side) / std::clamp(a.crop.low, 0.1f, 1.0f)));
}

}  // namespace detail

/// A random change of `face`, resized to height x width. `face` should be larger by 1 / crop.low if crops are
/// on, so that a crop keeps the resolution. Equal states of `rng` give equal results. Errors: those of
/// check_view(), encode_jpeg() and decode_image().
inline Result<Image> augment(const ImageView& face, const Augmentation& a, int height, int width, Rng rng) {
  if (const Status status = check_view(face); !status) return status;
  const detail::Draw crop(rng, a.crop);
  const float at_x = rng.uniform(), at_y = rng.uniform();
  const detail::Draw flip(rng, {a.hflip, 0, 0}), brightness(rng, a.brightness), contrast(rng, a.contrast),
      blur(rng, a.blur), jpeg(rng, a.jpeg), grey(rng, {a.grey, 0, 0});
  Box box{0, 0, face.width, face.height};
  if (crop.apply) {
    const auto part = [&](int side) {
      return std::max(1, static_cast<int>(std::lround(static_cast<float>(side) * crop.strength)));
    };
    box.width = part(face.width);
    box.height = part(face.height);
    box.x = static_cast<int>(at_x * static_cast<float>(face.width - box.width + 1));
    box.y = static_cast<int>(at_y * static_cast<float>(face.height - box.height + 1));
  }
  Image image = resize_image(face, box, height, width);
  if (flip.apply) image = apply_view(image, View::hflip);
  if (grey.apply) make_grey(image);
  if (brightness.apply) adjust_brightness(image, brightness.strength);
  if (contrast.apply) adjust_contrast(image, contrast.strength);
  if (blur.apply) gaussian_blur(image, blur.strength);
  if (!jpeg.apply) return image;
  const auto bytes = encode_jpeg(image, static_cast<int>(std::lround(jpeg.strength)));
  if (!bytes) return bytes.status();
  return decode_image({bytes->data(), bytes->size()});
}

TINYFIQA_END
