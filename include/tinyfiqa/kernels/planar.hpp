// Convolutions of narrow maps in planar layout. If a map has few channels, vectors over channels are half
// empty (tinyFQnet's maps have 2 to 20 channels). Vectors over the pixels of a row are full:
//
//   interleaved  [N, H, W, C]   r g b r g b r g b ...        row y: W pixels of C floats
//   planar       [N, H, C, W]   r r r ... g g g ... b b b    row y: C planes of W floats
//
// A row has the same number of floats in both layouts. Three operations have a planar kernel: 1x1
// convolution, depthwise 3x3, and the 3x3 stride 2 convolution of an interleaved image that a network begins
// with. They read the packed weights of the interleaved kernels, one float at a time.
//
// Maps are dense. A planar map's width must be a multiple of simd::width, so that all loads and stores are
// whole vectors. Reads exactly x, writes exactly y. The activation is ReLU or none.
#pragma once

#include <tinyfiqa/kernels/depthwise.hpp>
#include <tinyfiqa/kernels/gemm.hpp>
#include <tinyfiqa/kernels/parallel.hpp>

#ifdef TINYFIQA_PLANAR

TINYFIQA_ISA_BEGIN(kernels)

struct PlanarArgs {
  int n = 0, h = 0, w = 0, c = 0;      ///< of the input
  int out_h = 0, out_w = 0, cout = 0;  ///< of the output; out_w = w / stride
  int stride = 1;                      ///< of the depthwise kernel: 1 or 2
  const float* x = nullptr;            ///< [n, h, c, w], the stem's [n, h, w, 3]; not null
  const float* packed = nullptr;       ///< of pack_gemm, pack_depthwise or pack_conv; not null
  const float* residual = nullptr;     ///< in the layout of y, added after the activation; null for none
  float* y = nullptr;                  ///< [n, out_h, cout, out_w] or [n, out_h, out_w, cout]; not null
  bool y_planar = true;                ///< the former
  float lowest = 0;                    ///< of y before the residual: 0 for ReLU, else -infinity
};

/// Offset in y of channel 0 of pixel `col` of row `row`, counted over all images.
TINYFIQA_INLINE std::ptrdiff_t planar_at(const PlanarArgs& a, int row, int col) {
  const std::ptrdiff_t floats = static_cast<std::ptrdiff_t>(row) * a.cout * a.out_w;
  return a.y_planar ? floats + col : floats + static_cast<std::ptrdiff_t>(col) * a.cout;
}
/// Distance in y from a channel to the next.
TINYFIQA_INLINE std::ptrdiff_t planar_channel(const PlanarArgs& a) { return a.y_planar ? a.out_w : 1; }

/// Stores the first `count` pixels of one channel to an interleaved y, with the residual. Not part of put,
/// because it is long and rare.
TINYFIQA_NOINLINE inline void scatter_planar(const PlanarArgs& a, vf v, std::ptrdiff_t at, int count) {
  float lanes[simd::width];
  simd::store(lanes, v);
  for (int i = 0; i < count; ++i, at += a.cout)
    a.y[at] = a.residual == nullptr ? lanes[i] : lanes[i] + a.residual[at];
}

/// Epilogue and store of a vector of pixels of one channel, for any y.
struct PlanarOutput {
  const PlanarArgs& a;
  TINYFIQA_INLINE void put(vf v, std::ptrdiff_t at) const {
    v = simd::max(simd::splat(a.lowest), v);
    if (!a.y_planar) return scatter_planar(a, v, at, simd::width);
    if (a.residual != nullptr) v = v + simd::load(a.residual + at);
    simd::store(a.y + at, v);
  }
};
/// The same for the most frequent case, a planar y without residual: no branches for each vector.
struct PlainPlanarOutput {
  float* y;
  float lowest;
  TINYFIQA_INLINE void put(vf v, std::ptrdiff_t at) const {
    simd::store(y + at, simd::max(simd::splat(lowest), v));
  }
};
/// Calls body(output) with the one of the two that these arguments need.
template <class Body>
TINYFIQA_INLINE void with_planar_output(const PlanarArgs& a, const Body& body) {
  if (a.y_planar && a.residual == nullptr)
    body(PlainPlanarOutput{a.y, a.lowest});
  else
    body(PlanarOutput{a});
}

