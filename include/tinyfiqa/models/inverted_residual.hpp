// The block of MobileNetV3 and EfficientNet, with torchvision's parameter names.
#pragma once

#include <tinyfiqa/nn/layers.hpp>

TINYFIQA_BEGIN

/// Inverted residual: 1x1 expand (absent when Hidden == Cin), KxK depthwise, squeeze-excite to Squeeze
/// channels (absent when 0), linear 1x1 project; the input is added when the shapes agree.
///   [N, H, W, Cin] -> [N, ceil(H / Stride), ceil(W / Stride), Cout]
/// Style: batch norm's constants, squeeze_act and gate_act; keys block.0.*, block.1.*, ...
template <class Style, int Cin, int K, int Hidden, int Cout, int Squeeze, Act A, int Stride>
struct InvertedResidual {
  static constexpr bool expands = Hidden != Cin;
  static constexpr bool residual = Stride == 1 && Cin == Cout;
  static constexpr int squeeze = Squeeze > 0 ? Squeeze : 1;

  ConvNorm<Cin, Hidden, 1, 1, 1, A, Style> expand;
  ConvNorm<Hidden, Hidden, K, Stride, Hidden, A, Style> depthwise;
  SqueezeExcite<Hidden, squeeze, Style::squeeze_act, Style::gate_act> squeeze_excite;
  ConvNorm<Hidden, Cout, 1, 1, 1, Act::none, Style> project;

  constexpr Map<Cout> operator()(Graph& g, Map<Cin> x) const {
    Map<Hidden> y{x.id};
    if constexpr (expands) y = expand(g, x);
    y = depthwise(g, y);
    if constexpr (Squeeze > 0) y = squeeze_excite(g, y);
    const Map<Cout> z = project(g, y);
    if constexpr (residual)
      return g.add<Cout>({z, x});
    else
      return z;
  }

  template <class Walk>
  constexpr void visit(Walk& walk) {
    int index = 0;
    walk.enter("block");
    if constexpr (expands) visit_in(walk, index++, expand, 0, 1);
    visit_in(walk, index++, depthwise, 0, 1);
    if constexpr (Squeeze > 0) visit_in(walk, index++, squeeze_excite);
    visit_in(walk, index++, project, 0, 1);
    walk.leave();
  }
};

TINYFIQA_END
