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
// Sums are taken in floats over four values, and these over a block of pixels, and over blocks in doubles.
#pragma once

#include <tinyfiqa/kernels/train/lazy_rows.hpp>

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

/// Two or three sums for each channel, in lanes of the pattern: one thread's part. `lanes` [3][period] are
/// the sums of the last runs, of up to `held` values a lane.
struct ChannelSums {
  double *first = nullptr, *second = nullptr, *third = nullptr;
  float* lanes = nullptr;
  std::ptrdiff_t held = 0;
};
inline constexpr std::ptrdiff_t most_held = 96;
TINYFIQA_INLINE ChannelSums carve_sums(Carver& room, int c) {
  const std::size_t period = size_of(pattern_period(c));
  ChannelSums s;
  s.first = carve_doubles(room, period);
  s.second = carve_doubles(room, period);
  s.third = carve_doubles(room, period);
  s.lanes = carve(room, 3 * period);
  return s;
}
inline void clear_sums(const ChannelSums& s, int c) {
  const int period = pattern_period(c);
  for (int i = 0; i < period; ++i) s.first[i] = s.second[i] = s.third[i] = 0;
  std::memset(s.lanes, 0, size_of(3, period) * sizeof(float));
}
/// Adds the lanes to the sums, and clears them.
inline void close_runs(ChannelSums& s, int period) {
  float* const lanes = s.lanes;
  for (int f = 0; f < period; f += simd::width) {
    simd::add_to(s.first + f, simd::load(lanes + f));
    simd::add_to(s.second + f, simd::load(lanes + period + f));
    simd::add_to(s.third + f, simd::load(lanes + 2 * period + f));
  }
  std::memset(lanes, 0, size_of(3, period) * sizeof(float));
  s.held = 0;
}
/// Before `count` floats more: lanes hold no more values than sums of floats should.
TINYFIQA_INLINE void open_run(ChannelSums& s, std::ptrdiff_t count, int period) {
  const std::ptrdiff_t values = (count + period - 1) / period;
  if (s.held > 0 && s.held + values > most_held) close_runs(s, period);
  s.held += values;
}
TINYFIQA_INLINE void add_lanes(float* lanes, vf v) { simd::store(lanes, simd::load(lanes) + v); }

