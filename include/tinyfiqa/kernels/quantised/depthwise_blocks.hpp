// Depthwise convolution of levels with weights of 7 bits, by blocks of channels (kernels/quantised/depthwise.hpp).
//
//   y[n, oy, ox, c] = level of the epilogue of (bias[c] + sum over ky, kx of x[n, iy, ix, c] w[c][ky][kx])
//   iy = oy stride + ky - padding,    ix = ox stride + kx - padding
//
// Taps outside the map are the level that stands for 0, so that bias[c] may hold the zero's part of the sum. Rows are copied
// to scratch with that level around them: all windows then lie inside.
//
// Four rows of a column become quads (simd/levels.hpp): the levels of one channel lie side by side and are multiplied and added
// together. A column of 3 rows is one quad (its fourth weight is 0), one of 7 rows two. Of 5 rows, four are a quad, and the
// fifth has quads of its own along the row: four of its taps, then the last one.
//
//   5x5    0 1 2 3 4    quad kx, kx = 0..4: rows 0 to 3
//          0 1 2 3 4
//          0 1 2 3 4
//          0 1 2 3 4
//          5 5 5 5 6    quads 5 and 6: row 4
//
// That is for x86's instructions; kernels/quantised/depthwise_taps.hpp has the others.
//
// A tile is P neighbouring output pixels of a block of channels: each quad of levels is made once and added to all outputs
// that see it. Channels are taken in blocks of 16, 32 or 64, of 4 by scalar kernels; the last one may be part of a block. The
// last tile of a row is moved left to end with the row, and computes some pixels twice, with the same result. So y must not
// overlap x.
//
// Packed weights, for each block: bias (int32), quads (int8), the epilogue's rows (floats, kernels/quantised/epilogue.hpp),
// all in the order of a RowBlock.
#pragma once

#include <tinyfiqa/kernels/depthwise.hpp>
#include <tinyfiqa/kernels/quantised/epilogue.hpp>

#include <cstddef>
#include <cstdint>
#include <cstring>

TINYFIQA_ISA_BEGIN(kernels)

struct DepthwiseI8Args {
  int n = 0, h = 0, w = 0, c = 0;  ///< of the input
  int out_h = 0, out_w = 0;
  int window = 3, stride = 1, padding = 1;
  const std::uint8_t* x = nullptr;  ///< [n, h, w, c]
  std::ptrdiff_t x_pixel_stride = 0;
  std::uint8_t x_zero = 0;                ///< the level that stands for 0
  const unsigned char* packed = nullptr;  ///< pack_depthwise_i8's block
  QuantisedOutput out;
  const float* slope = nullptr;     ///< [c], for PReLU if the output is floats; else null
  std::uint8_t* scratch = nullptr;  ///< depthwise_i8_scratch() bytes for each thread
};

// ---- blocks of channels

/// A block: `vectors` vectors of channels from `first` on, of which `count` exist.
struct ChannelBlock {
  int first, vectors, count;
};

/// Channels of a block of kernels that add taps, with vectors of that many floats.
TINYFIQA_INLINE constexpr int i8_tap_block(int width) { return width == 1 ? 4 : 16; }
#ifdef TINYFIQA_ROW_BLOCKS
inline constexpr int i8_large_block = simd::row_block_vectors * simd::width,
                     i8_small_block = simd::row_block_least * simd::width;
#else
inline constexpr int i8_large_block = i8_tap_block(simd::width), i8_small_block = i8_large_block;
#endif

/// The block that begins at channel `at` of c.
TINYFIQA_INLINE constexpr ChannelBlock channel_block(int at, int c) {
  const int left = c - at, size = left > i8_small_block ? i8_large_block : i8_small_block;
  return {at, size / simd::width, left < size ? left : size};
}

/// Calls body(block) for all channels.
template <class Body>
TINYFIQA_INLINE constexpr void for_each_channel_block(int c, const Body& body) {
  for (int at = 0; at < c;) {
    const ChannelBlock block = channel_block(at, c);
    body(block);
    at = block.first + block.count;
  }
}

/// Quads of a column of the window.
TINYFIQA_INLINE constexpr int column_quads(int window) { return window == 5 ? 1 : (window + 3) / 4; }
/// Quads of a window.
TINYFIQA_INLINE constexpr int window_quads(int window) {
  return window * column_quads(window) + (window == 5 ? 2 : 0);
}

/// Quad q of the weights [window][window] of a channel.
TINYFIQA_INLINE std::uint32_t window_quad(const std::int8_t* weight, int window, int q) {
  const int columns = column_quads(window);
  std::uint32_t quad = 0;
  const auto set = [&](int t, int ky, int kx) {
    quad |= std::uint32_t{static_cast<std::uint8_t>(weight[ky * window + kx])} << (8 * t);
  };
  if (q < window * columns) {
    const int first = q % columns * 4;
    for (int ky = first; ky < first + 4 && ky < window; ++ky) set(ky - first, ky, q / columns);
  } else if (q == 5) {
    for (int kx = 0; kx < 4; ++kx) set(kx, 4, kx);
  } else {
    set(3, 4, 4);  // the last level of the quad that begins one pixel later
  }
  return quad;
}

