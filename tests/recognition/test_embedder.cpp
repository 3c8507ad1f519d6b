// Tests of Embedder. If TINYFIQA_REFERENCE_DIR names the reference data, embeddings are compared with it.
#include <tinyfiqa/data/read_dataset.hpp>
#include <tinyfiqa/formats/npy.hpp>
#include <tinyfiqa/quality/load_model.hpp>
#include <tinyfiqa/quality/scorer.hpp>
#include <tinyfiqa/recognition/embedder.hpp>

#include "data/data_support.hpp"
#include "npz.hpp"
#include "support.hpp"

#include <doctest/doctest.h>

#include <cstring>
#include <map>

using namespace tinyfiqa;

namespace {

std::shared_ptr<const Model> random_recogniser() {
  return std::make_shared<const Model>(*find_model("mobilefacenet"));
}

Image noise(int side, std::uint64_t seed) {
  Image image(side, side);
  Rng rng(seed);
  for (unsigned char& level : image.rgb) level = static_cast<unsigned char>(rng.below(256));
  return image;
}

}  // namespace

TEST_CASE("an embedding has length 1 and does not depend on its place in a batch") {
  const auto model = random_recogniser();
  auto one = Embedder::create(model), three = Embedder::create(model, 3);
  REQUIRE((one.ok() && three.ok()));
  const auto single = one->embed(noise(112, 1));
  REQUIRE_MESSAGE(single.ok(), single.status().message());
  CHECK(single->size() == 128);
  CHECK(dot_product(single->data(), single->data(), 128) == doctest::Approx(1));
  REQUIRE(three->set(2, noise(112, 1)).ok());
  std::vector<float> third(three->run().data + 256, three->run().data + 384);
  normalise(third);
  for (std::size_t i = 0; i < 128; ++i) CHECK(third[i] == doctest::Approx((*single)[i]).epsilon(1e-4));
}

TEST_CASE("a recogniser's kind is known by its layers' names, and a file without its head is refused") {
  for (const char* name : {"mobilefacenet", "face_resnet50", "efficientnet_b0"}) {
    const NetworkDefinition network = find_model(name)->define();
    std::vector<float> block(block_size(network.params));
    init_params(network.params, block, 1);
    const std::string path = "recogniser.safetensors";
    REQUIRE(save_params(path, network.params, block).ok());
    const auto model = load_model(path);
    REQUIRE_MESSAGE(model.ok(), model.status().message());
    CHECK(std::string(model->spec().name) == name);
    if (std::string(name) != "efficientnet_b0") continue;
    auto headless = network.params;
    headless.erase(std::remove_if(headless.begin(), headless.end(),
                                  [](const NamedParam& p) { return p.name.rfind("classifier.", 0) == 0; }),
                   headless.end());
    block.resize(block_size(network.params));
    REQUIRE(save_params(path, headless, block).ok());
    CHECK(mentions(load_model(path).status(), "no embedding head"));
  }
  std::remove("recogniser.safetensors");
}

TEST_CASE("networks that give scores are no recognisers, and recognisers give no scores") {
  const auto wrong = Embedder::create(std::make_shared<const Model>(*find_model("tinyfqnet")));
  CHECK(mentions(wrong.status(), "no embeddings"));
  CHECK(mentions(Scorer::create({random_recogniser()}).status(), "an embedding, not a quality score"));
}

TEST_CASE("a recogniser sees a box aligned by average landmarks") {
  auto embedder = Embedder::create(random_recogniser());
  REQUIRE(embedder.ok());
  Crop box, points;
  box.box = FaceBox{8, 4.5f, 30, 41};
  points.landmarks = average_landmarks(*box.box);
  const Image image = noise(50, 2);
  const auto by_box = embedder->embed(image, box), by_points = embedder->embed(image, points);
  REQUIRE((by_box.ok() && by_points.ok()));
  CHECK(*by_box == *by_points);
}

TEST_CASE("landmarks that can't be are errors of the embedder") {
  auto embedder = Embedder::create(random_recogniser());
  REQUIRE(embedder.ok());
  Crop crop;
  crop.landmarks = Landmarks();
  CHECK(mentions(embedder->embed(noise(50, 2), crop).status(), "coincide"));
}

TEST_CASE("both recognisers of the reference data give its embeddings, from its own aligned faces") {
  if (reference_dir().empty()) return;
  const std::string dir = reference_dir() + "/data/fr/";
  const auto arrays = read_npz(dir + "expected_embeddings.npz");
  const auto& faces = arrays.at("inputs_rgb");
  for (const char* net : {"a", "b"}) {
    auto model = load_model(dir + "mobilefacenet_" + net + ".safetensors");
    REQUIRE_MESSAGE(model.ok(), model.status().message());
    auto embedder = Embedder::create(std::make_shared<const Model>(std::move(*model)));
    const auto& expected = arrays.at(std::string("embeddings_") + net);
    double worst = 0;
    for (std::size_t i = 0; i < 32; ++i) {
      Image face(112, 112);
      for (std::size_t k = 0; k < face.rgb.size(); ++k)
        face.rgb[k] = static_cast<unsigned char>(faces.values[i * face.rgb.size() + k]);
      const auto embedding = embedder->embed(face);
      REQUIRE(embedding.ok());
      for (std::size_t k = 0; k < 128; ++k)
        worst = std::fmax(worst, std::fabs(double{(*embedding)[k]} - double{expected.values[i * 128 + k]}));
    }
    CHECK(worst <= 1e-4);
  }
}

TEST_CASE("faces aligned here are those of the reference data within two grey levels on average") {
  if (reference_dir().empty()) return;
  const std::string dir = reference_dir() + "/data/";
  DatasetOptions options;
  options.need_score = false;
  const auto data = read_dataset(dir + "lfw_landmarks.csv", options);
  REQUIRE_MESSAGE(data.ok(), data.status().message());
  std::map<std::string, const Sample*> samples;
  for (const Sample& s : data->samples) samples[s.path.substr(s.path.rfind('/') + 1)] = &s;
  const std::string archive = dir + "fr/expected_embeddings.npz";
  const auto arrays = read_npz(archive);
  const auto paths = read_npz_texts(archive, "paths");
  REQUIRE(paths.size() == 32);
  const auto& faces = arrays.at("inputs_rgb");
  double worst = 0;
  for (std::size_t i = 0; i < paths.size(); ++i) {
    const Sample& sample = *samples.at(paths[i].substr(paths[i].rfind('/') + 1));
    const auto image = read_image(sample.file);
    REQUIRE(image.ok());
    const auto face = align_face(*image, *sample.crop.landmarks);
    REQUIRE(face.ok());
    double sum = 0;
    for (std::size_t k = 0; k < face->rgb.size(); ++k)
      sum += std::fabs(double{static_cast<float>(face->rgb[k]) - faces.values[i * face->rgb.size() + k]});
    worst = std::fmax(worst, sum / static_cast<double>(face->rgb.size()));
  }
  MESSAGE("largest mean difference of a face: " << worst << " grey levels");
  CHECK(worst <= 2);
}
