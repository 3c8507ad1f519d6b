#include "io_support.hpp"

#include <tinyfiqa/formats/init_params.hpp>
#include <tinyfiqa/formats/weights.hpp>
#include <tinyfiqa/models/mobilenet_v3_small.hpp>
#include <tinyfiqa/models/shufflenet_v2.hpp>
#include <tinyfiqa/models/tinyfqnet.hpp>

#include <cmath>
#include <limits>

using namespace tinyfiqa;

/// The parameters of a network and an initialised block.
struct Fixture {
  std::vector<NamedParam> params;
  std::vector<float> block;

  template <class Net>
  static Fixture of(Net net, std::uint64_t seed) {
    Fixture f{list_params(net), {}};
    f.block.resize(block_size(f.params));
    init_params(f.params, Span<float>(f.block), seed);
    return f;
  }
  std::vector<float> values(const NamedParam& p) const {
    const auto part = param_values(Span<const float>(block), p.param);
    return std::vector<float>(part.begin(), part.end());
  }
  /// The block as a weight file. `edit(name, shape, values)` may change a tensor; false leaves it out.
  template <class Edit>
  TensorFile file(Edit edit) const {
    TensorFile out;
    out.path = "edited.pth";
    for (const auto& p : params) {
      auto shape = detail::param_shape(p.param);
      auto numbers = values(p);
      if (edit(p.name, shape, numbers)) REQUIRE(out.add(p.name, shape, numbers).ok());
    }
    return out;
  }
};

TEST_CASE("initialisation has PyTorch's bounds and moments, and depends on the seed alone") {
  const Fixture a = Fixture::of(MobileNetV3SmallQuality(), 1),
                again = Fixture::of(MobileNetV3SmallQuality(), 1);
  const Fixture other = Fixture::of(MobileNetV3SmallQuality(), 2);
  CHECK(a.block == again.block);
  CHECK(a.block != other.block);
  for (const auto& p : a.params) {
    const auto values = a.values(p);
    INFO(p.name);
    if (p.name == "classifier.0.weight" || p.name == "classifier.0.bias") {
      const float bound = 1.0f / std::sqrt(576.0f);
      double squares = 0;
      for (const float v : values) {
        CHECK(std::abs(v) <= bound);
        squares += static_cast<double>(v) * static_cast<double>(v);
      }
      const double variance = squares / static_cast<double>(values.size()), expected = 1.0 / 576 / 3;
      if (values.size() > 1000) CHECK(variance == doctest::Approx(expected).epsilon(0.02));
    }
    const float constant =
        p.param.kind == ParamKind::norm_weight || p.param.kind == ParamKind::running_var ? 1.0f : 0.0f;
    const bool is_norm = p.param.kind >= ParamKind::norm_weight && p.param.kind != ParamKind::slope;
    if (is_norm) CHECK(values == std::vector<float>(values.size(), constant));
  }
}

TEST_CASE("exported weights load back bit by bit under PyTorch's names") {
  const Fixture a = Fixture::of(TinyFQnet(), 3);
  const TemporaryFile out("net.safetensors");
  REQUIRE(save_params(out.path, a.params, Span<const float>(a.block), {{"network", "tinyfqnet"}}).ok());
  std::vector<float> block(a.block.size(), std::numeric_limits<float>::quiet_NaN());
  const auto report = load_weights(out.path, a.params, Span<float>(block));
  REQUIRE_MESSAGE(report.ok(), report.status().message());
  CHECK(block == a.block);
  CHECK(report->loaded == a.params.size());
  CHECK((report->head_loaded && report->kept.empty() && report->notes.empty()));
  const auto file = read_tensors(out.path);
  CHECK(file->find("blocks.2.conv.4.running_var") != nullptr);
  CHECK(file->metadata.size() == 3);  // network, format and hash
}

TEST_CASE("missing, unexpected and misshapen tensors are listed in one message that names the file") {
  const Fixture a = Fixture::of(TinyFQnet(), 3);
  TensorFile file =
      a.file([](const std::string& name, std::vector<std::int64_t>& shape, std::vector<float>& values) {
        if (name == "last.0.weight") {
          shape = {22, 256};
        } else if (name == "fc.bias") {
          shape = {2};
          values.resize(2);
        }
        return name != "stem.0.weight" && name != "stem.1.weight";
      });
  REQUIRE(file.add("extra.weight", {1}, {0.0f}).ok());
  REQUIRE(file.add("stem.1.num_batches_tracked", {}, {5.0f}).ok());
  std::vector<float> block = a.block;
  const auto report = load_params(file, a.params, Span<float>(block));
  REQUIRE_FALSE(report.ok());
  CHECK(report.status().code() == Errc::mismatch);
  const std::string message = report.status().message();
  INFO(message);
  CHECK(contains(message, "edited.pth"));
  CHECK(contains(message, "missing 'stem.0.weight' and 1 more"));
  CHECK(contains(message, "unexpected 'extra.weight';"));
  CHECK(contains(message, "'last.0.weight' with shape [22, 256] instead of [256, 22, 1, 1] and 1 more"));
}