// ---- products: sum[output][pixel] += weight[k][output] x[k][pixel], in vectors of pixels

// Register budget: CO outputs x P vectors of accumulators + P vectors of x + 1 broadcast weight.
//   AVX-512, 32 registers    12x2 + 2 + 1 = 27    6x4 + 4 + 1 = 29
//   AVX2, 16 registers        6x2 + 2 + 1 = 15    3x4 + 4 + 1 = 17; g++ reads one x from memory in each FMA
#if defined(__AVX512F__)
inline constexpr int planar_accumulators = 24;
#else
inline constexpr int planar_accumulators = 12;
#endif
/// Most outputs of a tile.
inline constexpr int planar_outputs = planar_accumulators / 2;
/// Vectors of pixels of a tile with that many outputs: 2 to 4.
constexpr int planar_vectors(int outputs) {
  return planar_accumulators / outputs < 4 ? planar_accumulators / outputs : 4;
}

/// Takes a tile of `outputs` x `vectors` vectors to y, with the residual. `at`: offset in y of output 0 of each vector.
TINYFIQA_NOINLINE inline void place_planar_tile(const PlanarArgs& a, const float* tile, int outputs,
                                                int vectors, const std::ptrdiff_t* at,
                                                std::ptrdiff_t channel) {
  for (int c = 0; c < outputs; ++c, channel += planar_channel(a))
    for (int p = 0; p < vectors; ++p, tile += simd::width) {
      if (a.y_planar)
        simd::store(a.y + at[p] + channel, simd::load(tile) + simd::load(a.residual + at[p] + channel));
      else
        scatter_planar(a, simd::load(tile), at[p] + channel, simd::width);
    }
}

/// The micro-kernel: outputs first .. first + CO - 1 of P vectors of pixels. Each size of tile is compiled once: it is
/// stored straight to y where that is planar and has no residual, and otherwise goes through an array.
///   source(k, p)   address of the vector of pixels p that is multiplied by weight k, k < depth
///   weight         bias of output `first` in the packed panel; weight k of output i is at (1 + k) columns + i
///   at [P]         offset in y of output 0 of each vector of pixels
template <int P, int CO, class Source>
TINYFIQA_INLINE void planar_tile(const PlanarArgs& a, int first, int depth, const Source& source,
                                 const float* weight, std::ptrdiff_t columns, const std::ptrdiff_t* at) {
  vf sum[CO][P];
#pragma GCC unroll 12
  for (int c = 0; c < CO; ++c)
#pragma GCC unroll 4
    for (int p = 0; p < P; ++p) sum[c][p] = simd::splat(weight[c]);
  for (int k = 0; k < depth; ++k) {
    weight += columns;
    vf x[P];
#pragma GCC unroll 4
    for (int p = 0; p < P; ++p) x[p] = simd::load(source(k, p));
#pragma GCC unroll 12
    for (int c = 0; c < CO; ++c) {
      const vf w = simd::splat(weight[c]);
#pragma GCC unroll 4
      for (int p = 0; p < P; ++p) sum[c][p] = simd::fma(x[p], w, sum[c][p]);
    }
  }
  const vf lowest = simd::splat(a.lowest);
  if (a.y_planar && a.residual == nullptr) {
    const std::ptrdiff_t channel = a.out_w;
    float* const y = a.y + first * channel;
#pragma GCC unroll 12
    for (int c = 0; c < CO; ++c)
#pragma GCC unroll 4
      for (int p = 0; p < P; ++p) simd::store(y + at[p] + c * channel, simd::max(lowest, sum[c][p]));
    return;
  }
  float tile[CO * P * simd::width];
#pragma GCC unroll 12
  for (int c = 0; c < CO; ++c)
#pragma GCC unroll 4
    for (int p = 0; p < P; ++p) simd::store(tile + (c * P + p) * simd::width, simd::max(lowest, sum[c][p]));
  place_planar_tile(a, tile, CO, P, at, first * planar_channel(a));
}

