// The formula of a lazy map's values (base/lazy_map.hpp), one value at a time, and of activations and
// their derivatives.
#pragma once

#include <tinyfiqa/base/lazy_map.hpp>

#include <cmath>

TINYFIQA_BEGIN
namespace reference {

/// act(u), computed in T.
template <class T>
T act_value(Act a, T u, T slope) {
  const T gate = u <= -3 ? T(0) : u >= 3 ? T(1) : (u + 3) / 6;
  switch (a) {
    case Act::none:
      return u;
    case Act::relu:
      return u > 0 ? u : T(0);
    case Act::hsigmoid:
      return gate;
    case Act::hswish:
      return u * gate;
    case Act::sigmoid:
      return 1 / (1 + std::exp(-u));
    case Act::silu:
      return u / (1 + std::exp(-u));
    case Act::prelu:
      return u > 0 ? u : slope * u;
  }
  return u;
}

/// The derivative act'(u), computed in T. Where act has a kink, it is PyTorch's choice.
template <class T>
T act_derivative(Act a, T u, T slope) {
  const T s = 1 / (1 + std::exp(-u));
  switch (a) {
    case Act::none:
      return 1;
    case Act::relu:
      return u > 0 ? T(1) : T(0);
    case Act::hsigmoid:
      return u > -3 && u < 3 ? T(1) / 6 : T(0);
    case Act::hswish:
      return u <= -3 ? T(0) : u < 3 ? u / 3 + T(0.5) : T(1);
    case Act::sigmoid:
      return s * (1 - s);
    case Act::silu:
      return s * (1 + u * (1 - s));
    case Act::prelu:
      return u > 0 ? T(1) : slope;
  }
  return 1;
}

/// The argument of the activation: u = (data - centre[c]) * scale[c] + shift[c] at pixel p, counted over
/// all images.
template <class T>
T lazy_argument(const LazyMap<T>& x, std::ptrdiff_t p, int c) {
  const T z = x.data[p * x.pixel_stride + c];
  return x.scale == nullptr ? z : (z - x.centre[c]) * x.scale[c] + x.shift[c];
}

/// The map's value at pixel p, channel c: act(u) * gate[image][c].
template <class T>
T lazy_value(const LazyMap<T>& x, std::ptrdiff_t p, int c) {
  const T v = act_value(x.act, lazy_argument(x, p, c), x.slope == nullptr ? x.fixed_slope : x.slope[c]);
  const std::ptrdiff_t image = p / (static_cast<std::ptrdiff_t>(x.h) * x.w);
  return x.gate == nullptr ? v : v * x.gate[image * x.gate_stride + c];
}

}  // namespace reference
TINYFIQA_END
