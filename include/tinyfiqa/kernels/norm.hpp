// Batch norm in training: statistics of a convolution's sums z, and the gradient of z from the gradient of
// act(batch norm(z)).
//
//   u = scale (z - mean) + shift,   scale = gamma / sqrt(var + eps),   shift = beta (or the bias)
//   g = dv act'(u)
//   d beta = sum g,   d gamma = sum g (z - mean) / sqrt(var + eps)
//   dz = scale (g - mean of g - zhat mean of (g zhat))   with statistics of the batch,   zhat = (z - mean) /
//   std dz = scale g                                         with running statistics, or a bias instead of a
//   norm
//
// Sums are taken in floats over a block of pixels, and over blocks in doubles.
#pragma once

#include <tinyfiqa/kernels/lazy_rows.hpp>

TINYFIQA_ISA_BEGIN(kernels)

/// act'(u)
template <Act A>
TINYFIQA_INLINE vf activate_slope(vf u, vf slope) {
  (void)slope;
  const vf zero = simd::splat(0.0f), one = simd::splat(1.0f), three = simd::splat(3.0f);
  if constexpr (A == Act::relu) {
    return simd::select_less(zero, u, one, zero);
  } else if constexpr (A == Act::hsigmoid) {
    const vf in = simd::select_less(u, three, simd::splat(1.0f / 6.0f), zero);
    return simd::select_less(simd::splat(-3.0f), u, in, zero);
  } else if constexpr (A == Act::hswish) {
    const vf in = simd::select_less(u, three, simd::fma(u, simd::splat(1.0f / 3.0f), simd::splat(0.5f)), one);
    return simd::select_less(simd::splat(-3.0f), u, in, zero);
  } else if constexpr (A == Act::sigmoid) {
    const vf y = simd::sigmoid(u);
    return y * (one - y);
  } else if constexpr (A == Act::silu) {
    const vf y = simd::sigmoid(u);
    return y * simd::fma(u, one - y, one);
  } else if constexpr (A == Act::prelu) {
    return simd::select_less(zero, u, one, slope);
  } else {
    return one;
  }
}

/// Two or three sums for each channel, in lanes of the pattern: one thread's part.
struct ChannelSums {
  double *first = nullptr, *second = nullptr, *third = nullptr;
};
TINYFIQA_INLINE ChannelSums carve_sums(Carver& room, int c) {
  const std::size_t period = size_of(pattern_period(c));
  ChannelSums s;
  s.first = carve_doubles(room, period);
  s.second = carve_doubles(room, period);
  s.third = carve_doubles(room, period);
  return s;
}
inline void clear_sums(const ChannelSums& s, int c) {
  for (int i = 0, period = pattern_period(c); i < period; ++i) s.first[i] = s.second[i] = s.third[i] = 0;
}

/// first += sum of z - pivot, second += sum of (z - pivot)^2 over `count` floats of dense pixels. A pivot
/// near the mean keeps the difference of the two large sums exact.
inline void add_moments(const float* z, std::ptrdiff_t count, int period, const float* pivot,
                        const ChannelSums& sums) {
  for (int f = 0; f < period && f < count; f += simd::width) {
    const vf p = simd::load(pivot + f);
    vf s0 = simd::splat(0.0f), s1 = s0, q0 = s0, q1 = s0;
    std::ptrdiff_t j = f;
    for (; j + period + simd::width <= count; j += 2 * period) {
      const vf a = simd::load(z + j) - p, b = simd::load(z + j + period) - p;
      s0 = s0 + a;
      s1 = s1 + b;
      q0 = simd::fma(a, a, q0);
      q1 = simd::fma(b, b, q1);
    }
    for (; j < count; j += period) {
      const int part = count - j < simd::width ? static_cast<int>(count - j) : simd::width;
      // Lanes behind the end count as the pivot itself.
      float room[simd::width];
      simd::store(room, p);
      if (part < simd::width) copy_floats(z + j, part, room);
      const vf a = (part < simd::width ? simd::load(room) : simd::load(z + j)) - p;
      s0 = s0 + a;
      q0 = simd::fma(a, a, q0);
    }
    simd::add_to(sums.first + f, s0 + s1);
    simd::add_to(sums.second + f, q0 + q1);
  }
}

/// Patterns of what the gradient of z needs.
struct NormPattern {
  LazyPattern u;                                      ///< centre = mean
  float *k1 = nullptr, *k2 = nullptr, *k3 = nullptr;  ///< dz = k1 g + k2 (z - mean) + k3
};
TINYFIQA_INLINE NormPattern carve_norm_pattern(Carver& room, int c) {
  NormPattern p;
  p.u = carve_lazy_pattern(room, c);
  for (float** part : {&p.k1, &p.k2, &p.k3}) *part = carve(room, size_of(p.u.period));
  return p;
}

