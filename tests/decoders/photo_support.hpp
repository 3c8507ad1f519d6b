// The pattern of tests/fixtures/photos, and what colour profiles make of it.
#pragma once

#include <doctest/doctest.h>

#include "decoders/photo.hpp"
#include "image/image_support.hpp"

#include <algorithm>
#include <array>
#include <cmath>
#include <cstdlib>
#include <string>
#include <vector>

using Colour = std::array<double, 3>;

constexpr int ramp_width = 64, ramp_height = 48;

/// The colour of a stored pixel, in levels. Cells of a larger size have one colour.
inline Colour ramp(int x, int y, int cell = 1) {
  x = x / cell * cell;
  y = y / cell * cell;
  return {20.0 + 3 * x, 30.0 + 4 * y, 230.0 - x - 2 * y};
}

inline Colour ramp_grey(int x, int y, int cell = 1) {
  const Colour c = ramp(x, y, cell);
  const double luma = 0.299 * c[0] + 0.587 * c[1] + 0.114 * c[2];
  return {luma, luma, luma};
}

inline double srgb_encode(double linear) {
  const double x = std::clamp(linear, 0.0, 1.0);
  return 255 * (x <= 0.0031308 ? 12.92 * x : 1.055 * std::pow(x, 1 / 2.4) - 0.055);
}
inline double srgb_decode(double level) {
  const double x = level / 255;
  return x <= 0.04045 ? x / 12.92 : std::pow((x + 0.055) / 1.055, 2.4);
}

using Matrix = std::array<Colour, 3>;

inline Colour product(const Matrix& m, const Colour& v) {
  Colour out = {};
  for (std::size_t i = 0; i < 3; ++i)
    for (std::size_t j = 0; j < 3; ++j) out[i] += m[i][j] * v[j];
  return out;
}

inline Matrix inverse(const Matrix& m) {
  Matrix out;
  const auto at = [&](std::size_t i, std::size_t j) { return m[i % 3][j % 3]; };
  double determinant = 0;
  for (std::size_t j = 0; j < 3; ++j)
    determinant += at(0, j) * (at(1, j + 1) * at(2, j + 2) - at(1, j + 2) * at(2, j + 1));
  for (std::size_t i = 0; i < 3; ++i)
    for (std::size_t j = 0; j < 3; ++j)
      out[i][j] = (at(j + 1, i + 1) * at(j + 2, i + 2) - at(j + 1, i + 2) * at(j + 2, i + 1)) / determinant;
  return out;
}

/// From linear RGB with these primaries (x, y of red, green, blue) and the white of daylight, D65, to XYZ.
inline Matrix to_xyz(const std::array<std::array<double, 2>, 3>& primaries) {
  Matrix m;
  for (std::size_t c = 0; c < 3; ++c) {
    const auto [x, y] = primaries[c];
    m[0][c] = x / y;
    m[1][c] = 1;
    m[2][c] = (1 - x - y) / y;
  }
  const Colour scale = product(inverse(m), {0.3127 / 0.3290, 1, (1 - 0.3127 - 0.3290) / 0.3290});
  for (std::size_t i = 0; i < 3; ++i)
    for (std::size_t c = 0; c < 3; ++c) m[i][c] *= scale[c];
  return m;
}

inline Colour linear_to_srgb(const Colour& linear, const std::array<std::array<double, 2>, 3>& primaries) {
  static const Matrix from_xyz = inverse(to_xyz({{{0.64, 0.33}, {0.30, 0.60}, {0.15, 0.06}}}));
  const Colour rgb = product(from_xyz, product(to_xyz(primaries), linear));
  return {srgb_encode(rgb[0]), srgb_encode(rgb[1]), srgb_encode(rgb[2])};
}

/// Display P3 (SMPTE EG 432-1 with sRGB's curve) and Adobe RGB (1998), as sRGB levels.
inline Colour from_p3(const Colour& c) {
  return linear_to_srgb({srgb_decode(c[0]), srgb_decode(c[1]), srgb_decode(c[2])},
                        {{{0.680, 0.320}, {0.265, 0.690}, {0.150, 0.060}}});
}
inline Colour from_adobe(const Colour& c) {
  const auto decode = [](double level) { return std::pow(level / 255, 563.0 / 256); };
  return linear_to_srgb({decode(c[0]), decode(c[1]), decode(c[2])},
                        {{{0.64, 0.33}, {0.21, 0.71}, {0.15, 0.06}}});
}

inline std::vector<unsigned char> photo_bytes(const std::string& name) {
  return file_bytes(fixture("photos/" + name));
}

inline tinyfiqa::Result<Photo> decode(const std::vector<unsigned char>& bytes,
                                      const DecodeRequest& request = {}) {
  return decode_photo(tinyfiqa::Bytes(bytes.data(), bytes.size()), request);
}

/// Whether a test can't be run, because this build lacks the library of a format.
inline bool lacks_library(const tinyfiqa::Status& status) {
  const bool lacks = std::string(status.message()).find("was built without it") != std::string::npos;
  if (lacks) MESSAGE("left out: " << status.message());
  return lacks;
}

/// The largest difference of any level from expected(x, y).
template <class Expected>
double difference_from(const tinyfiqa::Image& image, const Expected& expected) {
  double worst = 0;
  for (int y = 0; y < image.height; ++y) {
    for (int x = 0; x < image.width; ++x) {
      const Colour wanted = expected(x, y);
      for (std::size_t c = 0; c < 3; ++c) worst = std::max(worst, std::abs(image.pixel(x, y)[c] - wanted[c]));
    }
  }
  return worst;
}
