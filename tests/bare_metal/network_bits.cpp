// Prints the bits of the outputs of several networks, in floats and with 8-bit maps. Compiled with TINYFIQA_SCALAR and with
// TINYFIQA_SMALL: both must print the same.
#include <tinyfiqa/base/rng.hpp>
#include <tinyfiqa/models/mobilefacenet.hpp>
#include <tinyfiqa/models/mobilenet_v3_small.hpp>
#include <tinyfiqa/models/shufflenet_v2.hpp>
#include <tinyfiqa/models/tinyfqnet.hpp>
#include <tinyfiqa/models/yunet.hpp>
#include <tinyfiqa/runtime/backend.hpp>
#include <tinyfiqa/runtime/pack.hpp>
#include <tinyfiqa/runtime/plan.hpp>

#include <cmath>
#include <cstdio>
#include <vector>

#include "runtime/pyramid.hpp"
#include "uniform_levels.hpp"

using namespace tinyfiqa;

namespace {

/// Convolutions that no network has: groups, a residual, windows and strides without a tile of their own, and rows with
/// one pixel more than a strip of patches.
struct OddNet {
  ConvNorm<3, 12, 5, 3, 1, Act::hswish> stem;
  ConvNorm<12, 12, 3, 1, 3, Act::silu> grouped;
  ConvNorm<12, 12, 3, 1, 1> dense;
  ConvNorm<12, 12, 5, 2, 12, Act::relu> depthwise5;
  ConvNorm<12, 12, 7, 1, 12, Act::hsigmoid> depthwise7;
  ConvNorm<12, 7, 1, 1, 1, Act::relu> last;
  ConvNorm<7, 7, 3, 1, 7, Act::relu> depthwise3;

