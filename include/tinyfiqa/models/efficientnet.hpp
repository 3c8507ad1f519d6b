// EfficientNet-B0 (Tan and Le 2019, Table 1) with torchvision's parameter names, as a face recogniser.
#pragma once

#include <tinyfiqa/models/heads.hpp>
#include <tinyfiqa/models/inverted_residual.hpp>
#include <tinyfiqa/nn/layers.hpp>

TINYFIQA_BEGIN

/// The activations of squeeze-excite and the constants of batch norm.
struct EfficientNetStyle : TorchNorm {
  static constexpr Act squeeze_act = Act::silu, gate_act = Act::sigmoid;
};

/// The block "MBConv". Squeeze-excite has a quarter of the channels of the block's input. There is no
/// stochastic depth (Huang et al. 2016), with which torchvision leaves out whole blocks during training.
template <int Cin, int Expansion, int Cout, int K, int Stride>
using EfficientBlock = InvertedResidual<Cin, Cin * Expansion, Cout, K, Stride, Act::silu,
                                        (Cin < 4 ? 1 : Cin / 4), EfficientNetStyle>;

/// `Count` blocks. The first one has the stride and changes the number of channels.
template <int Cin, int Expansion, int Cout, int K, int Stride, int Count>
struct EfficientStage : BlockRow<EfficientBlock<Cin, Expansion, Cout, K, Stride>,
                                 EfficientBlock<Cout, Expansion, Cout, K, 1>, Count> {};
template <int Cin, int Expansion, int Cout, int K, int Stride>
struct EfficientStage<Cin, Expansion, Cout, K, Stride, 1> {
  EfficientBlock<Cin, Expansion, Cout, K, Stride> first;

  constexpr Map<Cout> operator()(Graph& g, Map<Cin> x) const { return first(g, x); }
  template <class Walk>
  constexpr void visit(Walk& walk) {
    visit_in(walk, 0, first);
  }
};

/// Channels of the stem, the seven stages and the last convolution; number of blocks of each
/// stage; length of the embedding.
struct EfficientNetB0Table {
  static constexpr int widths[] = {32, 16, 24, 40, 80, 112, 192, 320, 1280}, blocks[] = {1, 2, 2, 3, 3, 4, 1},
                       embedding = 512;
};

/// image [N, H, W, 3] -> embedding [N, 1, 1, Table::embedding], not normalised; faces have 112 x 112
/// pixels. The features are the spatial means of the last convolution. The head is dropout 0.2, linear and
/// batch norm. Its parameters are classifier.1.* and classifier.2.*, where torchvision's ImageNet files
/// have their classifier.
template <class Table>
struct EfficientNet {
  static constexpr int in_channels = 3;
  static constexpr int feature_channels = Table::widths[8];
  template <int I>
  static constexpr int width = Table::widths[I];
  ConvNorm<3, width<0>, 3, 2, 1, Act::silu> stem;
  EfficientStage<width<0>, 1, width<1>, 3, 1, Table::blocks[0]> stage1;
  EfficientStage<width<1>, 6, width<2>, 3, 2, Table::blocks[1]> stage2;
  EfficientStage<width<2>, 6, width<3>, 5, 2, Table::blocks[2]> stage3;
  EfficientStage<width<3>, 6, width<4>, 3, 2, Table::blocks[3]> stage4;
  EfficientStage<width<4>, 6, width<5>, 5, 1, Table::blocks[4]> stage5;
  EfficientStage<width<5>, 6, width<6>, 5, 2, Table::blocks[5]> stage6;
  EfficientStage<width<6>, 6, width<7>, 3, 1, Table::blocks[6]> stage7;
  ConvNorm<width<7>, width<8>, 1, 1, 1, Act::silu> last;
  EmbeddingHead<width<8>, Table::embedding> head;

  constexpr Outputs operator()(Graph& g) const {
    const auto early = stage3(g, stage2(g, stage1(g, stem(g, g.input<3>()))));
    const auto late = stage7(g, stage6(g, stage5(g, stage4(g, early))));
    const auto pooled = g.mean_hw(last(g, late));
    return Outputs().add("embedding", head(g, g.dropout(0.2f, pooled))).add_on_request("features", pooled);
  }
  template <class Walk>
  constexpr void visit(Walk& walk) {
    walk.enter("features");
    visit_in(walk, 0, stem, 0, 1);
    visit_in(walk, 1, stage1);
    visit_in(walk, 2, stage2);
    visit_in(walk, 3, stage3);
    visit_in(walk, 4, stage4);
    visit_in(walk, 5, stage5);
    visit_in(walk, 6, stage6);
    visit_in(walk, 7, stage7);
    visit_in(walk, 8, last, 0, 1);
    walk.leave();
    walk.enter("classifier");
    head.visit(walk, 1, 2);
    walk.leave();
  }
};

/// EfficientNet-B0 as a recogniser: 512 values per face.
using EfficientNetB0 = EfficientNet<EfficientNetB0Table>;

TINYFIQA_END
