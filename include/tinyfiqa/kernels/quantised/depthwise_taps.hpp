// Depthwise convolution of levels with weights of 7 bits, tap by tap (kernels/quantised/depthwise.hpp), for processors without
// the instructions that kernels/quantised/depthwise_blocks.hpp needs.
//
// Three kernels: of four channels for small programs, of 16 channels with sums in 16 bits (simd/levels.hpp), and loops that
// compilers turn into vectors. Sums of the first one are here or in kernels/quantised/depthwise_pairs.hpp.
//
// Packed weights, for each block of channels: bias (int32), taps (int8), the epilogue's rows (floats,
// kernels/quantised/epilogue.hpp).
#pragma once

#include <tinyfiqa/kernels/quantised/depthwise_blocks.hpp>
#include <tinyfiqa/kernels/quantised/depthwise_pairs.hpp>

#include <cstddef>
#include <cstdint>
#include <cstring>

TINYFIQA_ISA_BEGIN(kernels)

/// Size of a block with taps, in bytes.
TINYFIQA_INLINE constexpr std::size_t tap_block_bytes(int block, int window, Act act) {
  return static_cast<std::size_t>(block * (4 + 4 * epilogue_rows(act) + window * window));
}
/// Size of the packed blocks with taps, in bytes.
template <int Width = simd::width>
constexpr std::size_t taps_i8_packed_bytes(int c, int window, Act act) {
  constexpr int block = i8_tap_block(Width);
  return static_cast<std::size_t>((c + block - 1) / block) * tap_block_bytes(block, window, act);
}
/// Packs weight [c][window][window], bias [c] and the epilogue's rows [epilogue_rows(act)][c] as taps.
template <int Width = simd::width, int LevelOffset = simd::level_offset>
inline void pack_taps_i8(int c, int window, Act act, const std::int8_t* weight, const std::int32_t* bias,
                         const float* rows, unsigned char* packed) {
  constexpr int block = i8_tap_block(Width);
  const int taps = window * window;
  for (int first = 0; first < c; first += block) {
    const auto each = [&](const auto& number) {
      for (int i = first; i < first + block; ++i) {
        const auto value = i < c ? number(i) : decltype(number(0))(0);
        std::memcpy(packed, &value, sizeof value);
        packed += sizeof value;
      }
    };
    each([&](int i) {
      std::int32_t weights = 0;
      for (int t = 0; t < taps; ++t) weights += weight[i * taps + t];
      return bias[i] + LevelOffset * weights;
    });
    for (int t = 0; t < taps; ++t) each([&](int i) { return weight[i * taps + t]; });
    for (int r = 0; r < epilogue_rows(act); ++r) each([&](int i) { return rows[std::ptrdiff_t{r} * c + i]; });
  }
}

#ifndef TINYFIQA_ROW_BLOCKS

#if defined(TINYFIQA_SMALL)

#ifndef TINYFIQA_SUMS_TO_LEVELS

/// sum = bias + the products of one window of four channels, which begin `at` levels behind the start of its rows. (A function
/// of its own, so that all fits in registers.)
template <int K>
TINYFIQA_NOINLINE inline void sum_window(const DepthwiseI8Row<K>& r, std::ptrdiff_t at, std::ptrdiff_t c,
                                         const std::int32_t* bias, std::int32_t (&sum)[4]) {
  simd::four_sums s = simd::load_four_sums(bias);
  const auto* w = reinterpret_cast<const std::int8_t*>(bias + 4);
  for (int ky = 0; ky < K; ++ky) {
    const std::uint8_t* x = r.x[ky] + at;
#pragma GCC unroll 7
    for (int kx = 0; kx < K; ++kx, w += 4, x += c) simd::add_four(x, w, s);
  }
  simd::store_four_sums(sum, s);
}

/// The sums of a row of windows of four channels.
template <int K>
class TapSums {
 public:
  TapSums(const DepthwiseI8Args& d, const DepthwiseI8Row<K>& r, int first, int, const unsigned char* packed)
      : r_(r), first_(first), c_(d.c), bias_(reinterpret_cast<const std::int32_t*>(packed)) {}
  /// The sums of the windows that begin at pixel `at` of their rows.
  void sum(std::ptrdiff_t at, std::int32_t (&sum)[4]) const {
    sum_window<K>(r_, first_ + at * c_, c_, bias_, sum);
  }

