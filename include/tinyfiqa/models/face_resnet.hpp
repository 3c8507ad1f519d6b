// ResNet-50 for faces: the improved residual network of ArcFace ("IR-50", Deng et al. 2019, section 3.1),
// with the parameter names of iresnet50 in the insightface project.
#pragma once

#include <tinyfiqa/models/heads.hpp>
#include <tinyfiqa/nn/layers.hpp>

TINYFIQA_BEGIN

/// Residual block: batch norm, 3x3, batch norm, PReLU, 3x3 with the stride, batch norm. The shortcut is a 1x1
/// projection if the shapes differ.
///   [N, H, W, Cin] -> [N, ceil(H / Stride), ceil(W / Stride), Cout]
template <int Cin, int Cout, int Stride>
struct FaceResBlock {
  static constexpr bool projects = Stride != 1 || Cin != Cout;
  BatchNorm<Cin> bn1;
  ConvNormPRelu<Cin, Cout, 3> conv1;
  ConvNorm<Cout, Cout, 3, Stride> conv2;
  ConvNorm<Cin, Cout, 1, Stride> downsample;

  constexpr Map<Cout> operator()(Graph& g, Map<Cin> x) const {
    Map<Cout> beside{x.id};
    if constexpr (projects) beside = downsample(g, x);
    const auto y = conv2(g, conv1(g, bn1(g, x)));
    return g.add<Cout>({y, beside});
  }
  template <class Walk>
  constexpr void visit(Walk& walk) {
    visit_in(walk, "bn1", bn1);
    conv1.visit(walk, "conv1", "bn2", "prelu");
    conv2.visit(walk, "conv2", "bn3");
    if constexpr (projects) visit_in(walk, "downsample", downsample, 0, 1);
  }
};

/// `Count` blocks; the first has stride 2.
template <int Cin, int Cout, int Count>
using FaceResStage = BlockRow<FaceResBlock<Cin, Cout, 2>, FaceResBlock<Cout, Cout, 1>, Count>;

/// Number of blocks and channels of the four stages, channels of the stem, and length of the embedding.
struct FaceResNet50Table {
  static constexpr int blocks[] = {3, 4, 14, 3}, widths[] = {64, 128, 256, 512}, stem = 64, embedding = 512;
};

/// image [N, 112, 112, 3] -> embedding [N, 1, 1, Table::embedding], not normalised. The features are the
/// embedding. The last map, 7x7, gets batch norm and dropout 0.4 and is flattened and projected. Therefore
/// the input must be 112 x 112: other sizes do not give one embedding per image.
template <class Table>
struct FaceResNet {
  static constexpr int in_channels = 3;
  static constexpr int feature_channels = Table::embedding;
  static constexpr int w0 = Table::widths[0], w1 = Table::widths[1], w2 = Table::widths[2],
                       w3 = Table::widths[3];
  ConvNormPRelu<3, Table::stem, 3> stem;
  FaceResStage<Table::stem, w0, Table::blocks[0]> layer1;
  FaceResStage<w0, w1, Table::blocks[1]> layer2;
  FaceResStage<w1, w2, Table::blocks[2]> layer3;
  FaceResStage<w2, w3, Table::blocks[3]> layer4;
  BatchNorm<w3> bn2;
  EmbeddingHead<w3, Table::embedding, 7> head;

  constexpr Outputs operator()(Graph& g) const {
    const auto early = layer2(g, layer1(g, stem(g, g.input<3>())));
    const auto last = bn2(g, layer4(g, layer3(g, early)));
    return Outputs().add("embedding", head(g, g.dropout(0.4f, last)));
  }
  template <class Walk>
  constexpr void visit(Walk& walk) {
    stem.visit(walk, "conv1", "bn1", "prelu");
    visit_in(walk, "layer1", layer1);
    visit_in(walk, "layer2", layer2);
    visit_in(walk, "layer3", layer3);
    visit_in(walk, "layer4", layer4);
    visit_in(walk, "bn2", bn2);
    head.visit(walk, "fc", "features");
  }
};

/// The recogniser "face_resnet50": 512 values per face.
using FaceResNet50 = FaceResNet<FaceResNet50Table>;

TINYFIQA_END
