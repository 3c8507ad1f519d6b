// MobileFaceNet (Chen et al. 2018): an aligned face to an embedding that is close for faces of one person.
#pragma once

#include <tinyfiqa/models/heads.hpp>
#include <tinyfiqa/nn/layers.hpp>

TINYFIQA_BEGIN

/// The batch-norm constants of MXNet, where these networks come from.
struct MobileFaceNorm {
  static constexpr float eps = 1e-3f, momentum = 0.1f;
};

/// Convolution, batch norm and, if Active, PReLU with a slope for each channel; keys conv.*, bn.*, prelu.*.
///   x [N, H, W, Cin] -> y [N, H', W', Cout],   H' = (H + 2 Padding - K) / Stride + 1   (W' alike)
template <int Cin, int Cout, int K, int Stride = 1, int Padding = 0, int Groups = 1, bool Active = true>
struct MobileFaceConv {
  static_assert(Cin % Groups == 0 && Cout % Groups == 0,
                "tinyfiqa::MobileFaceConv: Groups must divide Cin and Cout");
  Param weight = conv_param(Cout, Cin / Groups, K);
  BatchNorm<Cout, MobileFaceNorm> norm;
  Param slope = vector_param(ParamKind::slope, Cout);

  constexpr Map<Cout> operator()(Graph& g, Map<Cin> x) const {
    Op op;
    op.kernel = K;
    op.stride = Stride;
    op.padding = Padding;
    op.groups = Groups;
    op.weight = weight.offset;
    norm.describe(op);
    if constexpr (Active) {
      op.act = Act::prelu;
      op.slope = slope.offset;
    }
    return g.conv<Cin, Cout>(op, x);
  }
  template <class Walk>
  constexpr void visit(Walk& walk) {
    walk.enter("conv");
    walk.param("weight", weight);
    walk.leave();
    visit_in(walk, "bn", norm);
    if constexpr (Active) {
      walk.enter("prelu");
      walk.param("weight", slope);
      walk.leave();
    }
  }
};

/// 1x1 expand, 3x3 depthwise, linear 1x1 project; the input is added at stride 1.
///   [N, H, W, Cin] -> [N, ceil(H / Stride), ceil(W / Stride), Cout]
template <int Cin, int Hidden, int Cout, int Stride>
struct MobileFaceBlock {
  MobileFaceConv<Cin, Hidden, 1> expand;
  MobileFaceConv<Hidden, Hidden, 3, Stride, 1, Hidden> depthwise;
  MobileFaceConv<Hidden, Cout, 1, 1, 0, 1, false> project;

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

/// Count blocks of one shape, [N, H, W, C] -> [N, H, W, C]; keys 0.*, 1.*, ...
template <int C, int Hidden, int Count>
struct MobileFaceStage {
  MobileFaceBlock<C, Hidden, C, 1> blocks[Count];

  constexpr Map<C> operator()(Graph& g, Map<C> x) const {
    for (const auto& block : blocks) x = block(g, x);
    return x;
  }
  template <class Walk>
  constexpr void visit(Walk& walk) {
    for (int i = 0; i < Count; ++i) visit_in(walk, i, blocks[i]);
  }
};

/// image [N, 112, 112, 3] -> embedding [N, 1, 1, 128], not normalised; the features are the 512 numbers that
/// the global depthwise convolution (7x7, no padding) leaves. Only 112 x 112 gives one embedding an image.
struct MobileFaceNet {
  static constexpr int in_channels = 3;
  static constexpr int feature_channels = 512;
  MobileFaceConv<3, 64, 3, 2, 1> conv1;
  MobileFaceConv<64, 64, 3, 1, 1, 64> conv2;
  MobileFaceBlock<64, 128, 64, 2> down3;
  MobileFaceStage<64, 128, 4> res3;
  MobileFaceBlock<64, 256, 128, 2> down4;
  MobileFaceStage<128, 256, 6> res4;
  MobileFaceBlock<128, 512, 128, 2> down5;
  MobileFaceStage<128, 256, 2> res5;
  MobileFaceConv<128, 512, 1> conv6_sep;
  MobileFaceConv<512, 512, 7, 1, 0, 512, false> conv6_dw;
  Linear<512, 128> fc;
  BatchNorm<128, MobileFaceNorm> fc_norm;

  constexpr Outputs operator()(Graph& g) const {
    const auto early = res3(g, down3(g, conv2(g, conv1(g, g.input<3>()))));
    const auto late = res5(g, down5(g, res4(g, down4(g, early))));
    const auto pooled = conv6_dw(g, conv6_sep(g, late));
    Op op;
    op.weight = fc.weight.offset;
    op.bias = fc.bias.offset;
    fc_norm.describe(op);
    return {pooled.id, g.conv<512, 128>(op, pooled).id};
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
    visit_in(walk, "fc", fc);
    visit_in(walk, "fc_bn", fc_norm);
  }
};

TINYFIQA_END
