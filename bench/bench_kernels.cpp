// Times every convolution kernel on the layer shapes of our networks, on each instruction set of this
// machine. Each line also shows the largest error against the formula (kernels/reference/forward.hpp), which
// proves that the work was done. --benchmark_filter=REGEX selects kernels and shapes, --benchmark_list_tests
// lists them:
//
//   <kernel>/<activation>/<H>x<W>x<Cin>-><Cout>[/<stride>]      gemm_f32/8x3v/avx512/hswish/38x26x40->240
#include <tinyfiqa/base/rng.hpp>
#include <tinyfiqa/kernels/reference/forward.hpp>
#include <tinyfiqa/quality/model.hpp>
#include <tinyfiqa/quality/model_registry.hpp>
#include <tinyfiqa/runtime/describe.hpp>
#include <tinyfiqa/runtime/pack.hpp>
#include <tinyfiqa/runtime/plan.hpp>

#include <tinyfiqa/runtime/dispatch.hpp>
#include "jobs/fma_peak.hpp"

#include <benchmark/benchmark.h>

#include <algorithm>
#include <cmath>
#include <cstdio>
#include <set>
#include <string>
#include <vector>

using namespace tinyfiqa;

namespace {

/// One convolution of a network: its operation, and its step in the network's plan (kernel, sizes, layouts).
struct Layer {
  Op op;
  Step step;
};

/// The same convolution as a network of its own, with random weights and input.
struct LayerRun {
  NetworkDefinition network;
  OwnedPlan plan;
  std::vector<float> params, x, y;
  std::vector<unsigned char> packed, arena;
};

std::vector<float> random_floats(std::size_t n, Rng& rng) {
  std::vector<float> v(n);
  for (float& f : v) f = rng.uniform(-1, 1);
  return v;
}

/// Makes that network: with a bias, without batch norm. Parameters are the weights, then the bias.
void prepare(LayerRun& run, const Layer& layer, const Backend& backend) {
  Op input;
  input.channels = layer.op.in_channels;
  Op conv = layer.op;
  conv.inputs[0] = 0;
  const ConvShape shape = conv_shape(conv);
  const int weights = shape.cout * shape.depth();
  conv.weight = 0;
  conv.bias = weights;
  conv.norm_weight = conv.norm_bias = conv.running_mean = conv.running_var = conv.slope = -1;
  run.network.ops = {input, conv};
  run.network.outputs.add("output", Map<1>{1});
  run.plan = make_owned_plan(run.network, layer.step.x.extents, backend);
  Step& step = run.plan.steps[0];
  step.kernel = layer.step.kernel;
  step.x.planar = layer.step.x.planar;
  step.y.planar = layer.step.y.planar;
  Rng rng(3);
  run.params = random_floats(static_cast<std::size_t>(weights + shape.cout), rng);
  run.packed.resize(run.plan.plan.packed_bytes);
  std::vector<float> workspace(pack_workspace_floats(run.plan.plan, run.network.operations()));
  pack_weights(run.plan.plan, run.network.operations(), backend, run.params.data(), workspace.data(),
               run.packed.data());
  run.arena.resize(run.plan.plan.arena_bytes);
  run.x = random_floats(static_cast<std::size_t>(run.plan.plan.input.floats()), rng);
  run.y.resize(static_cast<std::size_t>(run.plan.plan.outputs[0].floats()));
}

/// The map as [N, H, W, C], whatever its layout is.
std::vector<float> by_channels(const std::vector<float>& map, const Operand& o) {
  if (!o.planar) return map;
  std::vector<float> to(map.size());
  const auto w = static_cast<std::size_t>(o.extents.w), c = static_cast<std::size_t>(o.extents.c);
  for (std::size_t row = 0; row < map.size(); row += w * c)
    for (std::size_t i = 0; i < w * c; ++i) to[row + i % w * c + i / w] = map[row + i];
  return to;
}

/// The largest difference between y and the formula.
double residual(const LayerRun& run) {
  const Op& op = run.network.ops[1];
  const Step& step = run.plan.plan.steps[0];
  const Extents in = run.plan.plan.input, out = run.plan.plan.outputs[0];
  const std::vector<float> x = by_channels(run.x, step.x), y = by_channels(run.y, step.y);
  std::vector<float> expected(run.y.size());
  reference::conv({in.n, in.h, in.w, in.c}, x.data(), {out.n, out.h, out.w, out.c}, expected.data(),
                  {op.window, op.stride, op.padding, op.groups}, run.params.data(),
                  run.params.data() + op.bias, op.act);
  double worst = 0;
  for (std::size_t i = 0; i < expected.size(); ++i)
    worst = std::max(worst, static_cast<double>(std::fabs(y[i] - expected[i])));
  return worst;
}

void bench_layer(benchmark::State& state, const Layer& layer, const Backend& backend, double peak) {
  LayerRun run;
  prepare(run, layer, backend);
  Frame f;
  f.arena = run.arena.data();
  f.packed = run.packed.data();
  f.input = run.x.data();
  void* const outputs[] = {run.y.data()};
  f.outputs = outputs;
  for (auto _ : state) {
    tinyfiqa::run(run.plan.plan, f);
    benchmark::DoNotOptimize(run.y.data());
    benchmark::ClobberMemory();
  }
  const double macs = static_cast<double>(describe_plan(run.plan.plan, {run.network.ops.data(), 2}).macs);
  const double bytes = static_cast<double>((run.x.size() + run.y.size()) * sizeof(float));
  const auto rate = benchmark::Counter::kIsIterationInvariantRate;
  state.counters["GFLOP/s"] = benchmark::Counter(2 * macs * 1e-9, rate);
  state.counters["GB/s"] = benchmark::Counter(bytes * 1e-9, rate);
  if (peak > 0) state.counters["peak_%"] = benchmark::Counter(100 * macs * 1e-9 / peak, rate);
  state.counters["residual"] = residual(run);
}

/// Registers every convolution of a network, those with equal names once.
void add_layers(const char* model, int h, int w, const Backend& backend, double peak) {
  const ModelSpec& spec = *find_model(model);
  const NetworkDefinition network = spec.define();
  const OwnedPlan p = make_owned_plan(network, {1, h, w, 0}, backend);
  std::set<std::string> seen;
  for (int i = 0; i < p.plan.step_count; ++i) {
    const Step& step = p.plan.steps[i];
    const Layer layer{network.ops[static_cast<std::size_t>(step.first_op)], step};
    if (layer.op.kind != OpKind::conv) continue;
    const Extents in = step.x.extents;
    const std::string name = std::string(step.kernel->name) + "/" + act_name(layer.op.act) + "/" +
                             std::to_string(in.h) + "x" + std::to_string(in.w) + "x" + std::to_string(in.c) +
                             "->" + std::to_string(layer.op.channels) + (layer.op.stride > 1 ? "/2" : "");
    if (!seen.insert(name).second) continue;
    benchmark::RegisterBenchmark(name.c_str(), bench_layer, layer, backend, peak)
        ->Unit(benchmark::kMicrosecond);
  }
}

}  // namespace

int main(int argc, char** argv) {
  const double peak = bench::fma_peak_gmac_per_s();
  std::printf("multiply-add peak of one thread: %.1f GMAC/s (%.1f GFLOP/s)\n", peak, 2 * peak);
  for (const Backend* backend : compiled_backends()) {
    if (!cpu_can_run(backend->isa)) continue;
    add_layers("mobilenet_v3_small", 600, 416, *backend, peak);
    add_layers("shufflenet_v2_x0_5", 600, 416, *backend, peak);
    add_layers("tinyfqnet", 64, 64, *backend, peak);
  }
  benchmark::Initialize(&argc, argv);
  if (benchmark::ReportUnrecognizedArguments(argc, argv)) return 2;
  benchmark::RunSpecifiedBenchmarks();
}
