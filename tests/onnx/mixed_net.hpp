// A small network with every operation that 8-bit maps can have, and layers that stay in floats.
#pragma once

#include <tinyfiqa/nn/layers.hpp>

struct MixedNet {
  tinyfiqa::ConvNorm<3, 16, 3, 2, 1, tinyfiqa::Act::hswish> stem;
  tinyfiqa::ConvNorm<16, 16, 3, 1, 16, tinyfiqa::Act::relu> depthwise;
  tinyfiqa::SqueezeExcite<16, 8> gate;
  tinyfiqa::ConvNormPRelu<16, 16, 1> prelu;
  tinyfiqa::ConvNormLeaky<16, 16, 3, 1, 2, 10> leaky;
  tinyfiqa::BatchNorm<16> norm;
  tinyfiqa::ConvNorm<16, 16, 1> linear;
  tinyfiqa::ConvNorm<16, 16, 1, 1, 1, tinyfiqa::Act::silu> silu;
  tinyfiqa::ConvNorm<16, 8, 3, 2, 1, tinyfiqa::Act::relu> behind;
  tinyfiqa::Linear<16, 8, tinyfiqa::Act::hswish> hidden;
  tinyfiqa::Linear<8, 1, tinyfiqa::Act::sigmoid> head;

  constexpr tinyfiqa::Outputs operator()(tinyfiqa::Graph& g) const {
    const auto x = depthwise(g, stem(g, g.input<3>()));
    const auto gated = leaky(g, prelu(g, gate(g, x)));
    const auto sum = g.add<16>({x, linear(g, norm(g, gated))});
    const auto mixed = g.shuffle<2>(g.concat<8, 8>({g.slice<8, 8>(sum), g.slice<0, 8>(gated)}));
    const auto pooled = g.upsample<2>(g.max_pool(3, 2, 1, mixed));
    const auto y = g.dropout(0.5f, pooled);
    return tinyfiqa::Outputs()
        .add("score", head(g, hidden(g, g.mean_hw(y))))
        .add("levels", sum)
        .add("floats", behind(g, silu(g, y)));
  }
  template <class Walk>
  constexpr void visit(Walk& walk) {
    visit_in(walk, "stem", stem, 0, 1);
    visit_in(walk, "depthwise", depthwise, 0, 1);
    visit_in(walk, "gate", gate);
    visit_in(walk, "prelu", prelu, 0, 1, 2);
    visit_in(walk, "leaky", leaky, 0, 1);
    visit_in(walk, "norm", norm);
    visit_in(walk, "linear", linear, 0, 1);
    visit_in(walk, "silu", silu, 0, 1);
    visit_in(walk, "behind", behind, 0, 1);
    visit_in(walk, "hidden", hidden);
    visit_in(walk, "head", head);
  }
};
