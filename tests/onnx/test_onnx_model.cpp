// Exported files, read back with ONNX's own definition and run by the definitions of ONNX's operators.
#include <doctest/doctest.h>

#include "expected_npy.hpp"
#include "exported.hpp"
#include "fixture_models.hpp"
#include "formula_model.hpp"
#include "naive_onnx.hpp"
#include "onnx/onnx_model.hpp"
#include "runtime/pyramid.hpp"
#include "session_outputs.hpp"
#include "support.hpp"

#include <tinyfiqa/quality/load_model.hpp>

#include <cmath>
#include <cstring>
#include <map>
#include <set>
#include <string>

using namespace tinyfiqa;

namespace {

void check_against(const std::string& expected_npy, const onnx::GraphProto& graph, const FixtureSize& s) {
  naive_onnx::Tensor x{{s.n, 3, s.h, s.w},
                       formula_floats(1000, static_cast<std::size_t>(s.n * 3 * s.h * s.w))};
  for (float& v : x.v) v *= 2;
  const naive_onnx::Tensor y = naive_onnx::run(graph, x);
  CHECK(check_against_npy(expected_npy, y.v) == y.shape);
}

}  // namespace

TEST_CASE("an exported network gives PyTorch's outputs, for a fixed batch and for any") {
  int compared = 0;
  for (const ModelSpec* spec : fixture_models()) {
    const Model model = formula_model(*spec);
    for (const FixtureSize& s : fixture_sizes(*spec)) {
      const auto proto = exported(model, {s.n == 1 ? 1 : 0, s.h, s.w});
      check_against(fixture("models/") + spec->name + "." + s.text() + ".output.npy", proto.graph(), s);
      ++compared;
    }
  }
  CHECK(compared == 24);
}

TEST_CASE("initialisers have PyTorch's names and shapes and the bits of the weights") {
  for (const ModelSpec& spec : model_specs()) {
    const Model model = formula_model(spec);
    const auto proto = exported(model, {1, spec.input.height, spec.input.width});
    std::map<std::string, const onnx::TensorProto*> tensors;
    for (const auto& t : proto.graph().initializer()) CHECK(tensors.emplace(t.name(), &t).second);
    for (const NamedParam& p : model.params()) {
      INFO(spec.name << " " << p.name);
      REQUIRE(tensors.count(p.name) == 1);
      const onnx::TensorProto& t = *tensors[p.name];
      const auto values = param_values(model.block(), p.param);
      REQUIRE(t.raw_data().size() == values.size * sizeof(float));
      CHECK(std::memcmp(t.raw_data().data(), values.data, t.raw_data().size()) == 0);
      for (int i = 0; i < p.param.rank; ++i) CHECK(t.dims(i) == p.param.extents[i]);
    }
  }
}

TEST_CASE("every value of a graph is made once before it is used, under a node's name of its own") {
  for (const ModelSpec& spec : model_specs()) {
    INFO(spec.name);
    const auto proto = exported(formula_model(spec), {1, spec.input.height, spec.input.width});
    std::set<std::string> known{"image", ""}, names;  // "": an optional input that is left out
    for (const auto& t : proto.graph().initializer()) known.insert(t.name());
    for (const auto& node : proto.graph().node()) {
      for (const auto& input : node.input()) CHECK_MESSAGE(known.count(input) == 1, input);
      CHECK_MESSAGE(known.insert(node.output(0)).second, node.output(0));
      CHECK_MESSAGE(names.insert(node.name()).second, node.name());
    }
    CHECK(known.count(proto.graph().output(0).name()) == 1);
  }
}

TEST_CASE("a file tells versions, shapes, normalisation and what comes out") {
  const auto proto = exported(formula_model(*find_model("mobilenet_v3_small")), {0, 600, 416});
  CHECK(proto.ir_version() == 7);
  REQUIRE(proto.opset_import_size() == 1);
  CHECK(proto.opset_import(0).version() == 13);
  CHECK(proto.opset_import(0).domain().empty());
  CHECK(proto.producer_name() == "tinyfiqa");
  auto about = metadata(proto);
  CHECK(about["model"] == "mobilenet_v3_small");
  CHECK(about["input_size"] == "600x416");
  CHECK(about["input_mean"] == "123.675 116.28 103.53");
  CHECK(about["input_std"] == "58.395 57.12 57.375");
  CHECK(about["output"].find("score") == 0);
  const auto& image = proto.graph().input(0).type().tensor_type().shape();
  REQUIRE(image.dim_size() == 4);
  CHECK(image.dim(0).dim_param() == "batch");
  CHECK(image.dim(2).dim_value() == 600);
  CHECK(image.dim(3).dim_value() == 416);
  const auto& score = proto.graph().output(0).type().tensor_type().shape();
  REQUIRE(score.dim_size() == 2);
  CHECK(score.dim(0).dim_param() == "batch");
  CHECK(score.dim(1).dim_value() == 1);

  const auto fixed = exported(formula_model(*find_model("mobilefacenet")), {4, 112, 112});
  CHECK(fixed.graph().input(0).type().tensor_type().shape().dim(0).dim_value() == 4);
  CHECK(fixed.graph().output(0).name() == "embedding");
  CHECK(fixed.graph().output(0).type().tensor_type().shape().dim(1).dim_value() == 128);
  CHECK(metadata(fixed)["input_std"] == "127.9918 127.9918 127.9918");
}

