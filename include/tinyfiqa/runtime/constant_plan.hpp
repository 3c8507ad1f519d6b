// A network at one input size, planned by the compiler. Its steps and its packed weights are constants, which lie in
// flash; no code of the planner is in the program. For machines without a heap.
//
//   #include "tinyfqnet_packed.hpp"   // tinyfiqa export --c-array tinyfqnet_packed.hpp --target scalar_small ...
//
//   using Quality = tinyfiqa::ConstantPlan<tinyfiqa::TinyFQnet, tinyfqnet_packed, 48, 48>;
//   alignas(64) static unsigned char arena[Quality::arena_bytes];
//
//   float score;
//   void* const outputs[] = {&score};
//   Quality::run(levels, outputs, arena);
#pragma once

#include <tinyfiqa/base/float_control.hpp>
#include <tinyfiqa/nn/definition.hpp>
#include <tinyfiqa/runtime/backend_table.hpp>
#include <tinyfiqa/runtime/constant_steps.hpp>
#include <tinyfiqa/runtime/packed_weights.hpp>
#include <tinyfiqa/runtime/plan.hpp>
#include <tinyfiqa/runtime/use_packed.hpp>

TINYFIQA_BEGIN

/// What a ConstantPlan plans for. For other choices derive from it, and hide members.
struct LowMemoryPlan {
  static constexpr int images = 1;
  static constexpr bool levels = true;  ///< the input is RGB levels 0..255 [N, H, W, 3]; false: floats
  /// Of chains of 1 to most_steps steps, those are taken that need the smallest arena.
  static constexpr ChainLimits chains = low_memory_chains();
  static constexpr bool means_by_channels = true;
  /// The names of the outputs to compute; none: all that need no request.
  static constexpr Span<const char* const> outputs{};
};

namespace detail {

/// Whether weights are of 8 bits: then `levels` has what the levels of each value stand for.
template <class Weights, class = void>
inline constexpr bool has_levels_v = false;
template <class Weights>
inline constexpr bool has_levels_v<Weights, decltype(void(Weights::levels))> = true;

/// The network, with 8-bit maps where its weights are made for them.
template <class Net, class Weights>
constexpr auto define_constant() {
  auto network = define_fixed<Net>();
  if constexpr (has_levels_v<Weights>) {
    constexpr std::size_t count = sizeof(Weights::levels) / sizeof(Weights::levels[0]);
    static_assert(count == static_cast<std::size_t>(operation_count<Net>()),
                  "tinyfiqa: these packed 8-bit weights are of another network");
    for (std::size_t i = 0; i < count; ++i) {
      if (!(Weights::levels[i].scale > 0)) continue;  // the value stays floats
      network.ops[i].dtype = DType::u8;
      network.ops[i].quant = Weights::levels[i];
    }
  }
  return network;
}
template <class Net, class Weights>
inline constexpr auto constant_network = define_constant<Net, Weights>();

/// What the planner leaves behind. `plan.steps` is null: a constant can't point into itself.
template <class Net, class Weights>
struct ConstantPlanning {
  FixedPlanStorage<plan_capacity(constant_network<Net, Weights>.operations())> storage;
  Plan plan;

