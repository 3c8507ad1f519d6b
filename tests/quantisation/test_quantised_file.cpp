// Files of 8-bit networks: what is written is what is read, and files that can't be run are refused.
#include <tinyfiqa/quality/load_model.hpp>
#include <tinyfiqa/quality/session.hpp>

#include <doctest/doctest.h>

#include "noise.hpp"

#include <algorithm>
#include <cmath>
#include <cstring>
#include <filesystem>
#include <functional>
#include <string>
#include <vector>

#include <unistd.h>

using namespace tinyfiqa;
namespace fs = std::filesystem;

namespace {

Model quantised(const ModelSpec& spec, int side, const QuantiseOptions& options = {}) {
  const Model floats(spec, native_backend(), 3);
  auto whole = quantiser_of_noise(floats, side, options).quantise();
  REQUIRE_MESSAGE(whole.ok(), whole.status().message());
  return std::move(*whole);
}

using Change = std::function<void(std::vector<TensorBytes>&)>;

/// Writes the network with a change to its tensors, and reads it again.
Result<Model> read_again(
    const Model& whole, const Change& change = [](std::vector<TensorBytes>&) {}, Use use = Use::change) {
  const fs::path path = fs::temp_directory_path() / (std::to_string(::getpid()) + "_quantised.safetensors");
  const Span<float> block = const_cast<Model&>(whole).block();
  auto tensors = whole_tensors(whole.network(), whole.input().levels, {block.data, block.size});
  change(tensors);
  REQUIRE(
      write_safetensors(path.string(), tensors, {{"model", whole.spec().name}, {"precision", "i8"}}).ok());
  const auto bytes = read_file(path.string());
  fs::remove(path);
  REQUIRE(bytes.ok());
  return load_model(*bytes, "", native_backend(), use);
}

TensorBytes& tensor(std::vector<TensorBytes>& tensors, const std::string& name) {
  const auto found =
      std::find_if(tensors.begin(), tensors.end(), [&](const TensorBytes& t) { return t.name == name; });
  REQUIRE(found != tensors.end());
  return *found;
}

void check_refused(const Model& whole, const Change& change, const std::string& words) {
  const auto again = read_again(whole, change);
  REQUIRE_FALSE(again.ok());
  const std::string message = again.status().message();
  CHECK_MESSAGE(message.find(words) != std::string::npos, message);
}

}  // namespace

TEST_CASE("an 8-bit network is the same after it was written and read") {
  for (const char* name : {"tinyfqnet", "mobilenet_v3_small", "shufflenet_v2_x0_5", "yunet_s",
                           "retinaface_mobilenet025_leaky"}) {
    INFO(name);
    QuantiseOptions options;
    options.finer_channels = std::string(name) != "tinyfqnet";
    const Model whole = quantised(*find_model(name), 64, options);
    for (const Use use : {Use::change, Use::run}) {
      const auto again = read_again(
          whole, [](std::vector<TensorBytes>&) {}, use);
      REQUIRE_MESSAGE(again.ok(), again.status().message());
      CHECK(again->has_levels());
      REQUIRE(again->packed().size == whole.packed().size);
      CHECK(std::memcmp(again->packed().data, whole.packed().data, whole.packed().size) == 0);
    }
  }
}

TEST_CASE("heads that one convolution computes have their own tensors, as in a file of floats") {
  const Model whole = quantised(*find_model("yunet_s"), 64);
  const Span<float> block = const_cast<Model&>(whole).block();
  auto tensors = whole_tensors(whole.network(), whole.input().levels, {block.data, block.size});
  const TensorBytes& box = tensor(tensors, "bbox_head.multi_level_bbox.1.conv2.weight");
  CHECK(box.dtype == DType::i8);
  CHECK(box.shape == std::vector<std::int64_t>{4, 1, 3, 3});
  for (const char* end : {"weight_scale", "bias"})
    CHECK(tensor(tensors, std::string("bbox_head.multi_level_kps.2.conv1.") + end).shape ==
          std::vector<std::int64_t>{10});
  // All maps but the outputs are levels.
  const auto outputs = output_values(whole.network());
  for (const int output : *outputs) {
    const Op& slice = whole.network().ops[static_cast<std::size_t>(output)];
    CHECK(slice.dtype == DType::f32);
    const Op& head = whole.network().ops[static_cast<std::size_t>(slice.inputs[0])];
    CHECK(head.dtype == DType::f32);
    CHECK(whole.network().ops[static_cast<std::size_t>(head.inputs[0])].dtype == DType::u8);
  }
  check_refused(
      whole,
      [](std::vector<TensorBytes>& t) {
        tensor(t, "bbox_head.multi_level_kps.2.conv2.weight").bytes[5] = 64;
      },
      "'bbox_head.multi_level_kps.2.conv2.weight': has weights beyond -63..63");
}

