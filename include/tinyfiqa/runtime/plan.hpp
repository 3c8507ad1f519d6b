// Planning: from a network's operations and an input size to kernel calls and places in one arena.
//
// One walk makes both the steps and the arena, so the size a caller is told and the memory a run touches
// can't differ.
#pragma once

#include <tinyfiqa/base/float_control.hpp>
#include <tinyfiqa/nn/shape.hpp>
#include <tinyfiqa/runtime/chain_plan.hpp>
#include <tinyfiqa/runtime/planar_plan.hpp>
#include <tinyfiqa/runtime/step.hpp>

#include <initializer_list>
#include <limits>

TINYFIQA_BEGIN

/// Why a plan could not be made.
enum class PlanError : unsigned char {
  none,
  bad_input_size,  ///< N, H or W is not positive
  map_too_small,   ///< a window does not fit its map
  too_large,       ///< a map or the arena has more floats than an int counts
  not_covered,     ///< the backend has no kernel for an operation
  no_room,         ///< the caller's arrays are too small
};

constexpr const char* plan_error_text(PlanError error) {
  constexpr const char* texts[] = {"no error",
                                   "batch, height and width must be positive",
                                   "the input is too small for this network",
                                   "the input is too large",
                                   "no kernel covers one of the network's operations",
                                   "more operations than room for them"};
  return texts[static_cast<unsigned char>(error)];
}

/// Where an operation's value is.
struct Value {
  Extents extents;
  Operand operand;  ///< offset counts from the buffer's start until the arena is laid out
  int buffer = -1;
  int uses = 0;      ///< live operations that read it
  int made_by = -1;  ///< step
  bool live = false;
  int gate = -1;          ///< the value that multiplies it when it is read
  bool absorbed = false;  ///< a later operation takes over this one's step
};

/// A caller's arrays, each with room for `capacity` operations.
struct PlanRoom {
  Step* steps = nullptr;
  Value* values = nullptr;
  Buffer* buffers = nullptr;
  int capacity = 0;
};

struct Plan {
  const Step* steps = nullptr;
  int step_count = 0;
  Extents input, output;
  std::size_t arena_floats = 0;    ///< for the run, the caller's input and output not counted
  std::size_t scratch_floats = 0;  ///< of these, the kernels' working memory at the end
  std::size_t packed_floats = 0;   ///< of the packed weights; does not depend on the input's size
  int threads = 1;                 ///< the most threads that the arena has scratch for
  PlanError error = PlanError::none;

  std::size_t arena_bytes() const { return arena_floats * sizeof(float); }
};

namespace detail {

/// Holds the state of one planning; its public member `plan` is the result.
class Planner {
 public:
  Planner(Span<const Op> ops, int output, Extents input, const Backend& backend, int threads, PlanRoom room,
          const LevelScale* levels)
      : ops_(ops), output_(output), backend_(backend), room_(room), levels_(levels) {
    plan.input = input;
    plan.threads = threads < 1 ? 1 : threads;
    plan.steps = room.steps;
    if (static_cast<int>(ops.size) > room.capacity) {
      plan.error = PlanError::no_room;
      return;
    }
    measure();
    mark_live();
    for (int id = 0; ok() && id <= output_; ++id)
      if (value(id).live) lower(id);
    if (ok()) {
      const Span<Step> steps{room_.steps, static_cast<std::size_t>(plan.step_count)};
      PlanarPlanner(steps, value(output_).buffer, backend_).form();
      ChainPlanner chains(steps, room_.buffers, value(output_).buffer, ops_, backend_);
      need_scratch(chains.form() * static_cast<std::size_t>(plan.threads));
      lay_out();
    }
  }

  Plan plan;

 private:
  bool ok() const { return plan.error == PlanError::none; }
  void fail(PlanError error) {
    if (ok()) plan.error = error;
  }
  const Op& op(int id) const { return ops_[static_cast<std::size_t>(id)]; }
  Value& value(int id) { return room_.values[id]; }

  // -- sizes

  void measure() {
    if (plan.input.n < 1 || plan.input.h < 1 || plan.input.w < 1) return fail(PlanError::bad_input_size);
    for (int id = 0; ok() && id <= output_; ++id) {
      value(id) = Value();
      value(id).extents = extents_of(id);
      const Extents& e = value(id).extents;
      // In double: the product of four ints may not fit any integer.
      const double floats = static_cast<double>(e.n) * e.h * e.w * e.c;
      if (floats > std::numeric_limits<int>::max()) fail(PlanError::too_large);
    }
    plan.output = value(output_).extents;
  }

