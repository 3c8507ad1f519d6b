// Planning of a training step: which operations run, and where values and gradients lie in one arena.
//
// Time runs forward over the operations, 0 .. n - 1, and then backward, n .. 2 n - 1. A value is alive from its
// operation to that operation's backward. Its gradient is alive from the first backward that writes it to the
// operation's own backward. Buffers that are alive at different times share memory. A gradient that equals
// another one shares its buffer:
//   add(a, b)        the gradients of a and b are that of the sum
//   scale(x, gate)   the gradient of x overwrites that of the product
//   slices that split a map into parts: their gradients are parts of the map's
//
// A map of a batch of enough images may lie in image lanes (kernels/train/image_lanes.hpp) if the operation that makes it
// and all that read it have kernels for that. A part of the network that begins at the input and ends at the mean over a
// map can then. It does so if channels would leave lanes empty.
#pragma once

#include <tinyfiqa/autograd/tape_call.hpp>
#include <tinyfiqa/base/span.hpp>
#include <tinyfiqa/nn/shape.hpp>
#include <tinyfiqa/runtime/arena.hpp>

#include <algorithm>
#include <cstddef>
#include <vector>

TINYFIQA_BEGIN

/// One operation's value, its gradient, and how its steps run.
struct TapeValue {
  Extents extents;
  bool live = false, absorbed = false, needs_gradient = false;
  bool lanes = false;  ///< value and gradient lie in image lanes
  int storage = -1;    ///< the value whose memory (and laziness) it shares: itself but for slices and scales
  int first_channel = 0;                     ///< into the storage
  int gate = -1;                             ///< the scale whose gate multiplies it
  int data = -1, saved = -1, gradient = -1;  ///< buffers
  /// In image lanes the stride is c, or 0 for [N / images][C][images]: the same gradient for all pixels of an image.
  int gradient_pixel_stride = 0, gradient_channel = 0;

  int inputs[max_op_inputs] = {-1, -1, -1, -1};  ///< of a shuffle that absorbed a concat: the concat's
  bool runs_backward = false;
  int dy_sums = -1;  ///< a convolution's [3][C] of TapeCall::dy_sums in the tape's block of sums
  /// The convolutions for whose gradients this operation's backward takes the sums, by input.
  int sums_for[max_op_inputs] = {-1, -1, -1, -1};
  bool accumulate[max_op_inputs] = {};

  /// Numbers of the map as it is stored: in image lanes the last vectors may have lanes without an image.
  long long stored_numbers(int images) const {
    if (!lanes) return extents.floats();
    return extents.floats() / extents.n * ((extents.n + images - 1) / images * images);
  }
};

struct TapePlan {
  Extents input;
  int count = 0;             ///< operations, up to the last output
  std::vector<int> outputs;  ///< values
  std::vector<TapeValue> values;
  std::vector<Buffer> buffers;
  std::size_t arena_bytes = 0;  ///< without scratch
  PlanProblem problem;

  bool is_output(int id) const { return std::find(outputs.begin(), outputs.end(), id) != outputs.end(); }
};

/// Which operations have kernels for maps in image lanes, by operation.
struct LaneKernels {
  int images = 0;           ///< of a vector; 0: none has
  std::vector<bool> first;  ///< that read the network's input, by pixels
  std::vector<bool> other;  ///< that read a map in image lanes
};

namespace detail {

class TapePlanner {
 public:
  /// `element`: bytes of one number.
  TapePlanner(Span<const Op> ops, Span<const int> outputs, Extents input, std::size_t element,
              bool input_gradient, const LaneKernels& lanes)
      : ops_(ops), element_(element), input_gradient_(input_gradient), lanes_(lanes) {
    plan.input = input;
    if (!are_outputs(ops, outputs)) {
      plan.problem.error = PlanError::bad_outputs;
      return;
    }
    plan.outputs.assign(outputs.begin(), outputs.end());
    for (const int id : outputs) plan.count = std::max(plan.count, id + 1);
    plan.values.resize(static_cast<std::size_t>(plan.count));
    measure();
    if (plan.problem.error != PlanError::none) return;
    mark_live();
    if (fills_lanes()) form_lanes();
    place_values();
    if (plan.problem.error != PlanError::none) return;
    for (const int id : outputs)
      if (value(id).needs_gradient && value(id).gradient < 0) new_gradient(id, plan.count);
    for (int id = plan.count - 1; id >= 0; --id)
      if (value(id).live) plan_backward(id);
    plan.arena_bytes = lay_out_arena({plan.buffers.data(), plan.buffers.size()});
  }