TEST_CASE("a session of an 8-bit network rounds floats to levels") {
  const Model whole = quantised(*find_model("tinyfqnet"), 32);
  SessionOptions options;
  options.feed = Feed::levels;
  auto by_levels = Session::create(whole, 1, 32, 32, options), by_floats = Session::create(whole, 1, 32, 32);
  REQUIRE(by_levels.ok());
  REQUIRE(by_floats.ok());
  Rng rng(8);
  std::vector<unsigned char> levels(32 * 32 * 3);
  std::vector<float> floats;
  for (unsigned char& level : levels) {
    level = static_cast<unsigned char>(rng.below(256));
    floats.push_back((static_cast<float>(level) - 127.5f) / 128.0f + rng.uniform(-0.003f, 0.003f));
  }
  float a = 0, b = 1;
  by_levels->run(levels.data(), &a);
  by_floats->run(floats.data(), &b);
  CHECK(std::memcmp(&a, &b, sizeof a) == 0);
  floats[7] = std::nanf("");
  by_floats->run(floats.data(), &b);
  CHECK(std::isnan(b));
}

TEST_CASE("a layer that is kept in floats ends the levels") {
  QuantiseOptions options;
  options.float_layers = {"blocks.6.conv.0"};
  const Model whole = quantised(*find_model("tinyfqnet"), 32, options);
  const auto ops = whole.network().operations();
  int levels = 0;
  for (const Op& op : ops) levels += op.dtype == DType::u8 ? 1 : 0;
  CHECK(levels > 15);
  CHECK(ops[ops.size - 2].dtype == DType::f32);
  const auto again = read_again(whole);
  REQUIRE_MESSAGE(again.ok(), again.status().message());
  CHECK(std::memcmp(again->packed().data, whole.packed().data, whole.packed().size) == 0);
}

TEST_CASE("files of 8 bits that are damaged, or can't be run, are refused by name") {
  const Model whole = quantised(*find_model("tinyfqnet"), 32);
  check_refused(
      whole, [](auto& t) { tensor(t, "stem.0.weight").bytes[5] = 64; },
      "'stem.0.weight': has weights beyond -63..63");
  check_refused(
      whole, [](auto& t) { tensor(t, "blocks.0.conv.3.bias").name = "bias"; },
      "missing 'blocks.0.conv.3.bias'");
  check_refused(
      whole,
      [](auto& t) {
        TensorBytes& zero = tensor(t, "levels.zero");
        zero.bytes.pop_back();
        --zero.shape[0];
      },
      "found 'levels.zero' with shape");
  QuantiseOptions options;
  options.finer_channels = true;
  check_refused(
      quantised(*find_model("tinyfqnet"), 32, options),
      [](auto& t) { tensor(t, "levels.exponent").bytes[20] = 31; },
      "'levels.exponent': has exponents beyond -30..30");
  check_refused(
      quantised(*find_model("tinyfqnet"), 32, options),
      [](auto& t) { tensor(t, "levels.exponent").bytes.back() = 1; },
      "'levels.exponent': is not 0 for an output");
  check_refused(
      whole,
      [](auto& t) {
        TensorBytes& scale = tensor(t, "stem.0.weight_scale");
        detail::store_le(scale.bytes.data(), 0x7f800000u, 4);
      },
      "contains NaN or infinity");
  // The score itself as levels: a sigmoid has no kernel for that.
  check_refused(
      whole,
      [](auto& t) {
        TensorBytes& scale = tensor(t, "levels.scale");
        detail::store_le(scale.bytes.data() + scale.bytes.size() - 4, 0x3f800000u, 4);
      },
      "levels of its values that can't be run: no kernel covers");
  check_refused(
      whole, [](auto& t) { detail::store_le(tensor(t, "levels.scale").bytes.data() + 8, 0x7149f2cau, 4); },
      "'levels.scale': is no scale between");
}

TEST_CASE("a quantiser refuses models without parameters, no images, and images of another size") {
  const Model floats(*find_model("tinyfqnet"), native_backend(), 3);
  const Model empty(*find_model("tinyfqnet"), native_backend(), Model::Unfilled{}, Use::run);
  CHECK_FALSE(Quantiser::create(empty, 32, 32).ok());
  auto quantiser = Quantiser::create(floats, 32, 32);
  REQUIRE(quantiser.ok());
  CHECK(std::string(quantiser->quantise().status().message()) ==
        "tinyfqnet: no images to measure ranges with");
  quantiser->add(std::vector<unsigned char>(32 * 32 * 3));
  quantiser->add(std::vector<unsigned char>(16 * 16 * 3));
  CHECK(quantiser->images() == 1);
  CHECK(std::string(quantiser->quantise().status().message()) ==
        "tinyfqnet: an image does not have 32x32 pixels of three levels");
}
