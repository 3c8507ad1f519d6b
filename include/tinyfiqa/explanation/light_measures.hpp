// Measures of light: brightness, exposure, dynamic range, contrast and evenness of an aligned face, and its colour.
#pragma once

#include <tinyfiqa/base/config.hpp>
#include <tinyfiqa/explanation/luma_patch.hpp>
#include <tinyfiqa/image/align.hpp>
#include <tinyfiqa/image/image.hpp>
#include <tinyfiqa/image/resize.hpp>

#include <algorithm>
#include <array>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <cstdlib>

TINYFIQA_BEGIN

/// How many pixels have each level of luma.
class LumaHistogram {
 public:
  void add(const unsigned char* luma, int count) {
    for (int i = 0; i < count; ++i) ++counts_[i & 1][luma[i]];
    total_ += count;
  }

  std::int64_t total() const { return total_; }
  double count(std::size_t level) const { return static_cast<double>(counts_[0][level] + counts_[1][level]); }

  /// The mean level, 0..255.
  double mean() const {
    double sum = 0;
    for (std::size_t i = 0; i < 256; ++i) sum += static_cast<double>(i) * count(i);
    return total_ > 0 ? sum / static_cast<double>(total_) : 0;
  }

  /// The standard deviation of the levels divided by their mean: the RMS contrast (Peli 1990), independent of exposure.
  /// 0 for a black image.
  double relative_contrast() const {
    const double middle = mean();
    double squares = 0;
    for (std::size_t i = 0; i < 256; ++i) {
      const double distance = static_cast<double>(i) - middle;
      squares += distance * distance * count(i);
    }
    return middle > 0 ? std::sqrt(squares / static_cast<double>(total_)) / middle : 0;
  }

  /// The share of the pixels with at least this level, 0..1.
  double share_from(std::size_t level) const {
    double sum = 0;
    for (std::size_t i = level; i < 256; ++i) sum += count(i);
    return total_ > 0 ? sum / static_cast<double>(total_) : 0;
  }

  /// The entropy in bits, 0..8.
  double entropy() const {
    double bits = 0;
    for (std::size_t i = 0; i < 256; ++i)
      if (const double p = count(i) / static_cast<double>(std::max<std::int64_t>(total_, 1)); p > 0)
        bits -= p * std::log2(p);
    return bits;
  }

 private:
  std::array<std::uint32_t, 256> counts_[2] = {};
  std::int64_t total_ = 0;
};

/// The histogram of the face in an aligned patch of any size: of an ellipse from the brows to the chin.
inline LumaHistogram face_histogram(const LumaPatch& aligned) {
  LumaHistogram histogram;
  const double scale = static_cast<double>(aligned.width) / aligned_side;
  const double middle_x = 56 * scale, middle_y = 72 * scale, radius_x = 34 * scale, radius_y = 38 * scale;
  for (int y = 0; y < aligned.height; ++y) {
    const double up = (y + 0.5 - middle_y) / radius_y;
    if (up * up >= 1) continue;
    const double half = radius_x * std::sqrt(1 - up * up);
    const int left = std::max(0, static_cast<int>(std::lround(middle_x - half)));
    const int right = std::min(aligned.width, static_cast<int>(std::lround(middle_x + half)));
    if (left < right) histogram.add(aligned.row(y) + left, right - left);
  }
  return histogram;
}

/// Squares on both cheeks of an aligned face, as ISO/IEC 29794-5 places them for the uniformity of illumination and for
/// natural colour: their side is 0.3 of the distance of the eyes; they begin half way from the eyes to the mouth,
/// outwards from the eyes.
struct Cheeks {
  int side = 0, top = 0, left_x = 0, right_x = 0;
};
inline Cheeks cheeks_of(int aligned_width) {
  const double scale = static_cast<double>(aligned_width) / aligned_side;
  const double eye_distance = face_template[1][0] - face_template[0][0];
  const double eyes_y = (face_template[0][1] + face_template[1][1]) / 2,
               mouth_y = (face_template[3][1] + face_template[4][1]) / 2;
  const auto whole = [&](double x) { return static_cast<int>(std::lround(x * scale)); };
  Cheeks c;
  c.side = std::max(1, whole(0.3 * eye_distance));
  c.top = whole((eyes_y + mouth_y) / 2);
  c.left_x = whole(face_template[0][0]) - c.side;
  c.right_x = whole(face_template[1][0]);
  return c;
}

