// The layers that networks are built from. A layer holds no weights. It knows its shape and the offsets of its
// parameters in the network's block. Calling it appends its operations to a Graph.
//
// Template arguments of all layers and blocks come in one order: Cin, Hidden, Cout, K, Stride, Groups, Act, Norm,
// Padding; a layer leaves out those that it does not have.
#pragma once

#include <tinyfiqa/base/config.hpp>
#include <tinyfiqa/nn/graph.hpp>
#include <tinyfiqa/nn/param.hpp>

TINYFIQA_BEGIN

/// The constants of batch norm in PyTorch.
struct TorchNorm {
  static constexpr float eps = 1e-5f, momentum = 0.1f;
};

/// Batch normalisation over N, H, W (Ioffe and Szegedy 2015):  y = (x - mean) / sqrt(var + eps) * weight + bias
template <int C, class Constants = TorchNorm>
struct BatchNorm {
  Param weight = vector_param(ParamKind::norm_weight, C);
  Param bias = vector_param(ParamKind::norm_bias, C);
  Param running_mean = vector_param(ParamKind::running_mean, C);
  Param running_var = vector_param(ParamKind::running_var, C);

  /// As an operation of its own: [N, H, W, C] -> [N, H, W, C].
  constexpr Map<C> operator()(Graph& g, Map<C> x) const {
    Op op;
    op.groups = C;
    describe(op);
    return g.conv<C, C>(op, x);
  }
  /// As the last part of a convolution.
  constexpr void describe(Op& op) const {
    op.norm_weight = weight.offset;
    op.norm_bias = bias.offset;
    op.running_mean = running_mean.offset;
    op.running_var = running_var.offset;
    op.norm_eps = Constants::eps;
    op.norm_momentum = Constants::momentum;
  }
  template <class Walk>
  constexpr void visit(Walk& walk) {
    walk.param("weight", weight);
    walk.param("bias", bias);
    walk.param("running_mean", running_mean);
    walk.param("running_var", running_var);
  }
};

/// Convolution without bias, batch norm, activation.
///   x [N, H, W, Cin] -> y [N, H', W', Cout],   H' = (H + 2 Padding - K) / Stride + 1   (W' alike)
template <int Cin, int Cout, int K, int Stride = 1, int Groups = 1, Act A = Act::none, class Norm = TorchNorm,
          int Padding = K / 2>
struct ConvNorm {
  static_assert(Cin % Groups == 0 && Cout % Groups == 0,
                "tinyfiqa::ConvNorm: Groups must divide Cin and Cout");
  Param weight = conv_param(Cout, Cin / Groups, K);
  BatchNorm<Cout, Norm> norm;

  constexpr Map<Cout> operator()(Graph& g, Map<Cin> x) const { return g.conv<Cin, Cout>(describe(), x); }
  constexpr Op describe() const {
    Op op;
    op.act = A;
    op.window = K;
    op.stride = Stride;
    op.padding = Padding;
    op.groups = Groups;
    op.weight = weight.offset;
    norm.describe(op);
    return op;
  }
  /// The names of the convolution and of the batch norm: indices in a Sequential, or texts.
  template <class Walk, class Name>
  constexpr void visit(Walk& walk, Name conv_name, Name norm_name) {
    walk.enter(conv_name);
    walk.param("weight", weight);
    walk.leave();
    visit_in(walk, norm_name, norm);
  }
};

/// Convolution without bias, batch norm, PReLU with a slope for each channel (He et al. 2015).
template <int Cin, int Cout, int K, int Stride = 1, int Groups = 1, class Norm = TorchNorm,
          int Padding = K / 2>
struct ConvNormPRelu {
  ConvNorm<Cin, Cout, K, Stride, Groups, Act::prelu, Norm, Padding> conv;
  Param slope = vector_param(ParamKind::slope, Cout);

  constexpr Map<Cout> operator()(Graph& g, Map<Cin> x) const {
    Op op = conv.describe();
    op.slope = slope.offset;
    return g.conv<Cin, Cout>(op, x);
  }
  template <class Walk, class Name>
  constexpr void visit(Walk& walk, Name conv_name, Name norm_name, Name slope_name) {
    conv.visit(walk, conv_name, norm_name);
    walk.enter(slope_name);
    walk.param("weight", slope);
    walk.leave();
  }
};

