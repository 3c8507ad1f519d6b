// Calibration: maps the raw score of a network to a quality of 0..100 by the rank of the score in a
// reference population.
#pragma once

#include <tinyfiqa/base/config.hpp>
#include <tinyfiqa/base/span.hpp>
#include <tinyfiqa/base/status.hpp>
#include <tinyfiqa/evaluation/quantile.hpp>
#include <tinyfiqa/formats/decimal.hpp>
#include <tinyfiqa/formats/tensor_file.hpp>

#include <algorithm>
#include <array>
#include <charconv>
#include <cmath>
#include <cstddef>
#include <limits>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

TINYFIQA_BEGIN

/// The meaning of a quality: reject the photo; poor, take another one if possible; fair, usable; good.
enum class Band : unsigned char { reject, poor, fair, good };

/// "reject", "poor", "fair" or "good".
constexpr const char* band_name(Band band) {
  constexpr const char* names[] = {"reject", "poor", "fair", "good"};
  return names[static_cast<unsigned char>(band)];
}

/// The first quality of each band above `reject`; 0 < poor < fair < good <= 100.
struct BandLimits {
  int poor = 0, fair = 0, good = 0;

  Band of(int quality) const {
    return quality < poor   ? Band::reject
           : quality < fair ? Band::poor
           : quality < good ? Band::fair
                            : Band::good;
  }
};

/// The quality as the integer of ISO/IEC 29794-1: 0 to 100, higher is better. `quality` must not be NaN.
inline int whole_quality(float quality) {
  return static_cast<int>(std::lround(std::min(100.0f, std::max(0.0f, quality))));
}

/// A point of the map from raw score to quality.
struct QualityKnot {
  float raw = 0, quality = 0;
};

/// Genuine comparisons whose worse image is in one band, and how many of them failed at the threshold with a
/// false match rate of 1e-3.
struct BandErrors {
  std::size_t failed = 0, pairs = 0;

  /// The expected false non-match rate; NaN if nothing was compared.
  double rate() const {
    return pairs == 0 ? std::numeric_limits<double>::quiet_NaN()
                      : static_cast<double>(failed) / static_cast<double>(pairs);
  }
};

/// The map: linear between knots, constant beyond the first and the last. The raw scores of the knots rise
/// strictly and the qualities do not fall. There are at least two knots.
struct Calibration {
  std::vector<QualityKnot> knots;
  /// The worst 5, 10 and 20 % of the population have qualities below these.
  int worst5 = 0, worst10 = 0, worst20 = 0;
  BandLimits limits;
  /// Recognition errors of each band, if they were measured with a recogniser.
  std::optional<std::array<BandErrors, 4>> errors;

  /// 0..100, or NaN for NaN.
  float quality(float raw) const {
    if (std::isnan(raw)) return raw;
    const auto above = std::upper_bound(knots.begin(), knots.end(), raw,
                                        [](float value, const QualityKnot& k) { return value < k.raw; });
    if (above == knots.begin()) return knots.front().quality;
    if (above == knots.end()) return knots.back().quality;
    const QualityKnot &a = above[-1], &b = above[0];
    return a.quality + (b.quality - a.quality) * ((raw - a.raw) / (b.raw - a.raw));
  }
  /// The same as an integer; `raw` must not be NaN.
  int quality_number(float raw) const { return whole_quality(quality(raw)); }
};

struct CalibrationOptions {
  /// The raw score of quality 0, the worst that the network can give. Default: 2 * (1st percentile) - median
  /// of the population, or its minimum if that is lower.
  std::optional<float> floor;
};

/// The fewest scores for a map. Use thousands in practice, or a few photos decide the 1st percentile.
constexpr std::size_t least_population = 20;

namespace detail {

/// The quality of a percentile of the population: 10 for the 1st, 90 for the 99th, linear between.
inline double percentile_quality(int percent) { return 10 + 80.0 * (percent - 1) / 98; }

/// Merges knots with equal raw scores (a network may give many faces the same score) into one, in the middle.
inline std::vector<QualityKnot> merge_knots(const std::vector<QualityKnot>& points) {
  std::vector<QualityKnot> knots;
  for (std::size_t i = 0; i < points.size();) {
    std::size_t last = i;
    while (last + 1 < points.size() && !(points[last + 1].raw > points[i].raw)) ++last;
    // Two decimals, so that the text in a file gives exactly this map.
    const float middle = (points[i].quality + points[last].quality) / 2;
    knots.push_back({points[i].raw, std::round(100 * middle) / 100});
    i = last + 1;
  }
  return knots;
}

/// The integer quality below which about `share` of the population lies.
inline int quality_above(const Calibration& c, const std::vector<float>& sorted, double share) {
  const float quality = c.quality(static_cast<float>(sorted_quantile(sorted, share)));
  return std::min(100, static_cast<int>(std::lround(quality + 0.5f)));
}

}  // namespace detail

