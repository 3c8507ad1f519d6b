// Maps in image lanes: each lane of a vector belongs to another image of the batch.
//
//   [N / width][H][C][W][width]        lane i of group g is image g width + i
//
// A map of 2 or 11 channels fills its vectors as well as one of 64, whatever its height and width; nothing is shifted, and
// no vector is partly used but in the last group, whose lanes behind the last image hold numbers that nothing may
// depend on. A *row* is [C][W][width], a *column* one vector of it.
//
// Here is what training's kernels in this layout (lanes_*.hpp) share: functions on a *plane*, one channel
// [W][width] of a row or of some rows, and products. The formulas are those of lazy_rows.hpp and batch_norm.hpp.
#pragma once

#include <tinyfiqa/kernels/train/batch_norm.hpp>

#ifdef TINYFIQA_PLANAR

TINYFIQA_ISA_BEGIN(kernels)

/// Groups of images that share vectors.
TINYFIQA_INLINE int lane_groups(int images) { return (images + simd::width - 1) / simd::width; }

/// 1 in lanes that have an image, and 0 in the others.
struct LaneMask {
  vf whole, last;  ///< of a group, of the last group
  int groups = 0;

  explicit LaneMask(int images) : whole(simd::splat(1.0f)), last(whole), groups(lane_groups(images)) {
    alignas(64) float lanes[simd::width];
    for (int i = 0; i < simd::width; ++i) lanes[i] = (groups - 1) * simd::width + i < images ? 1.0f : 0.0f;
    last = simd::load(lanes);
  }
  vf of(int group) const { return group + 1 == groups ? last : whole; }
};

/// The constants of channel c of a lazy map in all lanes. The map has no gate and is not prelu.
TINYFIQA_INLINE LazyVector lane_constants(const LazyMap<float>& x, int c) {
  const auto all = [c](const float* v, float other)
                       TINYFIQA_INLINE_LAMBDA { return simd::splat(v == nullptr ? other : v[c]); };
  return {all(x.centre, 0.0f), all(x.scale, 1.0f), all(x.shift, 0.0f), simd::splat(0.0f)};
}
TINYFIQA_INLINE bool is_plain(const LazyMap<float>& x) { return x.scale == nullptr && x.act == Act::none; }

/// Rows of a map that are processed together: for each channel a plane of each.
struct LaneRows {
  int rows = 1;
  std::ptrdiff_t row = 0;  ///< floats from row to row
};

/// out [rows][w][width], with `out_row` floats from row to row, = the values of channel c of x; with Add, out += them.
/// `plane`: channel c of the first row.
template <bool Add = false>
inline void lane_values(const LazyMap<float>& x, int c, const float* plane, LaneRows block, float* out,
                        std::ptrdiff_t out_row) {
  const LazyVector k = lane_constants(x, c);
  const std::ptrdiff_t floats = static_cast<std::ptrdiff_t>(x.w) * simd::width, next = block.rows * block.row;
  with_act(x.act, [&](auto tag) {
    for (int r = 0; r < block.rows; ++r, plane += block.row, out += out_row)
      for (std::ptrdiff_t i = 0; i < floats; i += simd::width) {
        simd::prefetch(plane + i + next);
        const vf u = simd::fma(simd::load(plane + i) - k.centre, k.scale, k.shift);
        const vf v = activate<decltype(tag)::act>(u, k.slope);
        simd::store(out + i, Add ? simd::load(out + i) + v : v);
      }
  });
}

// ---- sums for batch norm. Each channel and lane has a pair of its own. They are taken in float over a plane, and beyond that
// in double.

