// Compares the outputs of the networks with PyTorch's: for the fixtures of this repository, and for the
// larger reference set if TINYFIQA_REFERENCE_DIR names it.
#include <tinyfiqa/formats/npy.hpp>
#include <tinyfiqa/formats/weights.hpp>
#include <tinyfiqa/quality/model_registry.hpp>
#include <tinyfiqa/quality/session.hpp>

#include "each_backend.hpp"
#include "expected_npy.hpp"
#include "fixture_models.hpp"
#include "formula.hpp"
#include "support.hpp"

#include <algorithm>
#include <cstdint>
#include <filesystem>

using namespace tinyfiqa;

namespace {

void fill_by_formula(Model& model) {
  const auto block = formula_params(model.params());
  std::copy(block.begin(), block.end(), model.block().begin());
  model.pack();
}

struct Tensor4 {
  int n, c, h, w;
  std::vector<float> nchw;
  std::vector<float> nhwc() const {
    std::vector<float> y(nchw.size());
    for (int i = 0; i < n; ++i)
      for (int k = 0; k < c; ++k)
        for (int p = 0; p < h * w; ++p)
          y[static_cast<std::size_t>((i * h * w + p) * c + k)] =
              nchw[static_cast<std::size_t>((i * c + k) * h * w + p)];
    return y;
  }
};

/// The features before the head, which a network computes on request.
SessionOptions features_alone() {
  SessionOptions options;
  options.outputs = {"features"};
  return options;
}

void check_against(const std::string& expected_npy, const Model& model, const Tensor4& x,
                   const SessionOptions& want) {
  INFO(expected_npy);
  auto session = Session::create(model, x.n, x.h, x.w, want);
  REQUIRE_MESSAGE(session.ok(), session.status().message());
  std::vector<float> y(session->output_floats());
  session->run(x.nhwc().data(), y.data());
  check_against_npy(expected_npy, y);
}

/// Compares outputs, and features if they differ from the outputs, at all sizes of the fixtures.
void check_by_formula(const ModelSpec& spec, const Backend& backend) {
  Model model(spec, backend);
  fill_by_formula(model);
  const bool features = model.network().outputs.find("features") != nullptr;
  for (const FixtureSize& s : fixture_sizes(spec)) {
    Tensor4 x{s.n, 3, s.h, s.w, formula_floats(1000, static_cast<std::size_t>(s.n * 3 * s.h * s.w))};
    for (float& v : x.nchw) v *= 2;
    const std::string base = fixture("models/") + spec.name + "." + s.text();
    check_against(base + ".output.npy", model, x, SessionOptions());
    if (features) check_against(base + ".features.npy", model, x, features_alone());
  }
}

Model load_any(const std::string& path, const std::string& name, const Backend& backend) {
  Model model(*find_model(name), backend);
  const auto report = load_weights(path, model.params(), model.block());
  REQUIRE_MESSAGE(report.ok(), report.status().message());
  model.pack();
  return model;
}

}  // namespace

TEST_CASE("networks with weights of a formula give PyTorch's outputs and features") {
  for (const ModelSpec* spec : fixture_models())
    for_each_backend([&](const Backend& backend) { check_by_formula(*spec, backend); });
}

TEST_CASE("the large recogniser gives PyTorch's outputs") {
  check_by_formula(*find_model("face_resnet50"), *choose_backend("auto"));
}

TEST_CASE("checkpoints in both of PyTorch's formats give PyTorch's outputs") {
  for (const char* format : {"zip", "legacy"}) {
    const Model model = load_any(fixture(std::string("models/tinyfqnet.") + format + ".pth"), "tinyfqnet",
                                 *choose_backend("auto"));
    Tensor4 x{1, 3, 64, 64, formula_floats(1000, 3 * 64 * 64)};
    for (float& v : x.nchw) v *= 2;
    check_against(fixture("models/tinyfqnet.1x64x64.output.npy"), model, x, SessionOptions());
  }
}

TEST_CASE("every checkpoint and input of the reference set gives PyTorch's outputs") {
  const std::string dir = reference_dir() + "/golden/";
  if (reference_dir().empty()) return;
  int compared = 0;
  for (const auto& file : std::filesystem::directory_iterator(dir)) {
    const std::string input = file.path().filename().string(), end = ".input.npy";
    if (input.size() < end.size() || input.substr(input.size() - end.size()) != end) continue;
    const std::string base = input.substr(0, input.size() - end.size()),
                      name = base.substr(0, base.find('.'));
    const auto array = read_npy(dir + input);
    REQUIRE(array.ok());
    const auto at = [&](std::size_t i) { return static_cast<int>(array->shape[i]); };
    const Tensor4 x{at(0), at(1), at(2), at(3), array->values};
    for_each_backend([&](const Backend& backend) {
      const Model model = load_any(dir + name + ".pth", name, backend);
      check_against(dir + base + ".output.npy", model, x, SessionOptions());
      const bool first = base == name + (name == "tinyfqnet" ? ".1x64x64" : ".1x224x224");
      if (first) check_against(dir + name + ".features.npy", model, x, features_alone());
      ++compared;
    });
  }
  CHECK(compared >= 13);
}
