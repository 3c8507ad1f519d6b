#include <tinyfiqa/models/mobilefacenet.hpp>
#include <tinyfiqa/models/mobilenet_v3_small.hpp>
#include <tinyfiqa/models/shufflenet_v2.hpp>
#include <tinyfiqa/models/tinyfqnet.hpp>

#include <doctest/doctest.h>

using namespace tinyfiqa;

template <class Net>
static int trainable() {
  Net net;
  return number_params(net).trainable;
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
  CHECK(trainable<TinyFQnet>() == 13366);
  CHECK(trainable<MobileFaceNet>() == 1003264);
}
