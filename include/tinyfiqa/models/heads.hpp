// Heads of networks: regression heads for quality, ImageNet classifiers and embeddings of recognisers.
#pragma once

#include <tinyfiqa/nn/layers.hpp>

TINYFIQA_BEGIN

/// The name of a head's output: one number is a quality score, more are a classifier's logits.
template <int C>
constexpr const char* head_output_name(Map<C>) {
  return C == 1 ? "score" : "logits";
}

/// Linear, ReLU, dropout 0.2, linear to one score (Hamidi et al. 2025, equation 2); parameters 0.*, 3.*.
///   [N, 1, 1, In] -> [N, 1, 1, 1]
template <int In, int Hidden>
struct QualityHead2 {
  Linear<In, Hidden, Act::relu> fc1;
  Linear<Hidden, 1> fc2;

  constexpr Map<1> operator()(Graph& g, Map<In> x) const { return fc2(g, g.dropout(0.2f, fc1(g, x))); }
  template <class Walk>
  constexpr void visit(Walk& walk) {
    visit_in(walk, 0, fc1);
    visit_in(walk, 3, fc2);
  }
};

/// Two hidden layers with ReLU and dropout 0.2, and linear to one score (Hamidi et al. 2025, equation 3);
/// parameters 0.*, 3.*, 6.*.
///   [N, 1, 1, In] -> [N, 1, 1, 1]
template <int In, int Hidden1, int Hidden2>
struct QualityHead3 {
  Linear<In, Hidden1, Act::relu> fc1;
  Linear<Hidden1, Hidden2, Act::relu> fc2;
  Linear<Hidden2, 1> fc3;

  constexpr Map<1> operator()(Graph& g, Map<In> x) const {
    const auto h = g.dropout(0.2f, fc1(g, x));
    return fc3(g, g.dropout(0.2f, fc2(g, h)));
  }
  template <class Walk>
  constexpr void visit(Walk& walk) {
    visit_in(walk, 0, fc1);
    visit_in(walk, 3, fc2);
    visit_in(walk, 6, fc3);
  }
};

/// torchvision's MobileNetV3 classifier: linear, h-swish, dropout 0.2, linear; parameters 0.*, 3.*.
///   [N, 1, 1, In] -> [N, 1, 1, Classes]
template <int In, int Hidden, int Classes>
struct MobileNetV3Classifier {
  Linear<In, Hidden, Act::hswish> fc1;
  Linear<Hidden, Classes> fc2;

  constexpr Map<Classes> operator()(Graph& g, Map<In> x) const { return fc2(g, g.dropout(0.2f, fc1(g, x))); }
  template <class Walk>
  constexpr void visit(Walk& walk) {
    visit_in(walk, 0, fc1);
    visit_in(walk, 3, fc2);
  }
};

/// The head of recognisers: flatten in PyTorch's order (channel, row, column), linear, batch norm.
///   [N, Side, Side, In] -> [N, 1, 1, Out]
/// It is computed as a convolution without padding, whose weights have the same order in
/// memory as those of the linear layer.
template <int In, int Out, int Side = 1, class Norm = TorchNorm>
struct EmbeddingHead {
  Linear<In * Side * Side, Out> fc;
  BatchNorm<Out, Norm> norm;

  constexpr Map<Out> operator()(Graph& g, Map<In> x) const {
    Op op;
    op.window = Side;
    op.weight = fc.weight.offset;
    op.bias = fc.bias.offset;
    norm.describe(op);
    return g.conv<In, Out>(op, x);
  }
  template <class Walk, class Name>
  constexpr void visit(Walk& walk, Name linear_name, Name norm_name) {
    visit_in(walk, linear_name, fc);
    visit_in(walk, norm_name, norm);
  }
};

TINYFIQA_END