/// Convolution without bias, batch norm, leaky ReLU (Maas et al. 2013): PReLU whose slope, in per cent, is the same for
/// all channels and no parameter. With SlopePercent 0 it is ReLU.
template <int Cin, int Cout, int K, int Stride, int Groups, int SlopePercent, class Norm = TorchNorm,
          int Padding = K / 2>
struct ConvNormLeaky {
  ConvNorm<Cin, Cout, K, Stride, Groups, SlopePercent == 0 ? Act::relu : Act::prelu, Norm, Padding> conv;

  constexpr Map<Cout> operator()(Graph& g, Map<Cin> x) const {
    Op op = conv.describe();
    op.fixed_slope = static_cast<float>(SlopePercent) / 100.0f;
    return g.conv<Cin, Cout>(op, x);
  }
  template <class Walk, class Name>
  constexpr void visit(Walk& walk, Name conv_name, Name norm_name) {
    conv.visit(walk, conv_name, norm_name);
  }
};

/// 1x1 convolution with bias, activation: [N, H, W, Cin] -> [N, H, W, Cout].
template <int Cin, int Cout, Act A = Act::none>
struct ConvBias {
  Param weight = conv_param(Cout, Cin, 1);
  Param bias = vector_param(ParamKind::conv_bias, Cout);

  constexpr Map<Cout> operator()(Graph& g, Map<Cin> x) const {
    Op op;
    op.act = A;
    op.weight = weight.offset;
    op.bias = bias.offset;
    return g.conv<Cin, Cout>(op, x);
  }
  template <class Walk>
  constexpr void visit(Walk& walk) {
    walk.param("weight", weight);
    walk.param("bias", bias);
  }
};

/// y = act(weight x + bias) on a pooled map, [N, 1, 1, In] -> [N, 1, 1, Out].
template <int In, int Out, Act A = Act::none>
struct Linear {
  Param weight = matrix_param(ParamKind::linear_weight, Out, In);
  Param bias = vector_param(ParamKind::linear_bias, Out);

  constexpr Map<Out> operator()(Graph& g, Map<In> x) const {
    Op op;
    op.act = A;
    op.weight = weight.offset;
    op.bias = bias.offset;
    return g.conv<In, Out>(op, x);
  }
  template <class Walk>
  constexpr void visit(Walk& walk) {
    walk.param("weight", weight);
    walk.param("bias", bias);
  }
};

/// Squeeze-and-excitation (Hu et al. 2018) as in torchvision, [N, H, W, C] -> [N, H, W, C]:
///   y = x * gate(fc2(inner(fc1(mean_hw(x)))))
template <int C, int Squeeze, Act Inner = Act::relu, Act Gate = Act::hsigmoid>
struct SqueezeExcite {
  ConvBias<C, Squeeze, Inner> fc1;
  ConvBias<Squeeze, C, Gate> fc2;

  constexpr Map<C> operator()(Graph& g, Map<C> x) const {
    const Map<C> gate = fc2(g, fc1(g, g.mean_hw(x)));
    return g.scale<C>({x, gate});
  }
  template <class Walk>
  constexpr void visit(Walk& walk) {
    visit_in(walk, "fc1", fc1);
    visit_in(walk, "fc2", fc2);
  }
};

/// Count >= 2 consecutive blocks; the first may have another shape. Parameters 0.*, 1.*, ...
template <class First, class Other, int Count>
struct BlockRow {
  static_assert(Count >= 2, "tinyfiqa::BlockRow: give one block as itself");
  First first;
  Other others[Count - 1];

  template <int C>
  constexpr auto operator()(Graph& g, Map<C> x) const {
    auto y = first(g, x);
    for (const auto& block : others) y = block(g, y);
    return y;
  }
  template <class Walk>
  constexpr void visit(Walk& walk) {
    visit_in(walk, 0, first);
    for (int i = 0; i < Count - 1; ++i) visit_in(walk, i + 1, others[i]);
  }
};

TINYFIQA_END