/// Makes the map from the raw scores of a population, in any order. The percentiles 1, 5, 10, .. 95, 99 get
/// the qualities 10 to 90, in proportion to the percent; the maximum gets 100 and options.floor 0. So the
/// range 0..10 is left for badly degraded faces, which a population of photos hardly has. Bands: reject, the
/// worst 5 %; poor, up to 20 %; fair, up to the median; good, the rest. Errors: bad_argument (too few scores,
/// nearly all equal, a floor that is not below the 1st percentile); not_finite.
inline Result<Calibration> fit_calibration(std::vector<float> raw, const CalibrationOptions& options = {}) {
  if (raw.size() < least_population)
    return Status::error(Errc::bad_argument, "a calibration needs the scores of at least ", least_population,
                         " faces, better thousands; there are ", raw.size());
  for (const float value : raw)
    if (!std::isfinite(value)) return Status::error(Errc::not_finite, "a score is not a finite number");
  std::sort(raw.begin(), raw.end());
  const auto quantile = [&](int percent) {
    return static_cast<float>(sorted_quantile(raw, percent / 100.0));
  };
  if (!(quantile(95) > quantile(5)))
    return Status::error(Errc::bad_argument,
                         "nearly all faces have the same score, so there is nothing to spread");
  const float first = quantile(1);
  const float floor = options.floor ? *options.floor : std::min(raw.front(), first - (quantile(50) - first));
  if (!(floor < first))
    return Status::error(Errc::bad_argument, "the floor must lie below the population's 1st percentile");
  if (!std::isfinite(raw.back() - floor))
    return Status::error(Errc::bad_argument, "the scores are too far apart for the numbers of a calibration");
  std::vector<QualityKnot> points = {{floor, 0}, {first, 10}};
  for (int percent = 5; percent <= 95; percent += 5)
    points.push_back({quantile(percent), static_cast<float>(detail::percentile_quality(percent))});
  points.push_back({quantile(99), 90});
  points.push_back({raw.back(), 100});
  Calibration c;
  c.knots = detail::merge_knots(points);
  c.worst5 = detail::quality_above(c, raw, 0.05);
  c.worst10 = detail::quality_above(c, raw, 0.10);
  c.worst20 = detail::quality_above(c, raw, 0.20);
  c.limits.poor = c.worst5;
  c.limits.fair = std::max(c.worst20, c.limits.poor + 1);
  c.limits.good = std::max(detail::quality_above(c, raw, 0.50), c.limits.fair + 1);
  if (c.worst5 < 1 || c.limits.good > 100)
    return Status::error(Errc::bad_argument, "too many faces have the same score to tell bands apart");
  return c;
}

