// The end of a kernel for 8-bit maps: from a sum of products to a level, or to a float.
//
// A sum counts in units of (scale of the input) * (scale of the output channel's weights). Each output channel has rows of
// constants, which lie one after the other, `columns` floats apart:
//
//   factor     y = sum factor: in units of the output's scale, or the number itself if the output is floats
//   hswish     y = sum min(max(sum + three, 0), six) factor         three and six in units of the sum; the first sum is exact
//   hsigmoid   y = min(max(sum + three, 0), six) factor
//   prelu      y = max(sum, 0) factor + min(sum, 0) negative
//
// Every result is rounded once for each multiplication, and no product is added to anything: so all processors have the same
// bits, whether they fuse multiplications with additions or not. ReLU is the lowest level (LevelRange).
#pragma once

#include <tinyfiqa/kernels/epilogue.hpp>
#include <tinyfiqa/simd/levels.hpp>

#include <cstddef>
#include <cstdint>
#include <type_traits>

TINYFIQA_ISA_BEGIN(kernels)

/// Rows of constants of an activation, without the bias.
constexpr int epilogue_rows(Act act) {
  return act == Act::hswish || act == Act::hsigmoid ? 3 : act == Act::prelu ? 2 : 1;
}
/// True if results of the activation can be levels. The others compute exp(), whose last bits differ between instruction
/// sets: their results are floats.
constexpr bool has_levels(Act act) { return act != Act::sigmoid && act != Act::silu; }

/// The sums of a vector of channels in units of the output; `rows` points at their factors.
template <Act A>
TINYFIQA_INLINE vf scale_sum(vf sum, const float* rows, std::ptrdiff_t columns) {
  const vf factor = simd::load(rows);
  if constexpr (A == Act::hswish || A == Act::hsigmoid) {
    const vf three = simd::load(rows + columns), six = simd::load(rows + 2 * columns);
    const vf h = simd::min(six, simd::max(simd::splat(0.0f), sum + three));
    return A == Act::hsigmoid ? h * factor : sum * h * factor;
  } else if constexpr (A == Act::prelu) {
    const vf zero = simd::splat(0.0f), negative = simd::load(rows + columns);
    return simd::max(zero, sum) * factor + simd::min(zero, sum) * negative;  // one of the two is 0
  } else {
    return sum * factor;
  }
}

/// Where a kernel writes: levels, or floats if `floats` is not null. A residual is added behind the activation.
struct QuantisedOutput {
  std::uint8_t* levels = nullptr;
  float* floats = nullptr;
  std::ptrdiff_t pixel_stride = 0;  ///< elements
  LevelRange range;
  Act act = Act::none;
  const std::uint8_t* residual = nullptr;  ///< null for none; may be `levels`
  std::ptrdiff_t residual_stride = 0;
  float residual_zero = 0.0f;    ///< its level that stands for 0
  float residual_factor = 0.0f;  ///< its scale divided by the output's (limited_factor())
};

/// The output from pixel `pixel` and channel `channel` on.
inline QuantisedOutput moved_output(QuantisedOutput out, std::ptrdiff_t pixel, int channel) {
  const std::ptrdiff_t at = pixel * out.pixel_stride + channel;
  if (out.levels != nullptr) out.levels += at;
  if (out.floats != nullptr) out.floats += at;
  if (out.residual != nullptr) out.residual += pixel * out.residual_stride + channel;
  return out;
}

/// Adds the residual to N vectors of channels of one pixel, from channel `first` on, of which `count` exist.
template <int N>
TINYFIQA_INLINE void add_residual(const QuantisedOutput& out, std::ptrdiff_t pixel, int first, int count,
                                  vf (&y)[N]) {
  const std::uint8_t* const r = out.residual + pixel * out.residual_stride + first;
  const vf zero = simd::splat(out.residual_zero), factor = simd::splat(out.residual_factor);
#pragma GCC unroll 4
  for (int v = 0; v < N; ++v) {
    const int left = count - v * simd::width;
    if (left <= 0) break;
    const vf level = simd::load_levels_up_to(r + v * simd::width, left < simd::width ? left : simd::width);
    y[v] = simd::rounded(y[v]) + simd::rounded((level - zero) * factor);
  }
}

#ifdef TINYFIQA_SMALL

/// True for what networks do most, which kernels end themselves: levels of sums times factors.
TINYFIQA_INLINE bool is_plain(const QuantisedOutput& out) {
  return out.floats == nullptr && out.residual == nullptr && (out.act == Act::none || out.act == Act::relu);
}

/// The end of `pixels` pixels; `count` sums a pixel are at `sums`, `stride` from pixel to pixel.
TINYFIQA_NOINLINE inline void store_sums(const QuantisedOutput& out, std::ptrdiff_t pixel, int pixels,
                                         int first, int count, const std::int32_t* sums, int stride,
                                         const float* rows, std::ptrdiff_t columns, const float* slope) {
  for (; pixels > 0; --pixels, ++pixel, sums += stride) {
    const std::ptrdiff_t at = pixel * out.pixel_stride + first;
    if (out.floats != nullptr) {
      for (int i = 0; i < count; ++i)
        out.floats[at + i] = activate(out.act, vf(static_cast<float>(sums[i])) * rows[i],
                                      slope == nullptr ? 0.0f : slope[first + i]);
      continue;
    }
    for (int i = 0; i < count; ++i) {
      const auto sum = static_cast<float>(sums[i]);
      vf y[1] = {out.act == Act::hswish     ? scale_sum<Act::hswish>(sum, rows + i, columns)
                 : out.act == Act::hsigmoid ? scale_sum<Act::hsigmoid>(sum, rows + i, columns)
                 : out.act == Act::prelu    ? scale_sum<Act::prelu>(sum, rows + i, columns)
                                            : scale_sum<Act::none>(sum, rows + i, columns)};
      if (out.residual != nullptr) add_residual<1>(out, pixel, first + i, 1, y);
      simd::store_levels<1>(out.levels + at + i, y, out.range, 1);
    }
  }
}

