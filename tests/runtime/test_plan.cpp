#include <tinyfiqa/models/mobilenet_v3_small.hpp>
#include <tinyfiqa/models/tinyfqnet.hpp>
#include <tinyfiqa/nn/layers.hpp>

#include "each_backend.hpp"
#include "planned.hpp"
#include "ref_run.hpp"

#include <cstdlib>
#include <new>

using namespace tinyfiqa;
using namespace planned;

namespace {
std::size_t allocations = 0;
}
#if defined(__has_feature)
#if __has_feature(thread_sanitizer)
// The sanitizer's runtime has an operator new of its own, in the same file as what it needs.
#define TINYFIQA_THREAD_SANITIZER
#endif
#endif
#ifndef TINYFIQA_THREAD_SANITIZER
// Counts allocations: all forms of operator new call this one. (Not inlined: gcc would warn about a free() for memory
// of a new.)
__attribute__((noinline)) void* operator new(std::size_t size) {
  ++allocations;
  if (void* p = std::malloc(size == 0 ? 1 : size)) return p;
  std::abort();
}
__attribute__((noinline)) void operator delete(void* p) noexcept { std::free(p); }
__attribute__((noinline)) void operator delete(void* p, std::size_t) noexcept { std::free(p); }
#endif

namespace {

/// Branches that join in all ways that the planner fuses, and in ways that it must not fuse.
struct ForkedNet {
  ConvNorm<3, 8, 3, 2, 1, Act::relu> stem;
  ConvNorm<8, 8, 1> left, right;
  ConvNorm<8, 8, 3, 1, 8> deep;
  ConvNorm<16, 8, 1, 1, 1, Act::hswish> join;
  Linear<8, 1> head;

  constexpr Outputs operator()(Graph& g) const {
    const auto x = stem(g, g.input<3>());
    const auto a = left(g, x), b = right(g, x);
    const auto sum = g.add<8>({a, b});                // b's convolution is the newest: fused
    const auto again = g.add<8>({sum, a});            // a is needed twice
    const auto side = g.add<8>({deep(g, x), again});  // depthwise kernels take no residual
    const auto twice = g.add<8>({side, side});
    const auto cat = g.concat<8, 8>({twice, sum});  // no shuffle behind it: two copies
    const auto mixed = join(g, g.shuffle<4>(cat));
    const auto halves = g.concat<4, 4>({g.slice<4, 4>(mixed), g.slice<0, 4>(mixed)});
    const auto gated = g.scale<8>({g.shuffle<2>(halves), g.mean_hw(mixed)});
    const auto pooled = g.mean_hw(g.activation<Act::silu>(g.max_pool(3, 2, 1, gated)));
    return Outputs().add("output", head(g, pooled)).add_on_request("features", pooled);
  }
  template <class Walk>
  constexpr void visit(Walk& walk) {
    visit_in(walk, "stem", stem, 0, 1);
    visit_in(walk, "left", left, 0, 1);
    visit_in(walk, "right", right, 0, 1);
    visit_in(walk, "deep", deep, 0, 1);
    visit_in(walk, "join", join, 0, 1);
    visit_in(walk, "head", head);
  }
};

/// A network of one layer.
template <class Layer, int Channels>
struct Alone {
  Layer layer;
  constexpr Outputs operator()(Graph& g) const {
    const auto y = layer(g, g.input<Channels>());
    return Outputs().add("output", y).add_on_request("features", y);
  }
  template <class Walk>
  constexpr void visit(Walk& walk) {
    layer.visit(walk, 0, 1);
  }
};
using Unpadded = Alone<ConvNorm<3, 3, 7, 1, 3, Act::none, TorchNorm, 0>, 3>;
using OneChannel = Alone<ConvNorm<1, 4, 3>, 1>;

PlanError plan_error(const Definition& d, Extents input, int capacity = max_ops) {
  Planned p;
  const int output = d.outputs.main();
  PlanRequest request;
  request.ops = d.ops;
  request.outputs = {&output, 1};
  request.input = input;
  return make_plan(request, *choose_backend("scalar"),
                   {p.steps.data(), p.values.data(), p.buffers.data(), capacity})
      .problem.error;
}

}  // namespace

TEST_CASE("levels are those of three channels") {
  const Definition d = define<OneChannel>();
  const LevelScale levels;
  Planned p;
  make(p, d, d.outputs.main(), {1, 8, 8, 1}, *choose_backend("scalar"));
  CHECK(p.plan.problem.error == PlanError::none);
  make(p, d, d.outputs.main(), {1, 8, 8, 1}, *choose_backend("scalar"), 1, &levels);
  CHECK(p.plan.problem.error == PlanError::not_covered);
}

TEST_CASE("a network that forks and joins in every way equals the formulas") {
  const Definition d = define<ForkedNet>();
  const Extents size{2, 13, 18, 3};
  const auto x = random_input(size);
  const auto want = ref_run::run(d.ops, d.outputs.main(), d.params, {{2, 13, 18, 3}, x}).floats;
  for_each_backend([&](const Backend& backend) {
    Planned p;
    make(p, d, d.outputs.main(), size, backend);
    REQUIRE(p.plan.problem.error == PlanError::none);
    const auto got = execute(p, x);
    for (std::size_t i = 0; i < got.size(); ++i)
      CHECK(static_cast<double>(got[i]) == doctest::Approx(static_cast<double>(want[i])).epsilon(1e-4));
  });
}

