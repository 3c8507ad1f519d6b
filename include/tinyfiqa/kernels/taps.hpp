// Sums over the taps of a depthwise window, on flat rows of floats whose weights are patterns
// (kernels/lazy_rows.hpp): every vector is full whatever the number of channels.
#pragma once

#include <tinyfiqa/kernels/lazy_rows.hpp>

TINYFIQA_ISA_BEGIN(kernels)

inline constexpr int max_taps = 49;

/// Pointers of one row's taps: source row t (already shifted to the tap), and its weights' pattern.
struct Taps {
  int count = 0;
  const float* source[max_taps];
  const float* weight[max_taps];
};

template <int N>
TINYFIQA_INLINE void taps_sum_fixed(const Taps& taps, int count, int period, bool accumulate, float* y) {
  for (int f = 0; f < period && f < count; f += simd::width) {
    vf w[N];
#pragma GCC unroll 32
    for (int t = 0; t < N; ++t) w[t] = simd::load(taps.weight[t] + f);
    int j = f;
    for (; j + period + simd::width <= count; j += 2 * period) {
      vf a = accumulate ? simd::load(y + j) : simd::splat(0.0f);
      vf b = accumulate ? simd::load(y + j + period) : simd::splat(0.0f);
#pragma GCC unroll 32
      for (int t = 0; t < N; ++t) {
        a = simd::fma(w[t], simd::load(taps.source[t] + j), a);
        b = simd::fma(w[t], simd::load(taps.source[t] + j + period), b);
      }
      simd::store(y + j, a);
      simd::store(y + j + period, b);
    }
    for (; j < count; j += period) {
      const int part = count - j < simd::width ? count - j : simd::width;
      vf a = accumulate ? simd::load_up_to(y + j, part) : simd::splat(0.0f);
#pragma GCC unroll 32
      for (int t = 0; t < N; ++t) a = simd::fma(w[t], simd::load(taps.source[t] + j), a);
      simd::store_up_to(y + j, a, part);
    }
  }
}

/// y[j] (+)= sum_t weight_t[j mod period] * source_t[j],  j < count. Reads whole vectors of the sources,
/// writes exactly `count` floats.
inline void taps_sum(const Taps& taps, int count, int period, bool accumulate, float* y) {
  switch (taps.count) {
    case 1:
      return taps_sum_fixed<1>(taps, count, period, accumulate, y);
    case 2:
      return taps_sum_fixed<2>(taps, count, period, accumulate, y);
    case 4:
      return taps_sum_fixed<4>(taps, count, period, accumulate, y);
    case 6:
      return taps_sum_fixed<6>(taps, count, period, accumulate, y);
    case 9:
      return taps_sum_fixed<9>(taps, count, period, accumulate, y);
    case 25:
      return taps_sum_fixed<25>(taps, count, period, accumulate, y);
    default:
      break;
  }
  Taps one;
  one.count = 1;
  for (int t = 0; t < taps.count; ++t) {
    one.source[0] = taps.source[t];
    one.weight[0] = taps.weight[t];
    taps_sum_fixed<1>(one, count, period, accumulate || t > 0, y);
  }
}

/// lanes[t][j mod period] += sum_j d[j] * source_t[j] for N taps from tap `first` on. d has zeros behind
/// `count`.
template <int N>
TINYFIQA_INLINE void taps_dot_fixed(const Taps& taps, int first, const float* d, int count, int period,
                                    float* lanes) {
  for (int f = 0; f < period && f < count; f += simd::width) {
    vf sum[N];
#pragma GCC unroll 32
    for (int t = 0; t < N; ++t) sum[t] = simd::load(lanes + (first + t) * period + f);
    for (int j = f; j < count; j += period) {
      const vf dv = simd::load(d + j);
#pragma GCC unroll 32
      for (int t = 0; t < N; ++t) sum[t] = simd::fma(dv, simd::load(taps.source[first + t] + j), sum[t]);
    }
#pragma GCC unroll 32
    for (int t = 0; t < N; ++t) simd::store(lanes + (first + t) * period + f, sum[t]);
  }
}

inline void taps_dot(const Taps& taps, const float* d, int count, int period, float* lanes) {
  int t = 0;
  if (taps.count == 25) return taps_dot_fixed<25>(taps, 0, d, count, period, lanes);
  for (; t + 9 <= taps.count; t += 9) taps_dot_fixed<9>(taps, t, d, count, period, lanes);
  for (; t < taps.count; ++t) taps_dot_fixed<1>(taps, t, d, count, period, lanes);
}

TINYFIQA_ISA_END
