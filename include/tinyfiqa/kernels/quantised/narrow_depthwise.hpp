// Depthwise 3x3 convolution of levels with few channels: kernels/quantised/depthwise_blocks.hpp would leave most of a vector unused.
//
// A row of the output is taken as one long row of elements, element i being channel i % C of pixel i / C. Its tap kx is element
// i + kx C of the padded row of the input. So vectors are full whatever C is; only the weights differ from one block of
// elements to the next, and they repeat after C / gcd(C, elements of a block) blocks. With stride 2 the padded row is stored in
// two parts, its even pixels and its odd ones: tap 0 is element i of the even part, tap 1 of the odd one, tap 2 element i + C
// of the even one.
//
// Packed weights, for each block until they repeat: bias (int32), quads kx = 0, 1, 2 (int8), the epilogue's rows (floats), all
// in the order of a RowBlock.
#pragma once

#include <tinyfiqa/kernels/quantised/depthwise_blocks.hpp>

#include <cstddef>
#include <cstdint>
#include <cstring>

TINYFIQA_ISA_BEGIN(kernels)

#ifdef TINYFIQA_ROW_BLOCKS

/// True for the convolutions that this file is for.
TINYFIQA_INLINE constexpr bool is_narrow_i8(int c, int window, int stride, bool to_levels) {
  return window == 3 && stride <= 2 && c <= i8_large_block / 2 && to_levels;
}

/// Blocks of elements until their weights repeat.
TINYFIQA_INLINE constexpr int narrow_i8_blocks(int c) {
  int blocks = 1;
  while (blocks * i8_large_block % c != 0) ++blocks;
  return blocks;
}

/// Bytes of a block's packed weights.
TINYFIQA_INLINE constexpr std::ptrdiff_t narrow_i8_block_bytes(Act act) {
  return std::ptrdiff_t{i8_large_block} * 4 * (1 + 3 + epilogue_rows(act));
}

/// Size of the packed block, in bytes.
constexpr std::size_t narrow_i8_packed_bytes(int c, Act act) {
  return static_cast<std::size_t>(narrow_i8_blocks(c) * narrow_i8_block_bytes(act));
}

/// Packs weight [c][3][3], bias [c] and the epilogue's rows [epilogue_rows(act)][c].
inline void pack_narrow_i8(int c, Act act, const std::int8_t* weight, const std::int32_t* bias,
                           const float* rows, unsigned char* packed) {
  for (int block = 0; block < narrow_i8_blocks(c); ++block) {
    const auto each = [&](const auto& number) {
      for (int lane = 0; lane < i8_large_block; ++lane) {
        const auto value =
            number((block * i8_large_block + simd::RowBlock<simd::row_block_vectors>::order(lane)) % c);
        std::memcpy(packed, &value, sizeof value);
        packed += sizeof value;
      }
    };
    each([&](int i) { return bias[i]; });
    for (int kx = 0; kx < 3; ++kx) each([&](int i) { return window_quad(weight + i * 9, 3, kx); });
    for (int r = 0; r < epilogue_rows(act); ++r) each([&](int i) { return rows[std::ptrdiff_t{r} * c + i]; });
  }
}

/// Bytes of a part of a padded row: all pixels, or every second one. A block may be read beyond its elements.
TINYFIQA_INLINE constexpr std::size_t narrow_i8_part_bytes(int w, int c, int padding, int stride) {
  const int pixels = (w + 2 * padding + stride - 1) / stride;
  return static_cast<std::size_t>(pixels) * static_cast<std::size_t>(c) + i8_large_block;
}

/// Copies pixels to the two parts in turns, from part `part` on.
inline void deal_pixels(const std::uint8_t* x, std::ptrdiff_t x_pixel_stride, int pixels, std::ptrdiff_t c,
                        std::uint8_t* part, std::uint8_t* other) {
  constexpr int run =
      i8_large_block / 2;  // bytes that are copied at once; later pixels overwrite what is too much
  const int whole =
      pixels - (run + static_cast<int>(c) - 1) / static_cast<int>(c);  // `run` bytes follow these
  int i = 0;
  for (; i + 2 <= whole; i += 2, x += 2 * x_pixel_stride, part += c, other += c) {
    std::memcpy(part, x, run);
    std::memcpy(other, x + x_pixel_stride, run);
  }
  for (; i < pixels; ++i, x += x_pixel_stride) {
    std::memcpy(part, x, static_cast<std::size_t>(c));
    std::uint8_t* const next = part + c;
    part = other;
    other = next;
  }
}

