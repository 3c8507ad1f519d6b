// The kernels that a program compiles for its networks are those that their plans call.
#include <tinyfiqa/models/mobilefacenet.hpp>
#include <tinyfiqa/models/mobilenet_v3_small.hpp>
#include <tinyfiqa/models/retinaface.hpp>
#include <tinyfiqa/models/shufflenet_v2.hpp>
#include <tinyfiqa/models/tinyfqnet.hpp>
#include <tinyfiqa/models/yunet.hpp>
#include <tinyfiqa/nn/layers.hpp>
#include <tinyfiqa/runtime/kernel_set.hpp>

#include "each_backend.hpp"
#include "planned.hpp"

#include <cstring>
#include <string>

using namespace tinyfiqa;
using namespace planned;

namespace {

/// Narrow maps that are read and written by planes, none of them at the input.
struct LatePlanesNet {
  ConvNorm<3, 32, 3, 2, 1, Act::relu> stem;
  ConvNorm<32, 8, 1, 1, 1, Act::relu> squeeze;
  ConvNorm<8, 8, 3, 1, 8, Act::relu> deep;
  ConvNorm<8, 40, 1> out;

  constexpr Outputs operator()(Graph& g) const {
    return Outputs().add("output", g.mean_hw(out(g, deep(g, squeeze(g, stem(g, g.input<3>()))))));
  }
  template <class Walk>
  constexpr void visit(Walk& walk) {
    visit_in(walk, "stem", stem, 0, 1);
    visit_in(walk, "squeeze", squeeze, 0, 1);
    visit_in(walk, "deep", deep, 0, 1);
    visit_in(walk, "out", out, 0, 1);
  }
};

/// The part of a set that a kernel of a convolution belongs to, by its name.
KernelSet part_of(const std::string& name) {
  const auto is = [&](const char* start) { return name.compare(0, std::strlen(start), start) == 0; };
  if (name.find("planar/") != std::string::npos) return KernelSet::planar;
  if (is("gemm")) return KernelSet::gemm;
  if (is("conv")) return KernelSet::conv;
  if (is("depthwise_f32/1x1")) return KernelSet::depthwise_1x1;
  if (is("depthwise_f32/3x3")) return KernelSet::depthwise_3x3;
  if (is("depthwise_f32/5x5")) return KernelSet::depthwise_5x5;
  return KernelSet::depthwise_7x7;
}

template <class Net>
void check_set(const char* name) {
  constexpr KernelSet set = kernels_of_networks<Net>();
  const Definition d = define<Net>();
  int plans = 0;
  for_each_backend([&](const Backend& backend) {
    const Extents inputs[] = {
        {1, 64, 64, 0}, {2, 48, 48, 0}, {1, 112, 112, 0}, {1, 256, 320, 0}, {1, 37, 53, 0}};
    for (const Extents& input : inputs) {
      Planned p;
      make(p, d, d.outputs.main(), input, backend);
      if (p.plan.problem.error == PlanError::map_too_small) continue;
      REQUIRE(p.plan.ok());
      ++plans;
      for (int i = 0; i < p.plan.step_count; ++i) {
        const Step& s = p.plan.steps[i];
        INFO(name << " at " << input.h << "x" << input.w << ": " << s.kernel->name);
        const OpKind kind = d.ops[static_cast<std::size_t>(s.op)].kind;
        const bool convolution = d.ops[static_cast<std::size_t>(s.first_op)].kind == OpKind::conv;
        CHECK(has(set, convolution ? part_of(s.kernel->name) : kernel_of(kind)));
      }
    }
  });
  CHECK(plans > 0);
}

}  // namespace

TEST_CASE("the kernels that a plan calls are in the set of its network, on every instruction set and size") {
  check_set<TinyFQnet>("tinyfqnet");
  check_set<TinyFQFamily<TinyFQTableM>>("tinyfqnet_m");
  check_set<YuNetN>("yunet_n");
  check_set<RetinaFaceMobileNet025<10>>("retinaface");
  check_set<MobileNetV3SmallQuality>("mobilenet_v3_small");
  check_set<ShuffleNetV2Quality<ShuffleNetX0_5>>("shufflenet_v2_x0_5");
  check_set<MobileFaceNet>("mobilefacenet");
  check_set<LatePlanesNet>("planes behind a wide stem");
}

TEST_CASE("a network has no kernels that it can't call") {
  constexpr KernelSet small = kernels_of_networks<TinyFQFamily<TinyFQTableM>, YuNetN>();
  for (const KernelSet part :
       {KernelSet::planar, KernelSet::depthwise_1x1, KernelSet::depthwise_5x5, KernelSet::depthwise_7x7})
    CHECK_FALSE(has(small, part));
  CHECK(has(small, KernelSet::gemm | KernelSet::conv | KernelSet::depthwise_3x3));
  CHECK(has(kernels_of_networks<TinyFQnet>(), KernelSet::planar));
  CHECK(has(kernels_of_networks<MobileNetV3SmallQuality>(), KernelSet::depthwise_5x5));
}