TEST_CASE("operands that are alive together never share memory") {
  const Definition d = define<ForkedNet>();
  Planned p;
  make(p, d, d.outputs.main(), {2, 13, 18, 3}, *choose_backend("scalar"));
  const auto end = [](const Operand& o) {
    const auto elements = (o.extents.pixels() - 1) * o.pixel_stride + o.extents.c;
    return o.offset + static_cast<std::size_t>(elements) * dtype_bytes(o.dtype);
  };
  const auto overlap = [&](const Operand& a, const Operand& b) {
    if (a.place != Place::arena || b.place != Place::arena || a.buffer == b.buffer) return false;
    return a.offset < end(b) && b.offset < end(a);
  };
  for (int i = 0; i < p.plan.step_count; ++i) {
    const Step& s = p.plan.steps[i];
    CHECK_FALSE(overlap(s.x, s.y));
    CHECK_FALSE(overlap(s.b, s.y));
    CHECK_FALSE(overlap(s.x, s.b));
    for (const Operand* o : {&s.x, &s.b, &s.y})
      if (o->place == Place::arena) CHECK(end(*o) <= p.plan.arena_bytes);
  }
}

TEST_CASE("the plan fuses what it can: residuals, shuffles, dropout") {
  const Definition d = define<TinyFQnet>();
  Planned p;
  make(p, d, d.outputs.main(), {1, 64, 64, 3}, *choose_backend("scalar"));
  int residuals = 0, adds = 0;
  for (int i = 0; i < p.plan.step_count; ++i) {
    const StepInfo info = describe_step(p.plan, d.ops, i);
    residuals += info.with_residual;
    adds += info.kind == OpKind::add;
  }
  CHECK(residuals == 3);
  CHECK(adds == 0);
}

TEST_CASE(
    "squeeze-excite's gate goes into the weights of the projection where the map is the larger of the two") {
  const Definition d = define<MobileNetV3SmallQuality>();
  for (const int side : {224, 64}) {
    Planned p;
    make(p, d, d.outputs.main(), {1, side, side, 3}, *choose_backend("scalar"));
    int gates = 0, scales = 0;
    for (int i = 0; i < p.plan.step_count; ++i) {
      gates += p.plan.steps[i].gate.place != Place::none;
      scales += describe_step(p.plan, d.ops, i).kind == OpKind::scale;
    }
    CHECK(gates + scales == 9);
    CHECK(gates == (side == 224 ? 6 : 1));
  }
}

TEST_CASE("inference allocates nothing after planning") {
  const Definition d = define<TinyFQnet>();
  for_each_backend([&](const Backend& backend) {
    Planned p;
    make(p, d, d.outputs.main(), {2, 64, 64, 3}, backend);
    const auto x = random_input(p.plan.input);
    std::vector<unsigned char> arena(p.plan.arena_bytes);
    std::vector<float> out(2);
    void* const outputs[] = {out.data()};
    Frame f;
    f.arena = arena.data();
    f.packed = p.packed.data();
    f.input = x.data();
    f.outputs = outputs;
    const std::size_t before = allocations;
    for (int i = 0; i < 3; ++i) run(p.plan, f);
    CHECK(allocations == before);
  });
}

TEST_CASE("a run takes subnormal floats for zeros, and leaves its caller's arithmetic as it was") {
  Definition d;
  Graph g(d.ops.data(), max_ops);
  const auto mean = g.mean_hw(g.input<3>());
  d.outputs.add("output", mean);
  d.ops.resize(static_cast<std::size_t>(g.count()));
  const std::uint64_t before = detail::float_control();
  for_each_backend([&](const Backend& backend) {
    Planned p;
    make(p, d, d.outputs.main(), {1, 8, 8, 3}, backend);
    REQUIRE(p.plan.problem.error == PlanError::none);
    for (const float y : execute(p, std::vector<float>(8 * 8 * 3, 1e-39f)))
      CHECK((y == 0) == (detail::flush_subnormals_bits != 0));
    CHECK(detail::float_control() == before);
  });
}

TEST_CASE("sizes that cannot be planned are refused with a reason") {
  const Definition d = define<TinyFQnet>();
  CHECK(plan_error(d, {0, 64, 64, 3}) == PlanError::bad_input_size);
  CHECK(plan_error(d, {1, -1, 64, 3}) == PlanError::bad_input_size);
  CHECK(plan_error(d, {1, 1 << 20, 1 << 20, 3}) == PlanError::too_large);
  CHECK(plan_error(d, {1 << 30, 64, 64, 3}) == PlanError::too_large);
  CHECK(plan_error(d, {2147483647, 2147483647, 2147483647, 3}) == PlanError::too_large);
  CHECK(plan_error(d, {1, 64, 64, 3}, 5) == PlanError::storage_too_small);
  CHECK(plan_error(d, {1, 64, 64, 3}) == PlanError::none);
}

TEST_CASE("a map that is smaller than an unpadded window is refused") {
  Unpadded net;
  Definition d;
  number_params(net);
  Graph g(d.ops.data(), max_ops);
  d.outputs = net(g);
  d.ops.resize(static_cast<std::size_t>(g.count()));
  CHECK(plan_error(d, {1, 6, 7, 3}) == PlanError::map_too_small);
  CHECK(plan_error(d, {1, 7, 7, 3}) == PlanError::none);
}
