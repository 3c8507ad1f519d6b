// Levels of values, chosen by what they do to the outputs of the network.
//
// The range with the least mean square error of a map is not the one with the least error of the outputs: in smooth parts of an
// image neighbours are rounded alike, so their errors don't average out, and outputs depend more on some channels than on
// others. The rounding errors of different values add up like independent ones: so each value can be searched alone, with all
// others in floats.
#pragma once

#include <tinyfiqa/nn/operations.hpp>
#include <tinyfiqa/quantisation/equalisation.hpp>
#include <tinyfiqa/quantisation/ranges.hpp>
#include <tinyfiqa/quantisation/value_levels.hpp>
#include <tinyfiqa/runtime/plan.hpp>

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <functional>
#include <limits>
#include <utility>
#include <vector>

TINYFIQA_BEGIN

/// Levels and level factors of a network's values, by operation. Without factors: ones.
struct LevelChoice {
  std::vector<Quantisation> levels;
  ChannelNumbers factors;
};

/// The smallest and the largest number of each channel of each value; values that no step computes alone are empty.
struct ChannelExtremes {
  ChannelNumbers lowest, highest;  ///< at most 0, at least 0
};

/// Runs a plan in floats that was made with PlanRequest::chains and ::fuse false, and takes each channel's extremes in.
inline void record_extremes(const Plan& plan, const Frame& frame, ChannelExtremes& extremes) {
  for (int i = 0; i < plan.step_count; ++i) {
    const Step& s = plan.steps[i];
    s.run(s, frame);
    const float* const y = frame.read<float>(s.y);
    std::vector<float>&low = extremes.lowest[static_cast<std::size_t>(s.op)],
    &high = extremes.highest[static_cast<std::size_t>(s.op)];
    low.resize(static_cast<std::size_t>(s.y.extents.c));
    high.resize(low.size());
    for (long long p = 0; p < s.y.extents.pixels(); ++p)
      for (std::size_t c = 0; c < low.size(); ++c) {
        const float v = y[p * s.y.pixel_stride + static_cast<std::ptrdiff_t>(c)];
        low[c] = std::min(low[c], v), high[c] = std::max(high[c], v);
      }
  }
}

/// Makes of the floats y of a step what their levels stand for.
inline void round_to_levels(const Step& s, float* y, Quantisation q, const std::vector<float>& factors) {
  const float zero = static_cast<float>(q.zero);
  for (int c = 0; c < s.y.extents.c; ++c) {
    const float scale = q.scale * (factors.empty() ? 1.0f : factors[static_cast<std::size_t>(c)]);
    float* v = y + c;
    for (long long p = 0; p < s.y.extents.pixels(); ++p, v += s.y.pixel_stride)
      *v = scale * (std::clamp(std::nearbyint(*v / scale) + zero, 0.0f, 255.0f) - zero);
  }
}

/// Improves a choice of levels, value by value: first those that change the outputs most.
class LevelSearch {
 public:
  using Change = std::function<void(const Step&, float* y)>;
  /// Runs the network in floats for some images. `change` gets every value after its step; null changes nothing. `take` gets
  /// the outputs of each image, and false ends the run.
  using Run = std::function<void(const Change& change, const std::function<bool(Span<const float>)>& take)>;

  /// `free` has, by operation and channel, the number of the factor that the channel shares with others, or -1 for a factor
  /// that must stay (free_factors()).
  LevelSearch(const NetworkDefinition& network, const ValueLevels& values, const ChannelExtremes& extremes,
              std::vector<std::vector<int>> free, Run run)
      : ops_(network.operations()),
        values_(values),
        extremes_(extremes),
        free_(std::move(free)),
        run_(std::move(run)) {
    join_units();
  }