  TapePlan plan;

 private:
  const Op& op(int id) const { return ops_[static_cast<std::size_t>(id)]; }
  TapeValue& value(int id) { return plan.values[static_cast<std::size_t>(id)]; }
  Buffer& buffer(int i) { return plan.buffers[static_cast<std::size_t>(i)]; }
  int back(int id) const { return 2 * plan.count - 1 - id; }

  void measure() {
    plan.problem = measure_values(ops_, plan.count, plan.input,
                                  [this](int id) -> Extents& { return value(id).extents; });
    if (plan.problem.error != PlanError::none) return;
    for (int id = 0; id < plan.count; ++id) {
      const Op& o = op(id);
      TapeValue& v = value(id);
      if (o.kind == OpKind::input) plan.input.c = o.channels;
      std::copy(o.inputs, o.inputs + max_op_inputs, v.inputs);
      v.needs_gradient = o.kind == OpKind::conv || o.weight >= 0;
      v.needs_gradient |= o.kind == OpKind::input && input_gradient_;
      for (const int input : o.inputs) v.needs_gradient |= input >= 0 && value(input).needs_gradient;
    }
  }

  void mark_live() {
    for (const int id : plan.outputs) value(id).live = true;
    for (int id = plan.count - 1; id >= 0; --id)
      if (value(id).live)
        for (const int input : op(id).inputs)
          if (input >= 0) value(input).live = true;
  }

  template <class Body>
  void for_each_reader(int id, const Body& body) {
    for (int reader = id + 1; reader < plan.count; ++reader)
      if (value(reader).live && op(reader).reads(id)) body(reader);
  }
  int readers(int id) {
    int count = 0;
    for_each_reader(id, [&](int) { ++count; });
    return count;
  }

  // -- image lanes

  /// True if at most a fifth of the lanes have no image.
  bool fills_lanes() const {
    const long long n = plan.input.n, images = lanes_.images;
    return images > 0 && 4 * ((n + images - 1) / images * images) <= 5 * n;
  }
  void form_lanes() {
    for (int id = 0; id < plan.count; ++id) value(id).lanes = makes_lanes(id);
    for (bool changed = true; changed;) {
      changed = false;
      for (int id = 0; id < plan.count; ++id)
        if (value(id).lanes && !(inputs_agree(id) && readers_agree(id))) {
          value(id).lanes = false;
          changed = true;
        }
    }
    if (!leave_lanes_empty())
      for (TapeValue& v : plan.values) v.lanes = false;
  }
  /// True if by pixels, where vectors hold channels, at least one of 25 lanes would be empty. With fewer, image lanes gain
  /// nothing (docs/performance-log.md).
  bool leave_lanes_empty() const {
    const long long images = lanes_.images;
    long long used = 0, all = 0;
    for (const TapeValue& v : plan.values) {
      if (!v.lanes) continue;
      used += v.extents.floats();
      all += v.extents.floats() / v.extents.c * ((v.extents.c + images - 1) / images * images);
    }
    return 24 * all >= 25 * used;
  }
  bool has_lane_kernel(int id) {
    const auto row = static_cast<std::size_t>(id);
    return reads_image(id) ? lanes_.first[row] : lanes_.other[row];
  }
  bool reads_image(int id) { return op(id).inputs[0] >= 0 && op(op(id).inputs[0]).kind == OpKind::input; }
  bool makes_lanes(int id) {
    const bool map = op(id).kind == OpKind::conv || op(id).kind == OpKind::add;
    return map && value(id).live && !plan.is_output(id) && has_lane_kernel(id);
  }
  bool inputs_agree(int id) {
    if (reads_image(id)) return !input_gradient_;
    for (const int input : op(id).inputs)
      if (input >= 0 && !value(input).lanes) return false;
    return true;
  }
  bool readers_agree(int id) {
    bool agree = true;
    for_each_reader(id, [&](int r) {
      const bool mean = op(r).kind == OpKind::mean_hw && has_lane_kernel(r);
      agree = agree && (value(r).lanes || (mean && op(id).kind == OpKind::conv && readers(id) == 1));
    });
    return agree;
  }

  // -- values

