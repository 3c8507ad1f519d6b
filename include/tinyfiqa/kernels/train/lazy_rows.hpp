// Reads lazy maps (base/lazy_map.hpp) a few pixels at a time:
//
//   value[n, h, w, c] = act((data[n, h, w, c] - centre[c]) * scale[c] + shift[c]) * gate[n, c]
//
// Also has what all training kernels share: scratch memory, and constants of channels laid out as patterns.
//
// A pattern repeats [C] constants until the period is a whole number of vectors. Dense pixels are then one
// flat run of floats, and maps of 2 or 11 channels fill vectors as well as maps of 64:
//
//   C = 3, vectors of 4:   pixels   r g b r | g b r g | b r g b | r g b r ...
//                          pattern  0 1 2 0 | 1 2 0 1 | 2 0 1 2 |             period = lcm(3, 4) = 12
#pragma once

#include <tinyfiqa/base/lazy_map.hpp>
#include <tinyfiqa/kernels/epilogue.hpp>
#include <tinyfiqa/kernels/parallel.hpp>

#include <cstddef>
#include <cstring>

TINYFIQA_ISA_BEGIN(kernels)

/// Places arrays one behind the other in a scratch block. With a null base it only counts. A kernel places
/// its arrays by the same function for its size query and for its run, so the two can't disagree.
struct ScratchLayout {
  float* base = nullptr;
  std::size_t used = 0;
};
/// The next `floats` floats, rounded up to 16, and 16 more for stores of whole vectors behind the end. Null
/// if the base is.
TINYFIQA_INLINE float* place_floats(ScratchLayout& layout, std::size_t floats) {
  float* const part = layout.base == nullptr ? nullptr : layout.base + layout.used;
  layout.used += (floats + 15) / 16 * 16 + 16;
  return part;
}
TINYFIQA_INLINE double* place_doubles(ScratchLayout& layout, std::size_t count) {
  return static_cast<double*>(static_cast<void*>(place_floats(layout, 2 * count)));
}

TINYFIQA_INLINE const float** place_pointers(ScratchLayout& layout, int count) {
  constexpr std::size_t floats = (sizeof(const float*) + sizeof(float) - 1) / sizeof(float);
  return static_cast<const float**>(
      static_cast<void*>(place_floats(layout, floats * static_cast<std::size_t>(count))));
}

/// The product of extents.
TINYFIQA_INLINE std::size_t size_of(int a, int b = 1, int c = 1) {
  return static_cast<std::size_t>(a) * static_cast<std::size_t>(b) * static_cast<std::size_t>(c);
}

/// The period of a pattern, in floats: a multiple of c that is a whole number of vectors. At least 4 vectors,
/// so that one accumulator for each hides the latency of the multiply-add.
TINYFIQA_INLINE int pattern_period(int c) {
  int a = c, b = simd::width;
  while (b != 0) {
    const int rest = a % b;
    a = b;
    b = rest;
  }
  const int least = c / a * simd::width, vectors = least / simd::width;
  return vectors < 4 ? (4 + vectors - 1) / vectors * least : least;
}

/// Repeats values [c] over pattern [pattern_period(c)]. Null values: `fill` everywhere.
inline void make_pattern(const float* values, int c, float fill, float* pattern) {
  const int period = pattern_period(c);
  for (int i = 0, k = 0; i < period; ++i) {
    pattern[i] = values == nullptr ? fill : values[k];
    if (++k == c) k = 0;
  }
}

/// sums [c] += the lanes of an accumulator with the layout of a pattern, lanes [pattern_period(c)].
template <class A, class B>
inline void fold_pattern(const A* lanes, int c, B* sums) {
  const int period = pattern_period(c);
  for (int i = 0, k = 0; i < period; ++i) {
    sums[k] += static_cast<B>(lanes[i]);
    if (++k == c) k = 0;
  }
}

/// The constants of a lazy map as patterns [period]. Not filled if the map is plain.
struct LazyPattern {
  int period = 0;
  bool plain = true;  ///< value = data: no constants, activation or gate
  float *centre = nullptr, *scale = nullptr, *shift = nullptr, *slope = nullptr;
};
TINYFIQA_INLINE LazyPattern place_lazy_pattern(ScratchLayout& layout, int c) {
  LazyPattern p;
  p.period = pattern_period(c);
  p.centre = place_floats(layout, size_of(p.period));
  p.scale = place_floats(layout, size_of(p.period));
  p.shift = place_floats(layout, size_of(p.period));
  p.slope = place_floats(layout, size_of(p.period));
  return p;
}
inline void fill_lazy_pattern(const LazyMap<float>& x, LazyPattern& p) {
  p.plain = x.scale == nullptr && x.act == Act::none && x.gate == nullptr;
  if (p.plain) return;
  make_pattern(x.centre, x.c, 0.0f, p.centre);
  make_pattern(x.scale, x.c, 1.0f, p.scale);
  make_pattern(x.shift, x.c, 0.0f, p.shift);
  make_pattern(x.slope, x.c, x.fixed_slope, p.slope);
}

