// SessionOptions::check_finite and max_arena_mib.
#include <tinyfiqa/detection/default_detector.hpp>
#include <tinyfiqa/quality/model_registry.hpp>
#include <tinyfiqa/quality/scorer.hpp>

#include <doctest/doctest.h>

#include "each_backend.hpp"
#include "support.hpp"

#include <algorithm>
#include <cmath>
#include <limits>
#include <string>
#include <vector>

using namespace tinyfiqa;

namespace {

constexpr float nan_value = std::numeric_limits<float>::quiet_NaN();
constexpr float infinity = std::numeric_limits<float>::infinity();

SessionOptions checked(int threads = 1) {
  SessionOptions options;
  options.check_finite = true;
  options.threads = threads;
  return options;
}

std::vector<float> random_floats(std::size_t count) {
  Rng rng(5);
  std::vector<float> values(count);
  for (float& v : values) v = rng.normal();
  return values;
}

bool contains(const std::string& text, const std::string& part) {
  return text.find(part) != std::string::npos;
}

/// A convolution with batch norm. (Others may have inputs so small that nothing overflows, or a sigmoid, which makes
/// infinity finite.)
struct Layer {
  std::string name;
  std::vector<Param> params;  ///< weights and batch norm's factors
};

/// Makes the layer's products of finite numbers overflow, in both directions: ReLU hides -infinity.
void overflow(Model& model, const Layer& layer) {
  for (const Param& p : layer.params) {
    const int per_channel = p.size() / p.extents[0];
    const Span<float> values = param_values(model.block(), p);
    for (int i = 0; i < p.size(); ++i)
      values[static_cast<std::size_t>(i)] =
          i / per_channel % 2 == 0 || p.kind == ParamKind::norm_weight ? 3e38f : -3e38f;
  }
  model.pack();
}

std::vector<Layer> normed_layers(const NetworkDefinition& net) {
  std::vector<Layer> layers;
  for (std::size_t i = 0; i < net.ops.size(); ++i) {
    const Op& op = net.ops[i];
    if (op.kind != OpKind::conv || op.weight < 0 || !op.has_norm()) continue;
    Layer layer{operation_name(net, static_cast<int>(i)), {}};
    for (const NamedParam& p : net.params)
      for (const int own : {op.weight, op.norm_weight})
        if (p.param.offset == own) layer.params.push_back(p.param);
    layers.push_back(layer);
  }
  return layers;
}

}  // namespace

TEST_CASE("a checked session gives the same numbers, and finds nothing in a healthy network") {
  for (const ModelSpec& spec : model_specs()) {
    INFO(spec.name);
    const Model model(spec);
    const int h = spec.embeds ? spec.input.height : 96, w = spec.embeds ? spec.input.width : 64;
    SessionOptions options = checked(2);
    auto plain = Session::create(model, 2, h, w);
    auto session = Session::create(model, 2, h, w, options);
    REQUIRE_MESSAGE(session.ok(), session.status().message());
    const auto x = random_floats(session->input_floats());
    OutputArrays want(*plain), got(*session);
    plain->run(x.data(), want.pointers());
    session->run(x.data(), got.pointers());
    CHECK_MESSAGE(session->finite().ok(), session->finite().message());
    double worst = 0, largest = 0;
    for (std::size_t i = 0; i < want.values().size(); ++i) {
      worst = std::max(worst, std::fabs(static_cast<double>(want.values()[i]) - got.values()[i]));
      largest = std::max(largest, std::fabs(static_cast<double>(want.values()[i])));
    }
    CHECK(worst <= 1e-6 * std::max(1.0, largest));
  }
}

TEST_CASE("the layer that overflows is named, on every backend") {
  for (const ModelSpec* spec :
       {find_model("tinyfqnet"), find_model("mobilenet_v3_small"), find_model("shufflenet_v2_x0_5")})
    for_each_backend([&](const Backend& backend) {
      Model model(*spec, backend);
      const auto layers = normed_layers(model.network());
      REQUIRE(layers.size() > 4);
      for (const Layer& layer : layers) {
        INFO(spec->name << ", " << layer.name);
        const std::vector<float> kept(model.block().begin(), model.block().end());
        overflow(model, layer);
        auto session = Session::create(model, 1, 64, 64, checked());
        REQUIRE_MESSAGE(session.ok(), session.status().message());
        const auto x = random_floats(session->input_floats());
        OutputArrays y(*session);
        session->run(x.data(), y.pointers());
        REQUIRE(session->finite().code() == Errc::not_finite);
        CHECK_MESSAGE(contains(session->finite().message(), "the output of " + layer.name + " is "),
                      session->finite().message());
        CHECK(std::isnan(y.values()[0]));
        std::copy(kept.begin(), kept.end(), model.block().begin());
      }
    });
}

