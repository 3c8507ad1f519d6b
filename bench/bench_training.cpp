// Measures training steps (forward, MSE, backward, Adam) of each network: images/s, the peak memory of the
// tape, and the loss after a fixed number of steps on one batch, which proves that the steps were computed.
//
//   bench_training [MODEL BATCH HEIGHT WIDTH THREADS [SECONDS]]
#include <tinyfiqa/autograd/dispatch.hpp>
#include <tinyfiqa/autograd/tape.hpp>
#include <tinyfiqa/base/rng.hpp>
#include <tinyfiqa/formats/init_params.hpp>
#include <tinyfiqa/optim/losses.hpp>
#include <tinyfiqa/optim/optimizers.hpp>
#include <tinyfiqa/quality/model_registry.hpp>

#include <tinyfiqa/runtime/dispatch.hpp>

#include <algorithm>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <ctime>
#include <string>
#include <vector>

using namespace tinyfiqa;

namespace {

double now() {
  return std::chrono::duration<double>(std::chrono::steady_clock::now().time_since_epoch()).count();
}

/// CPU time of all threads in seconds. On a busy machine it varies less than the elapsed time.
double cpu_seconds() { return static_cast<double>(std::clock()) / CLOCKS_PER_SEC; }

struct Case {
  std::string model;
  int n, h, w, threads;
};

int bench(const Case& c, double seconds) {
  const NetworkDefinition net = find_model(c.model)->define();
  std::vector<float> params(block_size(net.params)), gradient(params.size());
  init_params(net.params, params, 1);
  Tape<float> tape({net.ops.data(), net.ops.size()}, net.outputs.main(), c.threads,
                   *choose_training_backend("auto")->tape);
  Rng rng(3);
  std::vector<float> x(static_cast<std::size_t>(c.n) * static_cast<std::size_t>(c.h) *
                       static_cast<std::size_t>(c.w) * 3);
  std::vector<float> label(static_cast<std::size_t>(c.n)), d(label.size());
  for (float& v : x) v = rng.normal();
  for (float& v : label) v = rng.uniform();
  Optimizer optimizer({}, make_groups(net.params, {{"", 1e-3, 0, false}}), params.size(),
                      choose_training_backend("auto")->adam);
  std::vector<double> times, cpu_times;
  double loss = 0, residual = 0;
  for (const double start = now(); times.size() < 5 || now() - start < seconds;) {
    const double before = now(), cpu_before = cpu_seconds();
    if (const Status s = tape.forward(params.data(), x.data(), {c.n, c.h, c.w, 3}, TapeMode::train, rng); !s)
      return std::fprintf(stderr, "%s\n", s.message()), 1;
    loss = *mse_loss<float>(tape.output(), label, d);
    std::fill(gradient.begin(), gradient.end(), 0.0f);
    tape.backward(params.data(), d.data(), gradient.data());
    optimizer.step(params, gradient);
    times.push_back(now() - before);
    cpu_times.push_back(cpu_seconds() - cpu_before);
    if (times.size() == 5) residual = loss;
  }
  times.erase(times.begin());
  cpu_times.erase(cpu_times.begin());
  std::sort(times.begin(), times.end());
  std::sort(cpu_times.begin(), cpu_times.end());
  std::printf(
      "%-20s %4dx%dx%d threads %d  %9.1f images/s (best %9.1f, %9.1f per CPU second)  peak %7.1f MiB  loss "
      "of "
      "step 5 %.6f\n",
      c.model.c_str(), c.n, c.h, c.w, c.threads, c.n / times[times.size() / 2], c.n / times[0],
      c.n / cpu_times[cpu_times.size() / 2], static_cast<double>(tape.peak_bytes()) / 1048576, residual);
  std::fflush(stdout);
  return 0;
}

}  // namespace

int main(int argc, char** argv) {
  if (argc > 5)
    return bench({argv[1], std::atoi(argv[2]), std::atoi(argv[3]), std::atoi(argv[4]), std::atoi(argv[5])},
                 argc > 6 ? std::atof(argv[6]) : 3);
  for (const int threads : {1, 2})
    for (const Case& c :
         {Case{"mobilenet_v3_small", 16, 224, 224, threads},
          Case{"shufflenet_v2_x0_5", 16, 224, 224, threads}, Case{"mobilenet_v3_small", 4, 600, 416, threads},
          Case{"shufflenet_v2_x0_5", 4, 600, 416, threads}, Case{"tinyfqnet", 256, 64, 64, threads}})
      if (const int failed = bench(c, 3)) return failed;
}
