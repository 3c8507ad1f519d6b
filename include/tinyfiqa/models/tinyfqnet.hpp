// tinyFQnet (Peng et al., Table 1) and its family: networks in the style of MobileNetV2 (Sandler et al. 2018)
// that are defined by a table of stages.
#pragma once

#include <tinyfiqa/models/heads.hpp>
#include <tinyfiqa/nn/layers.hpp>

TINYFIQA_BEGIN

/// 1x1 expand, 3x3 depthwise, 1x1 project, each with batch norm and ReLU. The projection has ReLU too, unlike
/// in MobileNetV2 (Peng et al., section 3.1). The input is added if the shapes agree.
///   [N, H, W, Cin] -> [N, ceil(H / Stride), ceil(W / Stride), Cout]
template <int Cin, int Hidden, int Cout, int Stride>
struct TinyFQBlock {
  ConvNorm<Cin, Hidden, 1, 1, 1, Act::relu> expand;
  ConvNorm<Hidden, Hidden, 3, Stride, Hidden, Act::relu> depthwise;
  ConvNorm<Hidden, Cout, 1, 1, 1, Act::relu> project;

  constexpr Map<Cout> operator()(Graph& g, Map<Cin> x) const {
    const auto y = project(g, depthwise(g, expand(g, x)));
    if constexpr (Stride == 1 && Cin == Cout)
      return g.add<Cout>({y, x});
    else
      return y;
  }
  template <class Walk>
  constexpr void visit(Walk& walk) {
    walk.enter("conv");
    expand.visit(walk, 0, 1);
    depthwise.visit(walk, 3, 4);
    project.visit(walk, 6, 7);
    walk.leave();
  }
};

/// One row of a table: one block.
struct TinyFQStage {
  int hidden, out, stride;
};

/// Peng et al., Table 1: expansion 4, width 0.35.
struct TinyFQTable1 {
  static constexpr int stem = 11, last = 256;
  static constexpr TinyFQStage stages[] = {{8, 2, 1},   {8, 5, 2},   {20, 5, 1}, {20, 11, 2},
                                           {44, 11, 1}, {44, 11, 1}, {44, 22, 1}};
};

/// tinyfqnet_m: 68,849 parameters, 4.06 million multiply-adds at 64x64. As in Table 1, the blocks get wider as maps get
/// smaller. One more stride of 2 keeps most parameters where a map has only 4x4 pixels and costs little. All widths
/// are multiples of 8.
struct TinyFQTableM {
  static constexpr int stem = 16, last = 256;
  static constexpr TinyFQStage stages[] = {{16, 8, 1},  {32, 16, 2}, {64, 16, 1},  {64, 24, 2}, {96, 24, 1},
                                           {96, 24, 1}, {96, 40, 2}, {160, 40, 1}, {160, 40, 1}};
};

/// tinyfqnet_l: 233,409 parameters, 11.38 million multiply-adds at 64x64, by the same plan.
struct TinyFQTableL {
  static constexpr int stem = 24, last = 320;
  static constexpr TinyFQStage stages[] = {{24, 12, 1},  {72, 24, 2},  {96, 24, 1},  {96, 40, 2},
                                           {160, 40, 1}, {160, 40, 1}, {160, 40, 1}, {240, 80, 2},
                                           {320, 80, 1}, {320, 80, 1}};
};

/// Table 1 with another expansion and another width in percent. The output channels of the blocks are 8, 16,
/// 16, 32, 32, 32, 64 times the width, rounded down. The hidden channels are the expansion times the input
/// channels of the block, except in the first block: there they are the expansion times its output channels,
/// which are fewer. TinyFQScaled<4, 35> equals TinyFQTable1.
template <int Expansion, int WidthPercent, int Last = 256>
struct TinyFQScaled {
  static constexpr int scaled(int channels) { return channels * WidthPercent / 100; }
  static constexpr int stem = scaled(32), last = Last;
  static constexpr TinyFQStage stages[] = {
      {Expansion * scaled(8), scaled(8), 1},   {Expansion * scaled(8), scaled(16), 2},
      {Expansion * scaled(16), scaled(16), 1}, {Expansion * scaled(16), scaled(32), 2},
      {Expansion * scaled(32), scaled(32), 1}, {Expansion * scaled(32), scaled(32), 1},
      {Expansion * scaled(32), scaled(64), 1}};
};