  constexpr Span<const Step> steps() const {
    return {storage.steps, static_cast<std::size_t>(plan.step_count)};
  }
};

/// Plans with chains of at most `ChainSteps` steps.
template <class Net, class Weights, int H, int W, class Options, int ChainSteps>
constexpr ConstantPlanning<Net, Weights> plan_constant() {
  constexpr auto& network = constant_network<Net, Weights>;
  ConstantPlanning<Net, Weights> planning;
  LevelScale levels;
  for (int i = 0; i < 3; ++i) {
    levels.mean[i] = Weights::mean[i];
    levels.scale[i] = Weights::scale[i];
  }
  int outputs[Outputs::capacity] = {};
  std::size_t count = 0;
  for (const char* const name : Options::outputs) outputs[count++] = network.outputs.value(name);
  for (const Output& output : network.outputs)
    if (Options::outputs.empty() && !output.on_request) outputs[count++] = output.value;
  PlanRequest request;
  request.ops = network.operations();
  request.outputs = {outputs, count};
  request.input = {Options::images, H, W, 0};
  if (Options::levels) request.levels = &levels;
  request.chain_limits = Options::chains;
  request.chain_limits.most_steps = ChainSteps;
  request.means_by_channels = Options::means_by_channels;
  planning.plan =
      make_plan(request, kernels::backend_with<kernels_of(network.operations())>, planning.storage.storage());
  planning.plan.steps = nullptr;
  return planning;
}

/// The extents of the outputs alone: what a program asks for at run time must not bring the whole planning along.
template <int Count>
struct OutputExtents {
  Extents extents[Count];
};
template <int Count>
constexpr OutputExtents<Count> extents_of_outputs(const Plan& plan) {
  OutputExtents<Count> all;
  for (int i = 0; i < Count; ++i) all.extents[i] = plan.outputs[i];
  return all;
}

// Variables, because compilers count the steps of each constant's computation, and limit them.
template <class Net, class Weights, int H, int W, class Options, int ChainSteps>
inline constexpr std::size_t constant_arena_bytes =
    plan_constant<Net, Weights, H, W, Options, ChainSteps>().plan.arena_bytes;

/// The length of chains, up to `ChainSteps`, whose plan has the smallest arena.
template <class Net, class Weights, int H, int W, class Options, int ChainSteps>
constexpr int best_chain_steps() {
  if constexpr (ChainSteps == 1) {
    return 1;
  } else {
    constexpr int shorter = best_chain_steps<Net, Weights, H, W, Options, ChainSteps - 1>();
    return constant_arena_bytes<Net, Weights, H, W, Options, ChainSteps> <
                   constant_arena_bytes<Net, Weights, H, W, Options, shorter>
               ? ChainSteps
               : shorter;
  }
}

}  // namespace detail

/// `Net` with `Weights` (packed_weights.hpp) at H x W.
template <class Net, class Weights, int H, int W, class Options = LowMemoryPlan>
class ConstantPlan {
  static constexpr Span<const Op> ops = detail::constant_network<Net, Weights>.operations();
  static_assert(
      are_packed_for(Weights::tag, kernels::backend_with<KernelSet::none>),
      "tinyfiqa: these weights are packed for another instruction set than this program is compiled "
      "for; write them again by tinyfiqa export --c-array with --target " TINYFIQA_ISA_NAME);
  static_assert(are_packed_for(Weights::tag, ops),
                "tinyfiqa: these weights are packed for another network, or for another version of it; write "
                "them again by tinyfiqa export --c-array with the weights of this network");
  static constexpr int chain_steps =
      detail::best_chain_steps<Net, Weights, H, W, Options, Options::chains.most_steps>();
  static constexpr auto planning = detail::plan_constant<Net, Weights, H, W, Options, chain_steps>();
  static_assert(planning.plan.problem.error != PlanError::map_too_small,
                "tinyfiqa: the input is too small for this network");
  static_assert(planning.plan.problem.error != PlanError::bad_outputs,
                "tinyfiqa: the network has no output of one of the names in Options::outputs");
  static_assert(planning.plan.ok(),
                "tinyfiqa: this network can't be planned at this size; make_plan() says why");
  static_assert(sizeof(Weights::data) >= planning.plan.packed_bytes,
                "tinyfiqa: these packed weights are not all of the network; write them again by tinyfiqa "
                "export --c-array");
  static constexpr auto steps =
      detail::compact_steps<detail::count_operands(planning.steps()), planning.plan.step_count>(
          planning.steps());
  static constexpr auto output_sizes = detail::extents_of_outputs<planning.plan.output_count>(planning.plan);
  static_assert(steps.fits,
                "tinyfiqa: a map of this plan has more than 65535 rows, columns or channels, or the plan has "
                "more than 255 maps; plan it at run time (runtime/plan.hpp)");

 public:
  static constexpr std::size_t arena_bytes = planning.plan.arena_bytes;
  static constexpr int output_count = planning.plan.output_count;
  static constexpr int step_count = planning.plan.step_count;
  static constexpr Extents input_extents = planning.plan.input;
  /// [N, H, W, C] of output i.
  static constexpr Extents output_extents(int i = 0) { return output_sizes.extents[i]; }

  /// Computes outputs[i], dense floats [N, H, W, C] of output_extents(i), from the input. `arena` has arena_bytes,
  /// aligned as floats are; several networks that don't run at the same time can share it.
  static void run(const void* input, void* const* outputs, unsigned char* arena) {
    Frame frame;
    frame.arena = arena;
    frame.packed = reinterpret_cast<const unsigned char*>(&Weights::data);
    frame.input = input;
    frame.outputs = outputs;
    Step together[chain_steps];
    detail::run_constant(steps.view(kernels::run_chain), frame, together);
  }
};

TINYFIQA_END
