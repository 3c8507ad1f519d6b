// 8-bit networks beside the same networks in float32, run in turns: how much faster, and what memory they take.
// Weights are random and images noise: speed does not depend on them. Prints a table for docs/eight-bits.md.
//
// bench_eight_bits [ISA [THREADS]]    the instruction set: avx2, sse42, ...; default: the best of this machine, one thread
#include <tinyfiqa/base/rng.hpp>
#include <tinyfiqa/detection/face_detector.hpp>
#include <tinyfiqa/quality/model_registry.hpp>
#include <tinyfiqa/quality/session.hpp>
#include <tinyfiqa/quantisation/quantiser.hpp>
#include <tinyfiqa/runtime/dispatch.hpp>

#include <algorithm>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <vector>

using namespace tinyfiqa;

namespace {

struct Size {
  const char* model;
  int height, width;
};
const Size sizes[] = {{"tinyfqnet", 64, 64},
                      {"tinyfqnet_m", 64, 64},
                      {"tinyfqnet_l", 64, 64},
                      {"mobilenet_v3_small", 160, 160},
                      {"mobilenet_v3_small", 224, 224},
                      {"mobilenet_v3_small", 600, 416},
                      {"shufflenet_v2_x0_5", 160, 160},
                      {"shufflenet_v2_x0_5", 224, 224},
                      {"shufflenet_v2_x0_5", 600, 416},
                      {"yunet_n", 320, 320},
                      {"yunet_n", 480, 640}};

std::vector<unsigned char> noise(int height, int width, std::uint64_t seed) {
  Rng rng(seed);
  std::vector<unsigned char> levels(static_cast<std::size_t>(height) * static_cast<std::size_t>(width) * 3);
  for (unsigned char& level : levels) level = static_cast<unsigned char>(rng.below(256));
  return levels;
}

double run_us(Session& session, const unsigned char* image, const OutputArrays& y, int runs) {
  const auto start = std::chrono::steady_clock::now();
  for (int i = 0; i < runs; ++i) session.run(image, y.pointers());
  return std::chrono::duration<double, std::micro>(std::chrono::steady_clock::now() - start).count() / runs;
}

double quantile(std::vector<double> values, double part) {
  std::sort(values.begin(), values.end());
  return values[static_cast<std::size_t>(part * static_cast<double>(values.size() - 1))];
}

Status measure(const Size& size, const Backend& backend, int threads) {
  const ModelSpec* const spec = find_model(size.model);
  if (spec == nullptr) return Status::error(Errc::bad_argument, "there is no model ", size.model);
  const Model floats(*spec, backend);
  auto quantiser = Quantiser::create(floats, size.height, size.width);
  if (!quantiser) return quantiser.status();
  for (std::uint64_t i = 0; i < 2; ++i) quantiser->add(noise(size.height, size.width, i));
  const auto whole = quantiser->quantise();
  if (!whole) return whole.status();
  SessionOptions options;
  options.feed = Feed::levels;
  options.threads = threads;
  if (spec->detector != DetectorFamily::none) options.outputs = FaceDetector::outputs_of(*spec);
  auto a = Session::create(floats, 1, size.height, size.width, options),
       b = Session::create(*whole, 1, size.height, size.width, options);
  if (!a) return a.status();
  if (!b) return b.status();
  const auto image = noise(size.height, size.width, 9);
  const OutputArrays y(*a);
  const int runs = std::max(1, static_cast<int>(2000.0 / run_us(*a, image.data(), y, 1)));
  std::vector<double> float_us, whole_us, ratio;
  for (int i = 0; i < 120; ++i) {
    float_us.push_back(run_us(*a, image.data(), y, runs));
    whole_us.push_back(run_us(*b, image.data(), y, runs));
    ratio.push_back(float_us.back() / whole_us.back());
  }
  const auto kib = [](const Session& s) {
    return (s.plan().arena_bytes + s.plan().packed_bytes + 1023) / 1024;
  };
  std::printf("| %s, %dx%d | %.0f us | %.0f us | **%.2f** (%.2f to %.2f) | %zu KiB | %zu KiB |\n", size.model,
              size.height, size.width, quantile(float_us, 0.5), quantile(whole_us, 0.5), quantile(ratio, 0.5),
              quantile(ratio, 0.1), quantile(ratio, 0.9), kib(*a), kib(*b));
  std::fflush(stdout);
  return {};
}

}  // namespace

int main(int argc, char** argv) {
  const Backend* const backend = choose_backend(argc > 1 ? argv[1] : "auto");
  if (backend == nullptr) {
    std::fprintf(stderr, "bench_eight_bits: no instruction set '%s' here\n", argv[1]);
    return 2;
  }
  const int threads = argc > 2 ? std::atoi(argv[2]) : 1;
  std::printf(
      "%s, threads: %d, medians of 120 pairs; in brackets the 10 %% and 90 %% quantiles of the ratios\n\n",
      backend->isa, threads);
  std::printf(
      "| network and input | float32 | 8 bits | times as fast | memory, float32 | 8 bits "
      "|\n|---|---|---|---|---|---|\n");
  for (const Size& size : sizes)
    if (const Status status = measure(size, *backend, threads); !status) {
      std::fprintf(stderr, "bench_eight_bits: %s\n", status.message());
      return 1;
    }
  return 0;
}
