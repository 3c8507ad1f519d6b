// Plans: a network at one input size, as kernel calls (steps) on memory in one arena.
//
// One walk makes both the steps and the arena. So the memory that a plan asks for and the memory that a run
// touches can't differ.
#pragma once

#include <tinyfiqa/base/float_control.hpp>
#include <tinyfiqa/runtime/planner.hpp>

TINYFIQA_BEGIN

/// How many entries each array of a PlanStorage needs for a network.
constexpr int plan_capacity(Span<const Op> ops, int output_count = Outputs::capacity) {
  int steps = output_count;  // an output may be copied
  for (const Op& op : ops) steps += op.kind == OpKind::concat ? op.input_count() : 1;
  return steps;
}

/// Arrays for a plan without a heap. `plan_capacity` tells the N that a network needs.
template <int N>
struct FixedPlanStorage {
  Step steps[N];
  Value values[N];
  Buffer buffers[N];
  constexpr PlanStorage storage() { return {steps, values, buffers, N}; }
};

/// Plans what `request` asks for. The arrays of `storage` must stay where they are while the plan is used.
/// The result's `problem` says whether it can be used. Allocates nothing.
constexpr Plan make_plan(const PlanRequest& request, const Backend& backend, const PlanStorage& storage) {
  return detail::Planner(request, backend, storage).plan;
}

/// Runs a plan. `frame.arena` has plan.arena_bytes (64-byte alignment is fastest; that of float is needed),
/// `frame.packed` plan.packed_bytes, `frame.input` [N, H, W, C] floats or, in a plan for images, levels.
/// `frame.outputs` points to the memory of each output, dense [N, H, W, C] of plan.outputs. Allocates nothing.
inline void run(const Plan& plan, const Frame& frame) {
  const FlushSubnormals flush;  // dead channels of a trained network give subnormal numbers, which are slow
  for (int i = 0; i < plan.step_count;) {
    const Step& s = plan.steps[i];
    if (s.chain.steps > 0)
      s.chain.run(&s, frame);
    else
      s.run(s, frame);
    i += s.chain.steps > 0 ? s.chain.steps : 1;
  }
}

TINYFIQA_END
