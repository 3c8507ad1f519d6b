// RetinaFace (Deng et al. 2020) on a MobileNet of width 0.25, with the parameter names of the PyTorch version that most
// checkpoints come from. Two kinds of checkpoints have these names and shapes: with leaky ReLU (slope 0.1) and larger
// anchors, and with ReLU and smaller anchors.
#pragma once

#include <tinyfiqa/nn/layers.hpp>

TINYFIQA_BEGIN

/// The sides of the two anchors of a cell, in pixels, for maps of stride 8, 16 and 32.
struct RetinaFaceAnchors {
  float sides[3][2] = {{16, 32}, {64, 128}, {256, 512}};
};

/// 3x3 depthwise convolution, 1x1 convolution, each with batch norm and leaky ReLU; parameters 0.*, 1.*, 3.*, 4.*.
///   x [N, H, W, Cin] -> y [N, ceil(H / Stride), ceil(W / Stride), Cout]
template <int Cin, int Cout, int Stride, int SlopePercent>
struct SeparableBlock {
  ConvNormLeaky<Cin, Cin, 3, Stride, Cin, SlopePercent> depthwise;
  ConvNormLeaky<Cin, Cout, 1, 1, 1, SlopePercent> pointwise;

  constexpr Map<Cout> operator()(Graph& g, Map<Cin> x) const { return pointwise(g, depthwise(g, x)); }
  template <class Walk>
  constexpr void visit(Walk& walk) {
    depthwise.visit(walk, 0, 1);
    pointwise.visit(walk, 3, 4);
  }
};

/// The context module of SSH (Najibi et al. 2017): windows of 3x3, 5x5 and 7x7 by one, two and three convolutions.
///   x [N, H, W, C] -> y [N, H, W, C]
template <int C, int SlopePercent>
struct ContextModule {
  ConvNorm<C, C / 2, 3> three;
  ConvNormLeaky<C, C / 4, 3, 1, 1, SlopePercent> shared;
  ConvNorm<C / 4, C / 4, 3> five;
  ConvNormLeaky<C / 4, C / 4, 3, 1, 1, SlopePercent> seven1;
  ConvNorm<C / 4, C / 4, 3> seven2;

  constexpr Map<C> operator()(Graph& g, Map<C> x) const {
    const auto y3 = three(g, x);
    const auto s = shared(g, x);
    const auto y5 = five(g, s);
    const auto y7 = seven2(g, seven1(g, s));
    return g.template activation<Act::relu>(g.concat<C / 2, C / 4, C / 4>({y3, y5, y7}));
  }
  template <class Walk>
  constexpr void visit(Walk& walk) {
    visit_in(walk, "conv3X3", three, 0, 1);
    visit_in(walk, "conv5X5_1", shared, 0, 1);
    visit_in(walk, "conv5X5_2", five, 0, 1);
    visit_in(walk, "conv7X7_2", seven1, 0, 1);
    visit_in(walk, "conv7x7_3", seven2, 0, 1);
  }
};

/// The detector, for images of any size: BGR levels minus 104, 117, 123. Two anchors a cell.
///   image [N, H, W, 3] -> for each stride S of 8, 16 and 32, maps [N, ceil(H / S), ceil(W / S), C]:
///     cls_S   4   for each anchor, logits of "no face" and "face"
///     bbox_S  8   for each anchor, offsets of centre x, y, width and height
///     kps_S  20   for each anchor, offsets of x, y of five points
/// detection/decode.hpp says what the numbers mean. SlopePercent is the slope of leaky ReLU; 0 is ReLU.
template <int SlopePercent>
struct RetinaFaceMobileNet025 {
  static constexpr int in_channels = 3;
  static constexpr int channels = 64;  // of the pyramid
  static constexpr int anchors = 2;    // of a cell

  template <int Cin, int Cout, int K, int Stride = 1>
  using Conv = ConvNormLeaky<Cin, Cout, K, Stride, 1, SlopePercent>;
  template <int Cin, int Cout, int Stride = 1>
  using Block = SeparableBlock<Cin, Cout, Stride, SlopePercent>;

