// Measures whole networks: milliseconds, GMAC/s, the share of the measured multiply-add peak, and the largest
// difference from the output of the scalar backend, which proves that the network was computed.
#include <tinyfiqa/base/rng.hpp>
#include <tinyfiqa/quality/model_registry.hpp>
#include <tinyfiqa/quality/session.hpp>
#include <tinyfiqa/runtime/describe.hpp>

#include <tinyfiqa/runtime/dispatch.hpp>
#include "jobs/fma_peak.hpp"

#include <benchmark/benchmark.h>

#include <algorithm>
#include <cmath>
#include <cstdio>
#include <string>
#include <thread>
#include <vector>

using namespace tinyfiqa;

namespace {

struct Case {
  const char* model;
  int n, h, w;
};

std::vector<float> random_input(const Session& session) {
  Rng rng(5);
  std::vector<float> x(session.input_floats());
  for (float& v : x) v = rng.normal();
  return x;
}

void bench_model(benchmark::State& state, const Case& c, const Backend& backend, int threads, double peak) {
  const Model model(*find_model(c.model), backend);
  auto session = Session::create(model, c.n, c.h, c.w, SessionOptions{threads, Feed::floats, {}});
  if (!session) return state.SkipWithError(session.status().message());
  const std::vector<float> x = random_input(*session);
  const OutputArrays y(*session);
  for (auto _ : state) {
    session->run(x.data(), y.pointers());
    benchmark::DoNotOptimize(y[0]);
    benchmark::ClobberMemory();
  }
  const Model plain(*find_model(c.model), *choose_backend("scalar"));
  auto reference = Session::create(plain, c.n, c.h, c.w);
  const OutputArrays expected(*reference);
  reference->run(x.data(), expected.pointers());
  double residual = 0;
  for (std::size_t i = 0; i < y.values().size(); ++i)
    residual = std::max(residual, static_cast<double>(std::fabs(y.values()[i] - expected.values()[i])));
  const auto& ops = model.network().ops;
  const double macs = static_cast<double>(describe_plan(session->plan(), {ops.data(), ops.size()}).macs);
  state.counters["GMAC/s"] = benchmark::Counter(macs * 1e-9, benchmark::Counter::kIsIterationInvariantRate);
  state.counters["images/s"] = benchmark::Counter(c.n, benchmark::Counter::kIsIterationInvariantRate);
  // The counter is a rate: the benchmark divides this value by the seconds of an iteration.
  if (peak > 0)
    state.counters["peak_%"] = benchmark::Counter(100 * macs * 1e-9 / (peak * threads),
                                                  benchmark::Counter::kIsIterationInvariantRate);
  state.counters["residual"] = residual;
}

}  // namespace

int main(int argc, char** argv) {
  const double peak = bench::fma_peak_gmac_per_s();
  std::printf("multiply-add peak of one thread: %.1f GMAC/s (%.1f GFLOP/s)\n", peak, 2 * peak);
  static const Case cases[] = {{"mobilenet_v3_small", 1, 600, 416},
                               {"mobilenet_v3_small", 1, 224, 224},
                               {"mobilenet_v3_small", 8, 224, 224},
                               {"shufflenet_v2_x0_5", 1, 600, 416},
                               {"shufflenet_v2_x0_5", 1, 224, 224},
                               {"shufflenet_v2_x1_0", 1, 600, 416},
                               {"shufflenet_v2_x1_0", 1, 224, 224},
                               {"yunet_n", 1, 320, 320},
                               {"yunet_n", 1, 480, 640},
                               {"tinyfqnet", 1, 64, 64},
                               {"tinyfqnet", 16, 64, 64}};
  for (const Backend* backend : compiled_backends()) {
    if (backend->base != nullptr || !cpu_can_run(backend->isa)) continue;
    for (const Case& c : cases)
      for (int threads = 1; threads <= 2; ++threads) {
        const std::string name = std::string(c.model) + "/" + std::to_string(c.n) + "x" +
                                 std::to_string(c.h) + "x" + std::to_string(c.w) + "/" + backend->isa +
                                 "/threads:" + std::to_string(threads);
        benchmark::RegisterBenchmark(name.c_str(), bench_model, c, *backend, threads, peak)
            ->Unit(benchmark::kMillisecond)
            ->UseRealTime();
      }
  }
  benchmark::Initialize(&argc, argv);
  if (benchmark::ReportUnrecognizedArguments(argc, argv)) return 2;
  benchmark::RunSpecifiedBenchmarks();
}