#ifdef TINYFIQA_ROW_BLOCKS

/// Bytes of a channel's packed weights.
TINYFIQA_INLINE constexpr int depthwise_i8_channel_bytes(int window, Act act) {
  return 4 + 4 * epilogue_rows(act) + window_quads(window) * 4;
}

/// Size of the packed blocks with quads, in bytes.
constexpr std::size_t blocks_i8_packed_bytes(int c, int window, Act act) {
  std::size_t channels = 0;
  for_each_channel_block(
      c, [&](ChannelBlock b) { channels += static_cast<std::size_t>(b.vectors * simd::width); });
  return channels * static_cast<std::size_t>(depthwise_i8_channel_bytes(window, act));
}

TINYFIQA_INLINE constexpr int block_order(int vectors, int lane) {
  return vectors == simd::row_block_vectors ? simd::RowBlock<simd::row_block_vectors>::order(lane)
                                            : simd::RowBlock<simd::row_block_least>::order(lane);
}

/// Packs weight [c][window][window], bias [c] and the epilogue's rows [epilogue_rows(act)][c] as quads.
inline void pack_blocks_i8(int c, int window, Act act, const std::int8_t* weight, const std::int32_t* bias,
                           const float* rows, unsigned char* packed) {
  const int taps = window * window;
  for_each_channel_block(c, [&](ChannelBlock b) {
    const auto each = [&](const auto& number) {
      for (int i = 0; i < b.vectors * simd::width; ++i) {
        const int channel = block_order(b.vectors, i);
        const auto value = channel < b.count ? number(b.first + channel) : decltype(number(0))(0);
        std::memcpy(packed, &value, sizeof value);
        packed += sizeof value;
      }
    };
    each([&](int i) { return bias[i]; });
    for (int q = 0; q < window_quads(window); ++q)
      each([&](int i) { return window_quad(weight + i * taps, window, q); });
    for (int r = 0; r < epilogue_rows(act); ++r) each([&](int i) { return rows[std::ptrdiff_t{r} * c + i]; });
  });
}

#endif

// ---- kernels

/// One output row: the rows of its windows, with `padding` pixels before and behind those of the map. A row is followed by
/// i8_large_block bytes, so that blocks of channels may be read beyond the last pixel.
template <int K>
struct DepthwiseI8Row {
  const std::uint8_t* x[K] = {};
  std::ptrdiff_t pixel = 0;  ///< number of output pixel 0, counted over all images
};

#ifdef TINYFIQA_ROW_BLOCKS

/// Adds quad q of the weights times a quad of levels to the N vectors of one output.
template <int N>
TINYFIQA_INLINE void add_quad(const simd::vi (&quad)[N], const std::int8_t* weights, int q,
                              simd::vi (&sum)[N]) {
#pragma GCC unroll 4
  for (int v = 0; v < N; ++v)
    sum[v] = simd::dot(sum[v], quad[v], simd::load_quads(weights + (q * N + v) * simd::width * 4));
}

/// Adds a quad of each vector of channels to the outputs of a tile that see column j: rows 4 Q .. of the window. `at`: bytes
/// from the start of a row to the column's first channel.
template <int K, int S, int P, int N, int Q>
TINYFIQA_INLINE void depthwise_i8_add(const DepthwiseI8Row<K>& r, std::ptrdiff_t at, int j,
                                      const std::int8_t* weights, simd::vi (&sum)[P][N]) {
  constexpr int count = K - 4 * Q < 4 ? K - 4 * Q : 4;
  const std::uint8_t* row[count];
#pragma GCC unroll 4
  for (int t = 0; t < count; ++t) row[t] = r.x[4 * Q + t] + at;
  simd::vi quad[N];
  simd::RowBlock<N>::template quads<count>(row, quad);
#pragma GCC unroll 4
  for (int i = 0; i < P; ++i)
    if (const int kx = j - i * S; kx >= 0 && kx < K)
      add_quad(quad, weights, kx * column_quads(K) + Q, sum[i]);
}

/// Adds the fifth row of 5x5: quads of four pixels from column j on.
template <int S, int P, int N>
TINYFIQA_INLINE void depthwise_i8_add_fifth(const std::uint8_t* x, std::ptrdiff_t c,
                                            const std::int8_t* weights, simd::vi (&sum)[P][N]) {
#pragma GCC unroll 16
  for (int j = 0; j < (P - 1) * S + 2; ++j, x += c) {
    if (j % S > 1) continue;
    const std::uint8_t* const pixels[4] = {x, x + c, x + 2 * c, x + 3 * c};
    simd::vi quad[N];
    simd::RowBlock<N>::template quads<4>(pixels, quad);
#pragma GCC unroll 4
    for (int i = 0; i < P; ++i)
      if (const int first = j - i * S; first == 0 || first == 1) add_quad(quad, weights, 5 + first, sum[i]);
  }
}

