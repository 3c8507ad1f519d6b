// Measures what explanations and heat maps cost a face, beside the network.
#include <tinyfiqa/attribution/heat_mapper.hpp>
#include <tinyfiqa/base/rng.hpp>
#include <tinyfiqa/explanation/explainer.hpp>
#include <tinyfiqa/image/augment.hpp>
#include <tinyfiqa/quality/default_model.hpp>

#include <benchmark/benchmark.h>

#include <memory>
#include <utility>

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

/// The map of a face that has the size of tinyfqnet_m's input.
void bench_heat_map(benchmark::State& state, HeatMethod method) {
  auto model = default_model();
  if (!model) return state.SkipWithError(model.status().message());
  HeatMapOptions options;
  options.method = method;
  auto mapper = HeatMapper::create({std::make_shared<const Model>(std::move(*model))}, options);
  if (!mapper) return state.SkipWithError(mapper.status().message());
  const Image face = resize_image(Scene(36).photo, mapper->input().height, mapper->input().width);
  for (auto _ : state) {
    auto map = mapper->map_face(face);
    if (!map) return state.SkipWithError(map.status().message());
    benchmark::DoNotOptimize(*map);
  }
}
BENCHMARK_CAPTURE(bench_heat_map, gradient, HeatMethod::gradient)->Unit(benchmark::kMicrosecond);
BENCHMARK_CAPTURE(bench_heat_map, occlusion, HeatMethod::occlusion)->Unit(benchmark::kMicrosecond);

}  // namespace

BENCHMARK_MAIN();