namespace detail {

inline bool read_number(std::string_view text, float& value) {
  const auto [end, error] = read_decimal(text, value);
  return error == std::errc() && end == text.data() + text.size() && std::isfinite(value);
}

inline std::string thresholds_text(const Calibration& c) {
  return "5% " + std::to_string(c.worst5) + ", 10% " + std::to_string(c.worst10) + ", 20% " +
         std::to_string(c.worst20);
}

inline std::string bands_text(const BandLimits& l) {
  return "reject 0-" + std::to_string(l.poor - 1) + ", poor " + std::to_string(l.poor) + "-" +
         std::to_string(l.fair - 1) + ", fair " + std::to_string(l.fair) + "-" + std::to_string(l.good - 1) +
         ", good " + std::to_string(l.good) + "-100";
}

inline std::string errors_text(const std::array<BandErrors, 4>& errors) {
  std::string text = "false non-matches at FMR 0.001:";
  for (std::size_t b = 0; b < errors.size(); ++b)
    text += std::string(b == 0 ? " " : ", ") + band_name(static_cast<Band>(b)) + " " +
            std::to_string(errors[b].failed) + " of " + std::to_string(errors[b].pairs);
  return text;
}

inline bool parse_knots(std::string_view text, std::vector<QualityKnot>& knots, std::string& problem) {
  while (!text.empty()) {
    const std::string_view word = text.substr(0, text.find(' '));
    text.remove_prefix(std::min(text.size(), word.size() + 1));
    const std::size_t colon = word.find(':');
    QualityKnot k;
    if (colon == std::string_view::npos || !read_number(word.substr(0, colon), k.raw) ||
        !read_number(word.substr(colon + 1), k.quality)) {
      problem = "'" + std::string(word.substr(0, 40)) + "' is not RAW:QUALITY, two finite numbers";
      return false;
    }
    if (k.quality < 0 || k.quality > 100) problem = "a quality outside 0..100";
    if (!knots.empty() && !(k.raw > knots.back().raw)) problem = "the raw scores don't rise";
    if (!knots.empty() && !std::isfinite(k.raw - knots.back().raw)) problem = "raw scores are too far apart";
    if (!knots.empty() && k.quality < knots.back().quality)
      problem = "a higher raw score has a lower quality";
    if (!problem.empty()) return false;
    knots.push_back(k);
  }
  if (knots.size() < 2) problem = "fewer than two knots";
  return problem.empty();
}

/// Reads the integers in a text. The callers write them again and compare the texts, which checks the rest.
template <class Int, std::size_t Count>
bool read_integers(const std::string& text, Int (&numbers)[Count]) {
  std::size_t count = 0;
  const char *at = text.data(), *end = at + text.size();
  while (at != end && count < Count) {
    if (*at < '0' || *at > '9') {
      ++at;
      continue;
    }
    const auto [next, error] = std::from_chars(at, end, numbers[count++]);
    if (error != std::errc()) return false;
    at = next;
  }
  return count == Count;
}

inline bool parse_thresholds(const std::string& text, Calibration& c) {
  int n[6] = {};
  if (!read_integers(text, n)) return false;
  c.worst5 = n[1], c.worst10 = n[3], c.worst20 = n[5];
  return text == thresholds_text(c) && c.worst5 <= c.worst10 && c.worst10 <= c.worst20 && c.worst20 <= 100;
}

inline bool parse_bands(const std::string& text, Calibration& c) {
  int n[7] = {};
  if (!read_integers(text, n)) return false;
  c.limits = {n[2], n[4], n[6]};
  return text == bands_text(c.limits) && 0 < n[2] && n[2] < n[4] && n[4] < n[6] && n[6] <= 100;
}

inline bool parse_errors(const std::string& text, Calibration& c) {
  std::size_t n[10] = {};
  if (!read_integers(text, n)) return false;
  std::array<BandErrors, 4> errors;
  for (std::size_t b = 0; b < 4; ++b) {
    errors[b] = {n[2 + 2 * b], n[3 + 2 * b]};
    if (errors[b].failed > errors[b].pairs) return false;
  }
  c.errors = errors;
  return text == errors_text(errors);
}

}  // namespace detail

/// Metadata entries that calibration_from_metadata() reads:
///   calibration   "0:0 0.31:10 0.42:13.27 ..."    raw score:quality
///   thresholds    "5% 14, 10% 18, 20% 26"
///   bands         "reject 0-13, poor 14-25, fair 26-50, good 51-100"
///   band_errors   "false non-matches at FMR 0.001: reject 18 of 120, poor 3 of 200, ..."   (optional)
inline Metadata calibration_metadata(const Calibration& c) {
  std::string knots;
  for (const QualityKnot& k : c.knots)
    knots += (knots.empty() ? "" : " ") + detail::decimal_text(k.raw) + ":" + detail::decimal_text(k.quality);
  Metadata entries = {{"calibration", knots},
                      {"thresholds", detail::thresholds_text(c)},
                      {"bands", detail::bands_text(c.limits)}};
  if (c.errors) entries.emplace_back("band_errors", detail::errors_text(*c.errors));
  return entries;
}

/// The calibration in the metadata of a weight file, or none. `path` is for messages.
/// Errors: bad_format, naming the file and the key.
inline Result<std::optional<Calibration>> calibration_from_metadata(const Metadata& metadata,
                                                                    const std::string& path) {
  const std::string* knots = find_metadata(metadata, "calibration");
  if (knots == nullptr) return std::optional<Calibration>();
  Calibration c;
  std::string problem;
  const auto bad = [&](const char* key, const std::string& why) {
    return Status::error(Errc::bad_format, path, ": metadata '", key, "': ", why,
                         "; calibrate the weights again (tinyfiqa calibrate)");
  };
  if (!detail::parse_knots(*knots, c.knots, problem)) return bad("calibration", problem);
  const auto read = [&](const char* key, bool (*parse)(const std::string&, Calibration&), bool needed) {
    const std::string* text = find_metadata(metadata, key);
    if (text == nullptr) return needed ? bad(key, "is missing beside 'calibration'") : Status();
    return parse(*text, c) ? Status() : bad(key, in_quotes(text->substr(0, 80)) + " can't be read");
  };
  for (const Status& s :
       {read("thresholds", detail::parse_thresholds, true), read("bands", detail::parse_bands, true),
        read("band_errors", detail::parse_errors, false)})
    if (!s) return s;
  return std::optional<Calibration>(std::move(c));
}

TINYFIQA_END
