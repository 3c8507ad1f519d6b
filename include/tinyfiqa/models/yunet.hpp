// YuNet (Wu, Peng and Yu 2023): a face detector for small processors, with the authors' parameter names.
#pragma once

#include <tinyfiqa/nn/layers.hpp>

TINYFIQA_BEGIN

/// 1x1 convolution with bias, 3x3 depthwise convolution with bias, batch norm, ReLU; parameters conv1.*, conv2.*,
/// bn.*.
///   x [N, H, W, Cin] -> y [N, H, W, Cout]
template <int Cin, int Cout>
struct YuNetUnit {
  ConvBias<Cin, Cout> pointwise;
  Param depthwise = conv_param(Cout, 1, 3);
  Param bias = vector_param(ParamKind::conv_bias, Cout);
  BatchNorm<Cout> norm;

  constexpr Map<Cout> operator()(Graph& g, Map<Cin> x) const {
    Op op;
    op.window = 3;
    op.padding = 1;
    op.groups = Cout;
    op.weight = depthwise.offset;
    op.bias = bias.offset;
    op.act = Act::relu;
    norm.describe(op);
    return g.conv<Cout, Cout>(op, pointwise(g, x));
  }
  template <class Walk>
  constexpr void visit(Walk& walk) {
    visit_in(walk, "conv1", pointwise);
    walk.enter("conv2");
    walk.param("weight", depthwise);
    walk.param("bias", bias);
    walk.leave();
    visit_in(walk, "bn", norm);
  }
};

/// Two units, the second one to another width; parameters conv1.*, conv2.*.
///   x [N, H, W, Cin] -> y [N, H, W, Cout]
template <int Cin, int Cout>
struct YuNetStage {
  YuNetUnit<Cin, Cin> first;
  YuNetUnit<Cin, Cout> second;

  constexpr Map<Cout> operator()(Graph& g, Map<Cin> x) const { return second(g, first(g, x)); }
  template <class Walk>
  constexpr void visit(Walk& walk) {
    visit_in(walk, "conv1", first);
    visit_in(walk, "conv2", second);
  }
};

/// The first stage: 3x3 convolution of stride 2 with bias, batch norm, ReLU; then a unit.
///   image [N, H, W, 3] -> y [N, ceil(H / 2), ceil(W / 2), Cout]
template <int Cout>
struct YuNetStem {
  Param weight = conv_param(16, 3, 3);
  Param bias = vector_param(ParamKind::conv_bias, 16);
  BatchNorm<16> norm;
  YuNetUnit<16, Cout> unit;

  constexpr Map<Cout> operator()(Graph& g, Map<3> x) const {
    Op op;
    op.window = 3;
    op.stride = 2;
    op.padding = 1;
    op.weight = weight.offset;
    op.bias = bias.offset;
    op.act = Act::relu;
    norm.describe(op);
    return unit(g, g.conv<3, 16>(op, x));
  }
  template <class Walk>
  constexpr void visit(Walk& walk) {
    walk.enter("conv1");
    walk.param("weight", weight);
    walk.param("bias", bias);
    walk.leave();
    visit_in(walk, "conv2", unit);
    visit_in(walk, "bn1", norm);
  }
};

/// The channels of a YuNet head's map.
struct YuNetChannels {
  static constexpr int face = 0;       ///< logit of the class "face"
  static constexpr int object = 1;     ///< logit of the box's quality
  static constexpr int box = 2;        ///< 4: centre x, y, logarithms of width and height
  static constexpr int landmarks = 6;  ///< 10: x, y of five points
  static constexpr int count = 16;
};

/// The four heads of one stride, each a 1x1 convolution and a 3x3 depthwise convolution, both with bias. Their
/// parameters lie side by side in the network's block, so that one convolution of 16 channels computes all four.
///   x [N, H, W, C] -> y [N, H, W, 16], see YuNetChannels
template <int C>
struct YuNetHeads {
  static constexpr int heads = 4;
  static constexpr int channels[heads] = {1, 1, 4, 10};
  static constexpr const char* names[heads] = {"multi_level_cls", "multi_level_obj", "multi_level_bbox",
                                               "multi_level_kps"};
  Param pointwise[heads] = {conv_param(1, C, 1), conv_param(1, C, 1), conv_param(4, C, 1),
                            conv_param(10, C, 1)};
  Param pointwise_bias[heads] = {bias_param(1), bias_param(1), bias_param(4), bias_param(10)};
  Param depthwise[heads] = {conv_param(1, 1, 3), conv_param(1, 1, 3), conv_param(4, 1, 3),
                            conv_param(10, 1, 3)};
  Param depthwise_bias[heads] = {bias_param(1), bias_param(1), bias_param(4), bias_param(10)};

