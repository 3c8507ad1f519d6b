#include "jobs/label_bench.hpp"

#include <tinyfiqa/base/rng.hpp>
#include <tinyfiqa/recognition/embedder.hpp>
#include <tinyfiqa/recognition/labels.hpp>

#include "jobs/ordered_run.hpp"
#include "jobs/stopwatch.hpp"

#include <algorithm>
#include <vector>

using namespace tinyfiqa;

namespace {

constexpr std::size_t batch = 8, faces_per_person = 20;

Image noise_face(std::size_t number) {
  Image face(aligned_side, aligned_side);
  Rng rng(number);
  for (unsigned char& level : face.rgb) level = static_cast<unsigned char>(rng.next() >> 24u);
  return face;
}

std::vector<float> embed(Embedder& embedder, const std::vector<Image>& faces, std::size_t first,
                         std::size_t count) {
  for (std::size_t i = 0; i < count; ++i) {
    const Status status = embedder.set(static_cast<int>(i), faces[(first + i) % faces.size()]);
    (void)status;  // noise faces are always valid
  }
  const Span<const float> raw = embedder.run();
  return {raw.begin(), raw.begin() + count * embedder.dimension()};
}

}  // namespace

Result<LabelTimes> measure_labelling(const std::shared_ptr<const Model>& recogniser, std::size_t faces,
                                     int threads) {
  std::vector<Embedder> embedders;
  for (int i = 0; i < threads; ++i) {
    auto embedder = Embedder::create(recogniser, static_cast<int>(batch));
    if (!embedder) return embedder.status();
    embedders.push_back(std::move(*embedder));
  }
  std::vector<Image> images;  // at most 256 different ones
  for (std::size_t i = 0; i < std::min<std::size_t>(faces, 256); ++i) images.push_back(noise_face(i));
  std::vector<float> raw;
  LabelTimes times;
  const double start = now_s();
  OrderedRun<std::vector<float>>((faces + batch - 1) / batch)
      .start(
          embedders,
          [&](Embedder& embedder, std::size_t i) {
            return embed(embedder, images, i * batch, std::min(batch, faces - i * batch));
          },
          [&](std::size_t, const std::vector<float>& rows) {
            raw.insert(raw.end(), rows.begin(), rows.end());
          });
  const double embedded = now_s();
  std::vector<std::uint32_t> people;
  for (std::size_t i = 0; i < faces; ++i) people.push_back(static_cast<std::uint32_t>(i / faces_per_person));
  LabelOptions options;
  options.threads = threads;
  options.dot_products = recogniser->backend().embeddings.dot_products;
  const auto labels = label_faces(std::move(raw), embedders[0].dimension(), people,
                                  (faces + faces_per_person - 1) / faces_per_person, options);
  if (!labels) return labels.status();
  times.embed_s = embedded - start;
  times.label_s = now_s() - embedded;
  for (const FaceLabel& label : *labels) times.mean_quality += label.quality / static_cast<double>(faces);
  return times;
}