  /// `on_unit` is told how many of the searches are done.
  void improve(LevelChoice& choice, const std::function<void(int done, int all)>& on_unit = {}) {
    choice_ = &choice;
    wanted_.clear();
    run_({}, [&](Span<const float> outputs) {
      wanted_.insert(wanted_.end(), outputs.begin(), outputs.end());
      return true;
    });
    std::vector<std::pair<double, int>> errors;
    double all = 0;
    for (int id = 0; id < count(); ++id)
      if (at(unit_, id) == id && searched(id)) {
        errors.emplace_back(error(id, std::numeric_limits<double>::infinity()), id);
        all += errors.back().first;
      }
    std::sort(errors.rbegin(), errors.rend());
    while (!errors.empty() && errors.back().first < least_share * all) errors.pop_back();
    for (std::size_t i = 0; i < errors.size(); ++i) {
      search(errors[i].second, errors[i].first);
      if (on_unit) on_unit(static_cast<int>(i) + 1, static_cast<int>(errors.size()));
    }
  }

 private:
  int count() const { return static_cast<int>(ops_.size); }
  template <class T>
  static const T& at(const std::vector<T>& values, int id) {
    return values[static_cast<std::size_t>(id)];
  }

  /// A unit: values with one scale, and those with which they share factors that can change. Its number is its first value's.
  void join_units() {
    for (int id = 0; id < count(); ++id) unit_.push_back(at(values_.group, id));
    std::vector<int> first;  // by factor: a value that has it
    for (int id = 0; id < count() && !free_.empty(); ++id)
      for (const int factor : at(free_, id)) {
        if (factor < 0) continue;
        if (static_cast<std::size_t>(factor) >= first.size())
          first.resize(static_cast<std::size_t>(factor) + 1, -1);
        int& known = first[static_cast<std::size_t>(factor)];
        if (known < 0) known = id;
        const int a = at(unit_, known), b = at(unit_, id);
        for (int& unit : unit_)
          if (unit == std::max(a, b)) unit = std::min(a, b);
      }
  }
  bool in_unit(int id, int unit) const {
    return at(unit_, id) == unit && values_.levels[static_cast<std::size_t>(id)] &&
           ops_[static_cast<std::size_t>(id)].kind != OpKind::input;
  }
  /// The input's levels are the image's; a gate's are 0..1.
  bool searched(int unit) const {
    bool any = false;
    for (int id = 0; id < count(); ++id) {
      any = any || in_unit(id, unit);
      if (in_unit(id, unit) && ops_[static_cast<std::size_t>(id)].act == Act::hsigmoid) return false;
    }
    return any;
  }

  /// The sum of squares of what the outputs change by if the values of a unit are rounded. It ends where it is above `most`.
  double error(int unit, double most) const {
    double sum = 0;
    std::size_t done = 0;
    const auto change = [&](const Step& s, float* y) {
      static const std::vector<float> ones;
      if (in_unit(s.op, unit))
        round_to_levels(s, y, at(choice_->levels, s.op),
                        choice_->factors.empty() ? ones : at(choice_->factors, s.op));
    };
    run_(change, [&](Span<const float> outputs) {
      for (const float output : outputs) {
        const double d = static_cast<double>(output) - static_cast<double>(wanted_[done++]);
        sum += d * d;
      }
      return sum <= most;
    });
    return sum;
  }

  void search(int unit, double least) {
    least_ = least;
    try_ranges_with_factors(unit);
    for (int sweep = 0; sweep < 3; ++sweep) {
      const double before = least_;
      for (int id = 0; id < count(); ++id)
        if (in_unit(id, unit) && at(values_.group, id) == id) try_ranges(unit, id);
      try_factors(unit);
      if (least_ > 0.99 * before) return;
    }
  }
  /// Keeps a changed choice if it is better, else takes it back.
  void judge(int unit, const LevelChoice& before) {
    const double most = (1 - least_gain) * least_, e = error(unit, most);
    if (e < most)
      least_ = e;
    else
      *choice_ = before;
  }
  void set_levels(int group, Quantisation q) {
    for (int id = 0; id < count(); ++id)
      if (at(values_.group, id) == group) choice_->levels[static_cast<std::size_t>(id)] = q;
  }

