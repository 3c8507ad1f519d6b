#include <tinyfiqa/quality/model.hpp>
#include <tinyfiqa/quality/model_registry.hpp>
#include <tinyfiqa/runtime/describe.hpp>

#include <doctest/doctest.h>

using namespace tinyfiqa;

template <class Net>
static int trainable() {
  Net net;
  return number_params(net).trainable;
}

/// The totals of the plan of a network for one image.
static StepInfo planned(const char* name) {
  const ModelSpec& spec = *find_model(name);
  const NetworkDefinition network = spec.define();
  const Extents image{1, spec.input.height, spec.input.width, 0};
  const OwnedPlan p = make_owned_plan(network, image, native_backend());
  REQUIRE(p.plan.problem.error == PlanError::none);
  return describe_plan(p.plan, {network.ops.data(), network.ops.size()});
}

TEST_CASE("parameter counts are those of torchvision and the papers") {
  CHECK(trainable<MobileNetV3SmallQuality>() == 1093473);
  CHECK(trainable<MobileNetV3SmallImageNet>() == 2542856);
  CHECK(trainable<ShuffleNetV2Quality<ShuffleNetX0_5>>() == 998177);
  CHECK(trainable<ShuffleNetV2Quality<ShuffleNetX1_0>>() == 1909989);
  CHECK(trainable<ShuffleNetV2ImageNet<ShuffleNetX0_5>>() == 1366792);
  CHECK(trainable<ShuffleNetV2ImageNet<ShuffleNetX1_0>>() == 2278604);
  CHECK(trainable<ShuffleNetV2ImageNet<ShuffleNetX1_5>>() == 3503624);
  CHECK(trainable<ShuffleNetV2ImageNet<ShuffleNetX2_0>>() == 7393996);
  CHECK(trainable<MobileNetV3SmallFineTuned>() == 2542856 - 999 * 1025);  // one class instead of 1000
  CHECK(trainable<ShuffleNetV2FineTuned<ShuffleNetX0_5>>() == 1366792 - 999 * 1025);
  CHECK(trainable<ShuffleNetV2FineTuned<ShuffleNetX1_0>>() == 2278604 - 999 * 1025);
  CHECK(trainable<TinyFQnet>() == 13366);
  CHECK(trainable<MobileFaceNet>() == 1003264);
  CHECK(trainable<FaceResNet50>() == 43590848);
  CHECK(trainable<MobileFaceNetScaled<50>>() == 288832);
  // torchvision's trunk has 4,007,548 parameters, the head 1280 * 512 + 3 * 512.
  CHECK(trainable<EfficientNetB0>() == 4664444);
}

TEST_CASE("recognisers have the multiply-adds that PyTorch's hooks count, and plans forget no parameter") {
  CHECK(planned("mobilefacenet").macs == 220965376);
  CHECK(planned("mobilefacenet_x0_5").macs == 59102464);
  CHECK(planned("face_resnet50").macs == 6309330944);
  CHECK(planned("efficientnet_b0").macs == 106893648);
  CHECK(planned("mobilefacenet").params == trainable<MobileFaceNet>());
  CHECK(planned("face_resnet50").params == trainable<FaceResNet50>());
  CHECK(planned("efficientnet_b0").params == trainable<EfficientNetB0>());
}

TEST_CASE("the tinyFQnet family has the sizes that its tables give by hand") {
  const auto check = [](const char* name, long long params, long long macs) {
    INFO(std::string(name));
    CHECK(planned(name).params == params);
    CHECK(planned(name).macs == macs);
  };
  check("tinyfqnet", 13366, 1331456);
  check("tinyfqnet_m", 68849, 4061952);
  check("tinyfqnet_l", 233409, 11384896);
  check("tinyfqnet_t6_w100", 83473, 9779456);
  check("tinyfqnet_t4_w35_112", 278913, 23445172);
  check("tinyfqnet_t6_w100_112", 2143553, 210134976);
}
