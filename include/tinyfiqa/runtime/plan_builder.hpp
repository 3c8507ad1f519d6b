// The state of a planning: sizes and liveness of the values, steps, buffers, outputs, and the arena.
#pragma once

#include <tinyfiqa/nn/graph.hpp>
#include <tinyfiqa/nn/shape.hpp>
#include <tinyfiqa/runtime/arena.hpp>
#include <tinyfiqa/runtime/chain_plan.hpp>
#include <tinyfiqa/runtime/planar_plan.hpp>
#include <tinyfiqa/runtime/step.hpp>

#include <limits>

TINYFIQA_BEGIN

/// What is to be planned.
struct PlanRequest {
  Span<const Op> ops;       ///< must stay where they are while the plan is used
  Span<const int> outputs;  ///< the values to hand out, at most Outputs::capacity
  Extents input;            ///< N, H, W; the channels are the network's own
  int threads = 1;          ///< the most that a run will use
  /// Not null: the input is the levels of images, of which a few rows at a time become floats. The network must
  /// take three channels.
  const LevelScale* levels = nullptr;
  /// False: every map is in memory as a whole after its step, so that it can be looked at. Needs more memory at large
  /// inputs.
  bool chains = true;
  /// False: no operation becomes a part of another one's step, and no map is planar, so that every value of the network is
  /// in memory after its step, by pixels.
  bool fuse = true;
  ChainLimits chain_limits;  ///< such as low_memory_chains()
  /// The mean of a 1x1 convolution is computed a few channels at a time, so that the map is never in memory as a
  /// whole. For little memory; one thread does it.
  bool means_by_channels = false;
};

/// Where an operation's value is.
struct Value {
  Extents extents;
  Operand operand;  ///< offset counts from the buffer's start until the arena is laid out
  int buffer = -1;
  int uses = 0;      ///< live operations that read it, and outputs that it is
  int made_by = -1;  ///< step
  bool live = false;
  int gate = -1;                      ///< the value that multiplies it when it is read
  bool absorbed = false;              ///< a later operation takes over this one's step
  std::size_t packed = 0, slope = 0;  ///< where its weights and slopes lie in the packed weights, in bytes
};

/// A caller's arrays, each with `capacity` entries: see plan_capacity() and FixedPlanStorage.
struct PlanStorage {
  Step* steps = nullptr;
  Value* values = nullptr;
  Buffer* buffers = nullptr;
  int capacity = 0;
};

struct Plan {
  const Step* steps = nullptr;
  int step_count = 0;
  Extents input;
  Extents outputs[Outputs::capacity];
  int output_count = 0;
  std::size_t arena_bytes = 0;    ///< for the run; the caller's input and outputs are not counted
  std::size_t scratch_bytes = 0;  ///< of these, the kernels' scratch at the end
  std::size_t packed_bytes = 0;   ///< of the packed weights; does not depend on the input's size
  int threads = 1;                ///< the most threads that the arena has scratch for
  PlanProblem problem;            ///< `error` is none when the plan can be used

  constexpr bool ok() const { return problem.error == PlanError::none; }
};

namespace detail {

/// What a planner (runtime/planner.hpp) builds its plan with: it appends steps, places their operands in buffers, and at
/// last lays out the arena.
class PlanBuilder {
 public:
  Plan plan;

 protected:
  constexpr PlanBuilder(const PlanRequest& request, const Backend& backend, const PlanStorage& storage)
      : ops_(request.ops),
        outputs_(request.outputs),
        levels_(request.levels),
        chains_(request.chains),
        fuse_(request.fuse),
        chain_limits_(request.chain_limits),
        means_by_channels_(request.means_by_channels),
        backend_(backend),
        storage_(storage) {
    plan.input = request.input;
    plan.threads = request.threads < 1 ? 1 : request.threads;
    plan.steps = storage.steps;
    plan.output_count = static_cast<int>(outputs_.size);
    for (const int id : outputs_) last_ = id > last_ ? id : last_;
    if (!are_outputs(ops_, outputs_))
      fail(PlanError::bad_outputs);
    else if (last_ >= storage.capacity)
      fail(PlanError::storage_too_small);
    else
      measure();
    mark_live();
  }