  void try_ranges(int unit, int group) {
    constexpr float ends[][2] = {{0.8f, 0.8f}, {0.9f, 0.9f},  {1.1f, 1.1f}, {1.25f, 1.25f},
                                 {0.8f, 1.0f}, {1.25f, 1.0f}, {1.0f, 0.9f}, {1.0f, 1.1f}};
    for (const auto& [low, high] : ends) {
      const LevelChoice before = *choice_;
      const Quantisation q = at(choice_->levels, group);
      if (q.zero == 0 && high == 1.0f) continue;
      set_levels(group, ValueHistogram::of_range(-low * q.scale * static_cast<float>(q.zero),
                                                 high * q.scale * static_cast<float>(255 - q.zero)));
      judge(unit, before);
    }
  }
  void set_factor(int factor, float by) {
    for (int id = 0; id < count(); ++id)
      for (std::size_t c = 0; c < at(free_, id).size(); ++c)
        if (at(free_, id)[c] == factor) choice_->factors[static_cast<std::size_t>(id)][c] *= by;
  }
  std::vector<int> factors_of(int unit) const {
    std::vector<int> found;
    for (int id = 0; id < count() && !free_.empty(); ++id)
      if (in_unit(id, unit))
        for (const int factor : at(free_, id))
          if (factor >= 0) found.push_back(factor);
    std::sort(found.begin(), found.end());
    found.erase(std::unique(found.begin(), found.end()), found.end());
    return found;
  }
  void try_factors(int unit) {
    const std::vector<int> factors = factors_of(unit);
    if (factors.size() > most_factors) return;
    for (const int factor : factors)
      for (const float by : {0.5f, 2.0f}) {
        const LevelChoice before = *choice_;
        set_factor(factor, by);
        judge(unit, before);
      }
  }

  /// Ranges of other ends, and for each of them the finest factor of each channel with which it fits: for units of one value
  /// whose factors are all free.
  void try_ranges_with_factors(int unit) {
    if (free_.empty() || !is_free(unit)) return;
    const std::vector<float>&low = at(extremes_.lowest, unit), &high = at(extremes_.highest, unit);
    const float highest = *std::max_element(high.begin(), high.end()),
                lowest = *std::min_element(low.begin(), low.end());
    if (!(highest > 0)) return;
    for (const int zero : {0, 8, 16, 24, 32, 48, 64, 96, 128}) {
      if ((zero == 0) != (lowest >= 0)) continue;
      for (int phase = 0; phase < 6; ++phase)
        for (const float slack : {1.0f, 1.4f}) {
          const float top = highest * std::exp2(-static_cast<float>(phase) / 6);
          const float bottom = -top * static_cast<float>(zero) / static_cast<float>(255 - zero);
          const LevelChoice before = *choice_;
          choice_->levels[static_cast<std::size_t>(unit)] = ValueHistogram::of_range(bottom, top);
          for (std::size_t c = 0; c < low.size(); ++c) {
            float need = high[c] / top;
            if (low[c] < 0) need = std::max(need, low[c] / bottom);
            const float exponent = std::ceil(std::log2(std::max(need / slack, 1e-6f)));
            choice_->factors[static_cast<std::size_t>(unit)][c] =
                std::exp2(std::clamp(exponent, -6.0f, 6.0f));
          }
          judge(unit, before);
        }
    }
  }
  bool is_free(int unit) const {
    for (int id = 0; id < count(); ++id)
      if (id != unit && at(unit_, id) == unit) return false;
    const std::vector<int>& factors = at(free_, unit);
    return !at(extremes_.lowest, unit).empty() && factors.size() == at(extremes_.lowest, unit).size() &&
           std::all_of(factors.begin(), factors.end(), [](int f) { return f >= 0; });
  }

  /// Of all units' errors: a unit with less is not searched.
  static constexpr double least_share = 0.003;
  /// By this part a change must make the error smaller.
  static constexpr double least_gain = 0.005;
  static constexpr std::size_t most_factors = 32;

  Span<const Op> ops_;
  const ValueLevels& values_;
  const ChannelExtremes& extremes_;
  std::vector<std::vector<int>> free_;
  Run run_;
  std::vector<int> unit_;
  LevelChoice* choice_ = nullptr;
  std::vector<float> wanted_;
  double least_ = 0;  ///< the error of the unit that is searched
};

TINYFIQA_END
