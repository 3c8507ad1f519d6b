// MobileNetV3-Small (Howard et al. 2019) with torchvision's parameter names.
#pragma once

#include <tinyfiqa/models/heads.hpp>
#include <tinyfiqa/models/inverted_residual.hpp>
#include <tinyfiqa/nn/layers.hpp>

TINYFIQA_BEGIN

/// The constants of batch norm in torchvision's MobileNetV3.
struct MobileNetV3Norm {
  static constexpr float eps = 1e-3f, momentum = 0.01f;
};

/// Rounds to the nearest multiple of 8, but never down by more than 10 % (torchvision's _make_divisible).
constexpr int make_divisible_by_8(int value) {
  const int rounded = value + 4 < 8 ? 8 : (value + 4) / 8 * 8;
  return rounded * 10 < value * 9 ? rounded + 8 : rounded;
}

/// The activations of squeeze-excite and the constants of batch norm.
struct MobileNetV3Style : MobileNetV3Norm {
  static constexpr Act squeeze_act = Act::relu, gate_act = Act::hsigmoid;
};

/// A block of MobileNetV3. If SE, it has squeeze-excite with a quarter of the hidden channels.
template <int Cin, int Hidden, int Cout, int K, int Stride, Act A, bool SE>
using MobileNetV3Block = InvertedResidual<Cin, Hidden, Cout, K, Stride, A,
                                          SE ? make_divisible_by_8(Hidden / 4) : 0, MobileNetV3Style>;

/// The trunk (`features` in torchvision): [N, H, W, 3] -> [N, ceil(H / 32), ceil(W / 32), 576].
struct MobileNetV3SmallTrunk {
  ConvNorm<3, 16, 3, 2, 1, Act::hswish, MobileNetV3Norm> stem;
  MobileNetV3Block<16, 16, 16, 3, 2, Act::relu, true> block1;
  MobileNetV3Block<16, 72, 24, 3, 2, Act::relu, false> block2;
  MobileNetV3Block<24, 88, 24, 3, 1, Act::relu, false> block3;
  MobileNetV3Block<24, 96, 40, 5, 2, Act::hswish, true> block4;
  MobileNetV3Block<40, 240, 40, 5, 1, Act::hswish, true> block5;
  MobileNetV3Block<40, 240, 40, 5, 1, Act::hswish, true> block6;
  MobileNetV3Block<40, 120, 48, 5, 1, Act::hswish, true> block7;
  MobileNetV3Block<48, 144, 48, 5, 1, Act::hswish, true> block8;
  MobileNetV3Block<48, 288, 96, 5, 2, Act::hswish, true> block9;
  MobileNetV3Block<96, 576, 96, 5, 1, Act::hswish, true> block10;
  MobileNetV3Block<96, 576, 96, 5, 1, Act::hswish, true> block11;
  ConvNorm<96, 576, 1, 1, 1, Act::hswish, MobileNetV3Norm> last;

  constexpr Map<576> operator()(Graph& g, Map<3> image) const {
    const auto early = block4(g, block3(g, block2(g, block1(g, stem(g, image)))));
    const auto middle = block8(g, block7(g, block6(g, block5(g, early))));
    return last(g, block11(g, block10(g, block9(g, middle))));
  }
  template <class Walk>
  constexpr void visit(Walk& walk) {
    visit_in(walk, 0, stem, 0, 1);
    visit_in(walk, 1, block1);
    visit_in(walk, 2, block2);
    visit_in(walk, 3, block3);
    visit_in(walk, 4, block4);
    visit_in(walk, 5, block5);
    visit_in(walk, 6, block6);
    visit_in(walk, 7, block7);
    visit_in(walk, 8, block8);
    visit_in(walk, 9, block9);
    visit_in(walk, 10, block10);
    visit_in(walk, 11, block11);
    visit_in(walk, 12, last, 0, 1);
  }
};

/// Trunk, global average pool and head: image [N, H, W, 3] -> output of the head. The head is
/// QualityHead2<576, 288> (Hamidi et al. 2025, equation 2) or torchvision's classifier.
template <class Head>
struct MobileNetV3Small {
  static constexpr int in_channels = 3;
  static constexpr int feature_channels = 576;
  MobileNetV3SmallTrunk features;
  Head classifier;

  constexpr Outputs operator()(Graph& g) const {
    const auto pooled = g.mean_hw(features(g, g.input<3>()));
    const auto y = classifier(g, pooled);
    return Outputs().add(head_output_name(y), y).add_on_request("features", pooled);
  }
  template <class Walk>
  constexpr void visit(Walk& walk) {
    visit_in(walk, "features", features);
    visit_in(walk, "classifier", classifier);
  }
};

/// The quality network of Hamidi et al. 2025.
using MobileNetV3SmallQuality = MobileNetV3Small<QualityHead2<576, 288>>;
/// torchvision's network with its last layer replaced by Linear(1024, 1), as it is often fine-tuned.
using MobileNetV3SmallFineTuned = MobileNetV3Small<MobileNetV3Classifier<576, 1024, 1>>;
/// torchvision's ImageNet classifier.
using MobileNetV3SmallImageNet = MobileNetV3Small<MobileNetV3Classifier<576, 1024, 1000>>;

TINYFIQA_END
