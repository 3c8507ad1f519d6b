// Training converges: networks learn the quality of generated images that are blurred or noisy.
#include <tinyfiqa/autograd/dispatch.hpp>
#include <tinyfiqa/quality/model_registry.hpp>
#include <tinyfiqa/quality/scorer.hpp>
#include <tinyfiqa/training/trainer.hpp>

#include "../data/data_support.hpp"
#include "each_backend.hpp"

#include <algorithm>
#include <cmath>
#include <memory>
#include <string>
#include <vector>

using namespace tinyfiqa;

namespace {

constexpr int side = 64, train_images = 320, held_out_images = 100;

unsigned char level(float v) { return static_cast<unsigned char>(std::clamp(v, 0.0f, 255.0f)); }

/// Draws a head with eyes, of random colour, position and size, in front of a striped background.
Image draw_face(Rng& rng) {
  Image face(side, side);
  const float x0 = rng.uniform(26, 38), y0 = rng.uniform(26, 38), rx = rng.uniform(14, 22),
              ry = rng.uniform(18, 26), period = rng.uniform(3, 9), skin = rng.uniform(90, 220),
              back = rng.uniform(30, 200), eye = rng.uniform(0.25f, 0.4f);
  for (int y = 0; y < side; ++y)
    for (int x = 0; x < side; ++x) {
      const float u = (static_cast<float>(x) - x0) / rx, v = (static_cast<float>(y) - y0) / ry;
      const float stripes = 30 * std::sin(static_cast<float>(x + y) * 6.283f / period);
      const bool is_eye = std::hypot(std::fabs(u) - eye, v + 0.25f) < 0.14f;
      const float grey = u * u + v * v > 1 ? back + stripes : is_eye ? 20.0f : skin - 25 * u;
      for (int c = 0; c < 3; ++c) face.pixel(x, y)[c] = level(grey * (1.0f - 0.12f * static_cast<float>(c)));
    }
  return face;
}

void add_noise(Image& image, float spread, Rng& rng) {
  for (unsigned char& v : image.rgb) v = level(static_cast<float>(v) + spread * rng.normal());
}

/// Every second image is blurred, the others are noisy. The stronger the blur or
/// the noise, the lower the label.
Dataset make_faces(const TempDir& dir) {
  Dataset data;
  Rng rng(20);
  for (int i = 0; i < train_images + held_out_images; ++i) {
    Image face = draw_face(rng);
    const float quality = rng.uniform();
    if (i % 2 == 0) gaussian_blur(face, 3 * (1 - quality));
    add_noise(face, i % 2 == 0 ? 2.0f : 2 + 40 * (1 - quality), rng);
    const std::string name = std::to_string(i) + ".ppm";
    std::string text = "P6\n" + std::to_string(side) + " " + std::to_string(side) + "\n255\n";
    text.append(face.rgb.begin(), face.rgb.end());
    Sample sample;
    sample.path = name;
    sample.file = dir.write(name, text);
    sample.score = static_cast<double>(quality);
    data.samples.push_back(sample);
  }
  return data;
}

DataSplit split_of(const Dataset& data) {
  DataSplit split;
  for (std::size_t i = 0; i < data.samples.size(); ++i)
    (i < train_images ? split.train : split.val).push_back(i);
  return split;
}

/// Trains and returns the weights after the last epoch; the held-out images do not influence them.
std::shared_ptr<const Model> train(const std::string& name, const Dataset& data, int epochs, double rate) {
  TrainOptions options;
  options.epochs = epochs;
  options.batch = 16;
  options.height = options.width = side;
  options.rate = options.backbone_rate = rate;
  options.schedule.kind = ScheduleKind::cosine;
  options.schedule.period = epochs;
  const TrainingBackend& backend = *choose_training_backend("auto");
  auto trainer = Trainer::create(*find_model(name), backend, data, split_of(data), options);
  REQUIRE_MESSAGE(trainer.ok(), trainer.status().message());
  for (int epoch = 0; epoch < epochs; ++epoch) {
    const auto done = trainer->run_epoch([](std::size_t, std::size_t) { return true; });
    REQUIRE_MESSAGE(done.ok(), done.status().message());
  }
  auto model = std::make_shared<Model>(*find_model(name), *backend.inference);
  const Span<const float> weights = trainer->result();
  std::copy(weights.begin(), weights.end(), model->block().begin());
  model->pack();
  return model;
}

/// The metrics on the held-out images.
Metrics measure(const std::vector<std::shared_ptr<const Model>>& models, const Dataset& data) {
  ScoreOptions options;
  options.height = options.width = side;
  auto scorer = Scorer::create(models, options);
  REQUIRE(scorer.ok());
  std::vector<double> scores, labels;
  for (const std::size_t row : split_of(data).val) {
    const auto score = scorer->score(data.samples[row].file);
    REQUIRE(score.ok());
    scores.push_back(static_cast<double>(score->value));
    labels.push_back(data.samples[row].score);
  }
  const auto metrics = compute_metrics(scores, labels);
  REQUIRE(metrics.ok());
  return *metrics;
}

}  // namespace

TEST_CASE("a network that learns from grey images alone is validated on grey images") {
  const TempDir dir;
  const Dataset data = make_faces(dir);
  for (const float share : {1.0f, 0.5f}) {
    TrainOptions options;
    options.height = options.width = side;
    options.augmentation.grey = share;
    auto trainer = Trainer::create(*find_model("tinyfqnet"), *choose_training_backend("auto"), data,
                                   split_of(data), options);
    REQUIRE_MESSAGE(trainer.ok(), trainer.status().message());
    ImageLoader& held_out = trainer->val_loader();
    REQUIRE(held_out.start(0).ok());
    Batch batch;
    const auto more = held_out.next(batch);
    REQUIRE(more.ok());
    REQUIRE(*more);
    std::size_t coloured = 0;  // this network normalises all channels alike
    for (std::size_t i = 0; i + 2 < batch.images.size(); i += 3)
      coloured += batch.images[i] != batch.images[i + 1] || batch.images[i] != batch.images[i + 2] ? 1 : 0;
    CHECK((coloured == 0) == (share == 1));
  }
}

TEST_CASE("each network learns blur and noise, and the ensemble is not worse than its better half") {
  const TempDir dir;
  const Dataset data = make_faces(dir);
  const Metrics tiny = measure({train("tinyfqnet", data, 16, 3e-3)}, data);
  const auto mobilenet = train("mobilenet_v3_small", data, 45, 3e-3),
             shufflenet = train("shufflenet_v2_x0_5", data, 40, 3e-3);
  const Metrics a = measure({mobilenet}, data), b = measure({shufflenet}, data),
                both = measure({mobilenet, shufflenet}, data);
  MESSAGE("SRCC: tinyFQnet " << tiny.srcc << ", MobileNetV3-Small " << a.srcc << ", ShuffleNetV2 " << b.srcc
                             << ", both " << both.srcc);
  // The limits have a margin: rounding differs between instruction sets, and
  // training amplifies the differences.
  CHECK(tiny.srcc >= 0.75);
  CHECK(a.srcc >= 0.75);
  CHECK(b.srcc >= 0.75);
  CHECK(both.srcc >= std::max(a.srcc, b.srcc) - 0.03);
  CHECK(both.plcc >= std::max(a.plcc, b.plcc) - 0.03);
}