#else

/// The end of `pixels` pixels for everything but what store_tile() does in registers; sums are at `sums`, N vectors a pixel.
/// With InRowBlock sums and rows are in the order of a RowBlock.
template <int N, bool InRowBlock>
TINYFIQA_NOINLINE inline void store_rarely(const QuantisedOutput& out, std::ptrdiff_t pixel, int pixels,
                                           int first, int count, const float* sums, const float* rows,
                                           std::ptrdiff_t columns, const float* slope) {
  for (int i = 0; i < pixels; ++i, ++pixel, sums += N * simd::width) {
    vf y[N];
    const auto each = [&](const auto& body) TINYFIQA_INLINE_LAMBDA {
#pragma GCC unroll 4
      for (int v = 0; v < N; ++v) y[v] = body(simd::load(sums + v * simd::width), v * simd::width);
    };
    if (out.floats != nullptr) {
      float* const to = out.floats + pixel * out.pixel_stride + first;
      each([&](vf sum, int at) TINYFIQA_INLINE_LAMBDA { return sum * simd::load(rows + at); });
#ifdef TINYFIQA_ROW_BLOCKS
      if constexpr (InRowBlock) simd::in_order(y);
#endif
      for (int v = 0; v < N && v * simd::width < count; ++v) {
        const int at = v * simd::width, n = count - at < simd::width ? count - at : simd::width;
        const vf by = slope == nullptr ? simd::splat(0.0f) : simd::load_up_to(slope + first + at, n);
        simd::store_up_to(to + at, activate(out.act, y[v], by), n);
      }
      continue;
    }
    const auto as = [&](auto tag) TINYFIQA_INLINE_LAMBDA {
      each([&](vf sum, int at)
               TINYFIQA_INLINE_LAMBDA { return scale_sum<decltype(tag)::act>(sum, rows + at, columns); });
    };
    if (out.act == Act::hsigmoid)
      as(ActTag<Act::hsigmoid>{});
    else if (out.act == Act::prelu)
      as(ActTag<Act::prelu>{});
    else if (out.act == Act::hswish)
      as(ActTag<Act::hswish>{});
    else
      as(ActTag<Act::none>{});
    std::uint8_t* const to = out.levels + pixel * out.pixel_stride + first;
    if constexpr (!InRowBlock)
      if (out.residual != nullptr) add_residual<N>(out, pixel, first, count, y);
    simd::store_levels<N, InRowBlock>(to, y, out.range, count);
  }
}

/// The end of a tile of P pixels and N vectors of channels: the first `pixels` pixels from `pixel` on. sum(i, v) is a vector
/// of sums; `rows` points at the factors of the tile's first channel. What networks do most stays in registers. With InRowBlock
/// sums and rows are in the order of a RowBlock, and there is no residual.
template <int P, int N, bool InRowBlock = false, class Sum>
TINYFIQA_INLINE void store_tile(const QuantisedOutput& out, std::ptrdiff_t pixel, int pixels, int first,
                                int count, const Sum& sum, const float* rows, std::ptrdiff_t columns,
                                const float* slope) {
  std::uint8_t* const levels = out.levels;  // copies: a store of levels might change them
  const LevelRange range = out.range;
  const std::ptrdiff_t stride = out.pixel_stride;
  const auto fast = [&](auto tag, auto with_residual) TINYFIQA_INLINE_LAMBDA {
    constexpr int together = N == 1 && P >= 4 && !with_residual ? 4 : 1;
    int done = 0;
    if constexpr (together > 1)  // pixels of one vector that lie side by side are packed together
      if (pixels == P && count == simd::width && stride == simd::width)
#pragma GCC unroll 3
        for (; done + together <= P; done += together) {
          vf y[together];
#pragma GCC unroll 4
          for (int i = 0; i < together; ++i)
            y[i] = scale_sum<decltype(tag)::act>(sum(done + i, 0), rows, columns);
          simd::store_levels<together>(levels + (pixel + done) * simd::width + first, y, range,
                                       together * simd::width);
        }
    if (done == P) return;
#pragma GCC unroll 12
    for (int i = 0; i < P; ++i) {
      if (i >= pixels) break;
      vf y[N];
#pragma GCC unroll 4
      for (int v = 0; v < N; ++v)
        y[v] = scale_sum<decltype(tag)::act>(sum(i, v), rows + v * simd::width, columns);
      if constexpr (with_residual) add_residual<N>(out, pixel + i, first, count, y);
      simd::store_levels<N, InRowBlock>(levels + (pixel + i) * stride + first, y, range, count);
    }
  };
  const bool linear = out.floats == nullptr && (out.act == Act::none || out.act == Act::relu);
  if (linear && out.residual == nullptr) return fast(ActTag<Act::none>{}, std::false_type{});
  if constexpr (!InRowBlock)
    if (linear) return fast(ActTag<Act::none>{}, std::true_type{});
  if (out.floats == nullptr && out.residual == nullptr && out.act == Act::hswish)
    return fast(ActTag<Act::hswish>{}, std::false_type{});
  float sums[P * N * simd::width];
#pragma GCC unroll 12
  for (int i = 0; i < P; ++i)
#pragma GCC unroll 4
    for (int v = 0; v < N; ++v) simd::store(sums + (i * N + v) * simd::width, sum(i, v));
  store_rarely<N, InRowBlock>(out, pixel, pixels, first, count, sums, rows, columns, slope);
}

#endif

TINYFIQA_ISA_END
