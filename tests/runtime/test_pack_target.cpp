// Packing for other machines.
#include <tinyfiqa/models/mobilenet_v3_small.hpp>
#include <tinyfiqa/models/shufflenet_v2.hpp>
#include <tinyfiqa/models/tinyfqnet.hpp>
#include <tinyfiqa/nn/definition.hpp>
#include <tinyfiqa/runtime/pack_target.hpp>

#include "each_backend.hpp"
#include "planned.hpp"
#include "pyramid.hpp"
#include "uniform_levels.hpp"

#include <cstring>

using namespace tinyfiqa;
using namespace planned;

namespace {

template <class Net>
std::vector<unsigned char> packed_by(const Backend& backend, bool eight_bits = false) {
  Definition d = define<Net>();
  std::vector<int> outputs;
  for (const Output& output : d.outputs)
    if (!output.on_request) outputs.push_back(output.value);
  if (eight_bits) give_levels({d.ops.data(), d.ops.size()}, {outputs.data(), outputs.size()});
  Planned p;
  const LevelScale levels{{110, 120, 130}, {0.01f, 0.011f, 0.012f}};
  make(p, d, outputs, {1, 64, 64, 3}, backend, 1, eight_bits ? &levels : nullptr);
  REQUIRE(p.plan.ok());
  return p.packed;
}

}  // namespace

TEST_CASE("a target packs what the backend of its instruction set packs") {
  for_each_backend([](const Backend& backend) {
    const PackTarget* const target = find_pack_target(backend.isa);
    REQUIRE(target != nullptr);
    CHECK(target->backend->pack_layout == backend.pack_layout);
    CHECK(packed_by<TinyFQnet>(*target->backend) == packed_by<TinyFQnet>(backend));
    CHECK(packed_by<MobileNetV3SmallQuality>(*target->backend) ==
          packed_by<MobileNetV3SmallQuality>(backend));
    CHECK(packed_by<ShuffleNetV2Quality<ShuffleNetX0_5>>(*target->backend) ==
          packed_by<ShuffleNetV2Quality<ShuffleNetX0_5>>(backend));
    CHECK(packed_by<PyramidNet>(*target->backend) == packed_by<PyramidNet>(backend));  // has slopes
  });
}

TEST_CASE("a target packs 8-bit weights as its kernels want them, unless they are those of x86") {
  const ConvShape of_levels{8, 8, 1, 1, 0, 1, DType::u8, DType::u8};
  int compared = 0;
  for_each_backend([&](const Backend& backend) {
    const Backend& target = *find_pack_target(backend.isa)->backend;
    if (target.conv(of_levels) == nullptr) return;
    ++compared;
    CHECK(packed_by<TinyFQnet>(target, true) == packed_by<TinyFQnet>(backend, true));
    CHECK(packed_by<MobileNetV3SmallQuality>(target, true) ==
          packed_by<MobileNetV3SmallQuality>(backend, true));
    CHECK(packed_by<ShuffleNetV2Quality<ShuffleNetX0_5>>(target, true) ==
          packed_by<ShuffleNetV2Quality<ShuffleNetX0_5>>(backend, true));
  });
  CHECK(compared > 0);  // scalar
  for (const char* name : {"scalar_small", "neon", "neondotprod", "vector4"})
    CHECK(find_pack_target(name)->backend->conv(of_levels) != nullptr);
  for (const char* name : {"avx2", "avx512", "sse42"})
    CHECK(find_pack_target(name)->backend->conv(of_levels) == nullptr);
}

TEST_CASE("panels of a target are as wide as its kernels' tiles") {
  // A linear layer 3 -> 5 with weight 10 o + i and bias 100 + o, as scalar_small packs it: panels of two columns.
  const PackTarget* const small = find_pack_target("scalar_small");
  REQUIRE(small != nullptr);
  float weight[15], bias[5];
  for (int o = 0; o < 5; ++o) {
    bias[o] = static_cast<float>(100 + o);
    for (int i = 0; i < 3; ++i) weight[3 * o + i] = static_cast<float>(10 * o + i);
  }
  FoldedConv layer;
  layer.shape.cout = 5;
  layer.shape.cin = 3;
  layer.weight = weight;
  layer.bias = bias;
  const Kernel* const kernel = small->backend->conv(layer.shape);
  REQUIRE(kernel->packed_bytes(layer.shape) == 20 * sizeof(float));
  float packed[20];
  kernel->pack(layer, nullptr, reinterpret_cast<unsigned char*>(packed));
  const float want[20] = {100, 101, 0,  10, 1,  11, 2,  12,  // columns 0 and 1
                          102, 103, 20, 30, 21, 31, 22, 32,  // 2 and 3
                          104, 40,  41, 42};
  CHECK(std::memcmp(packed, want, sizeof want) == 0);
  CHECK(find_pack_target("mips") == nullptr);
}

TEST_CASE(
    "the hash of a definition is the same at compile time and at run time, and differs between networks") {
  constexpr auto network = define_fixed<TinyFQnet>();
  constexpr std::uint64_t hash = definition_hash(network.operations());
  const Definition wider = define<TinyFQFamily<TinyFQScaled<4, 36>>>();
  CHECK(definition_hash(wider.ops) != hash);
  Definition changed = define<TinyFQnet>();
  CHECK(definition_hash(changed.ops) == hash);
  changed.ops[1].act = Act::none;
  CHECK(definition_hash(changed.ops) != hash);
}