/// Calls body(PanelVectors<count>()) for 0 < count <= Most: makes count a compile-time constant.
template <int Most, class Body>
TINYFIQA_INLINE void with_outputs(int count, const Body& body) {
  if constexpr (Most > 1)
    if (count < Most) return with_outputs<Most - 1>(count, body);
  body(PanelVectors<Most>{});
}

/// Splits all outputs into tiles and calls body(PanelVectors<CO>(), weight, columns, first) for each: CO
/// outputs from output `first` on; weight and columns as planar_tile takes them.
template <class Body>
TINYFIQA_INLINE void for_each_planar_tile(const PlanarArgs& a, int depth, const Body& body) {
  const float* panel = a.packed;
  for_each_panel(a.cout, [&](auto vectors, int start, int valid) {
    constexpr int columns = decltype(vectors)::count * simd::width;
    for (int begin = 0; begin < valid;) {
      const int left = valid - begin;  // the last two tiles are of equal size
      const int outputs = left <= planar_outputs      ? left
                          : left < 2 * planar_outputs ? (left + 1) / 2
                                                      : planar_outputs;
      with_outputs<planar_outputs>(outputs,
                                   [&](auto count) { body(count, panel + begin, columns, start + begin); });
      begin += outputs;
    }
    panel += static_cast<std::ptrdiff_t>(columns) * (depth + 1);
  });
}

/// 1x1 convolution: CO outputs, the first is `first`, of rows begin .. end, counted over all images.
template <int CO>
inline void planar_pointwise_tiles(const PlanarArgs& a, const float* weight, int columns, int first,
                                   int begin, int end) {
  constexpr int P = planar_vectors(CO);
  const std::ptrdiff_t plane = a.w;
  const int vectors = (end - begin) * (a.w / simd::width);
  int row = begin, col = 0;
  const float* x[P];
  std::ptrdiff_t at[P];
  const auto source = [&](int k, int p) TINYFIQA_INLINE_LAMBDA { return x[p] + k * plane; };
  for (int i = 0; i < vectors; i += P) {
    for (int p = 0; p < P; ++p) {
      if (i + p >= vectors) {  // a short tile repeats its last vector
        x[p] = x[p - 1];
        at[p] = at[p - 1];
        continue;
      }
      x[p] = a.x + static_cast<std::ptrdiff_t>(row) * a.c * plane + col;
      at[p] = planar_at(a, row, col);
      col += simd::width;
      if (col == a.w) col = 0, ++row;
    }
    planar_tile<P, CO>(a, first, a.c, source, weight, columns, at);
  }
}
/// 1x1 convolution: rows begin .. end, counted over all images.
inline void planar_pointwise_rows(const PlanarArgs& a, int begin, int end) {
  for_each_planar_tile(a, a.c, [&](auto outputs, const float* weight, int columns, int first) {
    planar_pointwise_tiles<decltype(outputs)::count>(a, weight, columns, first, begin, end);
  });
}

// ---- stem: 3x3 convolution, stride 2, padding 1, of an interleaved image of 3 channels; w = 2 out_w

/// A strip of an input row in planar layout, for up to 2 vectors of outputs: even columns 2 i, and odd
/// columns 2 i - 1 (so column -1 comes first).
struct PlanarStem {
  float even[3][2 * simd::width], odd[3][2 * simd::width + 1];
};