TEST_CASE(
    "NaN, infinity and negative variances are refused by the tensor's name and the block stays as it was") {
  const Fixture a = Fixture::of(TinyFQnet(), 3), b = Fixture::of(TinyFQnet(), 4);
  const auto broken = [&](const char* victim, float value) {
    return a.file([&](const std::string& name, std::vector<std::int64_t>&, std::vector<float>& values) {
      if (name == victim) values.back() = value;
      return true;
    });
  };
  const float inf = std::numeric_limits<float>::infinity(), nan = std::numeric_limits<float>::quiet_NaN();
  const std::vector<std::pair<const char*, float>> cases = {
      {"fc.weight", nan}, {"stem.1.bias", -inf}, {"last.1.running_var", -1e-20f}};
  for (const auto& [name, value] : cases) {
    std::vector<float> block = b.block;
    const auto report = load_params(broken(name, value), a.params, Span<float>(block));
    REQUIRE_FALSE(report.ok());
    CHECK(report.status().code() == (std::isfinite(value) ? Errc::bad_format : Errc::not_finite));
    CHECK(contains(report.status().message(), name));
    CHECK(block == b.block);
  }
  std::vector<float> block = b.block;
  CHECK(load_params(broken("fc.weight", 0.25f), a.params, Span<float>(block.data(), 10)).status().code() ==
        Errc::bad_argument);
}

TEST_CASE("an ImageNet classifier is dropped with a note, and the quality head stays initialised") {
  const Fixture source = Fixture::of(MobileNetV3SmallImageNet(), 5),
                net = Fixture::of(MobileNetV3SmallQuality(), 6);
  const TensorFile file = source.file([](auto&&...) { return true; });
  std::vector<float> block = net.block;
  const auto report = load_params(file, net.params, Span<float>(block), {"classifier.", {}});
  REQUIRE_MESSAGE(report.ok(), report.status().message());
  CHECK_FALSE(report->head_loaded);
  CHECK(report->kept == std::vector<std::string>{"classifier.0.weight", "classifier.0.bias",
                                                 "classifier.3.weight", "classifier.3.bias"});
  CHECK(contains(report->notes.at(0), "ImageNet classifier"));
  for (const auto& p : net.params) {
    const auto part = param_values(Span<const float>(block), p.param);
    const bool kept = std::equal(part.begin(), part.end(), net.values(p).begin());
    if (p.name.substr(0, 10) == "classifier") CHECK(kept);
    if (p.name == "features.0.0.weight") CHECK_FALSE(kept);
  }
  CHECK_FALSE(load_params(file, net.params, Span<float>(block)).ok());  // without a head's name, all must fit
}

TEST_CASE("a head that is absent altogether is no error, half a head or another one is") {
  const Fixture net = Fixture::of(ShuffleNetV2Quality<ShuffleNetX0_5>(), 7);
  const auto load = [&](const TensorFile& file) {
    std::vector<float> block = net.block;
    return load_params(file, net.params, Span<float>(block), {"fc.", {"conv5."}});
  };
  using Shape = std::vector<std::int64_t>;
  const auto all = load(net.file([](auto&&...) { return true; }));
  REQUIRE(all.ok());
  CHECK(all->head_loaded);
  const auto bare = load(net.file([](const std::string& name, Shape&, std::vector<float>&) {
    return name.substr(0, 3) != "fc." && name.substr(0, 6) != "conv5.";
  }));
  REQUIRE_MESSAGE(bare.ok(), bare.status().message());
  CHECK((!bare->head_loaded && bare->kept.size() == 11 && bare->notes.size() == 2));
  const auto half = load(
      net.file([](const std::string& name, Shape&, std::vector<float>&) { return name != "fc.3.bias"; }));
  CHECK(contains(half.status().message(), "missing 'fc.3.bias'"));
  const auto part = load(
      net.file([](const std::string& name, Shape&, std::vector<float>&) { return name != "conv5.1.bias"; }));
  CHECK(contains(part.status().message(), "missing 'conv5.1.bias'"));
}

TEST_CASE("the reference networks load strictly, the ImageNet ones without their classifier") {
  if (reference_dir().empty()) return;
  const auto load = [](const char* name, auto net, const char* head) {
    const auto params = list_params(net);
    std::vector<float> block(block_size(params));
    init_params(params, Span<float>(block), 1);
    const auto report =
        load_weights(reference_dir() + "/golden/" + name, params, Span<float>(block), {head, {}});
    REQUIRE_MESSAGE(report.ok(), report.status().message());
    return report->head_loaded;
  };
  using Shuffle05 = ShuffleNetV2Quality<ShuffleNetX0_5>;
  CHECK(load("mobilenet_v3_small.pth", MobileNetV3SmallQuality(), "classifier."));
  CHECK(load("mobilenet_v3_small.pth", MobileNetV3SmallQuality(), ""));
  CHECK(load("mobilenet_v3_small_imagenet.pth", MobileNetV3SmallImageNet(), "classifier."));
  CHECK_FALSE(load("mobilenet_v3_small_imagenet.pth", MobileNetV3SmallQuality(), "classifier."));
  CHECK(load("shufflenet_v2_x0_5.pth", Shuffle05(), "fc."));
  CHECK(load("shufflenet_v2_x0_5_imagenet.pth", ShuffleNetV2ImageNet<ShuffleNetX0_5>(), "fc."));
  CHECK_FALSE(load("shufflenet_v2_x0_5_imagenet.pth", Shuffle05(), "fc."));
  CHECK(load("shufflenet_v2_x1_0.pth", ShuffleNetV2Quality<ShuffleNetX1_0>(), "fc."));
  CHECK(load("tinyfqnet.pth", TinyFQnet(), "fc."));
}