  Extents extents_of(int id) {
    const Op& o = op(id);
    if (o.kind == OpKind::input) {
      plan.input.c = o.channels;
      return plan.input;
    }
    const Extents b = o.inputs[1] < 0 ? Extents() : value(o.inputs[1]).extents;
    const Extents e = op_extents(o, value(o.inputs[0]).extents, b);
    if (e.n < 1 || e.h < 1 || e.w < 1 || e.c != o.channels) fail(PlanError::map_too_small);
    return e;
  }

  // -- liveness of operations

  void mark_live() {
    if (!ok()) return;
    value(output_).live = true;
    for (int id = output_; id >= 0; --id) {
      if (!value(id).live) continue;
      for (const int input : op(id).inputs) {
        if (input < 0) continue;
        value(input).live = true;
        ++value(input).uses;
      }
    }
  }

  // -- from operations to steps

  void lower(int id) {
    switch (op(id).kind) {
      case OpKind::input:
        return lower_input(id);
      case OpKind::conv:
        return lower_conv(id);
      case OpKind::dropout:
        return alias(id, 0);
      case OpKind::slice:
        return lower_slice(id);
      case OpKind::add:
        return lower_add(id);
      case OpKind::concat:
        return lower_concat(id);
      case OpKind::shuffle:
        return lower_shuffle(id);
      case OpKind::scale:
        return lower_scale(id);
      case OpKind::activation:
        return lower_unary(id, backend_.activation);
      case OpKind::max_pool:
        return lower_unary(id, backend_.max_pool);
      case OpKind::mean_hw:
        return lower_unary(id, backend_.mean_hw);
      case OpKind::custom:
        return lower_custom(id);
    }
  }

  void lower_input(int id) {
    const Operand input{Place::input, 0, plan.input.c, plan.input, -1};
    value(id).operand = input;
    if (id == output_) fail(PlanError::not_covered);
    if (levels_ == nullptr) return;
    if (plan.input.c != 3) return fail(PlanError::not_covered);
    Step& s = append(id, backend_.levels);
    if (!ok()) return;
    s.x = input;
    s.y = write(id);
    s.levels = *levels_;
  }

  /// The value is part (or all) of its input's memory.
  void alias(int id, int first_channel) {
    Value& v = value(id);
    const Value& from = value(op(id).inputs[0]);
    v.operand = from.operand;
    v.operand.offset += static_cast<std::size_t>(first_channel);
    v.operand.extents = v.extents;
    v.buffer = from.buffer;
    v.made_by = from.made_by;
  }

  Step& append(int id, const Kernel* kernel) {
    if (kernel == nullptr) fail(PlanError::not_covered);
    Step& s = room_.steps[plan.step_count++];
    s = Step();
    s.kernel = kernel;
    s.op = s.first_op = id;
    return s;
  }

  /// Reads the value of `input` in the newest step.
  Operand read(int input) {
    const Value& v = value(input);
    if (v.buffer >= 0) room_.buffers[v.buffer].last_step = plan.step_count - 1;
    return v.operand;
  }

  /// A new buffer for the value of `id`, written by the newest step.
  Operand write(int id) {
    Value& v = value(id);
    v.buffer = buffer_count_++;
    v.made_by = plan.step_count - 1;
    v.operand = {Place::arena, 0, v.extents.c, v.extents, v.buffer};
    Buffer& b = room_.buffers[v.buffer];
    b.offset = unplaced;
    b.floats = align_floats(static_cast<std::size_t>(v.extents.floats()));
    b.first_step = b.last_step = v.made_by;
    return v.operand;
  }

  void lower_conv(int id) {
    const Op& o = op(id);
    const ConvShape shape = conv_shape(o);
    const Kernel* kernel = backend_.conv(shape);
    Step& s = append(id, kernel);
    if (!ok()) return;
    s.x = read(o.inputs[0]);
    if (value(o.inputs[0]).gate >= 0) {
      s.gate = read(value(o.inputs[0]).gate);
      need_scratch(kernel->packed_floats(shape));
    }
    s.y = write(id);
    s.act = o.act;
    s.window = o.window;
    s.stride = o.stride;
    s.padding = o.padding;
    s.groups = o.groups;
    s.packed = plan.packed_floats;
    plan.packed_floats += align_floats(kernel->packed_floats(shape));
    if (o.slope >= 0) {
      s.has_slope = true;
      s.slope = plan.packed_floats;
      plan.packed_floats += align_floats(static_cast<std::size_t>(o.channels));
    }
    if (kernel->scratch_floats != nullptr)
      need_scratch(kernel->scratch_floats(shape) * static_cast<std::size_t>(plan.threads));
  }
  void need_scratch(std::size_t floats) {
    if (floats > scratch_floats_) scratch_floats_ = floats;
  }