/// Fills `s` with row y for `vectors` vectors of outputs from column `first` on. Zeros if the row lies outside the image.
inline void fill_planar_stem(const PlanarArgs& a, int image, int y, int first, int vectors, PlanarStem& s) {
  if (y < 0 || y >= a.h) return void(s = PlanarStem());
  const float* x =
      a.x + (static_cast<std::ptrdiff_t>(image) * a.h + y) * a.w * 3 + static_cast<std::ptrdiff_t>(first) * 6;
  for (int c = 0; c < 3; ++c) s.odd[c][0] = first == 0 ? 0.0f : x[c - 3];
  for (int p = 0; p < vectors; ++p) {
    vf even[3], odd[3];
    simd::load_pixel_pairs(x + 6 * p * simd::width, even, odd);
    for (int c = 0; c < 3; ++c) {
      simd::store(s.even[c] + p * simd::width, even[c]);
      simd::store(s.odd[c] + p * simd::width + 1, odd[c]);
    }
  }
}

/// Output rows begin .. end of one image, P vectors of columns from column `first` on.
template <int P>
inline void planar_stem_strip(const PlanarArgs& a, int image, int begin, int end, int first) {
  PlanarStem held[3];  // the window's rows; its last row is the first one of the next window and is kept
  // sources[phase][k]: address of what weight k multiplies. With each output row, held[0] and held[2]
  // swap roles.
  const float* sources[2][27];
  for (int phase = 0; phase < 2; ++phase)
    for (int k = 0; k < 27; ++k) {
      const int ky = k / 9, kx = k / 3 % 3, c = k % 3;
      const PlanarStem& s = held[phase == 0 ? ky : 2 - ky];
      sources[phase][k] = kx == 1 ? s.even[c] : s.odd[c] + kx / 2;
    }
  fill_planar_stem(a, image, 2 * begin - 1, first, P, held[0]);
  for (int oy = begin; oy < end; ++oy) {
    const int phase = (oy - begin) % 2;
    fill_planar_stem(a, image, 2 * oy, first, P, held[1]);
    fill_planar_stem(a, image, 2 * oy + 1, first, P, held[phase == 0 ? 2 : 0]);
    const float* const* const source = sources[phase];
    const int row = image * a.out_h + oy;
    const auto value = [&](int k, int p) TINYFIQA_INLINE_LAMBDA { return source[k] + p * simd::width; };
    std::ptrdiff_t at[P];
    for (int p = 0; p < P; ++p) at[p] = planar_at(a, row, first + p * simd::width);
    for_each_planar_tile(a, 27, [&](auto outputs, const float* weight, int columns, int c) {
      constexpr int CO = decltype(outputs)::count;
      planar_tile<P, CO>(a, c, 27, value, weight, columns, at);
    });
  }
}
/// Rows begin .. end of y, counted over all images.
inline void planar_stem_rows(const PlanarArgs& a, int begin, int end) {
  while (begin < end) {
    const int image = begin / a.out_h, last = (image + 1) * a.out_h < end ? (image + 1) * a.out_h : end;
    const int from = begin - image * a.out_h, to = last - image * a.out_h;
    int col = 0;
    for (; col + 2 * simd::width <= a.out_w; col += 2 * simd::width)
      planar_stem_strip<2>(a, image, from, to, col);
    if (col < a.out_w) planar_stem_strip<1>(a, image, from, to, col);
    begin = last;
  }
}

// ---- depthwise 3x3, padding 1, stride 1 or 2; w = stride out_w

/// Bias and weights of one channel, each in all lanes; tap[3 ky + kx].
struct PlanarTaps {
  vf bias, tap[9];
};
TINYFIQA_INLINE PlanarTaps planar_taps(const PlanarArgs& a, int c) {
  const int padded = depthwise_padded_channels(a.c);
  PlanarTaps w;
  w.bias = simd::splat(a.packed[c]);
#pragma GCC unroll 9
  for (int t = 0; t < 9; ++t) w.tap[t] = simd::splat(a.packed[(t + 1) * padded + c]);
  return w;
}
/// Channel c of row y of x. The row may lie outside the image, and must not be read then.
TINYFIQA_INLINE const float* planar_row(const PlanarArgs& a, int image, int y, int c) {
  return a.x + ((static_cast<std::ptrdiff_t>(image) * a.h + y) * a.c + c) * a.w;
}

