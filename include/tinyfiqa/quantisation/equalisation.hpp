// Factors for the levels of single channels (Op::level_factors): a value has one scale, so channels of small range would lose
// most when they become levels.
//
// A convolution divides its results by the factors of its channels when it makes levels of them, and has the factors of its
// input in its weights: neither costs time (Nagel et al. 2019, section 4.1, do it in floats, and only where an activation lets
// a factor pass). Sums, pooling, gates and moves know no factors: the channels that must have the same are found first.
#pragma once

#include <tinyfiqa/base/span.hpp>
#include <tinyfiqa/formats/network.hpp>
#include <tinyfiqa/quantisation/value_levels.hpp>
#include <tinyfiqa/runtime/plan.hpp>

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <numeric>
#include <utility>
#include <vector>

TINYFIQA_BEGIN

/// Runs a plan in floats that was made with PlanRequest::chains and ::fuse false, and takes the largest magnitude of each channel
/// in. Values that no step computes alone stay empty.
inline void record_maxima(const Plan& plan, const Frame& frame, ChannelNumbers& maxima) {
  for (int i = 0; i < plan.step_count; ++i) {
    const Step& s = plan.steps[i];
    s.run(s, frame);
    const float* const y = frame.read<float>(s.y);
    std::vector<float>& of = maxima[static_cast<std::size_t>(s.op)];
    of.resize(static_cast<std::size_t>(s.y.extents.c));
    for (long long p = 0; p < s.y.extents.pixels(); ++p)
      for (std::size_t c = 0; c < of.size(); ++c)
        of[c] = std::max(of[c], std::fabs(y[p * s.y.pixel_stride + static_cast<std::ptrdiff_t>(c)]));
  }
}

namespace detail {

class Equaliser {
 public:
  Equaliser(const NetworkDefinition& network, const ValueLevels& values, const ChannelNumbers& maxima,
            Span<const float> block)
      : ops_(network.operations()), values_(values), maxima_(maxima), block_(block) {
    for (const Op& op : ops_) {
      first_.push_back(class_of_.size());
      class_of_.resize(class_of_.size() + static_cast<std::size_t>(op.channels));
    }
    std::iota(class_of_.begin(), class_of_.end(), std::size_t{0});
    fixed_.resize(class_of_.size());
    value_of_.resize(ops_.size);
    std::iota(value_of_.begin(), value_of_.end(), std::size_t{0});
    for (int id = 0; id < count(); ++id) tie(id);
    for (const Output& output : network.outputs) fix(output.value);
  }

  ChannelNumbers factors() {
    measure();
    choose();
    ChannelNumbers all(ops_.size);
    for (int id = 0; id < count(); ++id)
      for (int c = 0; c < op(id).channels; ++c)
        all[static_cast<std::size_t>(id)].push_back(factor_[channel(id, c)]);
    return all;
  }
  /// By operation and channel, the number of the factor that the channel shares with others; -1 for channels that have none.
  std::vector<std::vector<int>> free_factors() {
    std::vector<std::vector<int>> all(ops_.size);
    for (int id = 0; id < count(); ++id)
      for (int c = 0; c < op(id).channels; ++c) {
        const std::size_t at = channel(id, c);
        all[static_cast<std::size_t>(id)].push_back(fixed_[at] ? -1 : static_cast<int>(at));
      }
    return all;
  }

 private:
  int count() const { return static_cast<int>(ops_.size); }
  const Op& op(int id) const { return ops_[static_cast<std::size_t>(id)]; }
  static std::size_t root(std::vector<std::size_t>& parents, std::size_t i) {
    while (parents[i] != i) i = parents[i] = parents[parents[i]];
    return i;
  }
  std::size_t channel(int id, int c) {
    return root(class_of_, first_[static_cast<std::size_t>(id)] + static_cast<std::size_t>(c));
  }

  /// Channel c of value `id` and channel `from` of value `x` have one factor.
  void join(int id, int c, int x, int from) {
    const std::size_t a = channel(id, c), b = channel(x, from);
    class_of_[a] = b;
    fixed_[b] = fixed_[b] || fixed_[a];
    const std::size_t v = root(value_of_, static_cast<std::size_t>(id)),
                      w = root(value_of_, static_cast<std::size_t>(x));
    value_of_[v] = w;
  }
  void join_all(int id, int x) {
    for (int c = 0; c < op(id).channels; ++c) join(id, c, x, c);
  }
  void fix(int id) {
    for (int c = 0; c < op(id).channels; ++c) fixed_[channel(id, c)] = true;
  }

  void tie(int id) {
    const Op& o = op(id);
    if (!values_.levels[static_cast<std::size_t>(id)]) {
      fix(id);
      if (o.kind == OpKind::conv) return;
      for (int i = 0; i < o.input_count(); ++i) fix(o.inputs[i]);
    }
    switch (o.kind) {
      case OpKind::input:
        return fix(id);
      case OpKind::conv:
        if (o.act == Act::hsigmoid) fix(id);  // a gate: 0..1
        return;
      case OpKind::add:
      case OpKind::add_upsampled:
        join_all(id, o.inputs[0]);
        return join_all(id, o.inputs[1]);
      case OpKind::scale:
        fix(o.inputs[1]);
        return join_all(id, o.inputs[0]);
      case OpKind::mean_hw:
        return join_all(id, o.inputs[0]);
      case OpKind::concat:
        for (int i = 0, c = 0; i < o.input_count(); ++i)
          for (int from = 0; from < op(o.inputs[i]).channels; ++from) join(id, c++, o.inputs[i], from);
        return;
      case OpKind::slice:
        for (int c = 0; c < o.channels; ++c) join(id, c, o.inputs[0], o.first_channel + c);
        return;
      case OpKind::shuffle: {
        const int each = o.channels / o.shuffle_groups;
        for (int c = 0; c < o.channels; ++c)
          join(id, c, o.inputs[0], c % o.shuffle_groups * each + c / o.shuffle_groups);
        return;
      }
      default:
        if (op_info(o.kind).levels == Levels::moved) return join_all(id, o.inputs[0]);
        fix(id);
        for (int i = 0; i < o.input_count(); ++i) fix(o.inputs[i]);
    }
  }

