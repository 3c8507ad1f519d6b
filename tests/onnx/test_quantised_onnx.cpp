// 8-bit networks as ONNX files: what QuantizeLinear and DequantizeLinear say, against our 8-bit kernels.
#include <doctest/doctest.h>

#include "exported.hpp"
#include "formula_model.hpp"
#include "mixed_net.hpp"
#include "quantisation/noise.hpp"
#include "session_outputs.hpp"
#include "shipped_i8.hpp"

#include <tinyfiqa/quality/load_model.hpp>

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <map>
#include <string>
#include <vector>

using namespace tinyfiqa;

namespace {

/// With level factors.
Model mixed_model(const ModelSpec& spec) {
  QuantiseOptions options;
  options.finer_channels = true;
  const Model floats = formula_model(spec);
  auto whole = quantiser_of_noise(floats, 32, options).quantise();
  REQUIRE_MESSAGE(whole.ok(), whole.status().message());
  return std::move(*whole);
}

float largest_difference(const std::vector<float>& a, const std::vector<float>& b) {
  REQUIRE(a.size() == b.size());
  float most = 0.0f;
  for (std::size_t i = 0; i < a.size(); ++i) most = std::fmax(most, std::fabs(a[i] - b[i]));
  return most;
}

/// Compares all outputs of the exported network for n images with ours, relative to the largest number of each. Returns the values
/// of its nodes.
std::map<std::string, naive_onnx::Tensor> check_all_outputs(const Model& model, int n, int h, int w,
                                                            int outputs) {
  const auto graph = exported(model, {n, h, w}).graph();
  const naive_onnx::Tensor x = smooth_images(model, n, h, w);
  auto values = naive_onnx::run_all(graph, x);
  const auto ours = run_session(model, x);
  REQUIRE(graph.output_size() == outputs);
  REQUIRE(ours.size() == static_cast<std::size_t>(outputs));
  for (int i = 0; i < outputs; ++i) {
    INFO(graph.output(i).name());
    const std::vector<float>& y = values.at(graph.output(i).name()).v;
    float most = 1.0f;
    for (const float v : y) most = std::fmax(most, std::fabs(v));
    CHECK(std::any_of(y.begin(), y.end(), [](float v) { return v != 0.0f; }));
    CHECK(largest_difference(y, ours[static_cast<std::size_t>(i)]) <= 1e-5f * most);
  }
  return values;
}

}  // namespace

TEST_CASE("the shipped 8-bit networks give our scores") {
  for (const char* name : shipped_i8) {
    INFO(name);
    const auto model = load_model(TINYFIQA_SOURCE_DIR "/weights/i8/" + std::string(name) + ".safetensors");
    REQUIRE_MESSAGE(model.ok(), model.status().message());
    const int h = model->input().height, w = model->input().width;
    const naive_onnx::Tensor x = smooth_images(*model, 2, h, w);
    const auto proto = exported(*model, {0, h, w});
    CHECK(metadata(proto)["precision"] == "i8");
    CHECK(largest_difference(naive_onnx::run(proto.graph(), x).v, run_session(*model, x)[0]) <= 1e-5f);
  }
}

TEST_CASE("the shipped 8-bit detector gives our maps") {
  const auto model = load_model(TINYFIQA_SOURCE_DIR "/weights/i8/detector.safetensors");
  REQUIRE_MESSAGE(model.ok(), model.status().message());
  check_all_outputs(*model, 1, 96, 128, 12);
}

TEST_CASE("all operations of 8-bit maps, level factors and layers in floats are exported") {
  static const ModelSpec spec =
      ModelSpec::named("mixed", "").with_input(imagenet_input(32, 32)).defined_by<MixedNet>();
  const auto values = check_all_outputs(mixed_model(spec), 2, 32, 32, 3);
  const auto has = [&](const std::string& name) { return values.count(name) == 1; };
  CHECK(has("stem.0/finer"));         // level factors behind hswish
  CHECK(has("stem.0/weight_steps"));  // sums that no engine rounds
}

TEST_CASE("the 8-bit form has whole numbers where engines have 8-bit kernels") {
  const auto model = load_model(TINYFIQA_SOURCE_DIR "/weights/i8/tinyfqnet.safetensors");
  REQUIRE(model.ok());
  const auto graph = exported(*model, {1, 64, 64}).graph();
  std::map<std::string, const onnx::TensorProto*> tensors;
  for (const auto& t : graph.initializer()) CHECK(tensors.emplace(t.name(), &t).second);
  int layers = 0;
  for (const NamedParam& p : model->params()) {
    INFO(p.name);
    if (p.param.kind != ParamKind::conv_weight && p.param.kind != ParamKind::linear_weight) continue;
    ++layers;
    REQUIRE(tensors.count(p.name) == 1);
    CHECK(tensors[p.name]->data_type() == onnx::TensorProto::INT8);
    for (int i = 0; i < p.param.rank; ++i) CHECK(tensors[p.name]->dims(i) == p.param.extents[i]);
    const std::string layer = p.name.substr(0, p.name.rfind('.'));
    REQUIRE(tensors.count(layer + ".bias") == 1);
    CHECK(tensors[layer + ".bias"]->data_type() == onnx::TensorProto::INT32);
    CHECK(tensors.count(layer + ".weight_scale") == 1);
  }
  CHECK(layers == 24);
  auto count = kinds(graph);
  CHECK(count.at("Conv") == 23);
  CHECK(count.count("Cast") == 0);
}