struct LaneSums {
  double *first = nullptr, *second = nullptr;  ///< [C][width] each
};
TINYFIQA_INLINE LaneSums place_lane_sums(ScratchLayout& layout, int c) {
  LaneSums s;
  s.first = place_doubles(layout, size_of(c, simd::width));
  s.second = place_doubles(layout, size_of(c, simd::width));
  return s;
}
inline void clear_lane_sums(const LaneSums& s, int c) {
  for (int i = 0; i < c * simd::width; ++i) s.first[i] = s.second[i] = 0;
}
/// sums [3][c] = the sums of all threads, added in the order of the threads; sums_of(t) returns those of thread t.
template <class SumsOf>
inline void gather_lane_sums(int threads, int c, double* sums, const SumsOf& sums_of) {
  for (int i = 0; i < 3 * c; ++i) sums[i] = 0;
  for (int t = 0; t < threads; ++t) {
    const LaneSums s = sums_of(t);
    for (int i = 0; i < c * simd::width; ++i) {
      sums[i / simd::width] += s.first[i];
      sums[c + i / simd::width] += s.second[i];
    }
  }
}
/// Adds body(row, column, s, q) over a plane to the sums of channel c. Two sums each hide the latency of an addition.
template <class Body>
TINYFIQA_INLINE void sum_lane_columns(int rows, int w, const LaneSums& sums, int c, vf mask,
                                      const Body& body) {
  const vf zero = simd::splat(0.0f);
  vf s[2] = {zero, zero}, q[2] = {zero, zero};
  for (int r = 0; r < rows; ++r) {
    int x = 0;
    for (; x + 2 <= w; x += 2) {
      body(r, x, s[0], q[0]);
      body(r, x + 1, s[1], q[1]);
    }
    if (x < w) body(r, x, s[0], q[0]);
  }
  simd::add_to(sums.first + c * simd::width, (s[0] + s[1]) * mask);
  simd::add_to(sums.second + c * simd::width, (q[0] + q[1]) * mask);
}

/// first += sum (z - pivot), second += sum (z - pivot)^2 over channel c of some rows; `plane`: of the first one.
inline void add_lane_moments(const float* plane, LaneRows block, int w, float pivot, vf mask,
                             const LaneSums& sums, int c) {
  const vf p = simd::splat(pivot);
  sum_lane_columns(block.rows, w, sums, c, mask, [=](int r, int x, vf& s, vf& q) TINYFIQA_INLINE_LAMBDA {
    const vf d = simd::load(plane + r * block.row + static_cast<std::ptrdiff_t>(x) * simd::width) - p;
    s = s + d;
    q = simd::fma(d, d, q);
  });
}

/// The gradient of a plane: column x of row r at data + r * row + x * step. Both are 0 if it is the same for all pixels.
struct LaneGradient {
  const float* data = nullptr;
  std::ptrdiff_t row = 0, step = 0;
};

/// first += sum g, second += sum g (z - mean) over channel c of some rows of z. d must be 0 in lanes without an image.
inline void add_lane_gradient_sums(LaneGradient d, const LazyMap<float>& z, int c, const float* plane,
                                   LaneRows block, const LaneSums& sums) {
  const LazyVector k = lane_constants(z, c);
  with_act(z.act, [&](auto tag) {
    sum_lane_columns(
        block.rows, z.w, sums, c, simd::splat(1.0f), [=](int r, int x, vf& s, vf& q) TINYFIQA_INLINE_LAMBDA {
          const vf v =
              simd::load(plane + r * block.row + static_cast<std::ptrdiff_t>(x) * simd::width) - k.centre;
          const vf g = activation_gradient<decltype(tag)::act>(simd::load(d.data + r * d.row + x * d.step),
                                                               simd::fma(v, k.scale, k.shift), k.slope);
          s = s + g;
          q = simd::fma(g, v, q);
        });
  });
}

/// What dz is computed from: dz = k1 g + k2 (z - mean) + k3, [C] each.
struct LaneNorm {
  float *k1 = nullptr, *k2 = nullptr, *k3 = nullptr;
};
/// dz [rows][w][width], with `dz_row` floats from row to row, of channel c; 0 in lanes without an image.
inline void lane_gradient(LaneGradient d, const LazyMap<float>& z, int c, const float* plane, LaneRows block,
                          const LaneNorm& norm, vf mask, float* dz, std::ptrdiff_t dz_row) {
  const LazyVector k = lane_constants(z, c);
  const vf k1 = simd::splat(norm.k1[c]) * mask, k2 = simd::splat(norm.k2[c]) * mask,
           k3 = simd::splat(norm.k3[c]) * mask;
  const std::ptrdiff_t next = block.rows * block.row;
  with_act(z.act, [&](auto tag) {
    for (int r = 0; r < block.rows; ++r, plane += block.row, d.data += d.row, dz += dz_row)
      for (int x = 0; x < z.w; ++x) {
        const std::ptrdiff_t at = static_cast<std::ptrdiff_t>(x) * simd::width;
        simd::prefetch(plane + at + next);
        simd::prefetch(d.data + x * d.step + block.rows * d.row);
        const vf v = simd::load(plane + at) - k.centre;
        const vf g = activation_gradient<decltype(tag)::act>(simd::load(d.data + x * d.step),
                                                             simd::fma(v, k.scale, k.shift), k.slope);
        simd::store(dz + at, simd::fma(g, k1, simd::fma(v, k2, k3)));
      }
  });
}