TEST_CASE("NaN and infinity in the input are named with their place; the next run is judged anew") {
  const Model model(*find_model("tinyfqnet"));
  auto session = Session::create(model, 2, 64, 64, checked());
  REQUIRE(session.ok());
  auto x = random_floats(session->input_floats());
  OutputArrays y(*session);
  const std::size_t at = ((1 * 64 + 5) * 64 + 7) * 3 + 2;  // image 1, row 5, column 7, channel 2
  const float kept = x[at];
  for (const float bad : {nan_value, infinity, -infinity}) {
    x[at] = bad;
    session->run(x.data(), y.pointers());
    const std::string name = std::isnan(bad) ? "NaN" : bad > 0 ? "infinity" : "-infinity";
    CHECK_MESSAGE(contains(session->finite().message(),
                           "the input is " + name + " in image 1, row 5, column 7, channel 2"),
                  session->finite().message());
    x[at] = kept;
    session->run(x.data(), y.pointers());
    CHECK(session->finite().ok());
    CHECK(std::isfinite(y.values()[0]));
  }
}

TEST_CASE("a parameter that is not finite is named before anything runs") {
  Model model(*find_model("tinyfqnet"));
  const NamedParam& last = model.params().back();
  param_values(model.block(), last.param)[0] = infinity;
  CHECK(Session::create(model, 1, 64, 64).ok());
  const auto session = Session::create(model, 1, 64, 64, checked());
  REQUIRE(session.status().code() == Errc::not_finite);
  CHECK(contains(session.status().message(), "value 0 of '" + last.name + "' is infinity"));
}

TEST_CASE("scorers and detectors pass the layer on") {
  auto model = std::make_shared<Model>(*find_model("tinyfqnet"));
  const Layer layer = normed_layers(model->network())[2];
  overflow(*model, layer);
  Image photo(80, 80);
  for (std::size_t i = 0; i < photo.rgb.size(); ++i) photo.rgb[i] = static_cast<unsigned char>(i * 7 % 251);
  ScoreOptions options;
  options.check_finite = true;
  auto scorer = Scorer::create({model}, options);
  REQUIRE(scorer.ok());
  const auto score = scorer->score(photo);
  REQUIRE(score.status().code() == Errc::not_finite);
  CHECK_MESSAGE(contains(score.status().message(), layer.name), score.status().message());

  auto finder = std::make_shared<Model>(*find_model("yunet_n"));
  const Layer first = normed_layers(finder->network())[0];
  overflow(*finder, first);
  DetectorOptions search;
  search.check_finite = true;
  auto detector = FaceDetector::create(finder, search);
  REQUIRE(detector.ok());
  const auto faces = detector->detect(photo);
  REQUIRE(faces.status().code() == Errc::not_finite);
  CHECK_MESSAGE(contains(faces.status().message(), first.name), faces.status().message());
}

TEST_CASE("a size that needs more than max_arena_mib is refused, and the limit is named") {
  const Model model(*find_model("mobilenet_v3_small"));
  SessionOptions options;
  options.max_arena_mib = 8;
  auto session = Session::create(model, 1, 224, 224, options);
  REQUIRE_MESSAGE(session.ok(), session.status().message());
  const Status s = session->resize(1, 2048, 2048);
  REQUIRE(s.code() == Errc::too_large);
  CHECK_MESSAGE(contains(s.message(), "at 1x2048x2048 needs "), s.message());
  CHECK_MESSAGE(contains(s.message(), "max_arena_mib is 8"), s.message());
  float y = 0;
  std::vector<float> x(2048 * 2048 * 3);
  session->run(x.data(), &y);  // it must not touch memory that is not there
  CHECK(session->resize(1, 224, 224).ok());
}
