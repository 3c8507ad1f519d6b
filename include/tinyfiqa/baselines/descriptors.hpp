// Hand-crafted image features: HoG, LBP, Gabor and Gist. The baseline RQS (Chen, Deng, Bai and Su 2015)
// learns a quality from them.
#pragma once

#include <tinyfiqa/base/config.hpp>
#include <tinyfiqa/baselines/gabor_bank.hpp>
#include <tinyfiqa/baselines/perceptual.hpp>

#include <algorithm>
#include <array>
#include <cmath>
#include <cstddef>
#include <vector>

TINYFIQA_BEGIN

/// Side of the face image in pixels. All features are computed from its grey levels [64, 64], 0..255.
inline constexpr std::size_t descriptor_side = 64;

namespace detail {

/// Histograms of gradient directions in cells of 8 x 8 pixels: [8, 8, 9] for 9 bins of 0..180 degrees. A
/// pixel votes with its gradient magnitude; the vote is interpolated between the two nearest bins. Border
/// pixels are replicated.
inline std::vector<float> gradient_cells(const std::vector<float>& grey) {
  constexpr std::size_t side = descriptor_side, cells = side / 8;
  std::vector<float> votes(cells * cells * 9);
  const auto at = [&](std::size_t y, std::size_t x) { return grey[y * side + x]; };
  for (std::size_t y = 0; y < side; ++y)
    for (std::size_t x = 0; x < side; ++x) {
      const float dx = at(y, std::min(x + 1, side - 1)) - at(y, x > 0 ? x - 1 : 0);
      const float dy = at(std::min(y + 1, side - 1), x) - at(y > 0 ? y - 1 : 0, x);
      const float strength = std::sqrt(dx * dx + dy * dy);
      float angle = std::atan2(dy, dx);  // bins are centred at 0, 20, .. 160 degrees
      if (angle < 0) angle += 3.14159265f;
      const float bin = angle * (9 / 3.14159265f), low = std::floor(bin);
      float* cell = votes.data() + (y / 8 * cells + x / 8) * 9;
      cell[static_cast<std::size_t>(low) % 9] += strength * (1 - (bin - low));
      cell[(static_cast<std::size_t>(low) + 1) % 9] += strength * (bin - low);
    }
  return votes;
}

/// Normalises a block to length 1, clips it at 0.2 and normalises again ("L2-Hys"). The epsilon of
/// 0.1 grey levels keeps flat blocks near 0.
inline void normalise_block(float* v, std::size_t count) {
  for (int pass = 0; pass < 2; ++pass) {
    float squares = pass == 0 ? 0.01f : 1e-12f;
    for (std::size_t i = 0; i < count; ++i) squares += v[i] * v[i];
    for (std::size_t i = 0; i < count; ++i)
      v[i] = std::min(v[i] / std::sqrt(squares), pass == 0 ? 0.2f : 1.0f);
  }
}

/// Numbers the uniform patterns (Ojala, Pietikainen and Maenpaa 2002): the 58 patterns of 8 bits with at most
/// two changes around the circle get 0..57 in ascending order, all others get 58.
inline std::array<unsigned char, 256> uniform_patterns() {
  std::array<unsigned char, 256> number = {};
  unsigned char next = 0;
  for (unsigned p = 0; p < 256; ++p) {
    unsigned changes = 0;
    for (unsigned b = 0; b < 8; ++b) changes += (p >> b & 1u) != (p >> ((b + 1) % 8) & 1u) ? 1 : 0;
    number[p] = changes <= 2 ? next++ : static_cast<unsigned char>(58);
  }
  return number;
}

}  // namespace detail

/// Histograms of oriented gradients (Dalal and Triggs 2005) of grey levels [64, 64]. Blocks of 2 x 2 cells
/// overlap by one cell: [7, 7, 2, 2, 9] = 1764 features, 0..1. Votes are not interpolated between cells.
inline std::vector<float> hog_features(const std::vector<float>& grey) {
  constexpr std::size_t cells = descriptor_side / 8;
  const std::vector<float> votes = detail::gradient_cells(grey);
  std::vector<float> features;
  for (std::size_t y = 0; y + 1 < cells; ++y)
    for (std::size_t x = 0; x + 1 < cells; ++x) {
      const std::size_t start = features.size();
      for (const std::size_t cell :
           {y * cells + x, y * cells + x + 1, (y + 1) * cells + x, (y + 1) * cells + x + 1})
        for (std::size_t b = 0; b < 9; ++b) features.push_back(votes[cell * 9 + b]);
      detail::normalise_block(features.data() + start, 36);
    }
  return features;
}

/// Local binary patterns (Ahonen, Hadid and Pietikainen 2006) of grey levels [64, 64]. The pattern of a pixel
/// says which of its 8 neighbours are at least as bright. The features are the relative frequencies of the 59
/// uniform patterns in each of 4 x 4 squares: [4, 4, 59] = 944 features, 0..1. Border pixels are left out.
inline std::vector<float> lbp_features(const std::vector<float>& grey) {
  static const std::array<unsigned char, 256> number = detail::uniform_patterns();
  constexpr std::size_t side = descriptor_side, square = side / 4;
  constexpr int around[8][2] = {{0, 1}, {1, 1}, {1, 0}, {1, -1}, {0, -1}, {-1, -1}, {-1, 0}, {-1, 1}};
  std::vector<float> features(16 * 59);
  float counts[16] = {};
  for (std::size_t y = 1; y + 1 < side; ++y)
    for (std::size_t x = 1; x + 1 < side; ++x) {
      const float* centre = grey.data() + y * side + x;
      unsigned pattern = 0;
      for (unsigned b = 0; b < 8; ++b)
        pattern |= (centre[around[b][0] * static_cast<int>(side) + around[b][1]] >= *centre ? 1u : 0u) << b;
      const std::size_t region = y / square * 4 + x / square;
      features[region * 59 + number[pattern]] += 1;
      counts[region] += 1;
    }
  for (std::size_t i = 0; i < features.size(); ++i) features[i] /= counts[i / 59];
  return features;
}