/// first += sum of z - pivot, second += sum of (z - pivot)^2 over `count` floats of dense pixels. A pivot
/// near the mean keeps the difference of the two large sums exact.
inline void add_moments(const float* z, std::ptrdiff_t count, int period, const float* pivot,
                        ChannelSums& sums) {
  open_run(sums, count, period);
  float *const first = sums.lanes, *const second = first + period;
  for_each_turn(
      count, period, [](std::ptrdiff_t, std::ptrdiff_t) {},
      [=](int f, std::ptrdiff_t j, auto turns) TINYFIQA_INLINE_LAMBDA {
        const vf p = simd::load(pivot + f);
        vf s = simd::splat(0.0f), q = s;
#pragma GCC unroll 4
        for (int t = 0; t < turns.count; ++t, j += period) {
          const vf d = simd::load(z + j) - p;
          s = s + d;
          q = simd::fma(d, d, q);
        }
        add_lanes(first + f, s);
        add_lanes(second + f, q);
      },
      [=](int f, std::ptrdiff_t j, int part) TINYFIQA_INLINE_LAMBDA {
        float room[simd::width];  // lanes behind the end count as the pivot itself
        simd::store(room, simd::load(pivot + f));
        copy_floats(z + j, part, room);
        const vf d = simd::load(room) - simd::load(pivot + f);
        add_lanes(first + f, d);
        add_lanes(second + f, d * d);
      });
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
inline void add_gradient_sums(const float* dv, const float* z, std::ptrdiff_t count,
                              const LazyPattern& pattern, ChannelSums& sums) {
  const LazyPattern p = pattern;
  open_run(sums, count, p.period);
  float *const first = sums.lanes, *const second = first + p.period, *const third = second + p.period;
  const auto add = [=](int f, auto turns, const auto& d_of, const auto& z_of) TINYFIQA_INLINE_LAMBDA {
    const LazyVector c = lazy_vector<A>(p, f);
    vf s = simd::splat(0.0f), q = s, t = s;
#pragma GCC unroll 4
    for (int i = 0; i < turns.count; ++i) {
      const vf d = d_of(i), zv = z_of(i) - c.centre, u = simd::fma(zv, c.scale, c.shift);
      const vf g = d * activate_slope<A>(u, c.slope);
      s = s + g;
      q = simd::fma(g, zv, q);
      if constexpr (A == Act::prelu) t = simd::fma(d, simd::min(simd::splat(0.0f), u), t);
    }
    add_lanes(first + f, s);
    add_lanes(second + f, q);
    if constexpr (A == Act::prelu) add_lanes(third + f, t);
  };
  for_each_turn(
      count, p.period,
      [=](std::ptrdiff_t j, std::ptrdiff_t floats) TINYFIQA_INLINE_LAMBDA {
        prefetch_run(dv + j + prefetch_floats, floats);
        prefetch_run(z + j + prefetch_floats, floats);
      },
      [=](int f, std::ptrdiff_t j, auto turns) TINYFIQA_INLINE_LAMBDA {
        const auto from = [=](const float* map) TINYFIQA_INLINE_LAMBDA {
          return [=](int i) TINYFIQA_INLINE_LAMBDA {
            return simd::load(map + j + static_cast<std::ptrdiff_t>(i) * p.period);
          };
        };
        add(f, turns, from(dv), from(z));
      },
      [=](int f, std::ptrdiff_t j, int part) TINYFIQA_INLINE_LAMBDA {
        const auto from = [=](const float* map) TINYFIQA_INLINE_LAMBDA {
          return [=](int) TINYFIQA_INLINE_LAMBDA { return simd::load_part(map + j, part); };
        };
        add(f, Turns<1>(), from(dv), from(z));
      });
}

/// Adds up the threads' lanes of c channels, in the order of the threads, into `sums` [3][c];
/// sums_of(t) = the lanes of thread t.
template <class SumsOf>
inline void gather_sums(int threads, int c, double* sums, const SumsOf& sums_of) {
  for (int i = 0; i < 3 * c; ++i) sums[i] = 0;
  for (int t = 0; t < threads; ++t) {
    ChannelSums lanes = sums_of(t);
    close_runs(lanes, pattern_period(c));
    fold_pattern(lanes.first, c, sums);
    fold_pattern(lanes.second, c, sums + c);
    fold_pattern(lanes.third, c, sums + 2 * c);
  }
}

/// Adds what `pixels` pixels from pixel `first` on of the completed gradient d of x mean to x's batch norm;
/// both are dense.
inline void add_completed_sums(const LazyMap<float>& x, const float* d, const LazyPattern& p, long long first,
                               int pixels, ChannelSums& sums) {
  const std::ptrdiff_t at = first * x.c;
  with_act(x.act, [&](auto tag) {
    add_gradient_sums<decltype(tag)::act>(d + at, x.data + at, static_cast<std::ptrdiff_t>(pixels) * x.c, p,
                                          sums);
  });
}

/// dz = k1 g + k2 (z - mean) + k3 over `count` floats of dense pixels; dv may be dz. Writes exactly `count`
/// floats.
template <Act A>
inline void gradient_flat(const float* dv, const float* z, std::ptrdiff_t count, const NormPattern& pattern,
                          float* dz) {
  const NormPattern p = pattern;
  struct Constants {
    LazyVector u;
    vf k1, k2, k3;
  };
  const auto constants = [=](int f) TINYFIQA_INLINE_LAMBDA {
    return Constants{lazy_vector<A>(p.u, f), simd::load(p.k1 + f), simd::load(p.k2 + f),
                     simd::load(p.k3 + f)};
  };
  const auto value = [](const Constants& c, vf d, vf v) TINYFIQA_INLINE_LAMBDA {
    const vf zv = v - c.u.centre, u = simd::fma(zv, c.u.scale, c.u.shift);
    return simd::fma(d * activate_slope<A>(u, c.u.slope), c.k1, simd::fma(zv, c.k2, c.k3));
  };
  for_each_turn(
      count, p.u.period,
      [=](std::ptrdiff_t j, std::ptrdiff_t floats) TINYFIQA_INLINE_LAMBDA {
        prefetch_run(dv + j + count, floats);  // the next block, while products work on this one
        prefetch_run(z + j + count, floats);
      },
      [=](int f, std::ptrdiff_t j, auto turns) TINYFIQA_INLINE_LAMBDA {
        const Constants c = constants(f);
#pragma GCC unroll 4
        for (int t = 0; t < turns.count; ++t, j += p.u.period)
          simd::store(dz + j, value(c, simd::load(dv + j), simd::load(z + j)));
      },
      [=](int f, std::ptrdiff_t j, int part) TINYFIQA_INLINE_LAMBDA {
        const vf v = value(constants(f), simd::load_part(dv + j, part), simd::load_part(z + j, part));
        simd::store_part(dz + j, v, part);
      });
}

TINYFIQA_ISA_END
