// The formula of each operation on 8-bit maps (docs/numerics.md): what every instruction set computes, to the bit.
#pragma once

#include <tinyfiqa/base/quantisation.hpp>
#include <tinyfiqa/kernels/reference/forward.hpp>

#include <cstddef>
#include <cstdint>

TINYFIQA_BEGIN
namespace reference {

/// A map of levels.
struct Levels {
  MapShape shape;
  const std::uint8_t* levels = nullptr;  ///< dense [n, h, w, c]
  Quantisation quant;
};

/// A convolution in whole numbers; rows [3][Cout] are factor; three or PReLU's negative; six.
struct WholeConv {
  const std::int8_t* weight = nullptr;  ///< [Cout][Cin / groups][K][K]
  const std::int32_t* bias = nullptr;   ///< [Cout]
  const float* rows = nullptr;
};

/// The sum of output element (i, oy, ox, o). A tap outside the map is the level zero[c % 3].
inline std::int32_t sum_levels(const Levels& x, MapShape out, Window w, const WholeConv& conv,
                               const std::uint8_t* zero, int i, int oy, int ox, int o) {
  const int cin = x.shape.c / w.groups, group = o / (out.c / w.groups);
  std::int32_t sum = conv.bias[o];
  for (int c = 0; c < cin; ++c)
    for (int ky = 0; ky < w.window; ++ky)
      for (int kx = 0; kx < w.window; ++kx) {
        const int y = oy * w.stride + ky - w.padding, xx = ox * w.stride + kx - w.padding;
        const bool inside = y >= 0 && y < x.shape.h && xx >= 0 && xx < x.shape.w;
        const std::int32_t level = inside ? x.levels[x.shape.at(i, y, xx, group * cin + c)] : zero[c % 3];
        sum +=
            level * conv.weight[((static_cast<std::ptrdiff_t>(o) * cin + c) * w.window + ky) * w.window + kx];
      }
  return sum;
}

/// Forces a float out of a register that may hold more bits, and keeps compilers from fusing a product with a sum.
inline float as_float(float x) {
  volatile float stored = x;
  return stored;
}

/// A sum in units of the output: act of it, times the factor. n is Cout.
inline float scaled_sum(Act a, std::int32_t sum, const float* rows, int o, int n) {
  const float x = static_cast<float>(sum), factor = rows[o];
  if (a == Act::prelu) return as_float(x > 0 ? x * factor : x * rows[n + o]);
  if (a != Act::hswish && a != Act::hsigmoid) return as_float(x * factor);
  float h = as_float(x + rows[n + o]);
  h = h < 0 ? 0 : h;
  h = h > rows[2 * n + o] ? rows[2 * n + o] : h;
  return a == Act::hsigmoid ? as_float(h * factor) : as_float(as_float(x * h) * factor);
}

/// The level of y + residual. `by` is the residual's scale divided by the output's.
inline std::uint8_t level_with(float y, const std::uint8_t* residual, Quantisation quant, float by,
                               LevelRange range) {
  if (residual == nullptr) return to_level(y, range);
  const float r = as_float(static_cast<float>(*residual - quant.zero) * by);
  return to_level(as_float(y + r), range);
}

}  // namespace reference
TINYFIQA_END
