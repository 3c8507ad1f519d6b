// Vectors for 8-bit maps: sums of products in 32-bit integers, and levels 0..255 as floats. base/quantisation.hpp has the
// arithmetic. Kernels of 8-bit maps are written against these functions and those of simd/vec.hpp.
//
// Levels and weights are multiplied by *quads*: four neighbouring depths at once.
//
//   vi                     one vector of `width` 32-bit integers
//   load_ints(p)           `width` integers at p
//   load_level_ints(p)     `width` levels at p as integers;  load_level_ints_up_to(p, count): then zeros
//   add(a, b)              a + b, for each lane
//   to_floats(v)           nearest floats
//
//   splat_quad(p)          the four levels at p, in all lanes
//   splat_quad_part(p, n)  the first n levels at p, 0 < n < 4, then zeros
//   load_quads(p)          `width` quads of weights at p, one for each lane
//   dot(sum, x, w)         sum + x[0] w[0] + x[1] w[1] + x[2] w[2] + x[3] w[3], for each lane. Exact: weights are -63..63.
//   level_offset           what is subtracted from all levels that are multiplied: x[i] = level - level_offset. Sums begin with
//                          level_offset times the sum of all weights.
//
//   product_rows[N - 1]    rows of a tile of matrix products with N vectors, if TINYFIQA_PRODUCT_ROWS is defined
//
//   If TINYFIQA_QUAD_LANES is defined:
//   load_four_quads(p), load_two_quads(p)    the 16 levels at p, or 8
//   dot_two<Q>(sum, x, v, w)    sum[i] += quad Q of x times v[i] + quad Q + 1 of x times w[i], for each lane; Q is 0 or 2
//
//   If TINYFIQA_TAP_SUMS is defined, for depthwise convolutions of 16 channels:
//   load_tap_levels(p), load_tap_weights(p)    16 levels, 16 weights
//   tap_products(x, w), add_tap_products(sums, x, w)    products, in 16 bits: at most taps_together are added
//   add_tap_sums(sums, to) adds them to sums in 32 bits
//
//   RowBlock<N>            N vectors of neighbouring channels of one pixel, for depthwise convolutions; N is row_block_vectors
//                          or row_block_least. Exists if TINYFIQA_ROW_BLOCKS is defined.
//     quads<Rows>(r, q)    q[N]: the quads of N width channels at the addresses r[Rows]; with 3 rows or fewer the other levels
//                          are anything, and their weights must be 0
//     order(i)             the channel whose quad is in lane i of q (lanes counted through all vectors)
//
//   For small programs (TINYFIQA_SMALL):
//   small_rows             rows of a tile of matrix products
//   multiply_rows(x, end, w, sum)    sum[r][v] += dot() of the quads x[small_rows i + r] up to `end` and those of column v at w;
//                          small_padding quads of each row behind `end` are read. Exists if TINYFIQA_MULTIPLY_ROWS is defined
//   splat_quad_rest(p, n, longer)    splat_quad_part(p, n); if `longer`, four levels lie before p
//   four_sums, load_four_sums(p), store_four_sums(p, s)    sums of four neighbouring channels
//   add_four(x, w, sum)    adds the products of four levels and four weights
//
//   If TINYFIQA_SUMS_TO_LEVELS is defined, from sums to levels; pairs are two numbers of 16 bits:
//   tiles_to_levels(x, w_end, columns)    levels of tiles of two rows and two columns, at least one: to_level() of (bias +
//                          products) factor, where no level is below 0. A tile at x is the quads of its rows, in turns, and the
//                          addresses of the rows of the output. Weights end at w_end.
//   taps_to_levels(taps, stride)    levels of neighbouring outputs of a window of 3x3, an even number, at least two; stride
//                          is the window's, 1 or 2. Levels begin at 0.
//   pair_levels(a, b, pairs), pair_weights(a, b, pairs)    pairs[i]: byte i of a and of b
//   add_pair(x, w, sum)    sum + the products of two pairs;  add_second(x, w, sum): of a level and the second weight of a pair
//
//   load_levels(p)         `width` levels at p as floats;  load_levels_up_to(p, count): then zeros
//   store_levels<N>(p, y, range, count)    to_level() of the first `count` lanes of N vectors of floats, 0 < count <= N width;
//                          store_levels<N, true>: of floats in the order of RowBlock<N>
//   vb                     16 bytes
//   load_16(p), store_16(p, b)
//   max(a, b)              the larger of each pair of bytes
//   interleave_low(a, b), interleave_high(a, b)    a0 b0 a1 b1 ... a7 b7 and a8 b8 ... a15 b15
//
//   rounded(v)             v. The compiler must not fuse what made it with what reads it: a product that is rounded before
//                          it is added has the same bits on all processors.
#pragma once

#include <tinyfiqa/simd/levels_avx2.hpp>
#include <tinyfiqa/simd/levels_avx512.hpp>
#include <tinyfiqa/simd/levels_by_lane.hpp>
#include <tinyfiqa/simd/levels_cortex_m4f.hpp>
#include <tinyfiqa/simd/levels_neon.hpp>
#include <tinyfiqa/simd/levels_sse.hpp>
#include <tinyfiqa/simd/levels_wasm.hpp>

TINYFIQA_ISA_BEGIN(simd)

#undef TINYFIQA_UNPACK_QUADS

#ifdef TINYFIQA_ROW_BLOCKS
/// Puts the floats of a RowBlock's lanes in the order of channels, through memory.
template <int N>
TINYFIQA_INLINE void in_order(vf (&y)[N]) {
  float lanes[N * width], channels[N * width];
  for (int v = 0; v < N; ++v) store(lanes + v * width, y[v]);
  for (int i = 0; i < N * width; ++i) channels[RowBlock<N>::order(i)] = lanes[i];
  for (int v = 0; v < N; ++v) y[v] = load(channels + v * width);
}
#endif

TINYFIQA_INLINE vf load_levels_up_to(const std::uint8_t* p, int count) {
  return to_floats(load_level_ints_up_to(p, count));
}
TINYFIQA_INLINE vf load_levels(const std::uint8_t* p) { return to_floats(load_level_ints(p)); }

TINYFIQA_ISA_END