  constexpr Map<YuNetChannels::count> operator()(Graph& g, Map<C> x) const {
    constexpr int n = YuNetChannels::count;
    Op one;
    one.weight = pointwise[0].offset;
    one.bias = pointwise_bias[0].offset;
    Op three;
    three.window = 3;
    three.padding = 1;
    three.groups = n;
    three.weight = depthwise[0].offset;
    three.bias = depthwise_bias[0].offset;
    return g.conv<n, n>(three, g.conv<C, n>(one, x));
  }
  /// `level` is the index of the stride. The order of the visits is the order in the block.
  template <class Walk>
  constexpr void visit(Walk& walk, int level) {
    visit_part(walk, level, "conv1", "weight", pointwise);
    visit_part(walk, level, "conv1", "bias", pointwise_bias);
    visit_part(walk, level, "conv2", "weight", depthwise);
    visit_part(walk, level, "conv2", "bias", depthwise_bias);
  }

 private:
  static constexpr Param bias_param(int n) { return vector_param(ParamKind::conv_bias, n); }
  template <class Walk>
  static constexpr void visit_part(Walk& walk, int level, const char* conv, const char* name,
                                   Param (&params)[heads]) {
    for (int i = 0; i < heads; ++i) {
      walk.enter(names[i]);
      walk.enter(level);
      walk.enter(conv);
      walk.param(name, params[i]);
      walk.leave();
      walk.leave();
      walk.leave();
    }
  }
};

/// The detector, for images of BGR levels 0..255 whose sides are multiples of 32:
///   image [N, H, W, 3] -> for each stride S of 8, 16 and 32, maps [N, H / S, W / S, C]:
///     cls_S   1   logit of the class "face"           obj_S   1   logit of the box's quality
///     bbox_S  4   centre x, y, ln width, ln height    kps_S  10   x, y of five points
///     head_S 16   these four side by side (YuNetChannels), on request
/// detection/decode.hpp says what the numbers mean. Second: channels after the second stage. SharedUnits: one unit
/// before the heads of each stride.
template <int Second, bool SharedUnits>
struct YuNet {
  static constexpr int in_channels = 3;
  static constexpr int channels = 64;  // of all maps from the third stage on
  YuNetStem<16> model0;
  YuNetStage<16, Second> model1;
  YuNetStage<Second, channels> model2;
  YuNetStage<channels, channels> model3, model4, model5;
  YuNetUnit<channels, channels> lateral[3];
  YuNetUnit<channels, channels> shared[3];  // unused without SharedUnits
  YuNetHeads<channels> heads[3];

  constexpr Outputs operator()(Graph& g) const {
    const auto low = g.max_pool(2, 2, 0, model0(g, g.input<3>()));
    const auto at4 = g.max_pool(2, 2, 0, model2(g, model1(g, low)));
    const auto at8 = model3(g, at4);
    const auto at16 = model4(g, g.max_pool(2, 2, 0, at8));
    const auto at32 = model5(g, g.max_pool(2, 2, 0, at16));
    // Top-down: what is seen at a coarse stride is added to the finer ones.
    const auto y32 = lateral[2](g, at32);
    const auto y16 = lateral[1](g, g.add_upsampled<channels>({at16, y32}));
    const auto y8 = lateral[0](g, g.add_upsampled<channels>({at8, y16}));
    Outputs outputs;
    add_heads(g, 0, y8, {"cls_8", "obj_8", "bbox_8", "kps_8", "head_8"}, outputs);
    add_heads(g, 1, y16, {"cls_16", "obj_16", "bbox_16", "kps_16", "head_16"}, outputs);
    add_heads(g, 2, y32, {"cls_32", "obj_32", "bbox_32", "kps_32", "head_32"}, outputs);
    return outputs;
  }
  template <class Walk>
  constexpr void visit(Walk& walk) {
    walk.enter("backbone");
    visit_in(walk, "model0", model0);
    visit_in(walk, "model1", model1);
    visit_in(walk, "model2", model2);
    visit_in(walk, "model3", model3);
    visit_in(walk, "model4", model4);
    visit_in(walk, "model5", model5);
    walk.leave();
    walk.enter("neck");
    walk.enter("lateral_convs");
    for (int i = 0; i < 3; ++i) visit_in(walk, i, lateral[i]);
    walk.leave();
    walk.leave();
    walk.enter("bbox_head");
    for (int i = 0; SharedUnits && i < 3; ++i) {
      walk.enter("multi_level_share_convs");
      walk.enter(i);
      visit_in(walk, 0, shared[i]);
      walk.leave();
      walk.leave();
    }
    for (int i = 0; i < 3; ++i) heads[i].visit(walk, i);
    walk.leave();
  }

 private:
  struct Names {
    const char *cls, *obj, *bbox, *kps, *head;
  };
  constexpr void add_heads(Graph& g, int level, Map<channels> x, const Names& names, Outputs& outputs) const {
    const auto y = heads[level](g, SharedUnits ? shared[level](g, x) : x);
    outputs.add(names.cls, g.template slice<YuNetChannels::face, 1>(y))
        .add(names.obj, g.template slice<YuNetChannels::object, 1>(y))
        .add(names.bbox, g.template slice<YuNetChannels::box, 4>(y))
        .add(names.kps, g.template slice<YuNetChannels::landmarks, 10>(y))
        .add_on_request(names.head, y);
  }
};

/// The two published sizes: 75,856 and 54,608 parameters.
using YuNetN = YuNet<64, true>;
using YuNetS = YuNet<32, false>;

TINYFIQA_END
