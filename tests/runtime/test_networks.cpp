#include <tinyfiqa/models/mobilenet_v3_small.hpp>
#include <tinyfiqa/models/shufflenet_v2.hpp>
#include <tinyfiqa/models/tinyfqnet.hpp>

#include "check_close.hpp"
#include "each_backend.hpp"
#include "guarded.hpp"
#include "planned.hpp"
#include "ref_run.hpp"

#include <algorithm>

using namespace tinyfiqa;
using namespace planned;

namespace {

template <class Net, class Body>
void on_each_backend(const Body& body) {
  const Definition d = define<Net>();
  for_each_backend([&](const Backend& backend) { body(d, backend); });
}

template <class Net>
void equals_formulas(Extents size) {
  const Definition d = define<Net>();
  const auto x = random_input(size);
  const ref_run::Tensor in{{size.n, size.h, size.w, size.c}, x};
  const auto output = ref_run::run(d.ops, d.outputs.main(), d.params, in).floats;
  const auto features = ref_run::run(d.ops, d.outputs.value("features"), d.params, in).floats;
  for_each_backend([&](const Backend& backend) {
    Planned p;
    make(p, d, d.outputs.main(), size, backend);
    REQUIRE(p.plan.problem.error == PlanError::none);
    check_close(execute(p, x), output);
    make(p, d, d.outputs.value("features"), size, backend);
    check_close(execute(p, x), features);
  });
}

template <class Net>
void batch_equals_loop(Extents one, int n) {
  on_each_backend<Net>([&](const Definition& d, const Backend& backend) {
    Planned single, batch;
    Extents many = one;
    many.n = n;
    make(single, d, d.outputs.main(), one, backend);
    make(batch, d, d.outputs.main(), many, backend, 2);
    const auto x = random_input(many);
    std::vector<float> loop;
    for (int i = 0; i < n; ++i) {
      const auto first = x.begin() + i * one.floats();
      const auto y = execute(single, std::vector<float>(first, first + one.floats()));
      loop.insert(loop.end(), y.begin(), y.end());
    }
    check_close(execute(batch, x), loop);
    check_close(execute(batch, x, 2), loop);
  });
}

}  // namespace

TEST_CASE("MobileNetV3-Small equals the formulas") {
  equals_formulas<MobileNetV3SmallQuality>({2, 45, 70, 3});
}
TEST_CASE("ShuffleNetV2 equals the formulas") {
  equals_formulas<ShuffleNetV2Quality<ShuffleNetX0_5>>({2, 45, 70, 3});
  equals_formulas<ShuffleNetV2Quality<ShuffleNetX1_0>>({1, 33, 40, 3});
}
TEST_CASE("tinyFQnet and a wider sister equal the formulas") {
  equals_formulas<TinyFQnet>({3, 64, 64, 3});
  equals_formulas<TinyFQFamily<TinyFQScaled<6, 50>>>({1, 50, 37, 3});
}
TEST_CASE("networks accept an image of a single pixel") {
  equals_formulas<TinyFQnet>({1, 1, 1, 3});
  equals_formulas<MobileNetV3SmallQuality>({1, 1, 1, 3});
  equals_formulas<ShuffleNetV2Quality<ShuffleNetX0_5>>({1, 1, 1, 3});
}

TEST_CASE("steps that run a few rows at a time equal the formulas, whatever the threads") {
  const Extents size{2, 601, 417, 3};
  const Definition d = define<TinyFQnet>();
  const auto x = random_input(size);
  const ref_run::Tensor in{{size.n, size.h, size.w, size.c}, x};
  const auto want = ref_run::run(d.ops, d.outputs.value("features"), d.params, in).floats;
  for_each_backend([&](const Backend& backend) {
    std::vector<float> single;
    for (const int threads : {1, 3}) {
      Planned p;
      make(p, d, d.outputs.value("features"), size, backend, threads);
      REQUIRE(p.plan.problem.error == PlanError::none);
      CHECK(p.plan.steps[0].chain.steps >= 3);
      CHECK(p.plan.steps[0].chain.rows < p.plan.steps[p.plan.steps[0].chain.steps - 1].y.extents.h);
      const std::vector<float> got = execute(p, x, threads);
      check_close(got, want);
      if (threads == 1) single = got;
      CHECK(got == single);
    }
  });
}