 private:
  const DepthwiseI8Row<K>& r_;
  std::ptrdiff_t first_, c_;
  const std::int32_t* bias_;
};

#endif

/// One output row.
template <int K>
inline void depthwise_i8_row(const DepthwiseI8Args& d, const DepthwiseI8Row<K>& r) {
  constexpr int block = i8_large_block;
  static_assert(block == 4, "tinyfiqa: TapSums takes four channels");
  const std::size_t block_bytes = tap_block_bytes(block, K, d.out.act);
  const unsigned char* packed = d.packed;
  const SmallLevels to_level(d.out.range);
  const bool levels = d.out.levels != nullptr;  // else floats
  const std::ptrdiff_t to_next = levels ? d.out.pixel_stride : 0;
  const bool all_plain = is_plain(d.out), from_zero = SmallLevels::is_from_zero(d.out.range);
  for (int first = 0; first < d.c; first += block, packed += block_bytes) {
    const auto* const rows = reinterpret_cast<const float*>(packed + block * (4 + K * K));
    const int count = d.c - first < block ? d.c - first : block;
    const bool plain = all_plain && count == block;
    std::uint8_t* to = levels ? d.out.levels + r.pixel * d.out.pixel_stride + first : nullptr;
    const TapSums<K> sums(d, r, first, count, packed);
    int ox = 0;
#ifdef TINYFIQA_SUMS_TO_LEVELS
    if constexpr (K == 3)
      if (all_plain && from_zero && d.stride <= 2 && d.out_w >= 2) {
        ox = d.out_w & ~1;
        sums.to_levels(ox, d.stride, rows, to, d.out.pixel_stride);
        to += ox * d.out.pixel_stride;
      }
#endif
    for (; ox < d.out_w; ++ox, to += to_next) {
      std::int32_t sum[block];
      sums.sum(ox * d.stride, sum);
#ifdef TINYFIQA_SIMD_HELIUM
      if (plain) {
        simd::store_four_levels(to, sum, rows, d.out.range);
        continue;
      }
#endif
      if (plain && from_zero) {
#pragma GCC unroll 4
        for (int i = 0; i < block; ++i) to[i] = SmallLevels::from_zero(static_cast<float>(sum[i]) * rows[i]);
      } else if (plain) {
#pragma GCC unroll 4
        for (int i = 0; i < block; ++i) to[i] = to_level(static_cast<float>(sum[i]) * rows[i]);
      } else {
        store_sums(d.out, r.pixel + ox, 1, first, count, sum, block, rows, block, d.slope);
      }
    }
  }
}

#elif defined(TINYFIQA_TAP_SUMS)

/// Adds a tap to the sums of 16 bits of one output, and these to its sums of 32 bits before they become too large.
template <int Taps>
TINYFIQA_INLINE void add_tap(int tap, const simd::vt& x, const simd::vt& w, simd::tap_sums& part,
                             simd::vi (&sum)[4]) {
  constexpr int together = simd::taps_together;
  part = tap % together == 0 ? simd::tap_products(x, w) : simd::add_tap_products(part, x, w);
  if (tap % together == together - 1 || tap == Taps - 1) simd::add_tap_sums(part, sum);
}

/// `end` output pixels of 16 channels by tiles of P; the last tile is moved left. Needs end >= P.
template <int K, int S, int P>
TINYFIQA_NOINLINE inline void depthwise_i8_tap_tiles(const DepthwiseI8Args& d, const DepthwiseI8Row<K>& row,
                                                     int end, ChannelBlock b, const unsigned char* packed) {
  constexpr int columns = (P - 1) * S + K, N = 4, lanes = i8_large_block;
  static_assert(lanes == 16 && simd::width == 4, "tinyfiqa: a tile has 16 channels");
  const auto* const bias = reinterpret_cast<const std::int32_t*>(packed);
  const auto* const weights = reinterpret_cast<const std::int8_t*>(packed) + lanes * 4;
  const auto* const rows = reinterpret_cast<const float*>(packed + lanes * (4 + K * K));
  const DepthwiseI8Row<K> r = row;  // a copy: a store to the output might change it
  const std::ptrdiff_t c = d.c;
  for (int ox = 0; ox < end; ox += P) {
    const int first = end - ox < P ? end - P : ox;
    simd::vi sum[P][N];
    simd::tap_sums part[P];
#pragma GCC unroll 2
    for (int i = 0; i < P; ++i)
#pragma GCC unroll 4
      for (int v = 0; v < N; ++v) sum[i][v] = simd::load_ints(bias + v * simd::width);
#pragma GCC unroll 7
    for (int ky = 0; ky < K; ++ky) {
      const std::uint8_t* x = r.x[ky] + first * S * c + b.first;
#pragma GCC unroll 9
      for (int j = 0; j < columns; ++j, x += c) {
        const simd::vt levels = simd::load_tap_levels(x);
#pragma GCC unroll 2
        for (int i = 0; i < P; ++i)
          if (const int kx = j - i * S; kx >= 0 && kx < K)
            add_tap<K * K>(ky * K + kx, levels, simd::load_tap_weights(weights + (ky * K + kx) * lanes),
                           part[i], sum[i]);
      }
    }
    store_tile<P, N>(
        d.out, r.pixel + first, P, b.first, b.count,
        [&](int i, int v) TINYFIQA_INLINE_LAMBDA { return simd::to_floats(sum[i][v]); }, rows, lanes,
        d.slope);
  }
}