// ---- products. Each lane has its own, with weights that all share.

/// A tile of sums: columns, or outputs of an outer product, by up to lane_tile_outputs others.
inline constexpr int lane_tile_columns = simd::registers == 32 ? 4 : 2, lane_tile_outputs = 6;

/// Calls body(Unroll<size>(), first) for tiles that cover 0 .. n - 1, of nearly equal sizes of at most
/// lane_tile_outputs.
template <class Body>
TINYFIQA_INLINE void for_each_lane_tile(int n, const Body& body) {
  const int tiles = (n + lane_tile_outputs - 1) / lane_tile_outputs;
  for (int i = 0, first = 0; i < tiles; ++i) {
    const int end = n * (i + 1) / tiles;
    switch (end - first) {
      case 1:
        body(Unroll<1>(), first);
        break;
      case 2:
        body(Unroll<2>(), first);
        break;
      case 3:
        body(Unroll<3>(), first);
        break;
      case 4:
        body(Unroll<4>(), first);
        break;
      case 5:
        body(Unroll<5>(), first);
        break;
      default:
        body(Unroll<lane_tile_outputs>(), first);
    }
    first = end;
  }
}

/// out[o][x] = sum over k < depth of source[k][x] weight[k][o],    x < columns, o < outputs
struct LaneProduct {
  const float* const* source = nullptr;  ///< [depth]: column x at source[k] + x * step
  std::ptrdiff_t step = simd::width;
  int depth = 0, columns = 0, outputs = 0;
  const float* weight = nullptr;  ///< [depth][outputs]
  float* out = nullptr;           ///< plane o at out + o * columns * width
  bool add = false;               ///< out += instead of out =
};
template <int P, int O>
TINYFIQA_INLINE void lane_product_tile(const LaneProduct& a, int x, int first) {
  vf sum[P][O];
#pragma GCC unroll 4
  for (int p = 0; p < P; ++p)
#pragma GCC unroll 6
    for (int o = 0; o < O; ++o) sum[p][o] = simd::splat(0.0f);
  const float* weight = a.weight + first;
  for (int k = 0; k < a.depth; ++k, weight += a.outputs) {
    const float* const from = a.source[k] + x * a.step;
    vf v[P];
#pragma GCC unroll 4
    for (int p = 0; p < P; ++p) v[p] = simd::load(from + p * a.step);
#pragma GCC unroll 6
    for (int o = 0; o < O; ++o) {
      const vf w = simd::splat(weight[o]);
#pragma GCC unroll 4
      for (int p = 0; p < P; ++p) sum[p][o] = simd::fma(v[p], w, sum[p][o]);
    }
  }
  const std::ptrdiff_t plane = static_cast<std::ptrdiff_t>(a.columns) * simd::width;
  float* out = a.out + first * plane + static_cast<std::ptrdiff_t>(x) * simd::width;
#pragma GCC unroll 6
  for (int o = 0; o < O; ++o, out += plane)
#pragma GCC unroll 4
    for (int p = 0; p < P; ++p) {
      float* const at = out + p * simd::width;
      simd::store(at, a.add ? simd::load(at) + sum[p][o] : sum[p][o]);
    }
}
inline void lane_product(const LaneProduct& a) {
  for_each_lane_tile(a.outputs, [&](auto outputs, int first) {
    constexpr int O = decltype(outputs)::count;
    int x = 0;
    for (; x + lane_tile_columns <= a.columns; x += lane_tile_columns)
      lane_product_tile<lane_tile_columns, O>(a, x, first);
    for (; x < a.columns; ++x) lane_product_tile<1, O>(a, x, first);
  });
}

