// Times every convolution kernel on the layer shapes of our networks, on each instruction set of this
// machine. Each line also shows the largest error against the formula (kernels/reference/forward.hpp), which
// proves that the work was done. --benchmark_filter=REGEX selects kernels and shapes, --benchmark_list_tests
// lists them:
//
//   <kernel>/<activation>/<H>x<W>x<Cin>-><Cout>[/<stride>]      gemm_f32/8x3v/avx512/hswish/38x26x40->240
//
// Shapes of your own: tinyfiqa bench --kernel.
#include <tinyfiqa/quality/model_registry.hpp>
#include <tinyfiqa/runtime/dispatch.hpp>
#include "jobs/fma_peak.hpp"
#include "jobs/layer_run.hpp"

#include <benchmark/benchmark.h>

#include <cstdio>
#include <set>
#include <string>

using namespace tinyfiqa;

namespace {

/// One convolution of a network: its operation, and its step in the network's plan (kernel, sizes, layouts).
struct Layer {
  Op op;
  Step step;
};

void bench_layer(benchmark::State& state, const Layer& layer, const Backend& backend, double peak) {
  auto run = LayerRun::create(layer.op, layer.step.x.extents, backend);
  if (!run) return state.SkipWithError(run.status().message());
  run->run_as(layer.step);
  for (auto _ : state) {
    run->run();
    benchmark::DoNotOptimize(run->output());
    benchmark::ClobberMemory();
  }
  const double macs = static_cast<double>(run->macs());
  const auto rate = benchmark::Counter::kIsIterationInvariantRate;
  state.counters["GFLOP/s"] = benchmark::Counter(2 * macs * 1e-9, rate);
  state.counters["GB/s"] = benchmark::Counter(static_cast<double>(run->map_bytes()) * 1e-9, rate);
  if (peak > 0) state.counters["peak_%"] = benchmark::Counter(100 * macs * 1e-9 / peak, rate);
  state.counters["residual"] = run->largest_error();
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
    if (backend->base != nullptr || !cpu_can_run(backend->isa)) continue;
    add_layers("mobilenet_v3_small", 600, 416, *backend, peak);
    add_layers("shufflenet_v2_x0_5", 600, 416, *backend, peak);
    add_layers("tinyfqnet", 64, 64, *backend, peak);
  }
  benchmark::Initialize(&argc, argv);
  if (benchmark::ReportUnrecognizedArguments(argc, argv)) return 2;
  benchmark::RunSpecifiedBenchmarks();
}
