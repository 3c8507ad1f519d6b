// The building block of MobileNetV3 and EfficientNet, with torchvision's parameter names.
#pragma once

#include <tinyfiqa/nn/layers.hpp>

TINYFIQA_BEGIN

/// Inverted residual (Sandler et al. 2018): 1x1 expand (absent if Hidden == Cin), KxK depthwise,
/// squeeze-excite (Hu et al. 2018) with Squeeze channels (absent if 0), linear 1x1 project. The input is
/// added if the shapes agree.
///   [N, H, W, Cin] -> [N, ceil(H / Stride), ceil(W / Stride), Cout]
/// Style has the constants of batch norm, squeeze_act and gate_act. The parameters are block.0.*, block.1.*, ...
template <int Cin, int Hidden, int Cout, int K, int Stride, Act A, int Squeeze, class Style>
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
