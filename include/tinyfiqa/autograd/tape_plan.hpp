// Planning of a training step: which operations run, where values and gradients lie in one arena.
//
// Time runs forward 0 .. n - 1 over the operations and back n .. 2 n - 1. A value lives from its operation to
// that operation's backward; its gradient from the first backward that writes it to the operation's own. What
// lives at different times shares memory, and a gradient that equals another one is the same memory:
//   add(a, b)       the gradients of a and b are that of the sum
//   scale(x, gate)  that of x overwrites that of the product
//   slices that split a map into parts: theirs are parts of the map's
#pragma once

#include <tinyfiqa/autograd/tape_call.hpp>
#include <tinyfiqa/base/span.hpp>
#include <tinyfiqa/nn/shape.hpp>

#include <algorithm>
#include <cstddef>
#include <limits>
#include <vector>

TINYFIQA_BEGIN

/// A stretch of the arena, in elements, alive from time `first` to time `last`.
struct TapeBuffer {
  std::size_t size = 0, offset = 0;
  int first = 0, last = 0;
};

/// One operation's value, its gradient, and how its steps run.
struct TapeValue {
  Extents extents;
  bool live = false, absorbed = false, needs_gradient = false;
  int storage = -1;  ///< the value whose memory (and laziness) it shares: itself but for slices and scales
  int first_channel = 0;                     ///< into the storage
  int gate = -1;                             ///< the scale whose gate multiplies it
  int data = -1, saved = -1, gradient = -1;  ///< buffers
  int gradient_pixel_stride = 0, gradient_channel = 0;

  int inputs[2] = {-1, -1};  ///< a fused concat's stand in for it
  bool runs_backward = false;
  int dy_sums = -1;            ///< a convolution's [3][C] of TapeCall::dy_sums in the tape's block of sums
  int sums_for[2] = {-1, -1};  ///< inputs of whose gradients this operation's backward takes them
  bool accumulate[2] = {false, false};
};

struct TapePlan {
  Extents input;
  int count = 0;  ///< operations, up to the output
  int output = 0;
  std::vector<TapeValue> values;
  std::vector<TapeBuffer> buffers;
  std::size_t arena_size = 0;  ///< elements, without scratch
  const char* error = nullptr;
};

namespace detail {

class TapePlanner {
 public:
  TapePlanner(Span<const Op> ops, int output, Extents input) : ops_(ops) {
    plan.input = input;
    plan.output = output;
    plan.count = output + 1;
    plan.values.resize(static_cast<std::size_t>(plan.count));
    measure();
    if (plan.error != nullptr) return;
    mark_live();
    place_values();
    for (int id = output; id >= 0; --id)
      if (value(id).live) plan_backward(id);
    lay_out();
  }

  TapePlan plan;

 private:
  const Op& op(int id) const { return ops_[static_cast<std::size_t>(id)]; }
  TapeValue& value(int id) { return plan.values[static_cast<std::size_t>(id)]; }
  TapeBuffer& buffer(int i) { return plan.buffers[static_cast<std::size_t>(i)]; }
  int back(int id) const { return 2 * plan.count - 1 - id; }

  void measure() {
    if (plan.input.n < 1 || plan.input.h < 1 || plan.input.w < 1) {
      plan.error = "batch, height and width must be positive";
      return;
    }
    for (int id = 0; id < plan.count; ++id) {
      const Op& o = op(id);
      TapeValue& v = value(id);
      if (o.kind == OpKind::input) plan.input.c = o.channels;
      const Extents b = o.inputs[1] < 0 ? Extents() : value(o.inputs[1]).extents;
      v.extents = o.kind == OpKind::input ? plan.input : op_extents(o, value(o.inputs[0]).extents, b);
      const Extents& e = v.extents;
      const double pixels = static_cast<double>(e.n) * e.h * e.w;
      if (e.n < 1) plan.error = "the input is too small for this network";
      if (pixels * e.c > std::numeric_limits<int>::max()) plan.error = "the input is too large";
      if (plan.error != nullptr) return;
      v.inputs[0] = o.inputs[0];
      v.inputs[1] = o.inputs[1];
      v.needs_gradient = o.kind == OpKind::conv || o.weight >= 0;
      for (const int input : o.inputs) v.needs_gradient |= input >= 0 && value(input).needs_gradient;
    }
  }

