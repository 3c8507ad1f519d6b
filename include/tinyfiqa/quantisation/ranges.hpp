// The ranges of a network's values over images, and the levels that suit them.
#pragma once

#include <tinyfiqa/base/quantisation.hpp>
#include <tinyfiqa/base/status.hpp>
#include <tinyfiqa/quantisation/value_levels.hpp>
#include <tinyfiqa/runtime/plan.hpp>

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <vector>

TINYFIQA_BEGIN

/// How the range of a value's levels is chosen from the numbers that it took.
enum class RangeRule : unsigned char {
  all,           ///< from the smallest to the largest
  percentile,    ///< without the outermost 0.01 % on each side
  square_error,  ///< the range with the least mean square error of the levels (Banner et al. 2018 search it so)
  output_error,  ///< from there, the range with the least mean square error of the network's outputs (LevelSearch)
};

/// Numbers that a value took: extremes, and how many fell into each of equal bins. The bins grow with the numbers: their
/// width doubles, and pairs of them become one.
class ValueHistogram {
 public:
  static constexpr int bins = 2048;

  void add(const float* values, std::ptrdiff_t count) {
    if (count_.empty()) count_.resize(2 * bins);
    for (std::ptrdiff_t i = 0; i < count; ++i) add(values[i]);
  }
  void add(const ValueHistogram& other) {
    if (other.count_.empty()) return;
    if (count_.empty()) count_.resize(2 * bins);
    for (int i = 0; i < 2 * bins; ++i)
      if (other.count_[static_cast<std::size_t>(i)] > 0)
        add(other.centre(i), other.count_[static_cast<std::size_t>(i)]);
    lowest_ = std::min(lowest_, other.lowest_);
    highest_ = std::max(highest_, other.highest_);
  }

  bool empty() const { return count_.empty(); }
  float lowest() const { return lowest_; }    ///< at most 0
  float highest() const { return highest_; }  ///< at least 0

  Quantisation levels(RangeRule rule) const {
    if (rule == RangeRule::all) return of_range(lowest_, highest_);
    if (rule == RangeRule::percentile) return of_range(quantile(1e-4), quantile(1 - 1e-4));
    return least_error();
  }

  /// Levels for lowest .. highest. 0 is always one of them.
  static Quantisation of_range(float lowest, float highest) {
    lowest = std::min(lowest, 0.0f), highest = std::max(highest, 0.0f);
    Quantisation q;
    q.scale = std::max((highest - lowest) / 255.0f, 1e-9f);
    q.zero = std::clamp(static_cast<std::int32_t>(std::lrint(-lowest / q.scale)), 0, 255);
    return q;
  }

 private:
  void add(float value, long long times = 1) {
    lowest_ = std::min(lowest_, value), highest_ = std::max(highest_, value);
    while (std::fabs(value) >= width_ * bins) widen();
    count_[static_cast<std::size_t>(bins + static_cast<int>(std::floor(value / width_)))] += times;
  }
  void widen() {
    width_ *= 2;
    std::vector<long long> wide(2 * bins);
    for (int i = 0; i < 2 * bins; ++i)
      wide[static_cast<std::size_t>(bins / 2 + i / 2)] += count_[static_cast<std::size_t>(i)];
    count_ = std::move(wide);
  }
  float centre(int bin) const { return (static_cast<float>(bin - bins) + 0.5f) * width_; }

  float quantile(double part) const {
    long long all = 0, seen = 0;
    for (const long long c : count_) all += c;
    for (int i = 0; i < 2 * bins; ++i) {
      seen += count_[static_cast<std::size_t>(i)];
      if (static_cast<double>(seen) >= part * static_cast<double>(all))
        return std::clamp(centre(i), lowest_, highest_);
    }
    return highest_;
  }
  /// The mean square of what the levels of q get wrong.
  double error(Quantisation q) const {
    double sum = 0;
    for (int i = 0; i < 2 * bins; ++i) {
      const long long c = count_[static_cast<std::size_t>(i)];
      if (c == 0) continue;
      const float x = std::clamp(centre(i), lowest_, highest_);
      const float level = std::clamp(std::nearbyint(x / q.scale) + static_cast<float>(q.zero), 0.0f, 255.0f);
      const double d = static_cast<double>(x - q.scale * (level - static_cast<float>(q.zero)));
      sum += static_cast<double>(c) * d * d;
    }
    return sum;
  }
  Quantisation least_error() const {
    Quantisation best = of_range(lowest_, highest_);
    double least = error(best);
    for (int part = 98; part >= 30; part -= 2) {
      const float f = static_cast<float>(part) / 100.0f;
      const Quantisation q = of_range(f * lowest_, f * highest_);
      if (const double e = error(q); e < least) least = e, best = q;
    }
    return best;
  }

  float lowest_ = 0, highest_ = 0, width_ = 1e-6f;
  std::vector<long long> count_;
};

/// Runs a plan in floats that was made with PlanRequest::chains and ::fuse false, and adds every value to its histogram, divided
/// by its level factors. Without `factors` they are ones.
inline void record_values(const Plan& plan, const Frame& frame, std::vector<ValueHistogram>& histograms,
                          const ChannelNumbers& factors = {}) {
  std::vector<float> pixel;
  for (int i = 0; i < plan.step_count; ++i) {
    const Step& s = plan.steps[i];
    s.run(s, frame);
    const float* const y = frame.read<float>(s.y);
    ValueHistogram& histogram = histograms[static_cast<std::size_t>(s.op)];
    for (long long p = 0; p < s.y.extents.pixels(); ++p) {
      pixel.assign(y + p * s.y.pixel_stride, y + p * s.y.pixel_stride + s.y.extents.c);
      if (!factors.empty())
        for (std::size_t c = 0; c < pixel.size(); ++c) pixel[c] /= factors[static_cast<std::size_t>(s.op)][c];
      histogram.add(pixel.data(), s.y.extents.c);
    }
  }
}

/// The levels of each value from the histograms of all of its group. Values that no step computes alone (slices, sums that
/// a convolution adds) have those of their group. A gate is 0..1.
inline std::vector<Quantisation> levels_of_values(Span<const Op> ops, const ValueLevels& values,
                                                  const std::vector<ValueHistogram>& histograms,
                                                  RangeRule rule) {
  std::vector<ValueHistogram> groups(ops.size);
  for (std::size_t id = 0; id < ops.size; ++id)
    groups[static_cast<std::size_t>(values.group[id])].add(histograms[id]);
  std::vector<Quantisation> found(ops.size);
  for (std::size_t id = 0; id < ops.size; ++id) {
    if (!values.levels[id]) continue;
    const ValueHistogram& histogram = groups[static_cast<std::size_t>(values.group[id])];
    found[id] = ops[id].act == Act::hsigmoid ? Quantisation{1.0f / 255.0f, 0}
                : histogram.empty()          ? Quantisation{}
                                             : histogram.levels(rule);
  }
  return found;
}

/// Makes the operations of a network those of 8-bit maps.
inline void set_levels(Span<Op> ops, const ValueLevels& values, const std::vector<Quantisation>& levels) {
  for (std::size_t id = 0; id < ops.size; ++id) {
    ops[id].dtype = values.levels[id] ? DType::u8 : DType::f32;
    ops[id].quant = values.levels[id] ? levels[id] : Quantisation();
  }
}

TINYFIQA_END