  constexpr bool ok() const { return plan.ok(); }
  constexpr void fail(PlanError error, int id = -1) {
    if (!ok()) return;
    plan.problem.error = error;
    plan.problem.op = id;
  }
  constexpr const Op& op(int id) const { return ops_[static_cast<std::size_t>(id)]; }
  constexpr Value& value(int id) { return storage_.values[id]; }
  constexpr Buffer& buffer(int i) { return storage_.buffers[i]; }

  // -- sizes and liveness

  constexpr void measure() {
    for (int id = 0; id <= last_; ++id) value(id) = Value();
    plan.problem =
        measure_values(ops_, last_ + 1, plan.input, [this](int id) -> Extents& { return value(id).extents; });
    for (int id = 0; id <= last_; ++id)
      if (op(id).kind == OpKind::input) plan.input.c = op(id).channels;
    for (int i = 0; i < plan.output_count; ++i) plan.outputs[i] = value(output(i)).extents;
  }
  constexpr int output(int i) const { return outputs_[static_cast<std::size_t>(i)]; }

  constexpr void mark_live() {
    if (!ok()) return;
    for (const int id : outputs_) {
      value(id).live = true;
      ++value(id).uses;
    }
    for (int id = last_; id >= 0; --id) {
      if (!value(id).live) continue;
      for (const int input : op(id).inputs) {
        if (input < 0) continue;
        value(input).live = true;
        ++value(input).uses;
      }
    }
  }

  // -- steps and their operands

  /// The value is a part (or all) of its input's memory.
  constexpr void alias(int id, int first_channel) {
    Value& v = value(id);
    const Value& from = value(op(id).inputs[0]);
    v.operand = from.operand;
    v.operand.offset += static_cast<std::size_t>(first_channel) * dtype_bytes(from.operand.dtype);
    v.operand.extents = v.extents;
    v.buffer = from.buffer;
    v.made_by = from.made_by;
  }

  /// The value lies where that of `from` lies.
  constexpr void alias_to(int id, int from) {
    const Extents extents = value(id).extents;
    const int uses = value(id).uses;
    value(id) = value(from);
    value(id).extents = extents;
    value(id).uses = uses;
  }

  constexpr Step& append(int id, const Kernel* kernel) { return append_kernel(id, kernel, op(id).dtype); }
  /// A step whose kernel must write elements of type `out`.
  constexpr Step& append_kernel(int id, const Kernel* kernel, DType out) {
    if (plan.step_count == storage_.capacity) {
      fail(PlanError::storage_too_small);
      return storage_.steps[0];
    }
    if (kernel == nullptr || kernel->dtype != out) fail(PlanError::not_covered, id);
    Step& s = storage_.steps[plan.step_count++];
    s = Step();
    s.kernel = kernel;
    s.op = s.first_op = id;
    if (kernel != nullptr && kernel->reads_op) s.source = &op(id);
    return s;
  }

  /// Reads the value of `input` in the newest step.
  constexpr Operand read(int input) {
    const Value& v = value(input);
    if (v.buffer >= 0) buffer(v.buffer).last = plan.step_count - 1;
    return v.operand;
  }

  /// A new buffer for the value of `id`, written by the newest step.
  constexpr Operand write(int id) {
    Value& v = value(id);
    v.buffer = new_buffer(v.extents, op(id).dtype);
    v.made_by = plan.step_count - 1;
    v.operand = whole_buffer(v.buffer, v.extents, op(id));
    return v.operand;
  }
  constexpr int new_buffer(const Extents& e, DType dtype) {
    Buffer& b = buffer(buffer_count_);
    b = Buffer();
    b.bytes = align_bytes(static_cast<std::size_t>(e.floats()) * dtype_bytes(dtype));
    b.first = b.last = plan.step_count - 1;
    return buffer_count_++;
  }
  static constexpr Operand whole_buffer(int index, const Extents& e, const Op& op) {
    Operand o;
    o.place = Place::arena;
    o.dtype = op.dtype;
    o.quant = op.quant;
    o.pixel_stride = e.c;
    o.extents = e;
    o.buffer = index;
    return o;
  }