/// Stride 1: output rows begin .. end of channel c, P vectors of columns from column `col` on.
///
/// Each row of x is loaded once and added to the sums of three output rows: above, here and below it. Its
/// three products are summed first, and then added with one addition, so that rows depend on each other by
/// the latency of an addition only.
template <int P, class Output>
TINYFIQA_INLINE void planar_depthwise_strip(const PlanarArgs& a, const Output& out, const PlanarTaps& w,
                                            int image, int begin, int end, int c, int col) {
  const std::ptrdiff_t x_row = static_cast<std::ptrdiff_t>(a.c) * a.w,
                       y_row = static_cast<std::ptrdiff_t>(a.cout) * a.out_w;
  const bool first = col == 0, last = col + P * simd::width == a.w;
  const float* x = planar_row(a, image, begin - 1, c) + col;
  std::ptrdiff_t at = planar_at(a, image * a.out_h + begin, col) + c * planar_channel(a);
  const std::ptrdiff_t next = planar_at(a, 0, simd::width);
  const int height = a.h;
  vf above[P], here[P];  // sums of output rows y - 1 and y
#pragma GCC unroll 2
  for (int p = 0; p < P; ++p) above[p] = here[p] = w.bias;
  for (int y = begin - 1; y <= end; ++y, x += x_row) {
    vf below[P];
#pragma GCC unroll 2
    for (int p = 0; p < P; ++p) below[p] = w.bias;
    if (y >= 0 && y < height) {
      vf from[P], sum[3][P];
#pragma GCC unroll 3
      for (int kx = 0; kx < 3; ++kx) {
#pragma GCC unroll 2
        for (int p = 0; p < P; ++p) {
          const float* const at_x = x + p * simd::width;
          if (kx == 0 && p == 0)
            from[p] = first ? simd::shift_up(simd::load(at_x), 0.0f) : simd::load(at_x - 1);
          else if (kx == 2 && p == P - 1)
            from[p] = last ? simd::shift_down(simd::load(at_x), 0.0f) : simd::load(at_x + 1);
          else
            from[p] = simd::load(at_x + kx - 1);
        }
#pragma GCC unroll 3
        for (int ky = 0; ky < 3; ++ky)
#pragma GCC unroll 2
          for (int p = 0; p < P; ++p)
            sum[ky][p] =
                kx == 0 ? w.tap[3 * ky] * from[p] : simd::fma(w.tap[3 * ky + kx], from[p], sum[ky][p]);
      }
#pragma GCC unroll 2
      for (int p = 0; p < P; ++p) {
        above[p] = above[p] + sum[2][p];
        here[p] = here[p] + sum[1][p];
        below[p] = below[p] + sum[0][p];
      }
    }
    if (y > begin) {
#pragma GCC unroll 2
      for (int p = 0; p < P; ++p) out.put(above[p], at + p * next);
      at += y_row;
    }
#pragma GCC unroll 2
    for (int p = 0; p < P; ++p) {
      above[p] = here[p];
      here[p] = below[p];
    }
  }
}
/// Stride 1: output rows begin .. end of channel c, all columns.
template <class Output>
inline void planar_depthwise_whole(const PlanarArgs& a, const Output out, int image, int begin, int end,
                                   int c) {
  const PlanarTaps w = planar_taps(a, c);
  int col = 0;
  for (; col + 2 * simd::width <= a.w; col += 2 * simd::width)
    planar_depthwise_strip<2>(a, out, w, image, begin, end, c, col);
  if (col < a.w) planar_depthwise_strip<1>(a, out, w, image, begin, end, c, col);
}