  void lower_unary(int id, const Kernel* kernel) {
    const Op& o = op(id);
    Step& s = append(id, kernel);
    if (!ok()) return;
    s.x = read(o.inputs[0]);
    s.y = write(id);
    s.act = o.act;
    s.window = o.window;
    s.stride = o.stride;
    s.padding = o.padding;
    s.groups = o.shuffle_groups;
  }

  /// The user's own; its parameters are packed as they are.
  void lower_custom(int id) {
    const Op& o = op(id);
    Step& s = append(id, backend_.custom);
    if (!ok()) return;
    s.x = read(o.inputs[0]);
    if (o.inputs[1] >= 0) s.b = read(o.inputs[1]);
    s.y = write(id);
    s.custom = o.custom;
    s.packed = plan.packed_floats;
    plan.packed_floats += align_floats(static_cast<std::size_t>(o.custom_params));
  }

  /// A view; a copy where the user's own operation, which takes dense maps, reads it.
  void lower_slice(int id) {
    alias(id, op(id).first_channel);
    for (int reader = id + 1; reader <= output_; ++reader)
      for (const int input : op(reader).inputs) {
        if (input != id || op(reader).kind != OpKind::custom || !value(reader).live) continue;
        Step& s = append(id, backend_.copy);
        if (!ok()) return;
        s.x = value(id).operand;
        read(id);
        s.y = write(id);
        return;
      }
  }

  /// y = x op b, into x's own memory when nobody else needs x.
  void lower_binary(int id, const Kernel* kernel) {
    const int x = op(id).inputs[0];
    Step& s = append(id, kernel);
    if (!ok()) return;
    s.x = read(x);
    s.b = read(op(id).inputs[1]);
    const bool owns = value(x).buffer >= 0 && op(x).kind != OpKind::slice && op(x).kind != OpKind::dropout;
    if (owns && value(x).uses == 1) {
      alias(id, 0);
      s.y = value(id).operand;
    } else {
      s.y = write(id);
    }
    value(id).made_by = plan.step_count - 1;
  }

  /// Into the weights of the 1x1 convolution that alone reads the product, when that has fewer outputs than
  /// the map has pixels: then its weights are the smaller thing to multiply.
  void lower_scale(int id) {
    const Extents& e = value(id).extents;
    for (int reader = id + 1; reader <= output_ && value(id).uses == 1; ++reader) {
      const Op& r = op(reader);
      if (r.inputs[0] != id || !value(reader).live || r.kind != OpKind::conv) continue;
      const Kernel* kernel = backend_.conv(conv_shape(r));
      if (kernel == nullptr || !kernel->takes_gate || e.h * e.w <= r.channels) continue;
      alias(id, 0);
      value(id).gate = op(id).inputs[1];
      return;
    }
    lower_binary(id, backend_.scale);
  }

  /// Into the convolution's epilogue when it made one of the two just before, for this sum alone.
  void lower_add(int id) {
    const Op& o = op(id);
    for (const int side : {0, 1}) {
      const int made = o.inputs[side], other = o.inputs[1 - side];
      const Value& v = value(made);
      const bool newest = v.made_by == plan.step_count - 1 && op(made).kind == OpKind::conv && v.uses == 1;
      if (!newest || made == other) continue;
      Step& s = room_.steps[v.made_by];
      if (!s.kernel->takes_residual) continue;
      s.b = read(other);
      s.op = id;
      alias_to(id, made);
      return;
    }
    lower_binary(id, backend_.add);
  }

  void alias_to(int id, int from) {
    const Extents extents = value(id).extents;
    const int uses = value(id).uses;
    value(id) = value(from);
    value(id).extents = extents;
    value(id).uses = uses;
  }

  /// Followed by a shuffle into two groups of equal width: one interleaving pass. Otherwise two copies.
  void lower_concat(int id) {
    const Op& o = op(id);
    if (id + 1 <= output_ && op(id + 1).kind == OpKind::shuffle && op(id + 1).inputs[0] == id &&
        value(id).uses == 1 && op(id + 1).shuffle_groups == 2 && op(o.inputs[0]).channels * 2 == o.channels) {
      value(id).absorbed = true;
      return;
    }
    const Operand whole = copy_part(id, 0, Operand());
    copy_part(id, 1, whole);
  }