/// Gabor and Gist features, which share a Fourier transform. Not thread safe:
/// each thread needs its own object.
class SpectralDescriptors {
 public:
  SpectralDescriptors() : gabor_(descriptor_side), gist_(descriptor_side), smooth_(descriptor_side) {
    for (int scale = 0; scale < 5; ++scale)
      for (int direction = 0; direction < 8; ++direction) add_gabor(scale, direction);
    for (int scale = 0; scale < 4; ++scale)
      for (int direction = 0; direction < 8; ++direction) add_gist(scale, direction);
    smooth_.add([](Frequency f) {
      const float cycles = std::sqrt(f.x * f.x + f.y * f.y) * descriptor_side / 6.2831853f;
      return std::exp(-0.69314718f * cycles * cycles / 16);  // one half at 4 cycles per image
    });
  }

  /// Gabor features (Liu and Wechsler 2002) of grey levels [64, 64]: the magnitudes of 5 scales x 8
  /// directions, averaged in 8 x 8 cells: [5, 8, 8, 8] = 2560 features, in grey levels.
  std::vector<float> gabor(const std::vector<float>& grey) { return gabor_.cell_magnitudes(grey, 8); }

  /// Gist features (Oliva and Torralba 2001) of grey levels [64, 64]: after a local contrast normalisation,
  /// the magnitudes of 4 scales x 8 directions, averaged in 4 x 4 squares: [4, 8, 4, 4] = 512 features.
  std::vector<float> gist(const std::vector<float>& grey) {
    return gist_.cell_magnitudes(even_contrast(grey), 4);
  }

 private:
  /// Adds the Fourier transform of (k^2 / s^2) exp(-k^2 z^2 / 2 s^2) (exp(i k z) - exp(-s^2 / 2)) with s = 2
  /// pi and |k| = pi / 2 / sqrt(2)^scale. It is a Gaussian around k, minus a Gaussian around 0 that makes the
  /// response to a constant image 0.
  void add_gabor(int scale, int direction) {
    const float k = 1.57079633f / std::pow(1.41421356f, static_cast<float>(scale));
    const float angle = 3.14159265f * static_cast<float>(direction) / 8, kx = k * std::cos(angle),
                ky = k * std::sin(angle);
    const float width = 6.2831853f * 6.2831853f / (2 * k * k);
    gabor_.add([=](Frequency f) {
      const float dx = f.x - kx, dy = f.y - ky;
      return std::exp(-width * (dx * dx + dy * dy)) - std::exp(-width * (f.x * f.x + f.y * f.y + k * k));
    });
  }

  /// Adds exp(-3.5 (|f| / f0 - 1)^2 - 2 pi t^2), where t is the angle between the frequency f and the
  /// filter's direction, and f0 = 0.3 / 1.85^scale cycles per pixel. These are the authors' settings.
  void add_gist(int scale, int direction) {
    const float centre = 6.2831853f * 0.3f / std::pow(1.85f, static_cast<float>(scale));
    const float angle = 3.14159265f * static_cast<float>(direction) / 8;
    gist_.add([=](Frequency f) {
      const float r = std::sqrt(f.x * f.x + f.y * f.y) / centre - 1;
      float t = std::remainder(std::atan2(f.y, f.x) - angle, 6.2831853f);
      if (f.x == 0 && f.y == 0) return 0.0f;  // frequency 0 has no direction
      return std::exp(-3.5f * r * r - 6.2831853f * t * t);
    });
  }

  /// Local contrast normalisation: x = log(1 + I) minus its local mean, divided by 0.2 plus the local
  /// standard deviation of x.
  std::vector<float> even_contrast(const std::vector<float>& grey) {
    std::vector<float> x(grey.size()), squares(grey.size());
    for (std::size_t i = 0; i < x.size(); ++i) x[i] = std::log1p(grey[i]);
    subtract_smooth(x, x);
    for (std::size_t i = 0; i < x.size(); ++i) squares[i] = x[i] * x[i];
    const std::vector<Complex> variance = smooth_.respond(smooth_.spectrum(squares), 0);
    for (std::size_t i = 0; i < x.size(); ++i) x[i] /= 0.2f + std::sqrt(std::max(0.0f, variance[i].real()));
    return x;
  }
  void subtract_smooth(const std::vector<float>& from, std::vector<float>& to) {
    const std::vector<Complex> mean = smooth_.respond(smooth_.spectrum(from), 0);
    for (std::size_t i = 0; i < to.size(); ++i) to[i] = from[i] - mean[i].real();
  }

  FilterBank gabor_, gist_, smooth_;
};

TINYFIQA_END
