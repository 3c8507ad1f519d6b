#include "onnx/onnx_model.hpp"

#include "onnx/onnx_graph.hpp"

#include <cstdio>

using namespace tinyfiqa;

namespace {

constexpr int opset = 13, ir_version = 7;  // of ONNX 1.8: old enough for every engine that is still in use

/// "123.675 116.28 103.53"
std::string three_numbers(double a, double b, double c) {
  char text[96];
  std::snprintf(text, sizeof text, "%.7g %.7g %.7g", a, b, c);
  return text;
}

const char* output_text(const ModelSpec& spec) {
  if (spec.scores) return "score [batch, 1]: quality, higher is better";
  return spec.embeds ? "embedding [batch, C], not normalised" : "logits [batch, classes]";
}

void add_metadata(onnx::ModelProto& proto, const Model& model, const OnnxInput& input) {
  const ModelSpec& spec = model.spec();
  const auto add = [&](const char* key, const std::string& value) {
    onnx::StringStringEntryProto& entry = *proto.add_metadata_props();
    entry.set_key(key);
    entry.set_value(value);
  };
  const auto number = [](float x) { return static_cast<double>(x); };
  const float *mean = spec.input.levels.mean, *scale = spec.input.levels.scale;
  add("model", spec.name);
  add("input_size", std::to_string(input.height) + "x" + std::to_string(input.width));
  add("input_colour", "RGB");
  add("input_mean", three_numbers(number(mean[0]), number(mean[1]), number(mean[2])));
  add("input_std", three_numbers(1 / number(scale[0]), 1 / number(scale[1]), 1 / number(scale[2])));
  add("output", output_text(spec));
  if (model.has_levels()) add("precision", "i8");
  if (!model.views().empty()) add("views", views_text(model.views()));
  if (model.calibration())
    for (const auto& [key, value] : calibration_metadata(*model.calibration())) add(key.c_str(), value);
}

}  // namespace

Result<std::string> onnx_model(const Model& model, const OnnxInput& input) {
  const ModelSpec& spec = model.spec();
  onnx::ModelProto proto;
  proto.set_ir_version(ir_version);
  proto.add_opset_import()->set_version(opset);
  proto.set_producer_name("tinyfiqa");
  proto.set_producer_version(TINYFIQA_VERSION);
  proto.set_doc_string(std::string(spec.summary) +
                       ". Input: RGB levels 0..255 as (level - input_mean) / input_std, float [N, 3, H, W].");
  add_metadata(proto, model, input);
  const Status status = OnnxGraph(model, input, *proto.mutable_graph()).write();
  if (!status.ok()) return status;
  return proto.SerializeAsString();
}
