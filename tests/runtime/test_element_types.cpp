// Element types: a backend with 8-bit kernels needs no other planner.
#include <tinyfiqa/runtime/plan.hpp>

#include "each_backend.hpp"
#include "planned.hpp"

#include <cstdint>

using namespace tinyfiqa;
using namespace planned;

namespace {

/// Calls body(x, y) for each pair of elements of a step's input and output.
template <class Body>
void for_each_i8(const Step& s, const Frame& f, const Body& body) {
  const auto* x = f.read<std::int8_t>(s.x);
  auto* y = f.write<std::int8_t>(s.y);
  for (long long p = 0; p < s.x.extents.pixels(); ++p)
    for (int c = 0; c < s.x.extents.c; ++c) body(x[p * s.x.pixel_stride + c], y[p * s.y.pixel_stride + c]);
}
void run_relu(const Step& s, const Frame& f) {
  for_each_i8(s, f, [](std::int8_t x, std::int8_t& y) { y = x > 0 ? x : std::int8_t{0}; });
}
void run_copy(const Step& s, const Frame& f) {
  for_each_i8(s, f, [](std::int8_t x, std::int8_t& y) { y = x; });
}
Kernel i8_kernel(const char* name, void (*run)(const Step&, const Frame&)) {
  Kernel k;
  k.name = name;
  k.dtype = DType::i8;
  k.run = run;
  return k;
}
const Kernel relu_i8 = i8_kernel("activation_i8/1/test", run_relu);
const Kernel copy_i8 = i8_kernel("copy_i8/1/test", run_copy);

/// The scalar backend with two kernels for 8-bit maps beside its own.
Backend with_i8() {
  Backend b = *choose_backend("scalar");
  b.operation = [](OpKind kind, DType in, DType out) -> const Kernel* {
    if (out == DType::i8) return kind == OpKind::activation ? &relu_i8 : nullptr;
    return choose_backend("scalar")->operation(kind, in, out);
  };
  b.copy = [](DType dtype) -> const Kernel* {
    return dtype == DType::i8 ? &copy_i8 : choose_backend("scalar")->copy(dtype);
  };
  return b;
}

/// concat(relu(x), slice(relu(x))) on 8-bit maps.
Definition i8_network() {
  Definition d;
  Graph g(d.ops.data(), max_ops);
  const auto x = g.input<5>();
  const auto positive = g.activation<Act::relu>(x);
  const auto joined = g.concat<5, 2>({positive, g.slice<1, 2>(positive)});
  d.outputs.add("joined", joined);
  d.ops.resize(static_cast<std::size_t>(g.count()));
  for (Op& op : d.ops) {
    op.dtype = DType::i8;
    op.quant.scale = 0.5f;
  }
  return d;
}

}  // namespace

TEST_CASE("8-bit maps are planned in bytes, and their kernels find elements where the plan says") {
  const Definition d = i8_network();
  const Backend backend = with_i8();
  Planned p;
  make(p, d, d.outputs.main(), {1, 3, 4, 5}, backend);
  REQUIRE(p.plan.ok());
  REQUIRE(p.plan.step_count == 3);
  CHECK(p.plan.arena_bytes == 64);  // 60 bytes; floats would take 240
  CHECK(p.plan.steps[0].y.dtype == DType::i8);
  CHECK(p.plan.steps[0].y.quant.scale == 0.5f);
  CHECK(p.plan.steps[2].x.offset == 1);  // the slice: one byte into the map
  CHECK(p.plan.steps[2].y.offset == 5);

  std::vector<std::int8_t> x(60), y(84, 99);
  for (std::size_t i = 0; i < x.size(); ++i)
    x[i] = static_cast<std::int8_t>(static_cast<int>(i * 37 % 255) - 127);
  std::vector<unsigned char> arena(p.plan.arena_bytes);
  void* const outputs[] = {y.data()};
  Frame f;
  f.arena = arena.data();
  f.input = x.data();
  f.outputs = outputs;
  run(p.plan, f);
  for (std::size_t pixel = 0; pixel < 12; ++pixel)
    for (std::size_t c = 0; c < 7; ++c) {
      const std::int8_t from = x[pixel * 5 + (c < 5 ? c : c - 4)];
      CHECK(y[pixel * 7 + c] == (from > 0 ? from : 0));
    }
}

TEST_CASE("an operation whose element type no kernel takes is refused by name") {
  const Definition d = i8_network();
  for_each_backend([&](const Backend& backend) {
    Planned p;
    make(p, d, d.outputs.main(), {1, 3, 4, 5}, backend);
    CHECK(p.plan.problem.error == PlanError::not_covered);
    CHECK(std::string(plan_error_text(p.plan.problem, d.ops).c_str()) ==
          "no kernel covers one of the network's operations: operation 1 (activation)");
  });
}