/// sums[o][k] += sum over rows and columns of dz[r][o][x] source[k][r][x], lane by lane,    o < outputs, k < depth
struct LaneOuter {
  const float* const* source =
      nullptr;  ///< [depth]: column x of row r at source[k] + r * source_row + x * step
  std::ptrdiff_t step = simd::width, source_row = 0;
  int depth = 0, rows = 1, columns = 0, outputs = 0;
  const float* dz = nullptr;  ///< [rows][outputs][columns][width]
  float* sums = nullptr;      ///< [outputs][depth][width]
};
template <int M, int N>
TINYFIQA_INLINE void lane_outer_tile(const LaneOuter& a, int o, int k) {
  const std::ptrdiff_t plane = static_cast<std::ptrdiff_t>(a.columns) * simd::width;
  float* const sums = a.sums + (static_cast<std::ptrdiff_t>(o) * a.depth + k) * simd::width;
  const std::ptrdiff_t sums_row = static_cast<std::ptrdiff_t>(a.depth) * simd::width;
  vf sum[M][N];
#pragma GCC unroll 4
  for (int m = 0; m < M; ++m)
#pragma GCC unroll 6
    for (int n = 0; n < N; ++n) sum[m][n] = simd::load(sums + m * sums_row + n * simd::width);
  for (int r = 0; r < a.rows; ++r) {
    const float *dz = a.dz + (static_cast<std::ptrdiff_t>(r) * a.outputs + o) * plane, *from[N];
#pragma GCC unroll 6
    for (int n = 0; n < N; ++n) from[n] = a.source[k + n] + r * a.source_row;
    for (int x = 0; x < a.columns; ++x, dz += simd::width) {
      vf d[M];
#pragma GCC unroll 4
      for (int m = 0; m < M; ++m) d[m] = simd::load(dz + m * plane);
#pragma GCC unroll 6
      for (int n = 0; n < N; ++n) {
        const vf v = simd::load(from[n] + x * a.step);
#pragma GCC unroll 4
        for (int m = 0; m < M; ++m) sum[m][n] = simd::fma(d[m], v, sum[m][n]);
      }
    }
  }
#pragma GCC unroll 4
  for (int m = 0; m < M; ++m)
#pragma GCC unroll 6
    for (int n = 0; n < N; ++n) simd::store(sums + m * sums_row + n * simd::width, sum[m][n]);
}
/// All depths of M outputs from output o on: their planes of dz stay in the first-level cache.
template <int M>
inline void lane_outer_outputs(const LaneOuter& a, int o) {
  for_each_lane_tile(a.depth,
                     [&](auto depth, int k) { lane_outer_tile<M, decltype(depth)::count>(a, o, k); });
}
inline void lane_outer(const LaneOuter& a) {
  int o = 0;
  for (; o + lane_tile_columns <= a.outputs; o += lane_tile_columns)
    lane_outer_outputs<lane_tile_columns>(a, o);
  for (; o < a.outputs; ++o) lane_outer_outputs<1>(a, o);
}
/// gradient [count] += the sums over lanes of sums [count][width].
inline void add_lane_totals(const float* sums, int count, float* gradient) {
  for (int i = 0; i < count; ++i) {
    double total = 0;
    for (int lane = 0; lane < simd::width; ++lane) total += static_cast<double>(*sums++);
    gradient[i] += static_cast<float>(total);
  }
}

// ---- a few rows with a column of zeros on both sides, for windows of 3x3

/// Holds up to `slots` neighbouring rows, computed in order. One more slot is a row of zeros.
struct LaneRing {
  static constexpr int slots = 4;
  float* data = nullptr;
  int channels = 0, columns = 0;
  int next = 0;  ///< rows before it are computed

  std::ptrdiff_t plane() const { return static_cast<std::ptrdiff_t>(columns + 2) * simd::width; }
  /// Column 0 of channel 0 of a slot.
  float* slot(int i) const { return data + i * channels * plane() + simd::width; }
  float* at(int y) const { return slot(y % slots); }
  const float* zeros() const { return slot(slots); }
  std::size_t floats() const { return static_cast<std::size_t>((slots + 1) * channels * plane()); }
};
TINYFIQA_INLINE LaneRing place_lane_ring(ScratchLayout& layout, int channels, int columns) {
  LaneRing r;
  r.channels = channels;
  r.columns = columns;
  r.data = place_floats(layout, r.floats());
  return r;
}
TINYFIQA_INLINE void clear_lane_ring(const LaneRing& r) {
  std::memset(r.data, 0, r.floats() * sizeof(float));
}
/// Rows before row y, which may be negative, will not be asked for.
TINYFIQA_INLINE void begin_lane_ring(LaneRing& r, int y) { r.next = y > 0 ? y : 0; }
/// Row y of a map of `height` rows; zeros outside. Rows must be asked for in order, from ring.next on, and at most `slots`
/// back. fill(y, column 0 of its slot) computes a row, plane after plane.
template <class Fill>
TINYFIQA_INLINE const float* lane_ring_row(LaneRing& ring, int y, int height, const Fill& fill) {
  if (y < 0 || y >= height) return ring.zeros();
  for (; ring.next <= y; ++ring.next) fill(ring.next, ring.at(ring.next));
  return ring.at(y);
}

TINYFIQA_ISA_END

#endif
