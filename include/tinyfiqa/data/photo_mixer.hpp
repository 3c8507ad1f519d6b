// Training images for a detector, composed at random from photos: crops at any scale, mosaics, rotation, flips, colour,
// blur, low light, compression.
#pragma once

#include <tinyfiqa/base/config.hpp>
#include <tinyfiqa/base/rng.hpp>
#include <tinyfiqa/base/status.hpp>
#include <tinyfiqa/image/degradation.hpp>
#include <tinyfiqa/image/image.hpp>
#include <tinyfiqa/image/read.hpp>
#include <tinyfiqa/image/resize.hpp>

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <string>
#include <utility>
#include <vector>

TINYFIQA_BEGIN

/// A photo in memory.
struct TrainingPhoto {
  Image image;
  bool faceless = false;  ///< known to show no face, whatever a teacher says
};

/// The share of composed images with each change, and its strength.
struct MixerOptions {
  float mosaic = 0.4f;           ///< four photos in one image
  float background = 0.15f;      ///< of single images and tiles: one without faces, if there are any
  Chance zoom{1, 0.3f, 2.0f};    ///< side of the cropped square, in shorter sides of the photo
  Chance rotation{0.3f, 3, 40};  ///< degrees, left or right
  float upside = 0.03f;          ///< turned by 90, 180 or 270 degrees
  float hflip = 0.5f;
  Chance brightness{0.5f, 0.5f, 1.6f}, contrast{0.4f, 0.5f, 1.5f};  ///< factors
  Chance tint{0.4f, 0.75f, 1.3f};                                   ///< factor of each channel
  float grey = 0.12f;
  Chance dark{0.08f, 0.08f, 0.4f};  ///< factor of all levels
  Chance noise{0.15f, 3, 25};       ///< standard deviation, levels
  Chance blur{0.15f, 0.5f, 2.2f};   ///< standard deviation, pixels
  Chance jpeg{0.2f, 15, 80};        ///< quality
};

/// A composed image, and the parts of it that are known to show no face.
struct ComposedImage {
  Image image;
  std::vector<Box> faceless;
};

/// Composes images from photos. An image depends only on the photos, the options, the seed and its number.
class PhotoMixer {
 public:
  /// `photos` must outlive the mixer.
  PhotoMixer(const std::vector<TrainingPhoto>& photos, const MixerOptions& options, std::uint64_t seed)
      : photos_(&photos), options_(options), seed_(seed) {
    for (std::size_t i = 0; i < photos.size(); ++i) (photos[i].faceless ? faceless_ : others_).push_back(i);
  }

  /// The image number `number` of `side` x `side` pixels. Errors: those of encode_jpeg() and decode_image().
  Result<ComposedImage> compose(std::uint64_t number, int side) const {
    Rng rng(detail::mix_seed(seed_, number), stream);
    ComposedImage c{Image(side, side), {}};
    fill(c.image, {0, 0, side, side}, rng);
    if (rng.uniform() < options_.mosaic) {
      const int x = cut(side, rng), y = cut(side, rng);
      for (const Box& tile :
           {Box{0, 0, x, y}, Box{x, 0, side - x, y}, Box{0, y, x, side - y}, Box{x, y, side - x, side - y}})
        place(c, tile, rng);
    } else {
      place(c, {0, 0, side, side}, rng);
    }
    turn(c, rng);
    if (const Status status = degrade(c.image, rng); !status) return status;
    return c;
  }

 private:
  static constexpr std::uint64_t stream = 0x646574;  // apart from other users of the seed

  static int cut(int side, Rng& rng) {
    return static_cast<int>(static_cast<float>(side) * rng.uniform(0.3f, 0.7f));
  }

  /// One colour for what no photo covers: black as a detector's padding is, or any grey.
  static void fill(Image& image, const Box& box, Rng& rng) {
    const auto level = static_cast<unsigned char>(rng.uniform() < 0.5f ? 0u : rng.below(256));
    for (int y = box.y; y < box.y + box.height; ++y)
      std::fill_n(image.pixel(box.x, y), std::ptrdiff_t{3} * box.width, level);
  }

  const TrainingPhoto& choose(Rng& rng) const {
    const bool background = rng.uniform() < options_.background;
    const auto& list = (background && !faceless_.empty()) || others_.empty() ? faceless_ : others_;
    return (*photos_)[list[rng.below(static_cast<std::uint32_t>(list.size()))]];
  }

