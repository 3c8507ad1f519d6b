// The dot product of two arrays.
#pragma once

#include <tinyfiqa/base/config.hpp>

#include <cstddef>

TINYFIQA_BEGIN

/// sum_i a[i] b[i]. For two embeddings of length 1 this is their cosine. Sixteen partial sums let the
/// compiler vectorise the loop.
template <class T>
T dot_product(const T* a, const T* b, std::size_t count) {
  constexpr std::size_t lanes = 16;
  const std::size_t whole = count / lanes * lanes;
  T sums[lanes] = {}, sum = 0;
  for (std::size_t i = 0; i < whole; i += lanes)
    for (std::size_t k = 0; k < lanes; ++k) sums[k] += a[i + k] * b[i + k];
  for (std::size_t i = whole; i < count; ++i) sum += a[i] * b[i];
  for (const T part : sums) sum += part;
  return sum;
}

/// out[r] = dot_product(x, row r of rows [count, n], n).
inline void dot_products(const float* x, const float* rows, std::ptrdiff_t count, int n, float* out) {
  for (std::ptrdiff_t r = 0; r < count; ++r)
    out[r] = dot_product(x, rows + r * n, static_cast<std::size_t>(n));
}

TINYFIQA_END
