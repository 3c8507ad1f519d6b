// Layers that do not fit together: the compiler must refuse each, in its first error naming the two widths.
#include <tinyfiqa/nn/layers.hpp>

using namespace tinyfiqa;

Map<8> network(Graph& g) {
  const ConvNorm<3, 16, 3> stem;
#if CASE == 0  // the control: this one is right
  const ConvNorm<16, 8, 1> next;
  return next(g, stem(g, g.input<3>()));
#elif CASE == 1  // 16 channels into a layer for 24
  const ConvNorm<24, 8, 1> next;
  return next(g, stem(g, g.input<3>()));
#elif CASE == 2  // a sum of 16 and 8 channels
  const ConvNorm<16, 8, 1> next;
  const auto x = stem(g, g.input<3>());
  return g.add<8>({next(g, x), x});
#elif CASE == 3  // groups that do not divide the channels
  const ConvNorm<16, 8, 3, 1, 3> next;
  return next(g, stem(g, g.input<3>()));
#elif CASE == 4  // a slice beyond the map
  return g.slice<12, 8>(stem(g, g.input<3>()));
#elif CASE == 5  // PReLU without its slopes
  return g.activation<Act::prelu>(ConvNorm<16, 8, 1>()(g, stem(g, g.input<3>())));
#elif CASE == 6  // more maps than an operation takes
  const auto x = stem(g, g.input<3>());
  return ConvNorm<80, 8, 1>()(g, g.concat<16, 16, 16, 16, 16>({x, x, x, x, x}));
#endif
}
