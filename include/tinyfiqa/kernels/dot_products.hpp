// Dot products of one vector with many, for the comparison of embeddings.
//
//   out[r] = sum over i of x[i] rows[r, i]
//
// Each is, to the bit, what dot_product() of base/dot_product.hpp gives without fused multiply-adds: 16 partial sums, of
// which sum k has the products of i = k, k + 16, ... So the result depends neither on the instruction set nor on the
// other rows.
//
//             i = 0 .. 15     16 .. 31     ...
//    x        [ v  v .. v ]   [        ]          `vectors` vectors of `width` floats are 16
//             * loaded once for row_tile rows
//    row 0    [           ]   [        ]          sums of row 0: `vectors` registers
//    row 1    [           ]   [        ]          sums of row 1
#pragma once

#include <tinyfiqa/base/config.hpp>
#include <tinyfiqa/simd/vec.hpp>

#include <cstddef>

TINYFIQA_ISA_BEGIN(kernels)

namespace dot_detail {
inline constexpr int lanes = 16, vectors = lanes / simd::width;
// Eight sums hide the latency of an addition. With the vectors of x they fit into 16 registers.
inline constexpr int row_tile = vectors < 8 ? 8 / vectors : 1;

/// The products of the last `count` < 16 elements, one after the other. They go through memory, so that no compiler fuses
/// them with the additions.
inline float tail_sum(const float* x, const float* row, int count) {
  float products[lanes] = {};
  for (int i = 0; i < count; i += simd::width) {
    const int part = count - i < simd::width ? count - i : simd::width;
    simd::store(products + i, simd::keep(simd::load_up_to(x + i, part) * simd::load_up_to(row + i, part)));
  }
  float sum = 0;
  for (int i = 0; i < count; ++i) sum += products[i];
  return sum;
}

/// `Rows` rows at `rows`, n floats apart.
template <int Rows>
TINYFIQA_INLINE void some_rows(const float* TINYFIQA_RESTRICT x, const float* TINYFIQA_RESTRICT rows, int n,
                               float* TINYFIQA_RESTRICT out) {
  simd::vf sums[Rows][vectors];
  for (int r = 0; r < Rows; ++r)
    for (int v = 0; v < vectors; ++v) sums[r][v] = simd::splat(0);
  const int whole = n / lanes * lanes;
  for (int i = 0; i < whole; i += lanes) {
#pragma GCC unroll 16
    for (int v = 0; v < vectors; ++v) {
      const simd::vf xv = simd::load(x + i + v * simd::width);
#pragma GCC unroll 8
      for (int r = 0; r < Rows; ++r) {
        const float* const row = rows + static_cast<std::ptrdiff_t>(r) * n + i + v * simd::width;
        // keep: rounded before it is added
        sums[r][v] = sums[r][v] + simd::keep(xv * simd::load(row));
      }
    }
  }
  float parts[Rows][lanes], totals[Rows] = {};
  for (int r = 0; r < Rows; ++r)
    for (int v = 0; v < vectors; ++v) simd::store(parts[r] + v * simd::width, sums[r][v]);
  if (whole < n)
    for (int r = 0; r < Rows; ++r)
      totals[r] = tail_sum(x + whole, rows + static_cast<std::ptrdiff_t>(r) * n + whole, n - whole);
  for (int k = 0; k < lanes; ++k)  // rows side by side: each waits for its last addition
    for (int r = 0; r < Rows; ++r) totals[r] += parts[r][k];
  for (int r = 0; r < Rows; ++r) out[r] = totals[r];
}
}  // namespace dot_detail

/// out[r] = the dot product of x [n] and row r of rows [count, n]. Reads and writes exactly these.
inline void dot_products(const float* TINYFIQA_RESTRICT x, const float* TINYFIQA_RESTRICT rows,
                         std::ptrdiff_t count, int n, float* TINYFIQA_RESTRICT out) {
  constexpr int tile = dot_detail::row_tile;
  std::ptrdiff_t r = 0;
  for (; r + tile <= count; r += tile) dot_detail::some_rows<tile>(x, rows + r * n, n, out + r);
  for (; r < count; ++r) dot_detail::some_rows<1>(x, rows + r * n, n, out + r);
}

TINYFIQA_ISA_END
