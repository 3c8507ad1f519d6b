// Batch norm in training: statistics of a convolution's output z, and the gradient of z from the gradient dv
// of v = act(u), u = batch norm of z.
//
//   u      = scale (z - mean) + shift,    scale = gamma / std,    shift = beta,    std = sqrt(var + eps)
//   g      = dv act'(u)
//   dbeta  = sum g
//   dgamma = sum g zhat,    zhat = (z - mean) / std
//   dz     = scale (g - mean(g) - zhat mean(g zhat))    with statistics of the batch
//   dz     = scale g                                    with running statistics, or with a bias only
//
// Sums and means are over N, H, W; z and dv are dense [N, H, W, C]. Sums are computed in floats over up to 4
// values, those in floats over at most most_held values, and those in double.
#pragma once

#include <tinyfiqa/kernels/train/lazy_rows.hpp>

TINYFIQA_ISA_BEGIN(kernels)

/// The derivative act'(u). `slope` is PReLU's, others ignore it. Where act has a kink, it is
/// PyTorch's choice.
template <Act A>
TINYFIQA_INLINE vf activate_derivative(vf u, vf slope) {
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

/// d act'(u)
template <Act A>
TINYFIQA_INLINE vf activation_gradient(vf d, vf u, vf slope) {
  if constexpr (A == Act::none) return d;
  if constexpr (A == Act::relu) return simd::select_less(simd::splat(0.0f), u, d, simd::splat(0.0f));
  return d * activate_derivative<A>(u, slope);
}

/// One thread's part of up to three sums for each channel, in the layout of a pattern.
struct ChannelSums {
  double *first = nullptr, *second = nullptr, *third = nullptr;  ///< [period] each
  float* lanes = nullptr;   ///< [3][period]: sums in float that are not yet part of the above
  std::ptrdiff_t held = 0;  ///< the largest number of values that a lane is the sum of
};
/// Most values that are summed in float.
inline constexpr std::ptrdiff_t most_held = 96;
TINYFIQA_INLINE ChannelSums place_sums(ScratchLayout& layout, int c) {
  const std::size_t period = size_of(pattern_period(c));
  ChannelSums s;
  s.first = place_doubles(layout, period);
  s.second = place_doubles(layout, period);
  s.third = place_doubles(layout, period);
  s.lanes = place_floats(layout, 3 * period);
  return s;
}
inline void clear_sums(const ChannelSums& s, int c) {
  const int period = pattern_period(c);
  for (int i = 0; i < period; ++i) s.first[i] = s.second[i] = s.third[i] = 0;
  std::memset(s.lanes, 0, size_of(3, period) * sizeof(float));
}
/// Adds the float lanes to the double sums and clears them.
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
/// To be called before `count` more floats are added to the lanes: closes the runs if a lane would hold too
/// many values.
TINYFIQA_INLINE void open_run(ChannelSums& s, std::ptrdiff_t count, int period) {
  const std::ptrdiff_t values = (count + period - 1) / period;
  if (s.held > 0 && s.held + values > most_held) close_runs(s, period);
  s.held += values;
}
TINYFIQA_INLINE void add_lanes(float* lanes, vf v) { simd::store(lanes, simd::load(lanes) + v); }

/// first += sum (z - pivot), second += sum (z - pivot)^2 over `count` floats of dense pixels; pivot [period].
/// The variance is a difference of these sums: a pivot near the mean keeps it accurate.
inline void add_moments(const float* z, std::ptrdiff_t count, int period, const float* pivot,
                        ChannelSums& sums) {
  open_run(sums, count, period);
  float *const first = sums.lanes, *const second = first + period;
  for_each_pattern_vector(
      count, period, [](std::ptrdiff_t, std::ptrdiff_t) {},
      [=](int f, std::ptrdiff_t j, auto unroll) TINYFIQA_INLINE_LAMBDA {
        const vf p = simd::load(pivot + f);
        vf s = simd::splat(0.0f), q = s;
#pragma GCC unroll 4
        for (int t = 0; t < unroll.count; ++t, j += period) {
          const vf d = simd::load(z + j) - p;
          s = s + d;
          q = simd::fma(d, d, q);
        }
        add_lanes(first + f, s);
        add_lanes(second + f, q);
      },
      [=](int f, std::ptrdiff_t j, int part) TINYFIQA_INLINE_LAMBDA {
        float padded[simd::width];  // lanes behind the end are the pivot, so they add zero
        simd::store(padded, simd::load(pivot + f));
        copy_floats(z + j, part, padded);
        const vf d = simd::load(padded) - simd::load(pivot + f);
        add_lanes(first + f, d);
        add_lanes(second + f, d * d);
      });
}

/// What the gradient of z is computed from, as patterns [period].
struct NormPattern {
  LazyPattern u;                                      ///< centre = mean
  float *k1 = nullptr, *k2 = nullptr, *k3 = nullptr;  ///< dz = k1 g + k2 (z - mean) + k3
};
TINYFIQA_INLINE NormPattern place_norm_pattern(ScratchLayout& layout, int c) {
  NormPattern p;
  p.u = place_lazy_pattern(layout, c);
  for (float** part : {&p.k1, &p.k2, &p.k3}) *part = place_floats(layout, size_of(p.u.period));
  return p;
}

/// first += sum g, second += sum g (z - mean), and for prelu third += sum dv min(u, 0), the gradient of its
/// slope. dv, z: `count` floats of dense pixels.
template <Act A>
inline void add_gradient_sums(const float* dv, const float* z, std::ptrdiff_t count,
                              const LazyPattern& pattern, ChannelSums& sums) {
  const LazyPattern p = pattern;
  open_run(sums, count, p.period);
  float *const first = sums.lanes, *const second = first + p.period, *const third = second + p.period;
  const auto add = [=](int f, auto unroll, const auto& d_of, const auto& z_of) TINYFIQA_INLINE_LAMBDA {
    const LazyVector c = lazy_vector<A>(p, f);
    vf s = simd::splat(0.0f), q = s, t = s;
#pragma GCC unroll 4
    for (int i = 0; i < unroll.count; ++i) {
      const vf d = d_of(i), zv = z_of(i) - c.centre, u = simd::fma(zv, c.scale, c.shift);
      const vf g = activation_gradient<A>(d, u, c.slope);
      s = s + g;
      q = simd::fma(g, zv, q);
      if constexpr (A == Act::prelu) t = simd::fma(d, simd::min(simd::splat(0.0f), u), t);
    }
    add_lanes(first + f, s);
    add_lanes(second + f, q);
    if constexpr (A == Act::prelu) add_lanes(third + f, t);
  };
  for_each_pattern_vector(
      count, p.period,
      [=](std::ptrdiff_t j, std::ptrdiff_t floats) TINYFIQA_INLINE_LAMBDA {
        prefetch_run(dv + j + prefetch_floats, floats);
        prefetch_run(z + j + prefetch_floats, floats);
      },
      [=](int f, std::ptrdiff_t j, auto unroll) TINYFIQA_INLINE_LAMBDA {
        const auto from = [=](const float* map) TINYFIQA_INLINE_LAMBDA {
          return [=](int i) TINYFIQA_INLINE_LAMBDA {
            return simd::load(map + j + static_cast<std::ptrdiff_t>(i) * p.period);
          };
        };
        add(f, unroll, from(dv), from(z));
      },
      [=](int f, std::ptrdiff_t j, int part) TINYFIQA_INLINE_LAMBDA {
        const auto from = [=](const float* map) TINYFIQA_INLINE_LAMBDA {
          return [=](int) TINYFIQA_INLINE_LAMBDA { return simd::load_part(map + j, part); };
        };
        add(f, Unroll<1>(), from(dv), from(z));
      });
}

/// sums [3][c] = the sums of all threads, added in the order of the threads. sums_of(t) returns those of
/// thread t.
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

/// Adds the sums that the batch norm of x needs of the gradient d of x, over `pixels` pixels from pixel
/// `first` on. d must be complete there. x and d are dense [N, H, W, C].
inline void add_completed_sums(const LazyMap<float>& x, const float* d, const LazyPattern& p, long long first,
                               int pixels, ChannelSums& sums) {
  const auto at = static_cast<std::ptrdiff_t>(first * x.c);
  with_act(x.act, [&](auto tag) {
    add_gradient_sums<decltype(tag)::act>(d + at, x.data + at, static_cast<std::ptrdiff_t>(pixels) * x.c, p,
                                          sums);
  });
}

/// dz = k1 g + k2 (z - mean) + k3 over `count` floats of dense pixels. Reads and writes exactly `count`
/// floats. dv may be dz.
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
    return simd::fma(activation_gradient<A>(d, u, c.u.slope), c.k1, simd::fma(zv, c.k2, c.k3));
  };
  for_each_pattern_vector(
      count, p.u.period,
      [=](std::ptrdiff_t j, std::ptrdiff_t floats) TINYFIQA_INLINE_LAMBDA {
        prefetch_run(dv + j + count, floats);  // the next block, while products compute on this one
        prefetch_run(z + j + count, floats);
      },
      [=](int f, std::ptrdiff_t j, auto unroll) TINYFIQA_INLINE_LAMBDA {
        const Constants c = constants(f);
#pragma GCC unroll 4
        for (int t = 0; t < unroll.count; ++t, j += p.u.period)
          simd::store(dz + j, value(c, simd::load(dv + j), simd::load(z + j)));
      },
      [=](int f, std::ptrdiff_t j, int part) TINYFIQA_INLINE_LAMBDA {
        const vf v = value(constants(f), simd::load_part(dv + j, part), simd::load_part(z + j, part));
        simd::store_part(dz + j, v, part);
      });
}

TINYFIQA_ISA_END
