// Networks with random weights, planned for a backend and run.
#pragma once

#include <tinyfiqa/base/rng.hpp>
#include <tinyfiqa/models/heads.hpp>
#include <tinyfiqa/runtime/describe.hpp>
#include <tinyfiqa/runtime/pack.hpp>
#include <tinyfiqa/runtime/plan.hpp>
#include <tinyfiqa/threads/run_threads.hpp>

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
  std::vector<unsigned char> packed;
  Plan plan;
};

/// Plans `request` for the operations of `d`, and packs the weights.
inline void make(Planned& p, const Definition& d, PlanRequest request, const Backend& backend) {
  request.ops = d.ops;
  p.plan = make_plan(request, backend, {p.steps.data(), p.values.data(), p.buffers.data(), max_ops});
  if (!p.plan.ok()) return;
  std::vector<float> workspace(pack_workspace_floats(p.plan, d.ops));
  p.packed.resize(p.plan.packed_bytes);
  pack_weights(p.plan, d.ops, backend, d.params.data(), workspace.data(), p.packed.data());
}
inline void make(Planned& p, const Definition& d, const std::vector<int>& outputs, Extents input,
                 const Backend& backend, int threads = 1, const LevelScale* levels = nullptr) {
  PlanRequest request;
  request.outputs = outputs;
  request.input = input;
  request.threads = threads;
  request.levels = levels;
  make(p, d, request, backend);
}
inline void make(Planned& p, const Definition& d, int output, Extents input, const Backend& backend,
                 int threads = 1, const LevelScale* levels = nullptr) {
  make(p, d, std::vector<int>{output}, input, backend, threads, levels);
}

/// Bytes that are NaN when they are read as floats, in place of uninitialised memory.
inline std::vector<unsigned char> poisoned(std::size_t bytes) {
  return std::vector<unsigned char>(bytes, 0xff);
}

/// All outputs, from floats or levels.
template <class Element>
std::vector<std::vector<float>> execute_all(const Planned& p, const std::vector<Element>& input,
                                            int threads = 1) {
  std::vector<unsigned char> arena = poisoned(p.plan.arena_bytes);
  std::vector<std::vector<float>> outputs;
  std::vector<void*> pointers;
  for (int i = 0; i < p.plan.output_count; ++i)
    outputs.emplace_back(static_cast<std::size_t>(p.plan.outputs[i].floats()), std::nanf(""));
  for (auto& output : outputs) pointers.push_back(output.data());
  Frame f;
  f.arena = arena.data();
  f.packed = p.packed.data();
  f.input = input.data();
  f.outputs = pointers.data();
  RunThreads others;
  (void)others.start(threads);  // one thread, if the program has no others
  f.team = others.team();
  run(p.plan, f);
  return outputs;
}
/// The first output.
template <class Element>
std::vector<float> execute(const Planned& p, const std::vector<Element>& input, int threads = 1) {
  return execute_all(p, input, threads)[0];
}

inline std::vector<float> random_input(Extents e, std::uint64_t seed = 9) {
  Rng rng(seed);
  std::vector<float> x(static_cast<std::size_t>(e.floats()));
  for (float& v : x) v = rng.normal();
  return x;
}

}  // namespace planned