  Operand copy_part(int id, int side, Operand whole) {
    Step& s = append(id, backend_.copy);
    if (!ok()) return whole;
    s.x = read(op(id).inputs[side]);
    if (side == 0)
      whole = write(id);
    else
      room_.buffers[value(id).buffer].last_step = plan.step_count - 1;
    s.y = whole;
    s.y.extents.c = s.x.extents.c;
    if (side == 1) s.y.offset += static_cast<std::size_t>(op(op(id).inputs[0]).channels);
    return whole;
  }

  void lower_shuffle(int id) {
    const int from = op(id).inputs[0];
    if (!value(from).absorbed) return lower_unary(id, backend_.shuffle);
    Step& s = append(id, backend_.interleave);
    if (!ok()) return;
    s.first_op = from;
    s.x = read(op(from).inputs[0]);
    s.b = read(op(from).inputs[1]);
    s.y = write(id);
  }

  // -- the arena

  /// The output goes to the caller's memory, everything else into the arena, largest buffers first, each at
  /// the lowest offset where it meets no buffer that is alive at the same time.
  void lay_out() {
    const int out = value(output_).buffer;
    if (out < 0) return fail(PlanError::not_covered);
    for (int placed = 0; placed < buffer_count_; ++placed) {
      const int next = largest_unplaced(out);
      if (next < 0) break;
      place(next);
    }
    const std::size_t scratch_offset = plan.arena_floats;
    plan.scratch_floats = align_floats(scratch_floats_);
    plan.arena_floats += plan.scratch_floats;
    if (plan.arena_floats > static_cast<std::size_t>(std::numeric_limits<int>::max()))
      fail(PlanError::too_large);
    for (int i = 0; i < plan.step_count; ++i) {
      Step& s = room_.steps[i];
      s.scratch = scratch_offset;
      for (Operand* o : {&s.x, &s.b, &s.y, &s.gate}) {
        if (o->buffer == out)
          o->place = Place::output;
        else if (o->buffer >= 0)
          o->offset += room_.buffers[o->buffer].offset;
      }
    }
  }

  int largest_unplaced(int out) const {
    int best = -1;
    for (int i = 0; i < buffer_count_; ++i) {
      const Buffer& b = room_.buffers[i];
      if (i == out || b.offset != unplaced) continue;
      if (best < 0 || b.floats > room_.buffers[best].floats) best = i;
    }
    return best;
  }

  void place(int index) {
    Buffer& b = room_.buffers[index];
    std::size_t offset = 0;
    for (bool moved = true; moved;) {
      moved = false;
      for (int i = 0; i < buffer_count_; ++i) {
        const Buffer& other = room_.buffers[i];
        if (i == index || other.offset == unplaced) continue;
        const bool together = other.first_step <= b.last_step && b.first_step <= other.last_step;
        const bool overlap = offset < other.offset + other.floats && other.offset < offset + b.floats;
        if (!together || !overlap) continue;
        offset = other.offset + other.floats;
        moved = true;
      }
    }
    b.offset = offset;
    if (offset + b.floats > plan.arena_floats) plan.arena_floats = offset + b.floats;
  }

  Span<const Op> ops_;
  int output_;
  const Backend& backend_;
  PlanRoom room_;
  const LevelScale* levels_;
  int buffer_count_ = 0;
  std::size_t scratch_floats_ = 0;
  static constexpr std::size_t unplaced = std::numeric_limits<std::size_t>::max();
};

}  // namespace detail

/// Plans the value `output` of a network for an input of N, H, W (its channels are the network's own).
/// `room` must stay where it is while the plan is used. `threads` is the most that a run will use. With
/// `levels` the input is the levels of pictures, of which a few rows at a time become floats; the network
/// must take three channels. The result's `error` says whether it can be used.
inline Plan make_plan(Span<const Op> ops, int output, Extents input, const Backend& backend, int threads,
                      PlanRoom room, const LevelScale* levels = nullptr) {
  return detail::Planner(ops, output, input, backend, threads, room, levels).plan;
}

/// Runs a plan. `frame.arena` has plan.arena_floats floats (64-byte alignment is fastest, none is needed),
/// `frame.input` (or, in a plan for pictures, `frame.levels`) [N, H, W, C] and `frame.output` the plan's
/// extents. Allocates nothing.
inline void run(const Plan& plan, const Frame& frame) {
  const FlushSubnormals flush;  // what dead channels of a trained network give
  for (int i = 0; i < plan.step_count;) {
    const Step& s = plan.steps[i];
    if (s.chain.steps > 0)
      s.chain.run(&s, frame);
    else
      s.kernel->run(s, frame);
    i += s.chain.steps > 0 ? s.chain.steps : 1;
  }
}

TINYFIQA_END