/// The darker cheek's mean luma divided by the brighter one's, 0..1; 1 if both are black.
inline double cheek_ratio(const LumaPatch& aligned) {
  const Cheeks c = cheeks_of(aligned.width);
  std::int64_t left = 0, right = 0;
  for (int y = c.top; y < c.top + c.side; ++y)
    for (int i = 0; i < c.side; ++i) {
      left += aligned.row(y)[c.left_x + i];
      right += aligned.row(y)[c.right_x + i];
    }
  const std::int64_t low = std::min(left, right), high = std::max(left, right);
  return high > 0 ? static_cast<double>(low) / static_cast<double>(high) : 1;
}

/// A colour in CIELAB (CIE 15), of sRGB levels with its white D65.
struct LabColour {
  double l = 0, a = 0, b = 0;

  /// Chroma divided by the length of the vector (L, a, b), 0..1 (Luebbe 2008).
  double saturation() const {
    const double chroma = a * a + b * b;
    return chroma > 0 ? std::sqrt(chroma / (chroma + l * l)) : 0;
  }
  /// How far (a, b) lies outside the range of natural skin in ISO/IEC 29794-5: a in 5..25 and b in 5..35.
  double distance_from_skin() const {
    const double da = a - std::clamp(a, 5.0, 25.0), db = b - std::clamp(b, 5.0, 35.0);
    return std::sqrt(da * da + db * db);
  }
};

namespace detail {

/// The light that an sRGB level stands for, 0..1 (IEC 61966-2-1).
inline double linear_light(double level) {
  const double v = level / 255;
  return v <= 0.04045 ? v / 12.92 : std::pow((v + 0.055) / 1.055, 2.4);
}

inline double lab_curve(double t) { return t > 216.0 / 24389 ? std::cbrt(t) : (24389.0 / 27 * t + 16) / 116; }

}  // namespace detail

/// The colour of mean sRGB levels under an exposure that gives it the lightness L = 65, so that a dark photo has the
/// colour of a bright one. Black is grey.
inline LabColour exposed_colour(double red, double green, double blue) {
  const double r = detail::linear_light(red), g = detail::linear_light(green), b = detail::linear_light(blue);
  const double x = 0.4124 * r + 0.3576 * g + 0.1805 * b, y = 0.2126 * r + 0.7152 * g + 0.0722 * b,
               z = 0.0193 * r + 0.1192 * g + 0.9505 * b;
  constexpr double lightness = 65,
                   wanted = ((lightness + 16) / 116) * ((lightness + 16) / 116) * ((lightness + 16) / 116);
  if (!(y > 0)) return {lightness, 0, 0};
  const double gain = wanted / y;
  const double fx = detail::lab_curve(gain * x / 0.9505), fy = detail::lab_curve(wanted),
               fz = detail::lab_curve(gain * z / 1.0890);
  return {lightness, 500 * (fx - fy), 200 * (fy - fz)};
}

/// The mean colour of both cheeks of an aligned face.
inline LabColour cheek_colour(const Image& aligned) {
  const Cheeks c = cheeks_of(aligned.width);
  std::int64_t sums[3] = {};
  for (int y = c.top; y < c.top + c.side; ++y)
    for (int i = 0; i < c.side; ++i)
      for (int k = 0; k < 3; ++k)
        sums[k] += aligned.pixel(c.left_x + i, y)[k] + aligned.pixel(c.right_x + i, y)[k];
  const double count = 2.0 * c.side * c.side;
  return exposed_colour(static_cast<double>(sums[0]) / count, static_cast<double>(sums[1]) / count,
                        static_cast<double>(sums[2]) / count);
}

/// The part of an aligned face, in pixels of 112x112, that is measured: all features, without hair and shoulders.
inline constexpr Box measured_part = {10, 18, 92, 94};
/// The same of an aligned face of another size.
inline Box measured_part_of(int side) {
  const auto at = [&](int x) { return x * side / aligned_side; };
  const Box& m = measured_part;
  return {at(m.x), at(m.y), at(m.x + m.width) - at(m.x), at(m.y + m.height) - at(m.y)};
}

/// The share of the pixels of an aligned face's measured part whose channels differ by more than `most` levels; 0 for a
/// grey image.
/// Rounding makes differences of one or two levels.
inline double coloured_share(const Image& aligned, int most = 2) {
  const Box part = measured_part_of(aligned.width);
  int coloured = 0;
  for (int y = part.y; y < part.y + part.height; ++y) {
    const unsigned char* p = aligned.pixel(part.x, y);
    for (int x = 0; x < part.width; ++x, p += 3) {
      const int high = std::max({p[0], p[1], p[2]}), low = std::min({p[0], p[1], p[2]});
      coloured += high - low > most ? 1 : 0;
    }
  }
  return static_cast<double>(coloured) / (part.width * part.height);
}

TINYFIQA_END