  Conv<3, 8, 3, 2> stem;
  Block<8, 16> block1;
  Block<16, 32, 2> block2;
  Block<32, 32> block3;
  Block<32, 64, 2> block4;
  Block<64, 64> block5;
  BlockRow<Block<64, 128, 2>, Block<128, 128>, 6> stage2;
  BlockRow<Block<128, 256, 2>, Block<256, 256>, 2> stage3;
  Conv<64, channels, 1> output1;
  Conv<128, channels, 1> output2;
  Conv<256, channels, 1> output3;
  Conv<channels, channels, 3> merge1, merge2;
  ContextModule<channels, SlopePercent> context[3];
  ConvBias<channels, 2 * anchors> cls[3];
  ConvBias<channels, 4 * anchors> bbox[3];
  ConvBias<channels, 10 * anchors> kps[3];

  constexpr Outputs operator()(Graph& g) const {
    const auto at8 = block5(g, block4(g, block3(g, block2(g, block1(g, stem(g, g.input<3>()))))));
    const auto at16 = stage2(g, at8);
    const auto at32 = stage3(g, at16);
    const auto y32 = output3(g, at32);
    const auto side16 = output2(g, at16);
    const auto y16 = merge2(g, g.add_upsampled<channels>({side16, y32}));
    const auto side8 = output1(g, at8);
    const auto y8 = merge1(g, g.add_upsampled<channels>({side8, y16}));
    Outputs outputs;
    add_heads(g, 0, y8, {"cls_8", "bbox_8", "kps_8"}, outputs);
    add_heads(g, 1, y16, {"cls_16", "bbox_16", "kps_16"}, outputs);
    add_heads(g, 2, y32, {"cls_32", "bbox_32", "kps_32"}, outputs);
    return outputs;
  }
  template <class Walk>
  constexpr void visit(Walk& walk) {
    walk.enter("body");
    walk.enter("stage1");
    visit_in(walk, 0, stem, 0, 1);
    visit_in(walk, 1, block1);
    visit_in(walk, 2, block2);
    visit_in(walk, 3, block3);
    visit_in(walk, 4, block4);
    visit_in(walk, 5, block5);
    walk.leave();
    visit_in(walk, "stage2", stage2);
    visit_in(walk, "stage3", stage3);
    walk.leave();
    walk.enter("fpn");
    visit_in(walk, "output1", output1, 0, 1);
    visit_in(walk, "output2", output2, 0, 1);
    visit_in(walk, "output3", output3, 0, 1);
    visit_in(walk, "merge1", merge1, 0, 1);
    visit_in(walk, "merge2", merge2, 0, 1);
    walk.leave();
    visit_in(walk, "ssh1", context[0]);
    visit_in(walk, "ssh2", context[1]);
    visit_in(walk, "ssh3", context[2]);
    visit_heads(walk, "ClassHead", cls);
    visit_heads(walk, "BboxHead", bbox);
    visit_heads(walk, "LandmarkHead", kps);
  }

 private:
  struct Names {
    const char *cls, *bbox, *kps;
  };
  constexpr void add_heads(Graph& g, int level, Map<channels> x, const Names& names, Outputs& outputs) const {
    const auto y = context[level](g, x);
    const auto a = cls[level](g, y);
    const auto b = bbox[level](g, y);
    const auto c = kps[level](g, y);
    outputs.add(names.cls, a).add(names.bbox, b).add(names.kps, c);
  }
  template <class Walk, class Head>
  static constexpr void visit_heads(Walk& walk, const char* name, Head (&heads)[3]) {
    walk.enter(name);
    for (int i = 0; i < 3; ++i) {
      walk.enter(i);
      visit_in(walk, "conv1x1", heads[i]);
      walk.leave();
    }
    walk.leave();
  }
};

TINYFIQA_END
