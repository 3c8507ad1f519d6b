// ShuffleNetV2 (Ma et al. 2018) with torchvision's parameter names and channel order.
#pragma once

#include <tinyfiqa/models/heads.hpp>
#include <tinyfiqa/nn/layers.hpp>

TINYFIQA_BEGIN

/// The down-sampling unit, with stride 2. Both branches get the whole input.
///   x [N, H, W, Cin] -> y [N, ceil(H / 2), ceil(W / 2), Cout]
///   y = shuffle(concat(branch1(x), branch2(x)))
template <int Cin, int Cout>
struct ShuffleDownUnit {
  static constexpr int half = Cout / 2;
  ConvNorm<Cin, Cin, 3, 2, Cin> depthwise1;
  ConvNorm<Cin, half, 1, 1, 1, Act::relu> project1;
  ConvNorm<Cin, half, 1, 1, 1, Act::relu> expand2;
  ConvNorm<half, half, 3, 2, half> depthwise2;
  ConvNorm<half, half, 1, 1, 1, Act::relu> project2;

  constexpr Map<Cout> operator()(Graph& g, Map<Cin> x) const {
    const auto y1 = project1(g, depthwise1(g, x));
    const auto y2 = project2(g, depthwise2(g, expand2(g, x)));
    return g.template shuffle<2>(g.concat<half, half>({y1, y2}));
  }
  template <class Walk>
  constexpr void visit(Walk& walk) {
    walk.enter("branch1");
    depthwise1.visit(walk, 0, 1);
    project1.visit(walk, 2, 3);
    walk.leave();
    walk.enter("branch2");
    expand2.visit(walk, 0, 1);
    depthwise2.visit(walk, 3, 4);
    project2.visit(walk, 5, 6);
    walk.leave();
  }
};

/// The unit with stride 1. The first half of the channels passes through unchanged.
///   x [N, H, W, C] -> y [N, H, W, C]
///   y = shuffle(concat(x1, branch2(x2))), where x1 and x2 are the two halves of the channels of x
template <int C>
struct ShuffleUnit {
  static constexpr int half = C / 2;
  ConvNorm<half, half, 1, 1, 1, Act::relu> expand2;
  ConvNorm<half, half, 3, 1, half> depthwise2;
  ConvNorm<half, half, 1, 1, 1, Act::relu> project2;

  constexpr Map<C> operator()(Graph& g, Map<C> x) const {
    const auto x1 = g.template slice<0, half>(x);
    const auto x2 = g.template slice<half, half>(x);
    const auto y2 = project2(g, depthwise2(g, expand2(g, x2)));
    return g.template shuffle<2>(g.concat<half, half>({x1, y2}));
  }
  template <class Walk>
  constexpr void visit(Walk& walk) {
    walk.enter("branch2");
    expand2.visit(walk, 0, 1);
    depthwise2.visit(walk, 3, 4);
    project2.visit(walk, 5, 6);
    walk.leave();
  }
};

/// One down-sampling unit and Repeats - 1 units of stride 1.
template <int Cin, int Cout, int Repeats>
using ShuffleStage = BlockRow<ShuffleDownUnit<Cin, Cout>, ShuffleUnit<Cout>, Repeats>;

/// Width 0.5 of torchvision's table: channels of stages 2, 3 and 4 and of the last convolution.
struct ShuffleNetX0_5 {
  static constexpr int stage2 = 48, stage3 = 96, stage4 = 192, last = 1024;
};
/// Width 1.0.
struct ShuffleNetX1_0 {
  static constexpr int stage2 = 116, stage3 = 232, stage4 = 464, last = 1024;
};
/// Width 1.5.
struct ShuffleNetX1_5 {
  static constexpr int stage2 = 176, stage3 = 352, stage4 = 704, last = 1024;
};
/// Width 2.0.
struct ShuffleNetX2_0 {
  static constexpr int stage2 = 244, stage3 = 488, stage4 = 976, last = 2048;
};

/// Trunk, global average pool and head: image [N, H, W, 3] -> output of the head. The head is
/// QualityHead3<1024, 512, 256> (Hamidi et al. 2025, equation 3) or a Linear classifier.
template <class Width, class Head>
struct ShuffleNetV2 {
  static constexpr int in_channels = 3;
  static constexpr int feature_channels = Width::last;
  ConvNorm<3, 24, 3, 2, 1, Act::relu> conv1;
  ShuffleStage<24, Width::stage2, 4> stage2;
  ShuffleStage<Width::stage2, Width::stage3, 8> stage3;
  ShuffleStage<Width::stage3, Width::stage4, 4> stage4;
  ConvNorm<Width::stage4, Width::last, 1, 1, 1, Act::relu> conv5;
  Head fc;

  constexpr Outputs operator()(Graph& g) const {
    const auto stem = g.max_pool(3, 2, 1, conv1(g, g.input<3>()));
    const auto pooled = g.mean_hw(conv5(g, stage4(g, stage3(g, stage2(g, stem)))));
    const auto y = fc(g, pooled);
    return Outputs().add(head_output_name(y), y).add_on_request("features", pooled);
  }
  template <class Walk>
  constexpr void visit(Walk& walk) {
    visit_in(walk, "conv1", conv1, 0, 1);
    visit_in(walk, "stage2", stage2);
    visit_in(walk, "stage3", stage3);
    visit_in(walk, "stage4", stage4);
    visit_in(walk, "conv5", conv5, 0, 1);
    visit_in(walk, "fc", fc);
  }
};

/// The quality network of Hamidi et al. 2025.
template <class Width>
using ShuffleNetV2Quality = ShuffleNetV2<Width, QualityHead3<Width::last, 512, 256>>;
/// torchvision's network with its last layer replaced by a linear one of one output, as it is often fine-tuned.
template <class Width>
using ShuffleNetV2FineTuned = ShuffleNetV2<Width, Linear<Width::last, 1>>;
/// torchvision's ImageNet classifier.
template <class Width>
using ShuffleNetV2ImageNet = ShuffleNetV2<Width, Linear<Width::last, 1000>>;

TINYFIQA_END