/// first += sum g, second += sum g (z - mean), third (prelu alone) += sum dv min(u, 0).
template <Act A>
inline void add_gradient_sums(const float* dv, const float* z, std::ptrdiff_t count, const LazyPattern& p,
                              const ChannelSums& sums) {
  for (int f = 0; f < p.period && f < count; f += simd::width) {
    const vf scale = simd::load(p.scale + f), shift = simd::load(p.shift + f),
             mean = simd::load(p.centre + f);
    const vf slope = A == Act::prelu ? simd::load(p.slope + f) : simd::splat(0.0f);
    vf s = simd::splat(0.0f), q = s, t = s, s1 = s, q1 = s;
    std::ptrdiff_t j = f;
    if constexpr (A != Act::prelu) {
      for (; j + p.period + simd::width <= count; j += 2 * p.period) {
        for (const std::ptrdiff_t at : {j, j + p.period}) {
          simd::prefetch(dv + at + prefetch_floats);
          simd::prefetch(z + at + prefetch_floats);
        }
        const vf za = simd::load(z + j) - mean, zb = simd::load(z + j + p.period) - mean;
        const vf ga = simd::load(dv + j) * activate_slope<A>(simd::fma(za, scale, shift), slope);
        const vf gb = simd::load(dv + j + p.period) * activate_slope<A>(simd::fma(zb, scale, shift), slope);
        s = s + ga;
        s1 = s1 + gb;
        q = simd::fma(ga, za, q);
        q1 = simd::fma(gb, zb, q1);
      }
    }
    for (; j < count; j += p.period) {
      const int part = count - j < simd::width ? static_cast<int>(count - j) : simd::width;
      const vf zv = simd::load_up_to(z + j, part) - mean, d = simd::load_up_to(dv + j, part);
      const vf u = simd::fma(zv, scale, shift);
      const vf g = d * activate_slope<A>(u, slope);
      s = s + g;
      q = simd::fma(g, zv, q);
      if constexpr (A == Act::prelu) t = simd::fma(d, simd::min(simd::splat(0.0f), u), t);
    }
    simd::add_to(sums.first + f, s + s1);
    simd::add_to(sums.second + f, q + q1);
    if constexpr (A == Act::prelu) simd::add_to(sums.third + f, t);
  }
}

/// Adds up the threads' lanes of c channels, in the order of the threads, into `sums` [3][c];
/// sums_of(t) = the lanes of thread t.
template <class SumsOf>
inline void gather_sums(int threads, int c, double* sums, const SumsOf& sums_of) {
  for (int i = 0; i < 3 * c; ++i) sums[i] = 0;
  for (int t = 0; t < threads; ++t) {
    const ChannelSums lanes = sums_of(t);
    fold_pattern(lanes.first, c, sums);
    fold_pattern(lanes.second, c, sums + c);
    fold_pattern(lanes.third, c, sums + 2 * c);
  }
}

/// Adds what `pixels` pixels from pixel `first` on of the completed gradient d of x mean to x's batch norm;
/// both are dense.
inline void add_completed_sums(const LazyMap<float>& x, const float* d, const LazyPattern& p, long long first,
                               int pixels, const ChannelSums& sums) {
  const std::ptrdiff_t at = first * x.c;
  with_act(x.act, [&](auto tag) {
    add_gradient_sums<decltype(tag)::act>(d + at, x.data + at, static_cast<std::ptrdiff_t>(pixels) * x.c, p,
                                          sums);
  });
}

/// dz = k1 g + k2 (z - mean) + k3 over `count` floats of dense pixels; dv may be dz. Writes exactly `count`
/// floats.
template <Act A>
inline void gradient_flat(const float* dv, const float* z, std::ptrdiff_t count, const NormPattern& p,
                          float* dz) {
  for (int f = 0; f < p.u.period && f < count; f += simd::width) {
    const vf mean = simd::load(p.u.centre + f), scale = simd::load(p.u.scale + f),
             shift = simd::load(p.u.shift + f);
    const vf k1 = simd::load(p.k1 + f), k2 = simd::load(p.k2 + f), k3 = simd::load(p.k3 + f);
    const vf slope = A == Act::prelu ? simd::load(p.u.slope + f) : simd::splat(0.0f);
    const auto value = [&](vf v, vf zj) TINYFIQA_INLINE_LAMBDA {
      const vf zv = zj - mean, g = v * activate_slope<A>(simd::fma(zv, scale, shift), slope);
      return simd::fma(g, k1, simd::fma(zv, k2, k3));
    };
    const std::ptrdiff_t j =
        for_each_turn(f, count, p.u.period, [&](std::ptrdiff_t i) TINYFIQA_INLINE_LAMBDA {
          simd::prefetch(dv + i + count);  // the next block, while products work on this one
          simd::prefetch(z + i + count);
          simd::store(dz + i, value(simd::load(dv + i), simd::load(z + i)));
        });
    if (j < count) {
      const auto part = static_cast<int>(count - j);
      simd::store_part(dz + j, value(simd::load_part(dv + j, part), simd::load_part(z + j, part)), part);
    }
  }
}

TINYFIQA_ISA_END