  /// Fills the tile with a crop of a random photo. Where the crop reaches beyond the photo, the tile keeps its colour.
  void place(ComposedImage& c, const Box& tile, Rng& rng) const {
    const TrainingPhoto& photo = choose(rng);
    const Image& image = photo.image;
    const float low = std::log(options_.zoom.low), high = std::log(options_.zoom.high);
    const auto shorter = static_cast<float>(std::min(image.width, image.height));
    const float zoom =
        shorter * std::exp(rng.uniform(low, high)) /
        static_cast<float>(std::max(tile.width, tile.height));  // photo's pixels for one of the tile
    // The crop's left and top; negative if the crop is larger than the photo.
    const auto start = [&](int whole, int part) {
      const float spare = static_cast<float>(whole) - zoom * static_cast<float>(part);
      return spare * rng.uniform();
    };
    const float left = start(image.width, tile.width), top = start(image.height, tile.height);
    const auto inside = [&](float first, int part, int whole, int& from, int& count, int& to, int& to_count) {
      const float end = std::min(static_cast<float>(whole), first + zoom * static_cast<float>(part));
      from = std::clamp(static_cast<int>(std::lround(std::max(0.0f, first))), 0, whole - 1);
      count = std::clamp(static_cast<int>(std::lround(end)) - from, 1, whole - from);
      to = std::clamp(static_cast<int>(std::lround((static_cast<float>(from) - first) / zoom)), 0, part - 1);
      to_count = std::clamp(static_cast<int>(std::lround(static_cast<float>(count) / zoom)), 1, part - to);
    };
    Box from, to;
    inside(left, tile.width, image.width, from.x, from.width, to.x, to.width);
    inside(top, tile.height, image.height, from.y, from.height, to.y, to.height);
    Image part = resize_image(image, from, to.height, to.width);
    if (rng.uniform() < options_.hflip) part = apply_view(part, View::hflip);
    for (int y = 0; y < to.height; ++y)
      std::copy_n(part.pixel(0, y), std::ptrdiff_t{3} * to.width,
                  c.image.pixel(tile.x + to.x, tile.y + to.y + y));
    if (photo.faceless) c.faceless.push_back(tile);
  }

  /// Rotates the whole image. Its faceless parts then lie elsewhere: only an image that is all faceless keeps them.
  void turn(ComposedImage& c, Rng& rng) const {
    const detail::Draw slight(rng, options_.rotation), quarter(rng, {options_.upside, 1, 4});
    const float sign = rng.uniform() < 0.5f ? -1.0f : 1.0f;
    if (!slight.apply && !quarter.apply) return;
    double degrees = slight.apply ? static_cast<double>(sign * slight.strength) : 0.0;
    if (quarter.apply) degrees += 90 * std::floor(static_cast<double>(quarter.strength));
    const double angle = degrees * 3.14159265358979323846 / 180, middle = c.image.width / 2.0;
    Similarity s;
    s.a = std::cos(angle);
    s.b = std::sin(angle);
    s.tx = middle - s.a * middle + s.b * middle;
    s.ty = middle - s.b * middle - s.a * middle;
    c.image = warp_image(c.image, s, c.image.height, c.image.width);
    const bool all = c.faceless.size() == 1 && c.faceless[0].width == c.image.width &&
                     c.faceless[0].height == c.image.height;
    if (!all) c.faceless.clear();
  }

  Status degrade(Image& image, Rng& rng) const {
    const detail::Draw brightness(rng, options_.brightness), contrast(rng, options_.contrast),
        dark(rng, options_.dark), noise(rng, options_.noise), blur(rng, options_.blur),
        jpeg(rng, options_.jpeg), grey(rng, {options_.grey, 0, 0});
    float tint[3];
    const bool tinted = rng.uniform() < options_.tint.probability;
    for (float& factor : tint) factor = rng.uniform(options_.tint.low, options_.tint.high);
    if (tinted) tint_channels(image, tint);
    if (grey.apply) make_grey(image);
    if (brightness.apply) adjust_brightness(image, brightness.strength);
    if (contrast.apply) adjust_contrast(image, contrast.strength);
    if (dark.apply) adjust_brightness(image, dark.strength);
    if (blur.apply) gaussian_blur(image, blur.strength);
    if (noise.apply) add_coarse_noise(image, noise.strength, rng);
    if (!jpeg.apply) return {};
    const auto bytes = encode_jpeg(image, static_cast<int>(std::lround(jpeg.strength)));
    if (!bytes) return bytes.status();
    auto decoded = decode_image({bytes->data(), bytes->size()});
    if (!decoded) return decoded.status();
    image = std::move(*decoded);
    return {};
  }
  static void tint_channels(Image& image, const float (&factors)[3]) {
    unsigned char table[3][256];
    for (int c = 0; c < 3; ++c)
      for (int i = 0; i < 256; ++i)
        table[c][i] = static_cast<unsigned char>(std::min(255.0f, static_cast<float>(i) * factors[c]));
    for (std::size_t i = 0; i + 2 < image.rgb.size(); i += 3)
      for (std::size_t c = 0; c < 3; ++c) image.rgb[i + c] = table[c][image.rgb[i + c]];
  }
  /// Noise from sums of uniform numbers, which are nearly normal and far quicker.
  static void add_coarse_noise(Image& image, float sigma, Rng& rng) {
    for (unsigned char& level : image.rgb) {
      const std::uint32_t r = rng.next();
      const int sum = static_cast<int>((r & 255u) + (r >> 8u & 255u) + (r >> 16u & 255u) + (r >> 24u)) - 510;
      // Four uniform numbers in 0..255 have a standard deviation of 2 * 73.9.
      const float value = static_cast<float>(level) + sigma / 147.8f * static_cast<float>(sum) + 0.5f;
      level = static_cast<unsigned char>(std::clamp(value, 0.0f, 255.0f));
    }
  }

  const std::vector<TrainingPhoto>* photos_;
  MixerOptions options_;
  std::uint64_t seed_;
  std::vector<std::size_t> faceless_, others_;
};

TINYFIQA_END
