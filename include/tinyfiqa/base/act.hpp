// Activation functions, by name.
#pragma once

#include <tinyfiqa/base/config.hpp>

TINYFIQA_BEGIN

/// Pointwise functions that end a layer.
enum class Act : unsigned char {
  none,
  relu,      ///< max(x, 0)
  hswish,    ///< x * min(max(x + 3, 0), 6) / 6        (Howard et al. 2019, section 5.2)
  hsigmoid,  ///< min(max(x + 3, 0), 6) / 6
  sigmoid,   ///< 1 / (1 + exp(-x))
  silu,      ///< x * sigmoid(x)
  prelu,     ///< x > 0 ? x : slope[c] * x; leaky ReLU is PReLU with one fixed slope
};

constexpr const char* act_name(Act act) {
  constexpr const char* names[] = {"none", "relu", "hswish", "hsigmoid", "sigmoid", "silu", "prelu"};
  return names[static_cast<unsigned char>(act)];
}

TINYFIQA_END