/// Output pixels begin .. end - 1 of one block by tiles of P; the last tile is moved left. Needs end - begin >= P.
template <int K, int S, int P, int N>
TINYFIQA_NOINLINE inline void depthwise_i8_tiles(const DepthwiseI8Args& d, const DepthwiseI8Row<K>& row,
                                                 int begin, int end, ChannelBlock b,
                                                 const unsigned char* packed) {
  constexpr int columns = (P - 1) * S + K, lanes = N * simd::width;
  const auto* const bias = reinterpret_cast<const std::int32_t*>(packed);
  const auto* const weights = reinterpret_cast<const std::int8_t*>(packed) + lanes * 4;
  const auto* const rows = reinterpret_cast<const float*>(packed + lanes * 4 * (1 + window_quads(K)));
  const DepthwiseI8Row<K> r = row;  // a copy: a store to the output might change it
  const std::ptrdiff_t c = d.c;
  for (int ox = begin; ox < end; ox += P) {
    const int first = end - ox < P ? end - P : ox;
    simd::vi sum[P][N];
#pragma GCC unroll 4
    for (int i = 0; i < P; ++i)
#pragma GCC unroll 4
      for (int v = 0; v < N; ++v) sum[i][v] = simd::load_ints(bias + v * simd::width);
    std::ptrdiff_t at = first * S * c + b.first;
#pragma GCC unroll 16
    for (int j = 0; j < columns; ++j, at += c) {
      depthwise_i8_add<K, S, P, N, 0>(r, at, j, weights, sum);
      if constexpr (column_quads(K) > 1) depthwise_i8_add<K, S, P, N, 1>(r, at, j, weights, sum);
    }
    if constexpr (K == 5)
      depthwise_i8_add_fifth<S, P, N>(r.x[4] + std::ptrdiff_t{first} * S * c + b.first, c, weights, sum);
    store_tile<P, N, true>(
        d.out, r.pixel + first, P, b.first, b.count,
        [&](int i, int v) TINYFIQA_INLINE_LAMBDA { return simd::to_floats(sum[i][v]); }, rows, lanes,
        d.slope);
  }
}

/// Pixels of a tile.
inline constexpr int depthwise_i8_pixels = simd::registers >= 32 ? 4 : 2;

/// One output row of one block.
template <int K, int S, int N>
inline void depthwise_i8_block(const DepthwiseI8Args& d, const DepthwiseI8Row<K>& r, ChannelBlock b,
                               const unsigned char* packed) {
  constexpr int P = depthwise_i8_pixels;
  if (d.out_w >= P)
    depthwise_i8_tiles<K, S, P, N>(d, r, 0, d.out_w, b, packed);
  else
    depthwise_i8_tiles<K, S, 1, N>(d, r, 0, d.out_w, b, packed);
}

/// One output row.
template <int K, int S>
inline void depthwise_i8_row_strided(const DepthwiseI8Args& d, const DepthwiseI8Row<K>& r) {
  const unsigned char* packed = d.packed;
  const std::ptrdiff_t channel_bytes = depthwise_i8_channel_bytes(K, d.out.act);
  for_each_channel_block(d.c, [&](ChannelBlock b) {
    if (b.vectors == simd::row_block_vectors)
      depthwise_i8_block<K, S, simd::row_block_vectors>(d, r, b, packed);
    else
      depthwise_i8_block<K, S, simd::row_block_least>(d, r, b, packed);
    packed += b.vectors * simd::width * channel_bytes;
  });
}

#endif

/// Bytes of a row with its padding, and of what is read beyond it.
TINYFIQA_INLINE constexpr std::size_t padded_row_bytes(int w, int c, int padding) {
  return static_cast<std::size_t>(w + 2 * padding) * static_cast<std::size_t>(c) + i8_large_block;
}

/// Copies row y of an image between the padding of a row in scratch.
inline void pad_row(const DepthwiseI8Args& d, int image, int y, std::uint8_t* to) {
  const auto c = static_cast<std::size_t>(d.c), padding = static_cast<std::size_t>(d.padding) * c;
  const std::uint8_t* x = d.x + (std::ptrdiff_t{image} * d.h + y) * d.w * d.x_pixel_stride;
  std::memset(to, d.x_zero, padding);
  to += padding;
  if (d.x_pixel_stride == d.c) {
    std::memcpy(to, x, static_cast<std::size_t>(d.w) * c);
    to += static_cast<std::size_t>(d.w) * c;
  } else {
    for (int i = 0; i < d.w; ++i, x += d.x_pixel_stride, to += c) std::memcpy(to, x, c);
  }
  std::memset(to, d.x_zero, padding + i8_large_block);
}

TINYFIQA_ISA_END
