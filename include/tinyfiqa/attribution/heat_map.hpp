// Heat maps: which parts of a face raise a network's score, and which lower it.
#pragma once

#include <tinyfiqa/base/config.hpp>

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <vector>

TINYFIQA_BEGIN

/// What each pixel of a network's input does to its raw score: values above 0 raise it, values below 0 lower it. Their unit
/// depends on the method that made the map (gradient_map.hpp, occlusion_map.hpp).
struct HeatMap {
  int height = 0, width = 0;
  std::vector<float> values;  ///< [height, width]
  float score = 0;            ///< the raw score of the face

  HeatMap() = default;
  HeatMap(int h, int w)
      : height(h), width(w), values(static_cast<std::size_t>(h) * static_cast<std::size_t>(w)) {}
  float& at(int y, int x) { return values[index(y, x)]; }
  float at(int y, int x) const { return values[index(y, x)]; }
  /// The largest magnitude; 0 for an empty map.
  float largest() const {
    float most = 0;
    for (const float v : values) most = std::max(most, std::abs(v));
    return most;
  }

 private:
  std::size_t index(int y, int x) const {
    return static_cast<std::size_t>(y) * static_cast<std::size_t>(width) + static_cast<std::size_t>(x);
  }
};

namespace detail {

/// Weights of a Gaussian at 0, 1, .. 3 deviations; both sides add up to 1.
inline std::vector<float> gaussian_weights(float deviation) {
  std::vector<float> weights(static_cast<std::size_t>(std::ceil(3 * std::max(deviation, 0.0f))) + 1);
  float sum = 0;
  for (std::size_t i = 0; i < weights.size(); ++i) {
    const float x = i == 0 ? 0 : static_cast<float>(i) / deviation;
    weights[i] = std::exp(-0.5f * x * x);
    sum += (i == 0 ? 1 : 2) * weights[i];
  }
  for (float& w : weights) w /= sum;
  return weights;
}

/// Blurs lines of `count` numbers, `step` apart. Beyond its ends a line is mirrored, so that its sum stays.
inline void blur_line(const std::vector<float>& weights, int count, std::ptrdiff_t step, float* line,
                      std::vector<float>& copy) {
  copy.resize(static_cast<std::size_t>(count));
  for (int i = 0; i < count; ++i) copy[static_cast<std::size_t>(i)] = line[i * step];
  const auto mirrored = [&](int i) {
    const int period = 2 * count, wrapped = ((i % period) + period) % period;
    return copy[static_cast<std::size_t>(wrapped < count ? wrapped : period - 1 - wrapped)];
  };
  for (int i = 0; i < count; ++i) {
    float sum = weights[0] * copy[static_cast<std::size_t>(i)];
    for (int k = 1; k < static_cast<int>(weights.size()); ++k)
      sum += weights[static_cast<std::size_t>(k)] * (mirrored(i - k) + mirrored(i + k));
    line[i * step] = sum;
  }
}

}  // namespace detail

/// The map blurred by a Gaussian of this standard deviation in pixels. The sum of all values stays.
inline HeatMap blurred(HeatMap map, float deviation) {
  const std::vector<float> weights = detail::gaussian_weights(deviation);
  std::vector<float> copy;
  for (int y = 0; y < map.height; ++y) detail::blur_line(weights, map.width, 1, &map.at(y, 0), copy);
  for (int x = 0; x < map.width; ++x) detail::blur_line(weights, map.height, map.width, &map.at(0, x), copy);
  return map;
}

/// The sums of the map over cells: [rows, columns]. A pixel belongs to the cell that its centre lies in.
inline HeatMap cell_sums(const HeatMap& map, int rows, int columns) {
  HeatMap cells(rows, columns);
  cells.score = map.score;
  for (int y = 0; y < map.height; ++y)
    for (int x = 0; x < map.width; ++x)
      cells.at((2 * y + 1) * rows / (2 * map.height), (2 * x + 1) * columns / (2 * map.width)) +=
          map.at(y, x);
  return cells;
}

/// A rectangle of a map in pixels.
struct MapRegion {
  int x = 0, y = 0, width = 0, height = 0;
};

TINYFIQA_END