/// Copies row y of an image, with its padding, into the two parts of a row in scratch.
inline void split_row(const DepthwiseI8Args& d, int image, int y, std::uint8_t* to) {
  const std::size_t part = narrow_i8_part_bytes(d.w, d.c, d.padding, 2), c = static_cast<std::size_t>(d.c);
  const auto of_part = [&](int pixels, int odd) {
    return static_cast<std::size_t>((pixels + 1 - odd) / 2) * c;
  };
  std::uint8_t* at[2];
  for (const int odd : {0, 1}) {
    const std::size_t padding = of_part(d.padding, odd);
    std::memset(to + static_cast<std::size_t>(odd) * part, d.x_zero, padding);
    at[odd] = to + static_cast<std::size_t>(odd) * part + padding;
  }
  const int first = d.padding % 2;
  deal_pixels(d.x + (std::ptrdiff_t{image} * d.h + y) * d.w * d.x_pixel_stride, d.x_pixel_stride, d.w, d.c,
              at[first], at[1 - first]);
  for (const int odd : {0, 1}) {
    const std::size_t filled = of_part(d.padding + d.w, odd);
    std::memset(to + static_cast<std::size_t>(odd) * part + filled, d.x_zero, part - filled);
  }
}

/// One output row from three padded rows; `row_out` has room for it if the output's pixels do not lie side by side.
inline void narrow_i8_row(const DepthwiseI8Args& d, const DepthwiseI8Row<3>& row, std::uint8_t* row_out) {
  constexpr int N = simd::row_block_vectors, lanes = i8_large_block;
  const DepthwiseI8Row<3> r = row;  // a copy: a store to the output might change it
  const std::ptrdiff_t c = d.c,
                       odd = static_cast<std::ptrdiff_t>(narrow_i8_part_bytes(d.w, d.c, d.padding, 2));
  const std::ptrdiff_t tap[3] = {0, d.stride == 1 ? c : odd, d.stride == 1 ? 2 * c : c};
  const bool dense = d.out.pixel_stride == c;
  QuantisedOutput out = d.out;
  out.levels = dense ? d.out.levels + r.pixel * c : row_out;
  const std::ptrdiff_t block_bytes = narrow_i8_block_bytes(d.out.act);
  const unsigned char *packed = d.packed, *const packed_end = packed + narrow_i8_blocks(d.c) * block_bytes;
  const int elements = d.out_w * d.c;
  for (int at = 0; at < elements; at += lanes) {
    const auto* const bias = reinterpret_cast<const std::int32_t*>(packed);
    const auto* const weights = reinterpret_cast<const std::int8_t*>(packed) + lanes * 4;
    simd::vi sum[1][N];
#pragma GCC unroll 4
    for (int v = 0; v < N; ++v) sum[0][v] = simd::load_ints(bias + v * simd::width);
#pragma GCC unroll 3
    for (int kx = 0; kx < 3; ++kx) {
      const std::ptrdiff_t first = tap[kx] + at;
      const std::uint8_t* const levels[3] = {r.x[0] + first, r.x[1] + first, r.x[2] + first};
      simd::vi quad[N];
      simd::RowBlock<N>::template quads<3>(levels, quad);
      add_quad(quad, weights, kx, sum[0]);
    }
    store_tile<1, N, true>(
        out, 0, 1, at, elements - at < lanes ? elements - at : lanes,
        [&](int i, int v) TINYFIQA_INLINE_LAMBDA { return simd::to_floats(sum[i][v]); },
        reinterpret_cast<const float*>(packed + lanes * 4 * (1 + 3)), lanes, nullptr);
    packed += block_bytes;
    if (packed == packed_end) packed = d.packed;
  }
  for (int ox = 0; !dense && ox < d.out_w; ++ox)
    std::memcpy(d.out.levels + (r.pixel + ox) * d.out.pixel_stride, row_out + ox * c,
                static_cast<std::size_t>(c));
}

#endif

TINYFIQA_ISA_END
