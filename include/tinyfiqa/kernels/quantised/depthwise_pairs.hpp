// Depthwise convolution of levels with weights of 7 bits, by pairs of taps (kernels/quantised/depthwise.hpp): small programs on
// processors that multiply two pairs of 16 bits at once (simd/levels.hpp).
//
// Rows in scratch are planes, one for each channel, of levels of 16 bits: neighbouring taps are one word, which meets a word of
// two weights.
//
//   plane of channel c     p x0 x1 x2 x3 x4 ... p       w + 2 padding levels, rounded up to an even number
//                          +---+ +---+                  words of output 0; a window of 3 takes half of the second one
//
// The packed weights are those of kernels/quantised/depthwise_taps.hpp.
#pragma once

#include <tinyfiqa/kernels/quantised/depthwise_blocks.hpp>

#include <cstddef>
#include <cstdint>

TINYFIQA_ISA_BEGIN(kernels)

#ifdef TINYFIQA_SUMS_TO_LEVELS

/// Levels of a plane.
TINYFIQA_INLINE constexpr int plane_levels(int w, int padding) { return (w + 2 * padding + 1) / 2 * 2; }

/// Bytes of the planes of a row.
TINYFIQA_INLINE constexpr std::size_t plane_row_bytes(int w, int c, int padding) {
  return static_cast<std::size_t>(plane_levels(w, padding)) * 2 * static_cast<std::size_t>(c);
}

/// Fills the planes of a row with the level that stands for 0.
inline void fill_planes(const DepthwiseI8Args& d, std::uint8_t* row) {
  auto* to = reinterpret_cast<std::uint32_t*>(row);
  for (std::size_t i = plane_row_bytes(d.w, d.c, d.padding) / 4; i > 0; --i) *to++ = d.x_zero * 0x10001u;
}

/// Writes the planes of `Channels` channels, 1 or 4, of a row; x is its first level of the first channel.
template <int Channels>
TINYFIQA_NOINLINE inline void write_planes(const DepthwiseI8Args& d, const std::uint8_t* x,
                                           std::uint32_t* to) {
  const int words = plane_levels(d.w, d.padding) / 2;
  const std::uint32_t zero = d.x_zero * 0x1010101u;
  const std::ptrdiff_t stride = d.x_pixel_stride;
  const auto put = [&](std::uint32_t a, std::uint32_t b) TINYFIQA_INLINE_LAMBDA {
    if constexpr (Channels == 4) {
      std::uint32_t pairs[4];
      simd::pair_levels(a, b, pairs);
#pragma GCC unroll 4
      for (int c = 0; c < 4; ++c) to[c * words] = pairs[c];
    } else {
      *to = (a & 0xff) | (b & 0xff) << 16;
    }
    ++to;
  };
  const auto load = [&](const std::uint8_t* p) TINYFIQA_INLINE_LAMBDA {
    return Channels == 4 ? simd::load_word(p) : std::uint32_t{*p};
  };
  const std::uint32_t* const end = to + words;
  for (int i = 1; i < d.padding; i += 2) put(zero, zero);
  int left = d.w;
  if (d.padding % 2 != 0) {
    put(zero, load(x));
    x += stride;
    --left;
  }
  for (; left >= 2; left -= 2, x += 2 * stride) put(load(x), load(x + stride));
  if (left > 0) put(load(x), zero);
  while (to < end) put(zero, zero);
}

/// Copies row y of an image, with its padding, to planes.
inline void pad_row_planes(const DepthwiseI8Args& d, int image, int y, std::uint8_t* row) {
  const std::uint8_t* x = d.x + (std::ptrdiff_t{image} * d.h + y) * d.w * d.x_pixel_stride;
  auto* to = reinterpret_cast<std::uint32_t*>(row);
  const int words = plane_levels(d.w, d.padding) / 2;
  int left = d.c;
  for (; left >= 4; left -= 4, x += 4, to += 4 * words) write_planes<4>(d, x, to);
  for (; left > 0; --left, ++x, to += words) write_planes<1>(d, x, to);
}

/// The sums of a row of windows of four channels, of which `count` exist.
template <int K>
class TapSums {
 public:
  TapSums(const DepthwiseI8Args& d, const DepthwiseI8Row<K>& r, int first, int count,
          const unsigned char* packed)
      : bias_(reinterpret_cast<const std::int32_t*>(packed)),
        count_(count),
        plane_(2 * plane_levels(d.w, d.padding)) {
    for (int ky = 0; ky < K; ++ky) x_[ky] = r.x[ky] + first * plane_;
    const unsigned char* taps = packed + 16;
    for (int ky = 0; ky < K; ++ky, taps += 4 * K) {
      std::uint32_t four[K];
#pragma GCC unroll 7
      for (int kx = 0; kx < K; ++kx) four[kx] = simd::load_word(taps + 4 * kx);
#pragma GCC unroll 4
      for (int i = 0; i < pairs; ++i) {
        std::int32_t pair[4];
        const bool whole = 2 * i + 1 < K;
        simd::pair_weights(whole   ? four[2 * i]
                           : K > 1 ? four[K - 2]
                                   : 0,
                           four[whole ? 2 * i + 1 : K - 1], pair);
#pragma GCC unroll 4
        for (int c = 0; c < 4; ++c) weights_[c][ky][i] = pair[c];
      }
    }
  }

  /// The sums of the windows that begin at pixel `at` of their rows.
  TINYFIQA_NOINLINE void sum(std::ptrdiff_t at, std::int32_t (&sum)[4]) const {
    const std::uint8_t* x[K];
#pragma GCC unroll 7
    for (int ky = 0; ky < K; ++ky) x[ky] = x_[ky] + 2 * at;
    const std::int32_t *w = weights_[0][0], *bias = bias_;
    const std::int32_t* const end = sum + count_;
    const int plane = plane_;
    for (std::int32_t* to = sum; to < end; ++to) {
      std::int32_t s = *bias++;
#pragma GCC unroll 7
      for (int ky = 0; ky < K; ++ky) {
#pragma GCC unroll 4
        for (int i = 0; i + 1 < pairs; ++i) s = simd::add_pair(simd::load_word(x[ky] + 4 * i), *w++, s);
        s = simd::add_second(reinterpret_cast<const std::uint16_t*>(x[ky])[K - 1], *w++, s);
        x[ky] += plane;
      }
      *to = s;
    }
  }

  /// Writes `outputs` levels of each channel, an even number, `stride` apart. `by` is the stride of the windows, 1 or 2. Needs
  /// K = 3, and levels that begin at 0.
  void to_levels(int outputs, int by, const float* factors, std::uint8_t* to, std::ptrdiff_t stride) const {
    simd::TapsToLevels t;
    for (int ky = 0; ky < 3; ++ky) t.x[ky] = x_[ky];
    t.w = weights_[0][0];
    t.to = to;
    t.stride = stride;
    t.end = to + outputs * stride;
#pragma GCC unroll 1
    for (int c = 0; c < count_; ++c) {
      t.bias[0] = t.bias[1] = bias_[c];
      t.factor = factors[c];
      simd::taps_to_levels(t, by);
#pragma GCC unroll 3
      for (int ky = 0; ky < 3; ++ky) t.x[ky] += plane_;
      t.w += 6;
      ++t.to;
      ++t.end;
    }
  }

 private:
  static constexpr int pairs = (K + 1) / 2;
  const std::int32_t* bias_;
  int count_, plane_;
  const std::uint8_t* x_[K];
  /// The last pair of a row of the window is its last two weights, of which only the second one is new.
  std::int32_t weights_[4][K][pairs];
};

#endif

TINYFIQA_ISA_END
