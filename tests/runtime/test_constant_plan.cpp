// Plans for little memory, and plans that the compiler makes.
#include <tinyfiqa/models/mobilenet_v3_small.hpp>
#include <tinyfiqa/models/shufflenet_v2.hpp>
#include <tinyfiqa/models/tinyfqnet.hpp>
#include <tinyfiqa/runtime/constant_plan.hpp>

#include "each_backend.hpp"
#include "planned.hpp"
#include "pyramid.hpp"
#include "uniform_levels.hpp"

#include <algorithm>
#include <cstring>

using namespace tinyfiqa;
using namespace planned;

namespace {

/// True if all outputs have the same bits.
bool same_bits(const std::vector<std::vector<float>>& a, const std::vector<std::vector<float>>& b) {
  bool same = a.size() == b.size();
  for (std::size_t i = 0; same && i < a.size(); ++i)
    same =
        a[i].size() == b[i].size() && std::memcmp(a[i].data(), b[i].data(), a[i].size() * sizeof(float)) == 0;
  return same;
}

bool has_no_planar_kernels(const Backend& backend) {
  const ConvShape pointwise{8, 8};
  return backend.planar(backend.conv(pointwise)) == nullptr;
}

PlanRequest for_little_memory(Span<const int> outputs, const Extents& input) {
  PlanRequest request;
  request.outputs = outputs;
  request.input = input;
  request.chain_limits = low_memory_chains();
  request.means_by_channels = true;
  return request;
}

/// The outputs of a plan for little memory have the bits of the usual plan's; it needs less than `share` of
/// the arena.
template <class Net>
void gives_the_same_bits(const Extents& size, double share, bool eight_bits = false) {
  Definition d = define<Net>();
  std::vector<int> outputs;
  for (const Output& output : d.outputs)
    if (!output.on_request) outputs.push_back(output.value);
  if (eight_bits) give_levels({d.ops.data(), d.ops.size()}, {outputs.data(), outputs.size()});
  const LevelScale image{{110, 120, 130}, {0.01f, 0.011f, 0.012f}};
  const LevelScale* const levels = eight_bits ? &image : nullptr;
  const auto x = random_input(size);
  std::vector<unsigned char> photo(x.size());
  for (std::size_t i = 0; i < x.size(); ++i)
    photo[i] = static_cast<unsigned char>(std::min(std::max(120 + 50 * x[i], 0.0f), 255.0f));
  const auto outputs_of = [&](const Planned& p) {
    return eight_bits ? execute_all(p, photo) : execute_all(p, x);
  };
  for_each_backend([&](const Backend& backend) {
    Planned usual, small;
    make(usual, d, outputs, size, backend, 1, levels);
    PlanRequest request = for_little_memory({outputs.data(), outputs.size()}, size);
    request.levels = levels;
    make(small, d, request, backend);
    REQUIRE(small.plan.ok());
    if (has_no_planar_kernels(backend))  // planar maps form no chains
      CHECK(static_cast<double>(small.plan.arena_bytes) <
            share * static_cast<double>(usual.plan.arena_bytes));
    CHECK(small.packed == usual.packed);
    CHECK(same_bits(outputs_of(small), outputs_of(usual)));
  });
}

/// Packed weights of no meaning, for the kernels of this file.
template <class Net>
struct FormulaWeights {
  static constexpr PackTag tag{TINYFIQA_ISA_NAME, kernels::backend_with<KernelSet::none>.pack_layout,
                               "formula", definition_hash(define_fixed<Net>().operations())};
  static constexpr float mean[3] = {100, 110, 120}, scale[3] = {0.01f, 0.011f, 0.012f};
  static constexpr int count = 40000;
  struct Data {
    float values[count] = {};
  };
  static constexpr Data data = [] {
    Data d;
    unsigned state = 1;
    for (float& v : d.values) {
      state = state * 1664525u + 1013904223u;
      v = static_cast<float>(static_cast<int>(state >> 16u) - 30000) / 200000.0f;
    }
    return d;
  }();
};

/// 8-bit maps with the levels of give_levels(). A test writes the packed weights.
struct LevelWeights {
  static constexpr int count = operation_count<TinyFQnet>();
  static constexpr auto network = [] {
    auto d = define_fixed<TinyFQnet>();
    for (int i = 0; i + 1 < count; ++i) {  // the score is a float
      d.ops[i].dtype = DType::u8;
      if (i > 0) d.ops[i].quant = {0.03f, 40};
    }
    return d;
  }();
  static constexpr PackTag tag{TINYFIQA_ISA_NAME, kernels::backend_with<KernelSet::none>.pack_layout,
                               "levels", definition_hash(network.operations())};
  static constexpr float mean[3] = {100, 110, 120}, scale[3] = {0.01f, 0.011f, 0.012f};
  struct Levels {
    Quantisation of[count];
  };
  static constexpr Levels all = [] {
    Levels l;
    for (int i = 0; i < count; ++i)
      l.of[i] = network.ops[i].dtype == DType::u8 ? network.ops[i].quant : Quantisation{0.0f, 0};
    return l;
  }();
  static constexpr const Quantisation (&levels)[count] = all.of;
  alignas(64) static inline unsigned char data[400000] = {};
};

struct TwoImagesOfFloats : LowMemoryPlan {
  static constexpr int images = 2;
  static constexpr bool levels = false;
  static constexpr const char* names[] = {"coarse", "sum"};
  static constexpr Span<const char* const> outputs{names, 2};
};

/// Runs a ConstantPlan in an arena of exactly its size, and a plan of the same network that was made at run time.
template <class Constant, class Element>
void gives_the_bits_of(const Planned& p, const std::vector<Element>& x) {
  constexpr std::size_t beyond = 256;
  std::vector<unsigned char> arena = poisoned(Constant::arena_bytes + beyond);
  std::vector<std::vector<float>> outputs;
  for (int i = 0; i < Constant::output_count; ++i)
    outputs.emplace_back(static_cast<std::size_t>(Constant::output_extents(i).floats()), std::nanf(""));
  std::vector<void*> pointers;
  for (auto& output : outputs) pointers.push_back(output.data());
  Constant::run(x.data(), pointers.data(), arena.data());
  CHECK(same_bits(outputs, execute_all(p, x)));
  for (std::size_t i = Constant::arena_bytes; i < arena.size(); ++i) CHECK(arena[i] == 0xff);
}

/// The same with the packed weights of FormulaWeights.
template <class Constant, class Net, class Element>
void equals_plan_of_run_time(PlanRequest request, const std::vector<Element>& x) {
  const Definition d = define<Net>();
  Planned p;
  make(p, d, request, kernels::backend_with<kernels_of_network<Net>()>);
  REQUIRE(p.plan.ok());
  const auto* const packed = reinterpret_cast<const unsigned char*>(&FormulaWeights<Net>::data);
  REQUIRE(p.packed.size() <= sizeof FormulaWeights<Net>::data);
  p.packed.assign(packed, packed + p.packed.size());
  gives_the_bits_of<Constant>(p, x);
}

template <class Weights>
LevelScale image_levels() {
  LevelScale levels;
  for (int i = 0; i < 3; ++i) {
    levels.mean[i] = Weights::mean[i];
    levels.scale[i] = Weights::scale[i];
  }
  return levels;
}
std::vector<unsigned char> some_image(std::size_t bytes) {
  std::vector<unsigned char> x(bytes);
  for (std::size_t i = 0; i < x.size(); ++i) x[i] = static_cast<unsigned char>(i * 37 % 251);
  return x;
}

}  // namespace

