// Which values of a network can be levels (8 bits), and which of them must stand for the same numbers.
#pragma once

#include <tinyfiqa/base/span.hpp>
#include <tinyfiqa/nn/operations.hpp>

#include <cstddef>
#include <vector>

TINYFIQA_BEGIN

/// How each value of a network is held: as levels or as floats. The index is the operation's.
struct ValueLevels {
  std::vector<bool> levels;
  std::vector<int>
      group;  ///< values of one group have one scale and zero; the number of the group's first value
};

/// A number for each channel of each value: by operation, then by channel.
using ChannelNumbers = std::vector<std::vector<float>>;

namespace detail {

class LevelChooser {
 public:
  LevelChooser(Span<const Op> ops, Span<const int> outputs, const std::vector<bool>& keep_floats)
      : ops_(ops) {
    for (std::size_t id = 0; id < ops_.size; ++id) {
      values_.levels.push_back(can_be_levels(ops_[id]) && (id >= keep_floats.size() || !keep_floats[id]));
      values_.group.push_back(static_cast<int>(id));
    }
    for (const int output : outputs) values_.levels[static_cast<std::size_t>(output)] = false;
    while (demote()) {
    }
    for (std::size_t id = 0; id < ops_.size; ++id)
      if (values_.levels[id]) join_inputs(static_cast<int>(id));
    for (std::size_t id = 0; id < ops_.size; ++id) values_.group[id] = first_of(static_cast<int>(id));
  }

  ValueLevels take() { return std::move(values_); }

 private:
  static bool can_be_levels(const Op& op) {
    if (op.kind == OpKind::input) return op.channels == 3;
    if (op.kind == OpKind::conv && (op.act == Act::sigmoid || op.act == Act::silu)) return false;
    return op_info(op.kind).levels != Levels::none;
  }
  /// Convolutions and means have kernels from levels to floats; nothing goes from floats to levels.
  static bool reads_levels_as_floats(const Op& op) {
    return op.kind == OpKind::conv || op.kind == OpKind::mean_hw;
  }

  /// Makes floats of values that have no kernel as things are. True if there were any.
  bool demote() {
    bool changed = false;
    const auto to_floats = [&](int id) {
      changed = changed || values_.levels[static_cast<std::size_t>(id)];
      values_.levels[static_cast<std::size_t>(id)] = false;
    };
    for (std::size_t id = 0; id < ops_.size; ++id) {
      const Op& op = ops_[id];
      for (int i = 0; i < op.input_count(); ++i) {
        const bool in = values_.levels[static_cast<std::size_t>(op.inputs[i])], out = values_.levels[id];
        if (out && !in) to_floats(static_cast<int>(id));
        if (!out && in && !reads_levels_as_floats(op)) to_floats(op.inputs[i]);
      }
    }
    return changed;
  }

  int first_of(int id) const {
    while (values_.group[static_cast<std::size_t>(id)] != id)
      id = values_.group[static_cast<std::size_t>(id)];
    return id;
  }
  void join(int a, int b) {
    a = first_of(a), b = first_of(b);
    values_.group[static_cast<std::size_t>(a < b ? b : a)] = a < b ? a : b;
  }
  int readers(int id) const {
    int count = 0;
    for (std::size_t reader = 0; reader < ops_.size; ++reader) count += ops_[reader].reads(id) ? 1 : 0;
    return count;
  }
  /// Levels that are moved stay what they are; and a sum that a convolution adds itself has the convolution's scale.
  void join_inputs(int id) {
    const Op& op = ops_[static_cast<std::size_t>(id)];
    const bool moves = op_info(op.kind).levels == Levels::moved;
    for (int i = 0; i < op.input_count(); ++i) {
      const Op& from = ops_[static_cast<std::size_t>(op.inputs[i])];
      const bool sum = op.kind == OpKind::add && from.kind == OpKind::conv && from.act == Act::none &&
                       readers(op.inputs[i]) == 1;
      if (moves || sum) join(op.inputs[i], id);
    }
  }

  Span<const Op> ops_;
  ValueLevels values_;
};

}  // namespace detail

/// As many values as the kernels for 8-bit maps allow; never one of `outputs`, or of those that `keep_floats` marks. (Other
/// values can be handed out too: a step then converts their levels to floats.)
inline ValueLevels choose_levels(Span<const Op> ops, Span<const int> outputs,
                                 const std::vector<bool>& keep_floats = {}) {
  return detail::LevelChooser(ops, outputs, keep_floats).take();
}

TINYFIQA_END