/// How far ahead to prefetch maps that come from memory. Kernels alternate between reading maps and long
/// arithmetic in the cache, during which the processor's own prefetching stops.
inline constexpr std::ptrdiff_t prefetch_floats = 2048;

/// A number of periods that are processed together, as a compile-time constant.
template <int N>
struct Unroll {
  static constexpr int count = N;
};
/// Walks a flat run of `count` floats with a pattern. Four periods are processed together, vector by vector
/// of the pattern, so that its constants are loaded once for four vectors. The order is nearly that of
/// memory; one pass over the whole run for each vector of the pattern would fetch each cache line of a wide
/// map twice.
///   ahead(j, floats)     called before floats j .. j + floats - 1 are processed: the place to prefetch
///   body(f, j, unroll)   vector f .. f + width - 1 of the pattern belongs to the vectors of the run at j,
///                        j + period, ..., of which there are unroll.count
///   tail(f, j, part)     the same for the last `part` floats of the run, at j; part < width
template <class Ahead, class Body, class Tail>
TINYFIQA_INLINE void for_each_pattern_vector(std::ptrdiff_t count, int period, const Ahead& ahead,
                                             const Body& body, const Tail& tail) {
  const std::ptrdiff_t four = 4 * static_cast<std::ptrdiff_t>(period);
  std::ptrdiff_t j = 0;
  if (period < 1024)  // four wider periods would compete for the same sets of the first-level cache
    for (; j + four <= count; j += four) {
      ahead(j, four);
      for (int f = 0; f < period; f += simd::width) body(f, j + f, Unroll<4>());
    }
  for (; j < count; j += period) {
    ahead(j, count - j < period ? count - j : period);
    for (int f = 0; f < period && j + f < count; f += simd::width) {
      const std::ptrdiff_t left = count - j - f;
      if (left >= simd::width)
        body(f, j + f, Unroll<1>());
      else
        tail(f, j + f, static_cast<int>(left));
    }
  }
}
/// Prefetches `floats` floats at p, which need not exist.
TINYFIQA_INLINE void prefetch_run(const float* p, std::ptrdiff_t floats) {
  for (std::ptrdiff_t i = 0; i < floats; i += 16) simd::prefetch(p + i);
}

/// The constants of one vector of a pattern.
struct LazyVector {
  vf centre, scale, shift, slope;
};
template <Act A>
TINYFIQA_INLINE LazyVector lazy_vector(const LazyPattern& p, int f) {
  return {simd::load(p.centre + f), simd::load(p.scale + f), simd::load(p.shift + f),
          A == Act::prelu ? simd::load(p.slope + f) : simd::splat(0.0f)};
}

/// y = act((x - centre) * scale + shift) * gate over `count` floats of dense pixels, constants from patterns;
/// the factor `gate` only if Gated. Reads and writes exactly `count` floats. x may be y.
template <Act A, bool Gated>
inline void lazy_flat(const float* x, std::ptrdiff_t count, const LazyPattern& pattern, const float* gate,
                      float* y) {
  const LazyPattern p = pattern;  // a copy: a store to y might change `pattern`
  const auto value = [](const LazyVector& c, vf gates, vf v) TINYFIQA_INLINE_LAMBDA {
    const vf u = activate<A>(simd::fma(v - c.centre, c.scale, c.shift), c.slope);
    return Gated ? u * gates : u;
  };
  for_each_pattern_vector(
      count, p.period,
      [=](std::ptrdiff_t j, std::ptrdiff_t floats)
          TINYFIQA_INLINE_LAMBDA { prefetch_run(x + j + prefetch_floats, floats); },
      [=](int f, std::ptrdiff_t j, auto unroll) TINYFIQA_INLINE_LAMBDA {
        const LazyVector c = lazy_vector<A>(p, f);
        const vf gates = Gated ? simd::load(gate + f) : c.slope;
#pragma GCC unroll 4
        for (int t = 0; t < unroll.count; ++t, j += p.period)
          simd::store(y + j, value(c, gates, simd::load(x + j)));
      },
      [=](int f, std::ptrdiff_t j, int part) TINYFIQA_INLINE_LAMBDA {
        const LazyVector c = lazy_vector<A>(p, f);
        const vf gates = Gated ? simd::load(gate + f) : c.slope;
        simd::store_part(y + j, value(c, gates, simd::load_part(x + j, part)), part);
      });
}

/// The same; gate [period], or null for none.
template <Act A>
inline void lazy_flat(const float* x, std::ptrdiff_t count, const LazyPattern& p, const float* gate,
                      float* y) {
  if (gate == nullptr)
    lazy_flat<A, false>(x, count, p, gate, y);
  else
    lazy_flat<A, true>(x, count, p, gate, y);
}

