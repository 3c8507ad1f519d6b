// A network with random weights, planned for a backend: what graph tests need again and again.
#pragma once

#include <tinyfiqa/base/rng.hpp>
#include <tinyfiqa/models/heads.hpp>
#include <tinyfiqa/runtime/describe.hpp>
#include <tinyfiqa/runtime/pack.hpp>
#include <tinyfiqa/runtime/plan.hpp>
#include <tinyfiqa/threads/thread_team.hpp>

#include <cmath>
#include <vector>

namespace planned {
using namespace tinyfiqa;

inline constexpr int max_ops = 400;

/// Operations and seeded weights with batch-norm statistics far from 0 and 1.
struct Definition {
  std::vector<Op> ops = std::vector<Op>(max_ops);
  Outputs outputs;
  std::vector<float> params;
};

template <class Net>
Definition define(std::uint64_t seed = 1) {
  Net net;
  Definition d;
  d.params.resize(static_cast<std::size_t>(number_params(net).total()));
  Graph graph(d.ops.data(), max_ops);
  d.outputs = net(graph);
  d.ops.resize(static_cast<std::size_t>(graph.count()));
  Rng rng(seed);
  for_each_param(net, [&](const char*, const Param& p) {
    const float spread = std::sqrt(1.6f / static_cast<float>(p.size() / p.extents[0]));
    for (int i = 0; i < p.size(); ++i) {
      float& v = d.params[static_cast<std::size_t>(p.offset + i)];
      if (p.kind == ParamKind::norm_weight || p.kind == ParamKind::running_var)
        v = rng.uniform(0.5f, 1.5f);
      else if (p.rank == 1)
        v = 0.2f * rng.normal();
      else
        v = spread * rng.normal();
    }
  });
  return d;
}

struct Planned {
  std::vector<Step> steps = std::vector<Step>(max_ops);
  std::vector<Value> values = std::vector<Value>(max_ops);
  std::vector<Buffer> buffers = std::vector<Buffer>(max_ops);
  std::vector<float> packed;
  Plan plan;
};

inline void make(Planned& p, const Definition& d, int output, Extents input, const Backend& backend,
                 int threads = 1, const LevelScale* levels = nullptr) {
  p.plan = make_plan(d.ops, output, input, backend, threads,
                     {p.steps.data(), p.values.data(), p.buffers.data(), max_ops}, levels);
  if (p.plan.error != PlanError::none) return;
  std::vector<float> room(pack_room_floats(p.plan, d.ops));
  p.packed.resize(p.plan.packed_floats);
  pack_weights(p.plan, d.ops, backend, d.params.data(), room.data(), p.packed.data());
}

inline std::vector<float> execute(const Planned& p, Frame f, int threads) {
  std::vector<float> arena(p.plan.arena_floats, std::nanf("")),
      out(static_cast<std::size_t>(p.plan.output.floats()));
  f.arena = arena.data();
  f.packed = p.packed.data();
  f.output = out.data();
  ThreadTeam team(threads);
  f.team = team.team();
  run(p.plan, f);
  return out;
}
inline std::vector<float> execute(const Planned& p, const std::vector<float>& input, int threads = 1) {
  Frame f;
  f.input = input.data();
  return execute(p, f, threads);
}
inline std::vector<float> execute(const Planned& p, const std::vector<unsigned char>& levels,
                                  int threads = 1) {
  Frame f;
  f.levels = levels.data();
  return execute(p, f, threads);
}

inline std::vector<float> random_input(Extents e, std::uint64_t seed = 9) {
  Rng rng(seed);
  std::vector<float> x(static_cast<std::size_t>(e.floats()));
  for (float& v : x) v = rng.normal();
  return x;
}

}  // namespace planned
