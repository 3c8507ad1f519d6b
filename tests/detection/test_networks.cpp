// The detectors against PyTorch: raw outputs on every backend, decoded faces, and an authors' checkpoint.
#include <tinyfiqa/detection/decode.hpp>
#include <tinyfiqa/formats/weights.hpp>
#include <tinyfiqa/nn/definition.hpp>
#include <tinyfiqa/quality/load_model.hpp>
#include <tinyfiqa/quality/model_registry.hpp>

#include <doctest/doctest.h>

#include "detection/detector_fixtures.hpp"
#include "each_backend.hpp"
#include "expected_npy.hpp"
#include "support.hpp"

#include <tuple>

using namespace tinyfiqa;

namespace {

struct DetectorCase {
  const char* name;
  int n, h, w;
  std::string file(const std::string& what) const {
    return fixture("detection/" + std::string(name) + "." + what);
  }
  std::string size() const {
    return std::to_string(n) + "x" + std::to_string(h) + "x" + std::to_string(w) + ".npy";
  }
};
constexpr DetectorCase detector_cases[] = {{"yunet_n", 2, 64, 96},
                                           {"yunet_s", 1, 96, 64},
                                           {"retinaface_mobilenet025", 1, 71, 101},
                                           {"retinaface_mobilenet025_leaky", 1, 39, 53}};

std::vector<float> outputs_of(const Model& model, const DetectorCase& c, int threads) {
  auto session = Session::create(model, c.n, c.h, c.w, SessionOptions{threads, Feed::floats, {}});
  REQUIRE_MESSAGE(session.ok(), session.status().message());
  const OutputArrays y(*session);
  session->run(detector_input(c.n, c.h, c.w).data(), y.pointers());
  return y.values();
}

/// The faces of the first image with a confidence of at least `threshold`, unsuppressed.
FaceList faces_of(const Model& model, const DetectorCase& c, float threshold) {
  const bool yunet = model.spec().detector == DetectorFamily::yunet;
  const std::vector<std::string> names =
      yunet ? std::vector<std::string>{"head_8", "head_16", "head_32"} : std::vector<std::string>();
  auto session = Session::create(model, c.n, c.h, c.w, SessionOptions{1, Feed::floats, names});
  REQUIRE(session.ok());
  const OutputArrays y(*session);
  session->run(detector_input(c.n, c.h, c.w).data(), y.pointers());
  FaceList faces(100000);
  for (int level = 0; level < 3; ++level) {
    const int at = yunet ? level : 3 * level;
    const Extents& e = session->output_extents(at);
    if (yunet)
      decode_yunet(y[at], e.h, e.w, detector_strides[level], threshold, faces);
    else
      decode_retinaface(y[at], y[at + 1], y[at + 2], e.h, e.w, level, model.spec().anchors, threshold, faces);
  }
  return faces;
}

/// Confidence, box and points, as the fixtures have them.
std::vector<float> row_of(const Face& f) {
  std::vector<float> row{f.confidence, f.box.x, f.box.y, f.box.width, f.box.height};
  for (int i = 0; i < 5; ++i) {
    row.push_back(f.landmarks.x[i]);
    row.push_back(f.landmarks.y[i]);
  }
  return row;
}

}  // namespace

TEST_CASE("raw outputs of the detectors are PyTorch's on every backend, with one thread and two") {
  for_each_backend([](const Backend& backend) {
    for (const DetectorCase& c : detector_cases) {
      INFO(std::string(c.name));
      Model model(*find_model(c.name), backend);
      fill_detector(model);
      for (const int threads : {1, 2}) check_against_npy(c.file(c.size()), outputs_of(model, c, threads));
    }
  });
}