/// The family at 112x112 (Peng et al., Table 6): the stages of MobileNetV2 (Sandler et al. 2018, Table 2)
/// with an expansion and a width in percent; the stage of 64 channels has stride 1. Peng et al. give no table
/// of the layers. For <6, 100>, this one has 2,143,553 parameters and 210.1 million multiply-adds; the paper
/// says 2.1M and 206.9 Mflops. For <4, 35>, this one has 278,913 parameters and 23.4 million multiply-adds;
/// the paper says 0.5M and 44.4 Mflops. No table of this form fits both.
template <int Expansion, int WidthPercent, int Last = 1024>
struct TinyFQMobileNetV2 {
  static constexpr int scaled(int channels) { return channels * WidthPercent / 100; }
  static constexpr int stem = scaled(32), last = Last;
  static constexpr int c16 = scaled(16), c24 = scaled(24), c32 = scaled(32), c64 = scaled(64),
                       c96 = scaled(96), c160 = scaled(160), c320 = scaled(320);
  static constexpr int t = Expansion;
  static constexpr TinyFQStage stages[] = {
      {stem, c16, 1},      {t * c16, c24, 2},  {t * c24, c24, 1}, {t * c24, c32, 2},  {t * c32, c32, 1},
      {t * c32, c32, 1},   {t * c32, c64, 1},  {t * c64, c64, 1}, {t * c64, c64, 1},  {t * c64, c64, 1},
      {t * c64, c96, 1},   {t * c96, c96, 1},  {t * c96, c96, 1}, {t * c96, c160, 2}, {t * c160, c160, 1},
      {t * c160, c160, 1}, {t * c160, c320, 1}};
};

/// The blocks of a table from index I on. The type contains the table's name instead of its numbers, so that
/// type names stay short.
template <class Table, int I = 0>
struct TinyFQBlocks {
  static constexpr int count = static_cast<int>(sizeof(Table::stages) / sizeof(TinyFQStage));
  static constexpr int in = I == 0 ? Table::stem : Table::stages[I == 0 ? 0 : I - 1].out;
  static constexpr int out = Table::stages[count - 1].out;
  TinyFQBlock<in, Table::stages[I].hidden, Table::stages[I].out, Table::stages[I].stride> block;
  struct Nothing {};
  std::conditional_t<I + 1 < count, TinyFQBlocks<Table, (I + 1 < count ? I + 1 : I)>, Nothing> rest;

  constexpr Map<out> operator()(Graph& g, Map<in> x) const {
    if constexpr (I + 1 < count)
      return rest(g, block(g, x));
    else
      return block(g, x);
  }
  template <class Walk>
  constexpr void visit(Walk& walk) {
    visit_in(walk, I, block);
    if constexpr (I + 1 < count) rest.visit(walk);
  }
};

/// 3x3 stem with stride 2, the blocks, 1x1 convolution to Table::last channels, global average pool, linear,
/// sigmoid: image [N, H, W, 3] -> quality [N, 1, 1, 1] in 0..1.
template <class Table>
struct TinyFQFamily {
  static constexpr int in_channels = 3;
  static constexpr int feature_channels = Table::last;
  ConvNorm<3, Table::stem, 3, 2, 1, Act::relu> stem;
  TinyFQBlocks<Table> blocks;
  ConvNorm<TinyFQBlocks<Table>::out, Table::last, 1, 1, 1, Act::relu> last;
  Linear<Table::last, 1, Act::sigmoid> fc;

  constexpr Outputs operator()(Graph& g) const {
    const auto pooled = g.mean_hw(last(g, blocks(g, stem(g, g.input<3>()))));
    return Outputs().add("score", fc(g, pooled)).add_on_request("features", pooled);
  }
  template <class Walk>
  constexpr void visit(Walk& walk) {
    visit_in(walk, "stem", stem, 0, 1);
    visit_in(walk, "blocks", blocks);
    visit_in(walk, "last", last, 0, 1);
    visit_in(walk, "fc", fc);
  }
};

/// tinyFQnet: 13,366 parameters.
using TinyFQnet = TinyFQFamily<TinyFQTable1>;

TINYFIQA_END