  constexpr Outputs operator()(Graph& g) const {
    const auto x = stem(g, g.input<3>());
    const auto y = g.add<12>({dense(g, grouped(g, x)), x});
    const auto z = depthwise7(g, depthwise5(g, y));
    return Outputs().add("map", depthwise3(g, last(g, z))).add("mean", g.mean_hw(last(g, y)));
  }
  template <class Walk>
  constexpr void visit(Walk& walk) {
    visit_in(walk, "stem", stem, 0, 1);
    visit_in(walk, "grouped", grouped, 0, 1);
    visit_in(walk, "dense", dense, 0, 1);
    visit_in(walk, "depthwise5", depthwise5, 0, 1);
    visit_in(walk, "depthwise7", depthwise7, 0, 1);
    visit_in(walk, "last", last, 0, 1);
    visit_in(walk, "depthwise3", depthwise3, 0, 1);
  }
};

template <class Net>
std::vector<float> random_params() {
  Net net;
  std::vector<float> params(static_cast<std::size_t>(number_params(net).total()));
  Rng rng(3);
  for_each_param(net, [&](const char*, const Param& p) {
    const float spread = std::sqrt(1.6f / static_cast<float>(p.size() / p.extents[0]));
    for (int i = 0; i < p.size(); ++i) {
      float& v = params[static_cast<std::size_t>(p.offset + i)];
      const bool positive = p.kind == ParamKind::norm_weight || p.kind == ParamKind::running_var;
      v = positive ? rng.uniform(0.5f, 1.5f) : (p.rank == 1 ? 0.2f : spread) * rng.normal();
    }
  });
  return params;
}

/// FNV-1a of the bytes.
unsigned long long hash_of(const std::vector<float>& values) {
  unsigned long long hash = 0xcbf29ce484222325u;
  const auto* const bytes = reinterpret_cast<const unsigned char*>(values.data());
  for (std::size_t i = 0; i < values.size() * sizeof(float); ++i) hash = (hash ^ bytes[i]) * 0x100000001b3u;
  return hash;
}

/// Prints the hash of each output; false if the network can't be planned. With `levels` maps have 8 bits; `zero` stands for 0.
template <class Net>
bool print_bits(const char* name, Extents size, const ChainLimits& chains, bool means_by_channels,
                bool levels, int zero = 0) {
  static auto network = define_fixed<Net>();
  network = define_fixed<Net>();
  constexpr int capacity = plan_capacity(define_fixed<Net>().operations());
  static FixedPlanStorage<capacity> storage;
  std::vector<int> values;
  for (const Output& output : network.outputs)
    if (!output.on_request) values.push_back(output.value);
  PlanRequest request;
  request.ops = network.operations();
  request.outputs = {values.data(), values.size()};
  request.input = size;
  request.chain_limits = chains;
  request.means_by_channels = means_by_channels;
  const LevelScale image{{110, 120, 130}, {0.01f, 0.011f, 0.012f}};
  if (levels) {
    give_levels({network.ops, network.operations().size}, request.outputs, zero);
    request.levels = &image;
  }
  const Backend& backend = native_backend();
  const Plan plan = make_plan(request, backend, storage.storage());
  if (!plan.ok()) return false;

  const std::vector<float> params = random_params<Net>();
  std::vector<float> workspace(pack_workspace_floats(plan, request.ops)), input;
  std::vector<unsigned char> packed(plan.packed_bytes), arena(plan.arena_bytes, 0xff);
  pack_weights(plan, request.ops, backend, params.data(), workspace.data(), packed.data());
  Rng rng(7);
  for (long long i = 0; i < plan.input.floats(); ++i) input.push_back(rng.normal());
  std::vector<unsigned char> image_levels;
  for (const float v : input)
    image_levels.push_back(static_cast<unsigned char>(std::fmin(std::fmax(120 + 50 * v, 0.0f), 255.0f)));
  std::vector<std::vector<float>> outputs;
  std::vector<void*> pointers;
  for (int i = 0; i < plan.output_count; ++i)
    outputs.emplace_back(static_cast<std::size_t>(plan.outputs[i].floats()));
  for (auto& output : outputs) pointers.push_back(output.data());
  Frame frame;
  frame.arena = arena.data();
  frame.packed = packed.data();
  frame.input = levels ? static_cast<const void*>(image_levels.data()) : input.data();
  frame.outputs = pointers.data();
  run(plan, frame);
  for (const auto& output : outputs) {
    if (!std::isfinite(output[0])) return false;
    std::printf("%s%s, zero %d, %016llx\n", name, levels ? ", 8 bits" : "", zero, hash_of(output));
  }
  return true;
}

template <class Net>
bool print_bits(const char* name, const Extents& size) {
  return print_bits<Net>(name, size, ChainLimits(), false, false) &&
         print_bits<Net>(name, size, low_memory_chains(), true, false);
}
template <class Net>
bool print_level_bits(const char* name, const Extents& size) {
  for (const int zero : {0, 40})  // ReLU's limit is 0, or that level
    if (!print_bits<Net>(name, size, ChainLimits(), false, true, zero) ||
        !print_bits<Net>(name, size, low_memory_chains(), true, true, zero))
      return false;
  return true;
}

}  // namespace

int main() {
  const bool good =
      print_bits<OddNet>("odd", {2, 79, 76, 3}) && print_bits<OddNet>("odd", {1, 20, 151, 3}) &&
      print_bits<TinyFQnet>("tinyfqnet", {2, 50, 99, 3}) &&
      print_bits<MobileNetV3SmallQuality>("mobilenet_v3_small", {1, 66, 45, 3}) &&
      print_bits<ShuffleNetV2Quality<ShuffleNetX0_5>>("shufflenet_v2_x0_5", {1, 64, 64, 3}) &&
      print_bits<MobileFaceNet>("mobilefacenet", {1, 112, 112, 3}) &&
      print_bits<YuNetS>("yunet_s", {1, 64, 96, 3}) && print_bits<PyramidNet>("pyramid", {2, 32, 48, 3}) &&
      print_level_bits<OddNet>("odd", {2, 79, 76, 3}) &&
      print_level_bits<TinyFQnet>("tinyfqnet", {2, 50, 99, 3}) &&
      print_level_bits<MobileNetV3SmallQuality>("mobilenet_v3_small", {1, 66, 45, 3}) &&
      print_level_bits<ShuffleNetV2Quality<ShuffleNetX0_5>>("shufflenet_v2_x0_5", {1, 64, 64, 3}) &&
      print_level_bits<YuNetS>("yunet_s", {1, 64, 96, 3}) &&
      print_level_bits<PyramidNet>("pyramid", {2, 32, 48, 3});
  return good ? 0 : 1;
}
