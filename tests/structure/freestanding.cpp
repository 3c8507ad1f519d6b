// The inference rooms without an operating system: compiled with -ffreestanding -fno-exceptions -fno-rtti. Defines
// tinyFQnet, plans, packs and runs it in arrays of fixed size; check_freestanding.sh looks for calls of the heap and of exceptions.
#include <tinyfiqa/models/tinyfqnet.hpp>
#include <tinyfiqa/nn/definition.hpp>
#include <tinyfiqa/runtime/backend.hpp>
#include <tinyfiqa/runtime/pack.hpp>
#include <tinyfiqa/runtime/plan.hpp>

using namespace tinyfiqa;

namespace {

constexpr int side = 64;
constexpr auto network = define_fixed<TinyFQnet>();
constexpr int steps = plan_capacity(network.operations(), 1);

FixedPlanStorage<steps> storage;
float params[network.params.total()];
alignas(64) unsigned char packed[1 << 17], arena[1 << 20];
float workspace[1 << 14];
float image[side * side * 3];

}  // namespace

/// 0: all is well.
extern "C" int tinyfiqa_without_a_system();

extern "C" int tinyfiqa_without_a_system() {
  // Weights of no meaning, variances positive; the same numbers on every machine.
  unsigned state = 1;
  for (float& p : params)
    p = 0.25f + static_cast<float>((state = state * 1664525u + 1013904223u) >> 16) / 262144.0f;
  for (float& x : image) x = 0.5f;

  const int output = network.outputs[0].value;
  PlanRequest request;
  request.ops = network.operations();
  request.outputs = {&output, 1};
  request.input = {1, side, side, 3};
  const Plan plan = make_plan(request, native_backend(), storage.storage());
  if (!plan.ok()) return 1;
  if (plan.packed_bytes > sizeof packed || plan.arena_bytes > sizeof arena) return 2;
  if (pack_workspace_floats(plan, request.ops) * sizeof(float) > sizeof workspace) return 3;
  pack_weights(plan, request.ops, native_backend(), params, workspace, packed);

  float score = -1;
  void* const outputs[] = {&score};
  Frame frame;
  frame.arena = arena;
  frame.packed = packed;
  frame.input = image;
  frame.outputs = outputs;
  run(plan, frame);
  return score >= 0 && score <= 1 ? 0 : 4;
}