/// One output row.
template <int K, int S>
inline void depthwise_i8_row_strided(const DepthwiseI8Args& d, const DepthwiseI8Row<K>& r) {
  constexpr int P = simd::registers >= 32 ? 2 : 1;
  const unsigned char* packed = d.packed;
  for_each_channel_block(d.c, [&](ChannelBlock b) {
    if (d.out_w >= P)
      depthwise_i8_tap_tiles<K, S, P>(d, r, d.out_w, b, packed);
    else
      depthwise_i8_tap_tiles<K, S, 1>(d, r, d.out_w, b, packed);
    packed += tap_block_bytes(i8_large_block, K, d.out.act);
  });
}

#else

/// One output row.
template <int K>
inline void depthwise_i8_row(const DepthwiseI8Args& d, const DepthwiseI8Row<K>& r) {
  constexpr int block = i8_large_block, vectors = block / simd::width;
  const std::size_t block_bytes = tap_block_bytes(block, K, d.out.act);
  for (int ox = 0; ox < d.out_w; ++ox) {
    const unsigned char* packed = d.packed;
    for_each_channel_block(d.c, [&](ChannelBlock b) {
      std::int32_t sum[block];
      std::memcpy(sum, packed, sizeof sum);
      const auto* const rows = reinterpret_cast<const float*>(packed + block * (4 + K * K));
      const auto* w = reinterpret_cast<const std::int8_t*>(packed) + block * 4;
      for (int ky = 0; ky < K; ++ky) {
        const std::uint8_t* x = r.x[ky] + std::ptrdiff_t{ox} * d.stride * d.c + b.first;
        for (int kx = 0; kx < K; ++kx, w += block, x += d.c)
          for (int i = 0; i < block; ++i) sum[i] += x[i] * w[i];
      }
      float sums[block];
      for (int i = 0; i < block; ++i) sums[i] = static_cast<float>(sum[i]);
      constexpr int N = vectors < 4 ? vectors : 4, step = N * simd::width;  // a tile has at most 4 vectors
      for (int i = 0; i < b.count; i += step)
        store_tile<1, N>(
            d.out, r.pixel + ox, 1, b.first + i, b.count - i < step ? b.count - i : step,
            [&](int, int v) TINYFIQA_INLINE_LAMBDA { return simd::load(sums + i + v * simd::width); },
            rows + i, block, d.slope);
      packed += block_bytes;
    });
  }
}

#endif

#endif

#if defined(TINYFIQA_ROW_BLOCKS) || defined(TINYFIQA_TAP_SUMS)

/// One output row, for any stride. Of other strides than 1 and 2, each pixel is a row of its own.
template <int K>
inline void depthwise_i8_row(const DepthwiseI8Args& d, const DepthwiseI8Row<K>& r) {
  if (d.stride == 1) return depthwise_i8_row_strided<K, 1>(d, r);
  if (d.stride == 2) return depthwise_i8_row_strided<K, 2>(d, r);
  DepthwiseI8Args alone = d;
  DepthwiseI8Row<K> pixel = r;
  alone.out_w = 1;
  for (int ox = 0; ox < d.out_w; ++ox, ++pixel.pixel) {
    depthwise_i8_row_strided<K, 1>(alone, pixel);
    for (const std::uint8_t*& x : pixel.x) x += d.stride * d.c;
  }
}

#endif

TINYFIQA_ISA_END