/// What one row of x contributes to a vector of outputs with stride 2. For output column i:
///   left = x[2 i - 1],    middle = x[2 i],    right = x[2 i + 1]
/// Lanes are in dealt order (simd/vec.hpp); zeros outside the map.
struct PlanarHalves {
  vf left, middle, right;
};
/// `x` points at column 2 i of the first output column i. inside: the row exists. first: i is 0, so column -1
/// is zero. whole: the vector's outputs all exist; else half of them.
TINYFIQA_INLINE PlanarHalves planar_halves(const float* x, bool inside, bool first, bool whole) {
  if (!inside) return {simd::splat(0.0f), simd::splat(0.0f), simd::splat(0.0f)};
  const vf here = simd::load(x), next = whole ? simd::load(x + simd::width) : simd::splat(0.0f);
  const vf before = first ? simd::shift_up(here, 0.0f) : simd::load(x - 1);
  const vf between = whole ? simd::load(x + simd::width - 1) : simd::splat(0.0f);
  return {simd::dealt_even(before, between), simd::dealt_even(here, next), simd::dealt_odd(here, next)};
}

/// Stride 2: output rows begin .. end of channel c. A row of x that two windows share is loaded once. If y is
/// interleaved, the last vector of a row may be half full.
template <class Output>
inline void planar_depthwise_half(const PlanarArgs& a, const Output out, int image, int begin, int end,
                                  int c) {
  const PlanarTaps w = planar_taps(a, c);
  const std::ptrdiff_t x_row = static_cast<std::ptrdiff_t>(a.c) * a.w,
                       y_row = static_cast<std::ptrdiff_t>(a.cout) * a.out_w;
  const int height = a.h;
  for (int col = 0; col < a.out_w; col += simd::width) {
    const bool first = col == 0, whole = a.out_w - col >= simd::width;
    const float* x = planar_row(a, image, 2 * begin - 1, c) + 2 * col;
    std::ptrdiff_t at = planar_at(a, image * a.out_h + begin, col) + c * planar_channel(a);
    PlanarHalves row = planar_halves(x, begin > 0, first, whole);
    for (int oy = begin; oy < end; ++oy, at += y_row) {
      vf sum[3] = {w.bias, simd::splat(0.0f), simd::splat(0.0f)};  // three sums hide the latency of the FMA
#pragma GCC unroll 3
      for (int ky = 0; ky < 3; ++ky) {
        if (ky > 0) {
          x += x_row;
          row = planar_halves(x, 2 * oy - 1 + ky < height, first, whole);
        }
        sum[0] = simd::fma(w.tap[3 * ky], row.left, sum[0]);
        sum[1] = simd::fma(w.tap[3 * ky + 1], row.middle, sum[1]);
        sum[2] = simd::fma(w.tap[3 * ky + 2], row.right, sum[2]);
      }
      const vf total = simd::in_order(sum[0] + (sum[1] + sum[2]));
      if (whole)
        out.put(total, at);
      else
        scatter_planar(a, simd::max(simd::splat(a.lowest), total), at, a.out_w - col);
    }
  }
}

/// Rows begin .. end of y, counted over all images.
inline void planar_depthwise_rows(const PlanarArgs& a, int begin, int end) {
  while (begin < end) {
    const int image = begin / a.out_h, last = (image + 1) * a.out_h < end ? (image + 1) * a.out_h : end;
    const int from = begin - image * a.out_h, to = last - image * a.out_h;
    with_planar_output(a, [&](const auto& out) {
      for (int c = 0; c < a.c; ++c) {
        if (a.stride == 2)
          planar_depthwise_half(a, out, image, from, to, c);
        else
          planar_depthwise_whole(a, out, image, from, to, c);
      }
    });
    begin = last;
  }
}

/// Calls rows(a, begin, end), one of the three functions above, on all rows of y, split over the team's
/// threads. `macs`: multiply-adds of the whole convolution.
template <class Rows>
inline void planar_convolution(const PlanarArgs& a, const Team& team, double macs, const Rows& rows) {
  parallel_for(worth_team(team, macs), a.n * a.out_h, [&](int begin, int end, int) { rows(a, begin, end); });
}

TINYFIQA_ISA_END

#endif
