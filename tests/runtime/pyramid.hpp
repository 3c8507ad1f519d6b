// A small detector-like network: three outputs of different sizes, upsampling, a concatenation of three maps.
#pragma once

#include <tinyfiqa/nn/layers.hpp>

/// Strides 2, 4 and 8; the features of each are joined with the coarser ones, enlarged.
struct PyramidNet {
  tinyfiqa::ConvNorm<3, 8, 3, 2, 1, tinyfiqa::Act::relu> stem;
  tinyfiqa::ConvNorm<8, 12, 3, 2, 1, tinyfiqa::Act::hswish> down1;
  tinyfiqa::ConvNorm<12, 16, 3, 2, 1, tinyfiqa::Act::silu> down2;
  tinyfiqa::ConvNormLeaky<16, 12, 1, 1, 1, 10> lateral;
  tinyfiqa::ConvNorm<36, 8, 1, 1, 1, tinyfiqa::Act::relu> join;
  tinyfiqa::ConvBias<8, 5> fine;
  tinyfiqa::ConvBias<12, 2, tinyfiqa::Act::sigmoid> middle;
  tinyfiqa::ConvBias<16, 3> coarse;

  constexpr tinyfiqa::Outputs operator()(tinyfiqa::Graph& g) const {
    const auto x = stem(g, g.input<3>());
    const auto a = down1(g, x);
    const auto b = down2(g, a);
    const auto wide = g.upsample<2>(lateral(g, b));
    const auto sum = g.add<12>({a, wide});
    const auto joined = join(g, g.concat<12, 12, 12>({wide, sum, a}));
    return tinyfiqa::Outputs()
        .add("fine", fine(g, g.add_upsampled<8>({x, joined})))
        .add("middle", middle(g, sum))
        .add("coarse", coarse(g, b))
        .add_on_request("sum", sum)
        .add_on_request("half", g.slice<4, 4>(sum))
        .add_on_request("dropped", g.dropout(0.5f, b));
  }
  template <class Walk>
  constexpr void visit(Walk& walk) {
    visit_in(walk, "stem", stem, 0, 1);
    visit_in(walk, "down1", down1, 0, 1);
    visit_in(walk, "down2", down2, 0, 1);
    visit_in(walk, "lateral", lateral, 0, 1);
    visit_in(walk, "join", join, 0, 1);
    visit_in(walk, "fine", fine);
    visit_in(walk, "middle", middle);
    visit_in(walk, "coarse", coarse);
  }
};