  /// The weights of output o of a convolution for channel c of its input's, or an empty span if it does not read it.
  Span<const float> weights(const Op& o, int out, int c) const {
    const int cin = o.in_channels / o.groups, cout = o.channels / o.groups, taps = o.window * o.window;
    if (o.weight < 0 || c / cin != out / cout) return {};
    return {block_.data + o.weight + (out * cin + c % cin) * taps, static_cast<std::size_t>(taps)};
  }
  static float largest(Span<const float> values) {
    float most = 0;
    for (const float v : values) most = std::max(most, std::fabs(v));
    return most;
  }

  /// Of each class, the largest value, and the largest share that a dense reader's weights for it have of their row's largest.
  /// (A depthwise reader's scale follows the channel's: it loses nothing.)
  void measure() {
    range_.assign(class_of_.size(), 0.0f);
    share_.assign(class_of_.size(), 0.0f);
    dense_.assign(class_of_.size(), false);
    for (int id = 0; id < count(); ++id) {
      const std::vector<float>& most = maxima_[static_cast<std::size_t>(id)];
      for (std::size_t c = 0; c < most.size(); ++c) {
        float& range = range_[channel(id, static_cast<int>(c))];
        range = std::max(range, most[c]);
      }
      const Op& o = op(id);
      if (o.kind != OpKind::conv || o.weight < 0 || o.groups == o.in_channels) continue;
      for (int out = 0; out < o.channels; ++out) measure_row(o, out);
    }
  }
  void measure_row(const Op& o, int out) {
    float row = 0;
    for (int c = 0; c < o.in_channels; ++c) row = std::max(row, largest(weights(o, out, c)));
    for (int c = 0; c < o.in_channels; ++c) {
      const Span<const float> w = weights(o, out, c);
      if (w.size == 0) continue;
      const std::size_t at = channel(o.inputs[0], c);
      dense_[at] = true;
      if (row > 0) share_[at] = std::max(share_[at], largest(w) / row);
    }
  }

  /// A channel becomes m times as many levels. Where a dense reader's weights for it become m times as small, both sides lose
  /// alike with m = sqrt(share / range); else the range becomes 1. All channels of values that belong together then get the
  /// common factor with which none is larger than the largest was. The level factor is 1 / m, rounded up to a power of two.
  void choose() {
    const std::size_t n = class_of_.size();
    std::vector<double> wanted(n, 0.0);
    std::vector<double> before(ops_.size), after(ops_.size);
    for (int id = 0; id < count(); ++id)
      for (int c = 0; c < op(id).channels; ++c) {
        const std::size_t at = channel(id, c), group = root(value_of_, static_cast<std::size_t>(id));
        const double range = static_cast<double>(range_[at]), share = static_cast<double>(share_[at]);
        if (range > 0 && (share > 0 || !dense_[at]))
          wanted[at] = dense_[at] ? std::sqrt(share / range) : 1 / range;
        before[group] = std::max(before[group], range);
        after[group] = std::max(after[group], range * wanted[at]);
      }
    factor_.assign(n, 1.0f);
    for (int id = 0; id < count(); ++id)
      for (int c = 0; c < op(id).channels; ++c) {
        const std::size_t at = channel(id, c), group = root(value_of_, static_cast<std::size_t>(id));
        if (fixed_[at] || wanted[at] <= 0) continue;
        const double m = wanted[at] * before[group] / after[group];
        const double exponent = std::floor(std::log2(m));
        factor_[at] = static_cast<float>(std::exp2(-std::clamp(exponent, -most_exponent, most_exponent)));
      }
  }

  static constexpr double most_exponent = 6;

  Span<const Op> ops_;
  const ValueLevels& values_;
  const ChannelNumbers& maxima_;
  Span<const float> block_;
  std::vector<std::size_t> first_, class_of_,
      value_of_;  // union-find: channels, and values that share channels
  std::vector<bool> fixed_, dense_;
  std::vector<float> range_, share_, factor_;
};

}  // namespace detail

/// Level factors that make the channels of the values of a network in floats alike in range. `block` has its parameters, `maxima`
/// what record_maxima() found.
inline ChannelNumbers equalising_factors(const NetworkDefinition& network, const ValueLevels& values,
                                         const ChannelNumbers& maxima, Span<const float> block) {
  return detail::Equaliser(network, values, maxima, block).factors();
}

/// Which channels of a network's values must have the same level factor (detail::Equaliser::free_factors()).
inline std::vector<std::vector<int>> free_factors(const NetworkDefinition& network,
                                                  const ValueLevels& values) {
  return detail::Equaliser(network, values, {}, {}).free_factors();
}

TINYFIQA_END