TEST_CASE("plans for little memory give the same bits") {
  gives_the_same_bits<TinyFQnet>({1, 64, 48, 3}, 0.4);
  gives_the_same_bits<TinyFQnet>({3, 50, 37, 3}, 0.8);
  gives_the_same_bits<MobileNetV3SmallQuality>({1, 90, 70, 3}, 1.01);
  gives_the_same_bits<ShuffleNetV2Quality<ShuffleNetX0_5>>({2, 64, 64, 3}, 1.01);
  gives_the_same_bits<PyramidNet>({2, 32, 48, 3}, 1.01);
}

TEST_CASE("plans of 8-bit maps for little memory give the same bits, and need no map before the mean") {
  gives_the_same_bits<TinyFQnet>({1, 64, 64, 3}, 0.5, true);
  gives_the_same_bits<TinyFQnet>({3, 50, 37, 3}, 0.9, true);
  gives_the_same_bits<MobileNetV3SmallQuality>({1, 90, 70, 3}, 1.01, true);
  gives_the_same_bits<ShuffleNetV2Quality<ShuffleNetX0_5>>({2, 64, 64, 3}, 1.01, true);
}

TEST_CASE("a plan that the compiler makes computes what the same plan at run time does") {
  {
    using Constant = ConstantPlan<TinyFQnet, FormulaWeights<TinyFQnet>, 48, 40>;
    static_assert(Constant::input_extents.h == 48 && Constant::output_count == 1);
    const int output = define<TinyFQnet>().outputs.main();
    PlanRequest request = for_little_memory({&output, 1}, {1, 48, 40, 3});
    const LevelScale levels = image_levels<FormulaWeights<TinyFQnet>>();
    request.levels = &levels;
    equals_plan_of_run_time<Constant, TinyFQnet>(request, some_image(48 * 40 * 3));
  }
  {
    using Constant = ConstantPlan<PyramidNet, FormulaWeights<PyramidNet>, 32, 48, TwoImagesOfFloats>;
    static_assert(Constant::output_extents(1).c == 12);
    const Definition d = define<PyramidNet>();
    const int outputs[] = {d.outputs.value("coarse"), d.outputs.value("sum")};
    equals_plan_of_run_time<Constant, PyramidNet>(for_little_memory({outputs, 2}, {2, 32, 48, 3}),
                                                  random_input({2, 32, 48, 3}));
  }
}

