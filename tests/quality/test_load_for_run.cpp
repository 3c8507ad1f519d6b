// Loading with Use::run: weights go from the file straight into the layout of the kernels.
#include <tinyfiqa/quality/colour_blind.hpp>
#include <tinyfiqa/quality/load_model.hpp>
#include <tinyfiqa/quality/model.hpp>
#include <tinyfiqa/quality/scorer.hpp>

#include <doctest/doctest.h>

#include "each_backend.hpp"
#include "support.hpp"

#include <algorithm>
#include <cmath>
#include <cstdio>
#include <limits>
#include <string>
#include <vector>

using namespace tinyfiqa;

namespace {

const std::string folder = TINYFIQA_SOURCE_DIR "/weights/";

/// The same network as a file with one number changed.
std::string file_with(const std::string& name, const std::string& tensor, float value) {
  auto model = load_model(folder + "tinyfqnet.safetensors");
  REQUIRE(model.ok());
  for (const NamedParam& p : model->params())
    if (p.name == tensor) param_values(model->block(), p.param)[0] = value;
  const std::string path = name + ".safetensors";
  REQUIRE(save_params(path, model->params(), model->block()).ok());
  return path;
}

}  // namespace

TEST_CASE("a session takes levels or floats, whichever it was created for") {
  const auto model = load_model(folder + "tinyfqnet.safetensors", "", native_backend(), Use::run);
  REQUIRE(model.ok());
  const InputSpec& input = model->input();
  auto by_floats = Session::create(*model, 1, input.height, input.width);
  auto by_levels = Session::create(*model, 1, input.height, input.width, SessionOptions{1, Feed::levels, {}});
  REQUIRE(by_floats.ok());
  REQUIRE(by_levels.ok());
  Image image(input.width, input.height);
  for (std::size_t i = 0; i < image.rgb.size(); ++i) image.rgb[i] = static_cast<unsigned char>(i * 7 % 251);
  std::vector<float> floats(input.size());
  REQUIRE(to_input(image, input, {floats.data(), floats.size()}).ok());
  float want = 0, got = 1;
  by_floats->run(floats.data(), &want);
  by_levels->run(image.rgb.data(), &got);
  CHECK(got == want);
  by_floats->run(image.rgb.data(), &got);
  CHECK(std::isnan(got));
  got = 0;
  by_levels->run(floats.data(), &got);
  CHECK(std::isnan(got));
}

TEST_CASE("a network loaded with Use::run has the weights of one loaded with Use::change") {
  for (const char* name : {"tinyfqnet", "ensemble/mobilenet_v3_small", "ensemble/shufflenet_v2_x0_5"})
    for_each_backend([&](const Backend& backend) {
      INFO(name);
      const std::string path = folder + name + ".safetensors";
      const auto whole = load_model(path, "", backend), packed = load_model(path, "", backend, Use::run);
      REQUIRE_MESSAGE(packed.ok(), packed.status().message());
      REQUIRE(whole.ok());
      CHECK(packed->block().empty());
      const auto a = packed->packed(), b = whole->packed();
      CHECK(std::equal(a.begin(), a.end(), b.begin(), b.end()));
      CHECK(packed->input().height == whole->input().height);
      CHECK(packed->calibration().has_value());
    });
}

TEST_CASE("a network loaded with Use::run is not changed by functions that change weights") {
  auto model = load_model(folder + "tinyfqnet.safetensors", "", native_backend(), Use::run);
  REQUIRE(model.ok());
  const std::vector<float> before(model->packed().begin(), model->packed().end());
  const Status status = ignore_colour(*model);
  CHECK(status.code() == Errc::bad_argument);
  CHECK(std::string(status.message()).find("Use::change") != std::string::npos);
  model->pack();
  CHECK(std::equal(before.begin(), before.end(), model->packed().begin(), model->packed().end()));
  CHECK(save_params("never.safetensors", model->params(), model->block()).code() == Errc::bad_argument);
}

TEST_CASE("errors of a file are the same for Use::run and Use::change") {
  for (const auto& path :
       {file_with("not_a_number", "blocks.1.conv.0.weight", std::numeric_limits<float>::quiet_NaN()),
        file_with("negative", "stem.1.running_var", -1.0f),
        std::string(TINYFIQA_SOURCE_DIR "/weights/ensemble/mobilenet_v3_small.safetensors")}) {
    const auto whole = load_model(path, "tinyfqnet"),
               packed = load_model(path, "tinyfqnet", native_backend(), Use::run);
    REQUIRE_FALSE(whole.ok());
    REQUIRE_FALSE(packed.ok());
    CHECK(std::string(whole.status().message()) == packed.status().message());
    CHECK(whole.status().code() == packed.status().code());
  }
  std::remove("not_a_number.safetensors");
  std::remove("negative.safetensors");
}