  void mark_live() {
    value(plan.output).live = true;
    for (int id = plan.output; id >= 0; --id)
      if (value(id).live)
        for (const int input : op(id).inputs)
          if (input >= 0) value(input).live = true;
  }

  template <class Body>
  void for_each_reader(int id, const Body& body) {
    for (int reader = id + 1; reader < plan.count; ++reader)
      if (value(reader).live && (op(reader).inputs[0] == id || op(reader).inputs[1] == id)) body(reader);
  }
  int readers(int id) {
    int count = 0;
    for_each_reader(id, [&](int) { ++count; });
    return count;
  }

  // -- values

  int new_buffer(std::size_t size, int first, int last) {
    plan.buffers.push_back({size, 0, first, last});
    return static_cast<int>(plan.buffers.size()) - 1;
  }

  void place_values() {
    for (int id = 0; id < plan.count; ++id) {
      TapeValue& v = value(id);
      if (!v.live) continue;
      const Op& o = op(id);
      v.storage = id;
      if (o.kind == OpKind::slice || o.kind == OpKind::scale) {
        const TapeValue& x = value(o.inputs[0]);
        v.storage = x.storage;
        v.first_channel = x.first_channel + (o.kind == OpKind::slice ? o.first_channel : 0);
        v.gate = x.gate;
        // A second gate, or a gate before a slice: nothing that our networks have.
        if (x.gate >= 0) plan.error = "a gated map can't be sliced or gated again";
        if (o.kind == OpKind::scale) v.gate = id;
      }
      if (o.kind == OpKind::concat && absorbs(id)) {
        v.absorbed = true;
        continue;
      }
      if (o.kind == OpKind::shuffle && value(o.inputs[0]).absorbed)
        for (const int side : {0, 1}) v.inputs[side] = op(o.inputs[0]).inputs[side];
      const bool owns = v.storage == id && o.kind != OpKind::input;
      if (owns) v.data = new_buffer(static_cast<std::size_t>(v.extents.floats()), id, back(id));
      const std::size_t saved = tape_saved(o, v.extents);
      if (saved > 0) v.saved = new_buffer(saved, id, back(id));
    }
  }
  /// A concatenation of equal halves that only a shuffle into two groups reads.
  bool absorbs(int id) {
    const Op& o = op(id);
    const bool halves = op(o.inputs[0]).channels * 2 == o.channels && id != plan.output && readers(id) == 1;
    bool shuffled = false;
    for_each_reader(id, [&](int r) {
      shuffled = r == id + 1 && op(r).kind == OpKind::shuffle && op(r).shuffle_groups == 2;
    });
    return halves && shuffled;
  }

  // -- gradients

  void new_gradient(int id, int time) {
    TapeValue& v = value(id);
    v.gradient = new_buffer(static_cast<std::size_t>(v.extents.floats()), time, time);
    v.gradient_pixel_stride = v.extents.c;
    v.gradient_channel = 0;
  }
  void share_gradient(int id, int with, int first_channel) {
    TapeValue& v = value(id);
    v.gradient = value(with).gradient;
    v.gradient_pixel_stride = value(with).gradient_pixel_stride;
    v.gradient_channel = value(with).gradient_channel + first_channel;
  }
  void keep_gradient(int id, int time) {
    TapeBuffer& b = buffer(value(id).gradient);
    b.last = std::max(b.last, time);
  }

  void plan_backward(int id) {
    TapeValue& v = value(id);
    if (!v.needs_gradient || v.absorbed || op(id).kind == OpKind::input) return;
    if (id == plan.output) new_gradient(id, plan.count);
    if (v.gradient < 0) return;
    keep_gradient(id, back(id));
    v.runs_backward = true;
    if (op(id).kind == OpKind::slice && split_by_slices(op(id).inputs[0])) v.runs_backward = false;
    if (op(id).kind == OpKind::add && share_sum(id)) v.runs_backward = false;
    if (!v.runs_backward) return;
    for (const int side : {0, 1}) plan_input_gradient(id, side);
  }