TEST_CASE("what weights are worth goes along") {
  for (const char* name : {"tinyfqnet", "ensemble/mobilenet_v3_small"}) {
    const auto model = load_model(std::string(TINYFIQA_SOURCE_DIR "/weights/") + name + ".safetensors");
    REQUIRE(model.ok());
    auto about = metadata(exported(*model, {1, model->input().height, model->input().width}));
    CHECK(about.count("views") == (model->views().empty() ? 0 : 1));
    CHECK(about["bands"].find("reject 0-") == 0);
    const Metadata all(about.begin(), about.end());
    const auto calibration = calibration_from_metadata(all, name);
    REQUIRE(calibration.ok());
    REQUIRE(calibration->has_value());
    for (const float raw : {0.1f, 0.5f, 0.72f, 0.85f})
      CHECK((*calibration)->quality_number(raw) == model->calibration()->quality_number(raw));
  }
}

TEST_CASE("the nodes are those of the networks' layers") {
  const auto tiny = kinds(exported(formula_model(*find_model("tinyfqnet")), {1, 64, 64}).graph());
  CHECK(tiny == std::map<std::string, int>{{"Add", 3},
                                           {"BatchNormalization", 23},
                                           {"Conv", 23},
                                           {"Flatten", 1},
                                           {"Gemm", 1},
                                           {"GlobalAveragePool", 1},
                                           {"Relu", 23},
                                           {"Sigmoid", 1}});
  const auto shuffle =
      kinds(exported(formula_model(*find_model("shufflenet_v2_x0_5")), {1, 224, 224}).graph());
  CHECK(shuffle.at("Slice") == 26);
  CHECK(shuffle.at("Transpose") == 16);
  CHECK(shuffle.at("Reshape") == 32);
  CHECK(shuffle.at("Concat") == 16);
  CHECK(shuffle.at("MaxPool") == 1);
  CHECK(shuffle.at("Gemm") == 3);
  const auto mobile =
      kinds(exported(formula_model(*find_model("mobilenet_v3_small")), {1, 224, 224}).graph());
  CHECK(mobile.at("Conv") == 52);
  CHECK(mobile.at("HardSigmoid") == 27);
  CHECK(mobile.at("Mul") == 27);
  CHECK(mobile.at("Gemm") == 2);
}

TEST_CASE("sizes that a network can't take are refused with the size that it can") {
  const auto face = onnx_model(formula_model(*find_model("mobilefacenet")), {1, 224, 224});
  REQUIRE_FALSE(face.ok());
  CHECK(face.status().code() == Errc::bad_argument);
  CHECK(std::string(face.status().message()).find("112x112") != std::string::npos);
  CHECK_FALSE(onnx_model(formula_model(*find_model("mobilefacenet")), {1, 20, 20}).ok());
}

TEST_CASE("a network with several outputs, upsampling and a concatenation of three maps is exported whole") {
  static const ModelSpec spec =
      ModelSpec::named("pyramid", "").with_input(imagenet_input(32, 48)).defined_by<PyramidNet>();
  const Model model = formula_model(spec);
  Model packed = model;
  packed.pack();
  const auto proto = exported(model, {0, 32, 48});
  REQUIRE(proto.graph().output_size() == 3);
  CHECK(proto.graph().output(0).name() == "fine");
  CHECK(proto.graph().output(1).name() == "middle");
  const auto& shape = proto.graph().output(2).type().tensor_type().shape();
  REQUIRE(shape.dim_size() == 4);
  CHECK(shape.dim(0).dim_param() == "batch");
  CHECK(shape.dim(1).dim_value() == 3);
  CHECK(shape.dim(2).dim_value() == 4);
  CHECK(shape.dim(3).dim_value() == 6);

  naive_onnx::Tensor x{{2, 3, 32, 48}, formula_floats(1000, 2 * 3 * 32 * 48)};
  auto values = naive_onnx::run_all(proto.graph(), x);
  const auto results = run_session(packed, x);
  for (int k = 0; k < 3; ++k) {
    const naive_onnx::Tensor& want = values.at(proto.graph().output(k).name());
    const std::vector<float>& got = results[static_cast<std::size_t>(k)];
    REQUIRE(got.size() == want.v.size());
    for (std::size_t i = 0; i < got.size(); ++i) CHECK(std::fabs(got[i] - want.v[i]) <= 1e-4f);
  }
}