  constexpr void need_scratch(std::size_t bytes) {
    if (bytes > scratch_bytes_) scratch_bytes_ = bytes;
  }

  // -- outputs

  /// An output is written to the caller's memory: by the step that makes it, when that writes the whole of a
  /// buffer of its own, else by a copy. Levels are handed out as floats.
  constexpr void hand_out(int id) {
    for (int i = 0; ok() && i < plan.output_count; ++i) {
      if (output(i) != id) continue;
      const Value& v = value(id);
      const bool whole = v.buffer >= 0 && !buffer(v.buffer).outside && v.operand.offset == 0 &&
                         v.operand.pixel_stride == v.extents.c && op(id).dtype != DType::u8;
      if (whole)
        output_buffers_[i] = v.buffer;
      else
        output_buffers_[i] = copy_to_output(id);
      if (ok()) buffer(output_buffers_[i]).outside = true;
    }
  }
  /// Readers go on reading the value where it was.
  constexpr int copy_to_output(int id) {
    const bool levels = op(id).dtype == DType::u8;
    Op out = op(id);
    if (levels) out.dtype = DType::f32;
    Step& s = append_kernel(id, levels ? backend_.to_floats : backend_.copy(out.dtype), out.dtype);
    if (!ok()) return -1;
    s.x = read(id);
    const int index = new_buffer(value(id).extents, out.dtype);
    s.y = whole_buffer(index, value(id).extents, out);
    return index;
  }

  // -- the arena

  constexpr void form_arena() {
    const Span<Step> steps{storage_.steps, static_cast<std::size_t>(plan.step_count)};
    if (fuse_) PlanarPlanner(steps, storage_.buffers, backend_).form();
    if (chains_)
      need_scratch(ChainPlanner(steps, storage_.buffers, ops_, backend_, chain_limits_).form() *
                   static_cast<std::size_t>(plan.threads));
    const std::size_t scratch_offset =
        lay_out_arena({storage_.buffers, static_cast<std::size_t>(buffer_count_)});
    plan.scratch_bytes = align_bytes(scratch_bytes_);
    plan.arena_bytes = scratch_offset + plan.scratch_bytes;
    if (plan.arena_bytes / sizeof(float) > static_cast<std::size_t>(std::numeric_limits<int>::max()))
      fail(PlanError::too_large);
    for (Step& s : steps) {
      s.run = s.kernel->run;
      s.run_rows = s.kernel->run_rows;
      s.scratch = scratch_offset;
      for (Operand* o : {&s.x, &s.b, &s.y, &s.gate}) settle(*o);
    }
  }
  /// Turns a place in a buffer into one in the arena or in an output.
  constexpr void settle(Operand& o) {
    if (o.buffer < 0) return;
    if (!buffer(o.buffer).outside) {
      o.offset += buffer(o.buffer).offset;
      return;
    }
    o.place = Place::output;
    for (int i = 0; i < plan.output_count; ++i)
      if (output_buffers_[i] == o.buffer) o.output = i;
  }

  Span<const Op> ops_;
  Span<const int> outputs_;
  int last_ = -1;  // the output with the highest number
  const LevelScale* levels_;
  bool chains_, fuse_;
  ChainLimits chain_limits_;
  bool means_by_channels_;
  const Backend& backend_;
  PlanStorage storage_;
  int buffer_count_ = 0;
  std::size_t scratch_bytes_ = 0;
  int output_buffers_[Outputs::capacity] = {};
};

}  // namespace detail

TINYFIQA_END
