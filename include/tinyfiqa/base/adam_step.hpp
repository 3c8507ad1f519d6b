// The constants of one Adam step.
#pragma once

#include <tinyfiqa/base/config.hpp>

#include <cstddef>

TINYFIQA_BEGIN

/// The factors of one step of Adam or AdamW; optim/optimizers.hpp computes them from rates and betas.
///   g' = g + decay p
///   m  = b1 m + c1 g'
///   v  = b2 v + c2 g'^2
///   p  = keep p - step m / (sqrt(v) root + eps)
struct AdamStep {
  float keep = 1;   ///< factor of the parameter: 1 - rate * decay in AdamW, 1 in Adam
  float decay = 0;  ///< Adam's L2 decay, added to the gradient; 0 in AdamW
  float b1 = 0, c1 = 1, b2 = 0, c2 = 1, eps = 0;
  float step = 0, root = 1;  ///< rate / (1 - beta1^t) and 1 / sqrt(1 - beta2^t)
};

/// Makes one step. gradient, m, v, p: [count] each; gradient is read, the others are updated in-place.
using AdamKernel = void (*)(const AdamStep& step, std::ptrdiff_t count, const float* gradient, float* m,
                            float* v, float* p);

TINYFIQA_END
