// MobileFaceNet (Chen et al. 2018): a recogniser that computes an embedding of an aligned face.
#pragma once

#include <tinyfiqa/models/heads.hpp>
#include <tinyfiqa/nn/layers.hpp>

#include <type_traits>

TINYFIQA_BEGIN

/// The constants of batch norm in MXNet, in which these networks were first trained.
struct MobileFaceNorm {
  static constexpr float eps = 1e-3f, momentum = 0.1f;
};

/// Convolution, batch norm and, if Active, PReLU; parameters conv.*, bn.*, prelu.*.
///   x [N, H, W, Cin] -> y [N, H', W', Cout],   H' = floor((H + 2 Padding - K) / Stride) + 1   (W' alike)
template <int Cin, int Cout, int K, int Stride = 1, int Groups = 1, bool Active = true, int Padding = K / 2>
struct MobileFaceConv {
  std::conditional_t<Active, ConvNormPRelu<Cin, Cout, K, Stride, Groups, MobileFaceNorm, Padding>,
                     ConvNorm<Cin, Cout, K, Stride, Groups, Act::none, MobileFaceNorm, Padding>>
      unit;

  constexpr Map<Cout> operator()(Graph& g, Map<Cin> x) const { return unit(g, x); }
  template <class Walk>
  constexpr void visit(Walk& walk) {
    if constexpr (Active)
      unit.visit(walk, "conv", "bn", "prelu");
    else
      unit.visit(walk, "conv", "bn");
  }
};

/// Bottleneck: 1x1 expand, 3x3 depthwise, linear 1x1 project. The input is added if the shapes agree.
///   [N, H, W, Cin] -> [N, ceil(H / Stride), ceil(W / Stride), Cout]
template <int Cin, int Hidden, int Cout, int Stride>
struct MobileFaceBlock {
  MobileFaceConv<Cin, Hidden, 1> expand;
  MobileFaceConv<Hidden, Hidden, 3, Stride, Hidden> depthwise;
  MobileFaceConv<Hidden, Cout, 1, 1, 1, false> project;

  constexpr Map<Cout> operator()(Graph& g, Map<Cin> x) const {
    const auto y = project(g, depthwise(g, expand(g, x)));
    if constexpr (Stride == 1 && Cin == Cout)
      return g.add<Cout>({y, x});
    else
      return y;
  }
  template <class Walk>
  constexpr void visit(Walk& walk) {
    visit_in(walk, "expand", expand);
    visit_in(walk, "dw", depthwise);
    visit_in(walk, "project", project);
  }
};

/// `Count` blocks of the same shape: [N, H, W, C] -> [N, H, W, C].
template <int C, int Hidden, int Count>
using MobileFaceStage = BlockRow<MobileFaceBlock<C, Hidden, C, 1>, MobileFaceBlock<C, Hidden, C, 1>, Count>;

/// image [N, 112, 112, 3] -> embedding [N, 1, 1, 128], not normalised. The features [N, 1, 1, 512 at
/// full width] are the output of the global depthwise convolution (7x7, no padding). Therefore the
/// input must be 112 x 112: other sizes do not give one embedding per image. WidthPercent scales all
/// channels except the embedding.
template <int WidthPercent>
struct MobileFaceNetScaled {
  static constexpr int scaled(int channels) { return channels * WidthPercent / 100; }
  static constexpr int c64 = scaled(64), c128 = scaled(128), c256 = scaled(256), c512 = scaled(512);
  static constexpr int in_channels = 3;
  static constexpr int feature_channels = c512;
  MobileFaceConv<3, c64, 3, 2> conv1;
  MobileFaceConv<c64, c64, 3, 1, c64> conv2;
  MobileFaceBlock<c64, c128, c64, 2> down3;
  MobileFaceStage<c64, c128, 4> res3;
  MobileFaceBlock<c64, c256, c128, 2> down4;
  MobileFaceStage<c128, c256, 6> res4;
  MobileFaceBlock<c128, c512, c128, 2> down5;
  MobileFaceStage<c128, c256, 2> res5;
  MobileFaceConv<c128, c512, 1> conv6_sep;
  MobileFaceConv<c512, c512, 7, 1, c512, false, 0> conv6_dw;
  EmbeddingHead<c512, 128, 1, MobileFaceNorm> head;

  constexpr Outputs operator()(Graph& g) const {
    const auto early = res3(g, down3(g, conv2(g, conv1(g, g.input<3>()))));
    const auto late = res5(g, down5(g, res4(g, down4(g, early))));
    const auto pooled = conv6_dw(g, conv6_sep(g, late));
    return Outputs().add("embedding", head(g, pooled)).add_on_request("features", pooled);
  }
  template <class Walk>
  constexpr void visit(Walk& walk) {
    visit_in(walk, "conv1", conv1);
    visit_in(walk, "conv2_dw", conv2);
    visit_in(walk, "down3", down3);
    visit_in(walk, "res3", res3);
    visit_in(walk, "down4", down4);
    visit_in(walk, "res4", res4);
    visit_in(walk, "down5", down5);
    visit_in(walk, "res5", res5);
    visit_in(walk, "conv6_sep", conv6_sep);
    visit_in(walk, "conv6_dw", conv6_dw);
    head.visit(walk, "fc", "fc_bn");
  }
};

/// MobileFaceNet at full width.
using MobileFaceNet = MobileFaceNetScaled<100>;

TINYFIQA_END