namespace {

/// Floats and levels of the same images must give the same output, to the bit.
template <class Net>
void levels_equal_floats(Extents size) {
  const LevelScale scale{{123.5f, 116.25f, 103.5f}, {1 / 58.0f, 1 / 57.0f, 1 / 57.5f}};
  std::vector<unsigned char> levels(static_cast<std::size_t>(size.floats()));
  std::vector<float> floats(levels.size());
  Rng rng(7);
  for (std::size_t i = 0; i < levels.size(); ++i) {
    levels[i] = static_cast<unsigned char>(rng.uniform(0.0f, 255.99f));
    floats[i] = (static_cast<float>(levels[i]) - scale.mean[i % 3]) * scale.scale[i % 3];
  }
  on_each_backend<Net>([&](const Definition& d, const Backend& backend) {
    for (const int threads : {1, 3}) {
      Planned from_floats, from_levels;
      make(from_floats, d, d.outputs.main(), size, backend, threads);
      make(from_levels, d, d.outputs.main(), size, backend, threads, &scale);
      REQUIRE(from_levels.plan.problem.error == PlanError::none);
      CHECK(from_levels.plan.packed_bytes == from_floats.plan.packed_bytes);
      CHECK(execute(from_levels, levels, threads) == execute(from_floats, floats, threads));
    }
  });
}

}  // namespace

TEST_CASE("an image's levels give the same output as their floats, to the bit") {
  levels_equal_floats<MobileNetV3SmallQuality>({2, 45, 70, 3});
  levels_equal_floats<MobileNetV3SmallQuality>({1, 330, 320, 3});  // a chain of three
  levels_equal_floats<ShuffleNetV2Quality<ShuffleNetX0_5>>({3, 121, 90, 3});
  levels_equal_floats<TinyFQnet>({5, 64, 64, 3});
  levels_equal_floats<TinyFQnet>({1, 1, 1, 3});
}

TEST_CASE("a batch of 7 equals 7 batches of 1") {
  batch_equals_loop<TinyFQnet>({1, 64, 64, 3}, 7);
  batch_equals_loop<MobileNetV3SmallQuality>({1, 64, 48, 3}, 7);
  batch_equals_loop<ShuffleNetV2Quality<ShuffleNetX0_5>>({1, 48, 64, 3}, 7);
}

TEST_CASE("a run touches the arena up to the plan's mark and no further, and leaves its input alone") {
  on_each_backend<MobileNetV3SmallQuality>([](const Definition& d, const Backend& backend) {
    Planned p;
    make(p, d, d.outputs.main(), {1, 96, 80, 3}, backend);
    const auto x = random_input(p.plan.input);
    auto input = x;
    GuardedFloats arena(p.plan.arena_bytes / sizeof(float));  // the page behind it is out of bounds
    float out = 0;
    void* const outputs[] = {&out};
    Frame f;
    f.arena = reinterpret_cast<unsigned char*>(arena.data());
    f.packed = p.packed.data();
    f.input = input.data();
    f.outputs = outputs;
    run(p.plan, f);
    CHECK(input == x);
    // The last 64 bytes (the arena's alignment) before the kernels' scratch belong to a buffer. A run may use less
    // than the whole scratch.
    const std::size_t end = arena.size() - p.plan.scratch_bytes / sizeof(float);
    bool touched = false;
    for (std::size_t i = end - 16; i < end; ++i) touched = touched || !std::isnan(arena[i]);
    CHECK(touched);
  });
}

TEST_CASE("multiply-adds are those of the specification") {
  const auto macs = [](const Definition& d, int h, int w) {
    Planned p;
    make(p, d, d.outputs.main(), {1, h, w, 3}, *choose_backend("scalar"));
    return describe_plan(p.plan, d.ops);
  };
  const auto mobile = define<MobileNetV3SmallQuality>();
  CHECK(macs(mobile, 600, 416).macs == 273849568);
  CHECK(macs(mobile, 224, 224).macs == 55062752);
  CHECK(macs(mobile, 224, 224).params == 1093473);
  const auto shuffle = define<ShuffleNetV2Quality<ShuffleNetX0_5>>();
  CHECK(macs(shuffle, 600, 416).macs == 198453632);
  CHECK(macs(shuffle, 224, 224).macs == 40108064);
  CHECK(macs(shuffle, 224, 224).params == 998177);
  const auto wide = define<ShuffleNetV2Quality<ShuffleNetX1_0>>();
  CHECK(macs(wide, 600, 416).macs == 723003320);
  CHECK(macs(wide, 224, 224).macs == 144539608);
  const auto tiny = define<TinyFQnet>();
  CHECK(macs(tiny, 64, 64).macs == 1331456);
  CHECK(macs(tiny, 64, 64).macs + macs(tiny, 64, 64).normalised_elements == 1427392);
}