/// The same for an activation known at run time.
inline void lazy_flat(Act act, const float* x, std::ptrdiff_t count, const LazyPattern& p, const float* gate,
                      float* y) {
  switch (act) {
    case Act::none:
      return lazy_flat<Act::none>(x, count, p, gate, y);
    case Act::relu:
      return lazy_flat<Act::relu>(x, count, p, gate, y);
    case Act::hswish:
      return lazy_flat<Act::hswish>(x, count, p, gate, y);
    case Act::hsigmoid:
      return lazy_flat<Act::hsigmoid>(x, count, p, gate, y);
    case Act::sigmoid:
      return lazy_flat<Act::sigmoid>(x, count, p, gate, y);
    case Act::silu:
      return lazy_flat<Act::silu>(x, count, p, gate, y);
    case Act::prelu:
      return lazy_flat<Act::prelu>(x, count, p, gate, y);
  }
}

/// y = x over exactly `count` floats.
TINYFIQA_INLINE void copy_floats(const float* x, int count, float* y) {
  int j = 0;
  for (; j + simd::width <= count; j += simd::width) simd::store(y + j, simd::load(x + j));
  if (j < count) simd::store_part(y + j, simd::load_part(x + j, count - j), count - j);
}

/// y += x over exactly `count` floats.
TINYFIQA_INLINE void add_floats(const float* x, int count, float* y) {
  int j = 0;
  for (; j + simd::width <= count; j += simd::width)
    simd::store(y + j, simd::load(y + j) + simd::load(x + j));
  if (j < count)
    simd::store_part(y + j, simd::load_part(y + j, count - j) + simd::load_part(x + j, count - j), count - j);
}

/// y [pixels, c], dense = x [pixels, c] with a pixel stride of `stride` floats.
inline void gather_pixels(const float* x, std::ptrdiff_t stride, int pixels, int c, float* y) {
  if (stride == c) return copy_floats(x, pixels * c, y);
  for (int i = 0; i < pixels; ++i) copy_floats(x + i * stride, c, y + static_cast<std::ptrdiff_t>(i) * c);
}
/// y [pixels, c] with a pixel stride of `stride` floats = x [pixels, c], dense; `+=` with accumulate.
inline void scatter_pixels(const float* x, int pixels, int c, float* y, std::ptrdiff_t stride,
                           bool accumulate) {
  if (stride == c) {
    if (accumulate)
      add_floats(x, pixels * c, y);
    else
      copy_floats(x, pixels * c, y);
    return;
  }
  for (int i = 0; i < pixels; ++i) {
    if (accumulate)
      add_floats(x + static_cast<std::ptrdiff_t>(i) * c, c, y + i * stride);
    else
      copy_floats(x + static_cast<std::ptrdiff_t>(i) * c, c, y + i * stride);
  }
}

/// Some pixels of a map as plain floats: pixel i begins at data + i * pixel_stride.
struct Rows {
  const float* data = nullptr;
  std::ptrdiff_t pixel_stride = 0;
};

/// One thread's reader of a lazy map.
struct LazyReader {
  const LazyMap<float>* map = nullptr;
  LazyPattern pattern;
  float* buffer = nullptr;  ///< computed pixels [pixels, c]
  float* gate = nullptr;    ///< the gate of image `gate_image` as a pattern
  int gate_image = -1;      ///< -1: none yet
};

/// A reader for at most `pixels` pixels at a time by read_rows; 0 if only read_pixels is used. Its pattern is
/// not set.
TINYFIQA_INLINE LazyReader place_reader(ScratchLayout& layout, const LazyMap<float>& x, std::size_t pixels) {
  LazyReader r;
  r.map = &x;
  r.buffer = place_floats(layout, pixels * size_of(x.c));
  r.gate = place_floats(layout, size_of(pattern_period(x.c)));
  return r;
}

/// out [pixels, c], dense = the values of `pixels` pixels from pixel `first` on, counted over all images.
inline void read_pixels(LazyReader& r, long long first, int pixels, float* out) {
  const LazyMap<float>& x = *r.map;
  const int per_image = x.h * x.w;
  while (pixels > 0) {
    int count = pixels;
    if (x.gate != nullptr) {
      const auto image = static_cast<int>(first / per_image);
      const long long left = static_cast<long long>(image + 1) * per_image - first;
      if (left < count) count = static_cast<int>(left);
      if (r.gate_image != image) {
        make_pattern(x.gate + image * x.gate_stride, x.c, 1.0f, r.gate);
        r.gate_image = image;
      }
    }
    const float* from = x.data + first * x.pixel_stride;
    if (x.pixel_stride != x.c) {
      gather_pixels(from, x.pixel_stride, count, x.c, out);
      from = out;
    }
    const std::ptrdiff_t floats = static_cast<std::ptrdiff_t>(count) * x.c;
    if (!r.pattern.plain)
      lazy_flat(x.act, from, floats, r.pattern, x.gate == nullptr ? nullptr : r.gate, out);
    else if (from != out)
      copy_floats(from, static_cast<int>(floats), out);
    first += count;
    pixels -= count;
    out += floats;
  }
}

/// The values of the same pixels, where they are if the map is plain, else computed into the reader's buffer.
inline Rows read_rows(LazyReader& r, long long first, int pixels) {
  if (r.pattern.plain) return {r.map->data + first * r.map->pixel_stride, r.map->pixel_stride};
  read_pixels(r, first, pixels, r.buffer);
  return {r.buffer, r.map->c};
}

TINYFIQA_ISA_END