  void plan_input_gradient(int id, int side) {
    TapeValue& v = value(id);
    const int input = v.inputs[side];
    if (input < 0 || !value(input).needs_gradient) return;
    v.accumulate[side] = value(input).gradient >= 0;
    if (!v.accumulate[side]) {
      if (op(input).kind == OpKind::slice && split_by_slices(op(input).inputs[0])) {
        const int parent = op(input).inputs[0];
        if (value(parent).gradient < 0) new_gradient(parent, back(id));
        share_gradient(input, parent, op(input).first_channel);
      } else if (op(id).kind == OpKind::scale && side == 0) {
        share_gradient(input, id, 0);
      } else {
        new_gradient(input, back(id));
      }
    }
    keep_gradient(input, back(id));
  }

  /// True when the only readers of `id` are slices that cover each of its channels once: each of them then
  /// gets a gradient before the map itself is reached.
  bool split_by_slices(int id) {
    std::vector<int> covered(static_cast<std::size_t>(value(id).extents.c));
    bool slices = id != plan.output;
    for_each_reader(id, [&](int r) {
      slices = slices && op(r).kind == OpKind::slice && readers(r) > 0;
      if (slices)
        for (int c = 0; c < op(r).channels; ++c) ++covered[static_cast<std::size_t>(op(r).first_channel + c)];
    });
    return slices && std::all_of(covered.begin(), covered.end(), [](int n) { return n == 1; });
  }

  /// The gradients of both inputs are the sum's own memory, when nobody else adds to one of them before the
  /// other one has been read: the newer input is a convolution without other readers, and the older one's
  /// readers come before it.
  bool share_sum(int id) {
    const int newer = std::max(op(id).inputs[0], op(id).inputs[1]),
              older = std::min(op(id).inputs[0], op(id).inputs[1]);
    if (newer == older || readers(newer) != 1 || op(newer).kind != OpKind::conv) return false;
    bool safe = true;
    for_each_reader(older, [&](int r) { safe = safe && (r == id || r < newer); });
    for (const int input : {newer, older}) {
      const TapeValue& v = value(input);
      safe = safe && v.needs_gradient && v.gradient < 0 && op(input).kind != OpKind::slice && !v.absorbed;
    }
    if (!safe) return false;
    share_gradient(newer, id, 0);
    share_gradient(older, id, 0);
    return true;
  }

  // -- the arena

  /// Largest first, each at the lowest offset where it meets nothing that is alive with it.
  void lay_out() {
    std::vector<int> order(plan.buffers.size()), placed;
    for (std::size_t i = 0; i < order.size(); ++i) order[i] = static_cast<int>(i);
    std::stable_sort(order.begin(), order.end(),
                     [&](int a, int b) { return buffer(a).size > buffer(b).size; });
    for (const int index : order) {
      TapeBuffer& b = buffer(index);
      b.size = (b.size + 15) / 16 * 16 + 16;
      for (bool moved = true; moved;) {
        moved = false;
        for (const int i : placed) {
          const TapeBuffer& other = buffer(i);
          const bool together = other.first <= b.last && b.first <= other.last;
          if (!together || b.offset >= other.offset + other.size || other.offset >= b.offset + b.size)
            continue;
          b.offset = other.offset + other.size;
          moved = true;
        }
      }
      placed.push_back(index);
      plan.arena_size = std::max(plan.arena_size, b.offset + b.size);
    }
  }

  Span<const Op> ops_;
};

}  // namespace detail

/// Plans training of the value `output` for an input of N, H, W; `error` is null when it succeeded.
inline TapePlan make_tape_plan(Span<const Op> ops, int output, Extents input) {
  return detail::TapePlanner(ops, output, input).plan;
}

TINYFIQA_END
