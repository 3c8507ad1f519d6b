#include <tinyfiqa/models/tinyfqnet.hpp>
#include <tinyfiqa/nn/layers.hpp>

#include "each_backend.hpp"
#include "guarded.hpp"
#include "planned.hpp"
#include "ref_run.hpp"

#include <algorithm>
#include <cstring>

using namespace tinyfiqa;
using namespace planned;

namespace {

/// Narrow maps of all kinds that are planar, and of kinds that must not be.
struct NarrowNet {
  ConvNorm<3, 11, 3, 2, 1, Act::relu> stem;
  ConvNorm<11, 7, 1> squeeze;
  ConvNorm<7, 7, 3, 1, 7, Act::relu> deep;
  ConvNorm<7, 7, 1, 1, 1, Act::relu> again;
  ConvNorm<7, 23, 1, 1, 1, Act::relu> wide;
  ConvNorm<23, 23, 3, 2, 23> half;
  ConvNorm<23, 1, 1> narrow;
  ConvNorm<1, 5, 1, 1, 1, Act::hswish> other_act;  // no planar kernel has it
  ConvNorm<7, 7, 3, 1, 1> dense;                   // nor such a window, nor
  ConvNorm<7, 5, 3, 2, 1> dense_half;              // so many input channels
  ConvNorm<7, 40, 1, 1, 1, Act::relu> out;
  ConvNorm<7, 7, 3, 1, 7> last;
  Linear<57, 1> head;

  constexpr Outputs operator()(Graph& g) const {
    const auto x = squeeze(g, stem(g, g.input<3>()));
    const auto sum = g.add<7>({again(g, deep(g, x)), x});  // fused, planes on both sides
    const auto a = g.mean_hw(other_act(g, narrow(g, half(g, wide(g, sum)))));
    const auto thick = dense(g, again(g, deep(g, sum)));           // by channels, because of who reads it
    const auto mixed = g.add<7>({again(g, deep(g, sum)), thick});  // a residual by channels
    const auto b = g.mean_hw(dense_half(g, mixed));
    const auto c = g.mean_hw(out(g, sum));
    const auto d = g.mean_hw(last(g, deep(g, sum)));
    const auto pooled = g.concat<10, 47>({g.concat<5, 5>({a, b}), g.concat<40, 7>({c, d})});
    return Outputs().add("output", head(g, pooled)).add_on_request("features", pooled);
  }
  template <class Walk>
  constexpr void visit(Walk& walk) {
    visit_in(walk, "stem", stem, 0, 1);
    visit_in(walk, "squeeze", squeeze, 0, 1);
    visit_in(walk, "deep", deep, 0, 1);
    visit_in(walk, "again", again, 0, 1);
    visit_in(walk, "wide", wide, 0, 1);
    visit_in(walk, "half", half, 0, 1);
    visit_in(walk, "narrow", narrow, 0, 1);
    visit_in(walk, "other_act", other_act, 0, 1);
    visit_in(walk, "dense", dense, 0, 1);
    visit_in(walk, "dense_half", dense_half, 0, 1);
    visit_in(walk, "out", out, 0, 1);
    visit_in(walk, "last", last, 0, 1);
    visit_in(walk, "head", head);
  }
};

bool is_planar(const Kernel& kernel) { return std::strstr(kernel.name, "planar/") != nullptr; }

int planar_steps(const Plan& plan) {
  return static_cast<int>(std::count_if(plan.steps, plan.steps + plan.step_count,
                                        [](const Step& s) { return is_planar(*s.kernel); }));
}

}  // namespace

TEST_CASE("narrow maps by planes equal the formulas, whatever their size, the batch and the threads") {
  const Definition d = define<NarrowNet>();
  int most = 0;
  for (const Extents size :
       {Extents{1, 64, 64, 3}, Extents{2, 22, 32, 3}, Extents{1, 6, 96, 3}, Extents{3, 2, 160, 3},
        Extents{1, 35, 64, 3}, Extents{1, 64, 48, 3}, Extents{1, 33, 65, 3}}) {
    INFO(size.n << "x" << size.h << "x" << size.w);
    const auto x = random_input(size);
    const auto want =
        ref_run::run(d.ops, d.outputs.value("features"), d.params, {{size.n, size.h, size.w, 3}, x}).floats;
    double largest = 0;
    for (const float v : want) largest = std::max(largest, std::fabs(static_cast<double>(v)));
    for_each_backend([&](const Backend& backend) {
      for (const int threads : {1, 3}) {
        Planned p;
        make(p, d, d.outputs.value("features"), size, backend, threads);
        REQUIRE(p.plan.problem.error == PlanError::none);
        most = std::max(most, planar_steps(p.plan));
        const auto got = execute(p, x, threads);
        REQUIRE(got.size() == want.size());
        double worst = 0;
        for (std::size_t i = 0; i < got.size(); ++i) {
          const double e = std::fabs(static_cast<double>(got[i]) - static_cast<double>(want[i]));
          worst = std::isnan(e) ? 1e9 : std::max(worst, e);
        }
        CHECK(worst <= 1e-5 * largest);
      }
    });
  }
  bool wide = false;
  for_each_backend([&](const Backend& backend) { wide = wide || backend.vector_floats >= 8; });
  CHECK(most == (wide ? 14 : 0));
}

TEST_CASE("planar kernels read and write what is theirs alone") {
  const Definition d = define<NarrowNet>();
  for (const Extents size : {Extents{1, 6, 96, 3}, Extents{2, 9, 32, 3}})
    for (const auto guard : {GuardedFloats::Guard::behind, GuardedFloats::Guard::before})
      for_each_backend([&](const Backend& backend) {
        Planned p;
        make(p, d, d.outputs.value("features"), size, backend);
        const auto x = random_input(size);
        GuardedFloats input(x.size(), guard), arena(p.plan.arena_bytes / sizeof(float), guard),
            packed(p.packed.size() / sizeof(float), guard);
        std::copy(x.begin(), x.end(), input.data());
        std::memcpy(packed.data(), p.packed.data(), p.packed.size());
        std::vector<float> y(static_cast<std::size_t>(p.plan.outputs[0].floats()));
        void* const outputs[] = {y.data()};
        Frame f;
        f.arena = reinterpret_cast<unsigned char*>(arena.data());
        f.packed = reinterpret_cast<unsigned char*>(packed.data());
        f.input = input.data();
        f.outputs = outputs;
        run(p.plan, f);
        CHECK(y == execute(p, x));
      });
}

TEST_CASE("maps are planar only where whoever writes and reads them can") {
  for_each_backend([&](const Backend& backend) {
    const Definition d = define<TinyFQnet>();
    Planned p;
    make(p, d, d.outputs.main(), {1, 64, 64, 3}, backend);
    CHECK(planar_steps(p.plan) == (backend.vector_floats >= 8 ? (backend.vector_floats == 16 ? 12 : 13) : 0));
    for (int i = 0; i < p.plan.step_count; ++i) {
      const Step& s = p.plan.steps[i];
      CHECK((s.x.planar || s.y.planar) == is_planar(*s.kernel));
      CHECK((s.b.place == Place::none || s.b.planar == s.y.planar));
      for (int j = i + 1; j < p.plan.step_count; ++j)
        if (s.y.buffer >= 0 && p.plan.steps[j].x.buffer == s.y.buffer)
          CHECK(p.plan.steps[j].x.planar == s.y.planar);
    }
    make(p, d, d.outputs.main(), {1, 60, 60, 3}, backend);  // no whole vectors of pixels
    CHECK(planar_steps(p.plan) == 0);
  });
}