TEST_CASE("a plan that the compiler makes of 8-bit weights computes what the same plan at run time does") {
  using Constant = ConstantPlan<TinyFQnet, LevelWeights, 48, 40>;
  Definition d = define<TinyFQnet>();
  const int output = d.outputs.main();
  give_levels({d.ops.data(), d.ops.size()}, {&output, 1});
  for (int i = 0; i < LevelWeights::count; ++i) {
    CHECK(d.ops[static_cast<std::size_t>(i)].dtype == LevelWeights::network.ops[i].dtype);
    CHECK(d.ops[static_cast<std::size_t>(i)].quant == LevelWeights::network.ops[i].quant);
  }
  PlanRequest request = for_little_memory({&output, 1}, {1, 48, 40, 3});
  const LevelScale levels = image_levels<LevelWeights>();
  request.levels = &levels;
  Planned p;
  make(p, d, request, kernels::backend_with<kernels_of(LevelWeights::network.operations())>);
  REQUIRE(p.plan.ok());
  REQUIRE(p.packed.size() <= sizeof LevelWeights::data);
  std::copy(p.packed.begin(), p.packed.end(), LevelWeights::data);
  gives_the_bits_of<Constant>(p, some_image(48 * 40 * 3));
}

TEST_CASE("packed weights of a program are used only for their kernels, their network and all of it") {
  using Weights = FormulaWeights<TinyFQnet>;
  const Definition d = define<TinyFQnet>(), wider = define<TinyFQFamily<TinyFQScaled<4, 36>>>();
  const int output = d.outputs.main();
  Backend backend = kernels::backend_with<kernels_of_network<TinyFQnet>()>;
  Planned p;
  make(p, d, for_little_memory({&output, 1}, {1, 64, 64, 3}), backend);
  CHECK(use_packed<Weights>(p.plan, d.ops, backend) ==
        reinterpret_cast<const unsigned char*>(&Weights::data));
  CHECK(use_packed<Weights>(p.plan, wider.ops, backend) == nullptr);
  Plan larger = p.plan;
  larger.packed_bytes = sizeof(Weights::data) + 1;
  CHECK(use_packed<Weights>(larger, d.ops, backend) == nullptr);
  ++backend.pack_layout.most_panel_vectors;
  CHECK(use_packed<Weights>(p.plan, d.ops, backend) == nullptr);
}

TEST_CASE("the arena of a constant plan is the smallest that its chains allow") {
  using Net = TinyFQnet;
  using Constant = ConstantPlan<Net, FormulaWeights<Net>, 64, 64>;
  const int output = define<Net>().outputs.main();
  for (int steps = 2; steps <= max_chain_steps; ++steps) {
    PlanRequest request = for_little_memory({&output, 1}, {1, 64, 64, 3});
    request.chain_limits.most_steps = steps;
    const LevelScale levels;
    request.levels = &levels;
    Planned p;
    make(p, define<Net>(), request, kernels::backend_with<kernels_of_network<Net>()>);
    CHECK(p.plan.arena_bytes >= Constant::arena_bytes);
  }
  if (has_no_planar_kernels(kernels::backend)) CHECK(Constant::arena_bytes < 40000);
}
