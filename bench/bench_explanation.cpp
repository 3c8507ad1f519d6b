// Measures what an explanation costs a face, beside the network.
#include <tinyfiqa/base/rng.hpp>
#include <tinyfiqa/explanation/explainer.hpp>
#include <tinyfiqa/image/augment.hpp>

#include <tinyfiqa/runtime/dispatch.hpp>

#include <benchmark/benchmark.h>

using namespace tinyfiqa;

namespace {

/// A photo of noise that was blurred, with a frontal face whose eyes are `eyes` pixels apart.
struct Scene {
  Image photo;
  Face face;

  explicit Scene(int eyes) : photo(8 * eyes, 8 * eyes) {
    Rng rng(1);
    for (unsigned char& level : photo.rgb) level = static_cast<unsigned char>(rng.below(256));
    gaussian_blur(photo, 1);
    const auto pixels = static_cast<float>(eyes);
    face.box = {2.5f * pixels, 2.5f * pixels, 2.14f * pixels, 2.91f * pixels};
    face.landmarks = average_landmarks(face.box);
  }
};

/// The argument is the distance of the eyes in pixels.
void bench_explain(benchmark::State& state) {
  const Scene scene(static_cast<int>(state.range(0)));
  Explainer explainer;
  for (auto _ : state) {
    auto explanation = explainer.explain(scene.photo, scene.face, {&scene.face, 1});
    if (!explanation) return state.SkipWithError(explanation.status().message());
    benchmark::DoNotOptimize(*explanation);
  }
}
BENCHMARK(bench_explain)->Arg(12)->Arg(36)->Arg(60)->Arg(120)->Arg(400)->Unit(benchmark::kMicrosecond);

}  // namespace

BENCHMARK_MAIN();