  /// Numbers of a map as it is stored.
  std::size_t stored(const TapeValue& v) const {
    return static_cast<std::size_t>(v.stored_numbers(lanes_.images));
  }
  /// One alignment is left free behind each buffer.
  int new_buffer(std::size_t elements, int first, int last) {
    Buffer b;
    b.bytes = align_bytes(elements * element_) + arena_alignment;
    b.first = first;
    b.last = last;
    plan.buffers.push_back(b);
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
        if (x.gate >= 0) {  // not supported: no network here needs it
          plan.problem.error = PlanError::gated_again;
          plan.problem.op = id;
        }
        if (o.kind == OpKind::scale) v.gate = id;
      }
      if (o.kind == OpKind::concat && absorbs(id)) {
        v.absorbed = true;
        continue;
      }
      if (o.kind == OpKind::shuffle && value(o.inputs[0]).absorbed)
        std::copy(op(o.inputs[0]).inputs, op(o.inputs[0]).inputs + max_op_inputs, v.inputs);
      const bool owns = v.storage == id && o.kind != OpKind::input;
      if (owns) v.data = new_buffer(stored(v), id, back(id));
      std::size_t saved = tape_saved(o, v.extents);
      if (o.kind == OpKind::mean_hw) saved = saved_by_mean(value(o.inputs[0]));
      if (saved > 0) v.saved = new_buffer(saved, id, back(id));
    }
  }
  /// Two sums for each channel and image of a map in image lanes (kernels/train/lanes_maps.hpp); else nothing.
  std::size_t saved_by_mean(const TapeValue& x) const {
    const auto pixels = static_cast<std::size_t>(x.extents.pixels() / x.extents.n);
    return x.lanes ? 2 * stored(x) / pixels : 0;
  }
  /// A concatenation of equal halves that only a shuffle into two groups reads.
  bool absorbs(int id) {
    const Op& o = op(id);
    const bool halves = o.input_count() == 2 && op(o.inputs[0]).channels * 2 == o.channels &&
                        !plan.is_output(id) && readers(id) == 1;
    bool shuffled = false;
    for_each_reader(id, [&](int r) {
      shuffled = r == id + 1 && op(r).kind == OpKind::shuffle && op(r).shuffle_groups == 2;
    });
    return halves && shuffled;
  }

  // -- gradients

  void new_gradient(int id, int time) {
    TapeValue& v = value(id);
    v.gradient = new_buffer(stored(v), time, time);
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
    Buffer& b = buffer(value(id).gradient);
    b.last = std::max(b.last, time);
  }

  void plan_backward(int id) {
    TapeValue& v = value(id);
    if (!v.needs_gradient || v.absorbed || v.gradient < 0) return;
    if (op(id).kind == OpKind::input) return keep_gradient(id, 2 * plan.count - 1);  // the caller reads it
    keep_gradient(id, back(id));
    v.runs_backward = true;
    if (op(id).kind == OpKind::slice && split_by_slices(op(id).inputs[0])) v.runs_backward = false;
    if (op(id).kind == OpKind::add && share_sum(id)) v.runs_backward = false;
    if (!v.runs_backward) return;
    for (int side = 0; side < max_op_inputs; ++side) plan_input_gradient(id, side);
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
        if (op(id).kind == OpKind::mean_hw && value(input).lanes) value(input).gradient_pixel_stride = 0;
      }
    }
    keep_gradient(input, back(id));
  }

  /// True if all readers of `id` are slices that cover each of its channels exactly once. Their gradients are then
  /// complete before backward reaches the map itself.
  bool split_by_slices(int id) {
    std::vector<int> covered(static_cast<std::size_t>(value(id).extents.c));
    bool slices = !plan.is_output(id);
    for_each_reader(id, [&](int r) {
      slices = slices && op(r).kind == OpKind::slice && readers(r) > 0 && !plan.is_output(r);
      if (slices)
        for (int c = 0; c < op(r).channels; ++c) ++covered[static_cast<std::size_t>(op(r).first_channel + c)];
    });
    return slices && std::all_of(covered.begin(), covered.end(), [](int n) { return n == 1; });
  }

  /// Lets the gradients of both inputs share the buffer of the sum's gradient, if nothing adds to one of them
  /// before the other one is read: the newer input must be a convolution without other readers, and all other
  /// readers of the older input must come before it.
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

  Span<const Op> ops_;
  std::size_t element_;
  bool input_gradient_;
  const LaneKernels& lanes_;
};

}  // namespace detail

/// Plans training of the values `outputs` for an input of N, H, W, in numbers of `element` bytes; `problem` says
/// whether it succeeded. `input_gradient`: backward also computes the gradient of the input.
inline TapePlan make_tape_plan(Span<const Op> ops, Span<const int> outputs, Extents input,
                               std::size_t element, bool input_gradient = false,
                               const LaneKernels& lanes = LaneKernels()) {
  return detail::TapePlanner(ops, outputs, input, element, input_gradient, lanes).plan;
}

TINYFIQA_END