TEST_CASE("the detector is planned and run in arrays of fixed size, without a heap") {
  static constexpr auto network = define_fixed<YuNetN>();
  static FixedPlanStorage<plan_capacity(network.operations(), 3)> storage;
  Model model(*find_model("yunet_n"));
  fill_detector(model);
  const int heads[] = {network.outputs.value("head_8"), network.outputs.value("head_16"),
                       network.outputs.value("head_32")};
  PlanRequest request;
  request.ops = network.operations();
  request.outputs = {heads, 3};
  request.input = {1, 64, 96, 0};
  const Plan plan = make_plan(request, native_backend(), storage.storage());
  REQUIRE(plan.ok());
  CHECK(plan.packed_bytes == model.packed().size);
  alignas(64) static unsigned char arena[1 << 20];
  REQUIRE(plan.arena_bytes <= sizeof arena);
  const std::vector<float> image = detector_input(1, 64, 96);
  std::vector<float> maps[3];
  void* pointers[3];
  for (int i = 0; i < 3; ++i) {
    maps[i].resize(static_cast<std::size_t>(plan.outputs[i].floats()));
    pointers[i] = maps[i].data();
  }
  Frame frame;
  frame.arena = arena;
  frame.packed = model.packed().data;
  frame.input = image.data();
  frame.outputs = pointers;
  run(plan, frame);
  auto session =
      Session::create(model, 1, 64, 96, SessionOptions{1, Feed::floats, {"head_8", "head_16", "head_32"}});
  REQUIRE(session.ok());
  const OutputArrays expected(*session);
  session->run(image.data(), expected.pointers());
  for (int i = 0; i < 3; ++i) CHECK(std::equal(maps[i].begin(), maps[i].end(), expected[i]));
}

TEST_CASE("decoded faces are those of the formulas in double, to a hundredth of a pixel") {
  for (const DetectorCase& c : detector_cases) {
    INFO(std::string(c.name));
    Model model(*find_model(c.name));
    fill_detector(model);
    const auto expected = read_npy(c.file("faces.npy"));
    REQUIRE(expected.ok());
    const FaceList faces = faces_of(model, c, 0.001f);
    REQUIRE(faces.size() * 15 == expected->values.size());
    std::vector<std::vector<float>> rows, wanted;
    for (const Face& f : faces.faces()) rows.push_back(row_of(f));
    for (std::size_t i = 0; i < faces.size(); ++i)
      wanted.emplace_back(expected->values.begin() + static_cast<std::ptrdiff_t>(15 * i),
                          expected->values.begin() + static_cast<std::ptrdiff_t>(15 * i + 15));
    // By the box's centre, which no two cells share.
    const auto by_place = [](const std::vector<float>& a, const std::vector<float>& b) {
      return std::make_tuple(a[2] + a[4] / 2, a[1] + a[3] / 2) <
             std::make_tuple(b[2] + b[4] / 2, b[1] + b[3] / 2);
    };
    std::sort(rows.begin(), rows.end(), by_place);
    std::sort(wanted.begin(), wanted.end(), by_place);
    double worst = 0;
    for (std::size_t i = 0; i < rows.size(); ++i)
      for (std::size_t k = 0; k < 15; ++k)
        worst = std::fmax(worst, std::fabs(static_cast<double>(rows[i][k] - wanted[i][k])));
    CHECK(worst < 0.01);
  }
}

TEST_CASE("an authors' checkpoint of YuNet is read as it is, and its network is recognised") {
  const auto file = read_tensors(fixture("detection/yunet_s.pth"));
  REQUIRE_MESSAGE(file.ok(), file.status().message());
  REQUIRE(guess_model(*file) == find_model("yunet_s"));
  for (const Use use : {Use::change, Use::run}) {  // both ways to load join the heads' parameters
    const auto model = make_model(*file, "", native_backend(), use);
    REQUIRE_MESSAGE(model.ok(), model.status().message());
    const DetectorCase& c = detector_cases[1];
    const auto expected = read_npy(c.file(c.size()));
    const std::vector<float> y = outputs_of(*model, c, 1);
    REQUIRE(y.size() == expected->values.size());
    double worst = 0;
    for (std::size_t i = 0; i < y.size(); ++i)
      worst = std::fmax(worst, std::fabs(static_cast<double>(y[i] - expected->values[i])));
    CHECK(worst < 0.02);  // the checkpoint's weights are halves
    CHECK(worst > 0);
  }
}

TEST_CASE("published checkpoints agree with PyTorch within 1e-4" * doctest::skip(reference_dir().empty())) {
  const std::string folder = reference_dir() + "/data/checkpoints/";
  for (const char* name : {"yunet_n.pth", "mobilenet0.25_Final.legacy.pth"}) {
    const auto file = read_tensors(folder + name);
    if (!file) continue;  // the checkpoints are not part of every copy of the reference
    const auto model = make_model(*file, "");
    REQUIRE_MESSAGE(model.ok(), model.status().message());
    CHECK(model->spec().detector != DetectorFamily::none);
  }
}
