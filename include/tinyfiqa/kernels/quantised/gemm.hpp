// Matrix product of levels with weights of 7 bits: 1x1 convolutions and linear layers of 8-bit networks, and the products
// inside dense convolutions.
//
//   C[i][j] = level of the epilogue of (sum_p A[i][p] B[p][j] + bias[j]),    i < m, j < n, p < k
//
// A is levels 0..255, B -63..63, sums and bias are 32-bit integers. The panels of B are those of kernels/gemm.hpp; the weights
// of four depths lie together (a quad, simd/levels.hpp). A panel of 24 columns:
//
//   +------------------------+
//   | bias      int32   [24] |   and what makes up for simd::level_offset
//   | factors   float   [24] |   and the activation's other rows (kernels/quantised/epilogue.hpp)
//   | B[0..3]   4 int8  [24] |   depths 0 to 3 of each column; zeros beyond k
//   | B[4..7]   4 int8  [24] |
//   +------------------------+
//
// Reads exactly A's m x k levels and writes exactly C's m x n.
#pragma once

#include <tinyfiqa/kernels/gemm.hpp>
#include <tinyfiqa/kernels/quantised/epilogue.hpp>

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <type_traits>

TINYFIQA_ISA_BEGIN(kernels)

/// Rows of a tile. A sum takes a register more than in float32 (the ones of vpmaddwd):
///   16 registers    3x3 + 3 + 1 + 1 + 1 = 15    5x2 + 2 + 3 = 15    8x1 + 1 + 3 = 12
///   32 registers    8x3 + 3 + 3 = 30           12x2 + 2 + 3 = 29   12x1 + 1 + 3 = 16
#ifdef TINYFIQA_PRODUCT_ROWS
template <int NV>
inline constexpr int gemm_i8_rows = simd::product_rows[NV - 1];
#else
template <int NV>
inline constexpr int gemm_i8_rows = simd::width == 1        ? 2
                                    : simd::registers >= 32 ? (NV == 3 ? 8 : 12)
                                                            : (NV == 3 ? 3 : (NV == 2 ? 5 : 8));
#endif

struct GemmI8Args {
  int m = 0, n = 0, k = 0;          ///< all at least 1
  const std::uint8_t* a = nullptr;  ///< A [m][k]; not null
  std::ptrdiff_t lda = 0;           ///< levels from row to row
  /// A row of A may be in several parts of k levels each, a multiple of 4 if there are two or more.
  int parts = 1;
  std::ptrdiff_t part_stride = 0;         ///< levels from part to part
  const unsigned char* packed = nullptr;  ///< pack_gemm_i8's block
  QuantisedOutput out;                    ///< C; a pixel is a row
  const float* slope = nullptr;           ///< [n], for PReLU if C is floats; else null
};

TINYFIQA_INLINE constexpr int quads_of(int k) { return (k + 3) / 4; }

/// Rows of a panel, 4 bytes for each column: bias, constants of the epilogue, quads.
TINYFIQA_INLINE constexpr int gemm_i8_panel_rows(int k, Act act) {
  return 1 + epilogue_rows(act) + quads_of(k);
}

/// Size of the packed block, in bytes.
template <int Width = simd::width>
constexpr std::size_t gemm_i8_packed_bytes(int n, int k, Act act) {
  const int columns = (n + Width - 1) / Width * Width;
  return static_cast<std::size_t>(columns) * 4 * static_cast<std::size_t>(gemm_i8_panel_rows(k, act));
}

/// Packs the panels: weight(j, p) and constant(r, j) are weights and the epilogue's rows of output j, bias is [n]. LevelOffset is
/// simd::level_offset of the kernels that will read them.
template <int Width, int MaxVectors, int LevelOffset, class Weight, class Constant>
inline void pack_panels_i8(int n, int k, Act act, const Weight& weight, const std::int32_t* bias,
                           const Constant& constant, unsigned char* packed) {
  const int total = (n + Width - 1) / Width, quads = quads_of(k), constants = epilogue_rows(act);
  for (int first = 0; first < total;) {
    const int vectors = gemm_panel_vectors<MaxVectors>(first, total), columns = vectors * Width;
    for (int j = 0; j < columns; ++j) {
      const int output = first * Width + j;
      unsigned char* to = packed + std::ptrdiff_t{j} * 4;
      const auto put = [&](const void* four) {
        std::memcpy(to, four, 4);
        to += std::ptrdiff_t{columns} * 4;
      };
      const bool there = output < n;
      std::int32_t b = there ? bias[output] : 0;
      for (int p = 0; there && LevelOffset != 0 && p < k; ++p) b += LevelOffset * weight(output, p);
      put(&b);
      for (int r = 0; r < constants; ++r) {
        const float c = there ? constant(r, output) : 0.0f;
        put(&c);
      }
      for (int q = 0; q < quads; ++q) {
        std::int8_t quad[4] = {};
        for (int t = 0; there && t < 4 && 4 * q + t < k; ++t) quad[t] = weight(output, 4 * q + t);
        put(quad);
      }
    }
    packed += std::ptrdiff_t{columns} * 4 * gemm_i8_panel_rows(k, act);
    first += vectors;
  }
}

/// Packs weight [n][k] (one row for each output), bias [n] and the epilogue's rows [epilogue_rows(act)][n].
template <int Width = simd::width, int MaxVectors = gemm_max_vectors, int LevelOffset = simd::level_offset>
inline void pack_gemm_i8(int n, int k, Act act, const std::int8_t* weight, const std::int32_t* bias,
                         const float* rows, unsigned char* packed) {
  pack_panels_i8<Width, MaxVectors, LevelOffset>(
      n, k, act, [&](int j, int p) { return weight[std::ptrdiff_t{j} * k + p]; }, bias,
      [&](int r, int j) { return rows[std::ptrdiff_t{r} * n + j]; }, packed);
}

#ifdef TINYFIQA_SMALL

// A few rows at a time: their quads are read once, as the processor multiplies them, and then meet all panels.

/// Rows of a tile.
inline constexpr int i8_small_rows = simd::small_rows;
/// A quad of each row of a tile.
struct QuadRows {
  simd::quad row[i8_small_rows];
};
/// Quads of a row that are kept; of longer rows they are read again for each panel.
inline constexpr int i8_slice = 64;

/// Reads `whole` quads of `pixels` rows from x on, and behind them one of `tail` levels if that is not 0. Rows that are missing
/// are the first one again. Returns what follows them.
TINYFIQA_NOINLINE inline QuadRows* read_quads(const std::uint8_t* x, std::ptrdiff_t lda, int pixels,
                                              unsigned whole, unsigned tail, QuadRows* to) {
  std::ptrdiff_t row[i8_small_rows];
#pragma GCC unroll 4
  for (int r = 0; r < i8_small_rows; ++r) row[r] = r < pixels ? r * lda : 0;
  const bool longer = whole > 0;
  if (longer) {
    const QuadRows* const end = to + whole;
    do {
#pragma GCC unroll 4
      for (int r = 0; r < i8_small_rows; ++r) to->row[r] = simd::splat_quad(x + row[r]);
      x += 4;
    } while (++to != end);
  }
  if (tail == 0) return to;
#pragma GCC unroll 4
  for (int r = 0; r < i8_small_rows; ++r)
    to->row[r] = simd::splat_quad_rest(x + row[r], static_cast<int>(tail), longer);
  return to + 1;
}

/// Reads quads `begin` to `end` - 1 of `pixels` rows of A from `a` on, of which each part has whole quads of its own.
TINYFIQA_INLINE void read_quad_rows(const GemmI8Args& g, const std::uint8_t* a, int pixels, int begin,
                                    int end, QuadRows* to) {
  const unsigned k = static_cast<unsigned>(g.k);
  unsigned at = 0;
  if (begin > 0) {
    const int each = quads_of(g.k), part = begin / each;
    at = static_cast<unsigned>(begin - part * each);
    a += part * g.part_stride;
  }
  for (int left = end - begin; left > 0; at = 0, a += g.part_stride) {
    unsigned whole = k / 4 - at, tail = k % 4;
    if (whole >= static_cast<unsigned>(left)) {
      whole = static_cast<unsigned>(left);
      tail = 0;
    }
    QuadRows* const next = read_quads(a + 4 * at, g.lda, pixels, whole, tail, to);
    left -= static_cast<int>(next - to);
    to = next;
  }
}

/// sum[r][v] += the products of quads of a tile's rows and of NV columns.
template <int NV>
TINYFIQA_NOINLINE inline void multiply_quad_rows(const QuadRows* x, const QuadRows* end, const std::int8_t* b,
                                                 std::int32_t (&sum)[i8_small_rows][NV]) {
#ifdef TINYFIQA_MULTIPLY_ROWS
  simd::multiply_rows(x->row, end->row, b, sum);
#else
  simd::vi s[i8_small_rows][NV];
#pragma GCC unroll 4
  for (int i = 0; i < i8_small_rows * NV; ++i) s[i / NV][i % NV] = {{sum[i / NV][i % NV]}};
  do {
#pragma GCC unroll 2
    for (int v = 0; v < NV; ++v, b += 4) {
      const simd::quads w = simd::load_quads(b);
#pragma GCC unroll 4
      for (int r = 0; r < i8_small_rows; ++r) s[r][v] = simd::dot(s[r][v], x->row[r], w);
    }
  } while (++x < end);
#pragma GCC unroll 4
  for (int i = 0; i < i8_small_rows * NV; ++i) sum[i / NV][i % NV] = s[i / NV][i % NV][0];
#endif
}

/// What the panels of one tile's rows have in common.
struct SmallTile {
  const std::uint8_t* a;  ///< the first row
  int row, pixels;        ///< the first row's number; how many there are
  int quads, constants;   ///< of a panel: quads of a column, and rows before them
  bool plain, from_zero;
  SmallLevels to_level;
};

/// The levels of a tile's sums.
template <int NV>
TINYFIQA_INLINE void store_small_tile(const GemmI8Args& g, const SmallTile& t, int first,
                                      const std::int32_t (&sum)[i8_small_rows][NV], const float* rows) {
  std::uint8_t* to = g.out.levels + t.row * g.out.pixel_stride + first;
#ifdef TINYFIQA_SIMD_HELIUM
  if constexpr (NV == 2) return simd::store_tile(to, g.out.pixel_stride, t.pixels, sum, rows, g.out.range);
#endif
  const SmallLevels to_level = t.to_level;  // a copy: levels that are written might change it
  const auto write = [&](const auto& level) TINYFIQA_INLINE_LAMBDA {
#pragma GCC unroll 2
    for (int r = 0; r < i8_small_rows; ++r, to += g.out.pixel_stride) {
      if (r > 0 && r >= t.pixels) break;
#pragma GCC unroll 2
      for (int v = 0; v < NV; ++v) to[v] = level(static_cast<float>(sum[r][v]) * rows[v]);
    }
  };
  if (t.from_zero)
    write(SmallLevels::from_zero);
  else
    write(to_level);
}

/// NV columns of a tile's rows from column `first` on. Returns the next panel.
template <int NV>
TINYFIQA_INLINE const unsigned char* gemm_i8_columns(const GemmI8Args& g, const SmallTile& t,
                                                     const unsigned char* panel, int first, QuadRows* x) {
  const auto* const bias = reinterpret_cast<const std::int32_t*>(panel);
  const auto* const rows = reinterpret_cast<const float*>(panel) + NV;
  const auto* b = reinterpret_cast<const std::int8_t*>(panel) + NV * 4 * t.constants;
  std::int32_t sum[i8_small_rows][NV];
#pragma GCC unroll 8
  for (int i = 0; i < i8_small_rows * NV; ++i) sum[i / NV][i % NV] = bias[i % NV];
  if (t.quads <= i8_slice) {
    multiply_quad_rows<NV>(x, x + t.quads, b, sum);
  } else {
    for (int q = 0; q < t.quads; q += i8_slice) {
      const int end = q + i8_slice < t.quads ? q + i8_slice : t.quads;
      read_quad_rows(g, t.a, t.pixels, q, end, x);
      multiply_quad_rows<NV>(x, x + (end - q), b + q * NV * 4, sum);
    }
  }
  if (t.plain)
    store_small_tile<NV>(g, t, first, sum, rows);
  else
    store_sums(g.out, t.row, t.pixels, first, NV, &sum[0][0], NV, rows, NV, g.slope);
  return panel + NV * 4 * (t.constants + t.quads);
}

#ifdef TINYFIQA_SUMS_TO_LEVELS

/// Words for the weights of two columns, and for the tiles that meet all columns together: one tile of i8_slice quads at least.
inline constexpr int i8_tile_words = 8 * i8_slice + 2;
/// True for the products that gemm_i8_to_levels() is for, those that networks have most.
TINYFIQA_INLINE bool is_to_levels(const GemmI8Args& g) {
  return is_plain(g.out) && g.out.range.lowest == 0 && g.n >= 2 && g.parts * quads_of(g.k) <= i8_slice;
}

/// Reads a panel. A column that is `alone` becomes the second one; the first one is the one before it, which gets the same
/// results twice. Returns the next panel.
TINYFIQA_NOINLINE inline const unsigned char* read_columns(const unsigned char* panel, int quads, bool alone,
                                                           simd::ColumnsToLevels& c, std::int32_t* weights) {
  const auto* word = reinterpret_cast<const std::int32_t*>(panel);
  const auto read = [&](std::int32_t* to) TINYFIQA_INLINE_LAMBDA {
    const simd::quads w = simd::load_quads(reinterpret_cast<const std::int8_t*>(word++));
    to[0] = w.even;
    to[1] = w.odd;
  };
  const std::int32_t* const end = weights + 4 * quads;
  if (alone) {
    c.bias[0] = c.bias[1];
    c.bias[1] = *word++;
    c.factor[0] = c.factor[1];
    c.factor[1] = *reinterpret_cast<const float*>(word++);
    do {
      weights[0] = weights[2];
      weights[1] = weights[3];
      read(weights + 2);
    } while ((weights += 4) != end);
  } else {
    c.bias[0] = *word++;
    c.bias[1] = *word++;
    c.factor[0] = *reinterpret_cast<const float*>(word++);
    c.factor[1] = *reinterpret_cast<const float*>(word++);
    do {
      read(weights);
      read(weights + 2);
    } while ((weights += 4) != end);
  }
  return reinterpret_cast<const unsigned char*>(word);
}

/// Rows begin .. end of C.
TINYFIQA_NOINLINE inline void gemm_i8_to_levels(const GemmI8Args& g, int begin, int end) {
  std::uint32_t words[i8_tile_words];
  const int quads = g.parts * quads_of(g.k), tile_words = 4 * quads + 2;
  auto* const weights = reinterpret_cast<std::int32_t*>(words);
  std::uint32_t *const tiles = words + 4 * quads, *const last = words + i8_tile_words - tile_words;
  const unsigned whole = static_cast<unsigned>(g.k) / 4, tail = static_cast<unsigned>(g.k) % 4;
  while (begin < end) {
    std::uint32_t* to = tiles;
    for (; begin < end && to <= last; begin += 2) {
      const int rows = end - begin < 2 ? 1 : 2;
      const std::uint8_t* a = g.a + begin * g.lda;
      auto* quad = reinterpret_cast<QuadRows*>(to);
      for (int part = g.parts; part > 0; --part, a += g.part_stride)
        quad = read_quads(a, g.lda, rows, whole, tail, quad);
      to = reinterpret_cast<std::uint32_t*>(quad);
      std::uint8_t* const levels = g.out.levels + begin * g.out.pixel_stride;
      *to++ = reinterpret_cast<std::uint32_t>(levels);
      *to++ = reinterpret_cast<std::uint32_t>(rows > 1 ? levels + g.out.pixel_stride : levels);
    }
    simd::ColumnsToLevels columns;
    columns.end = to;
    columns.w = weights;
    columns.zero = g.out.range.zero;
    const unsigned char* panel = g.packed;
    for (int first = 0; first < g.n; first += 2) {
      const bool alone = first + 1 == g.n;
      columns.column = alone ? first - 1 : first;
      panel = read_columns(panel, quads, alone, columns, weights);
      simd::tiles_to_levels(tiles, weights + 4 * quads, columns);
    }
  }
}

#endif

/// Rows begin .. end of C, of any product.
TINYFIQA_NOINLINE inline void gemm_i8_any_rows(const GemmI8Args& g, int begin, int end) {
  QuadRows x[i8_slice + simd::small_padding];
  SmallTile t{g.a,
              begin,
              i8_small_rows,
              g.parts * quads_of(g.k),
              1 + epilogue_rows(g.out.act),
              is_plain(g.out),
              SmallLevels::is_from_zero(g.out.range),
              SmallLevels(g.out.range)};
  for (t.row = begin; t.row < end; t.row += i8_small_rows) {
    t.pixels = end - t.row < i8_small_rows ? end - t.row : i8_small_rows;
    t.a = g.a + t.row * g.lda;
    if (t.quads <= i8_slice) read_quad_rows(g, t.a, t.pixels, 0, t.quads, x);
    const unsigned char* panel = g.packed;
    int first = 0;
    for (; first + 2 <= g.n; first += 2) panel = gemm_i8_columns<2>(g, t, panel, first, x);
    if (first < g.n) gemm_i8_columns<1>(g, t, panel, first, x);
  }
}

/// Rows begin .. end of C.
TINYFIQA_NOINLINE inline void gemm_i8_rows_range(const GemmI8Args& g, int begin, int end) {
#ifdef TINYFIQA_SUMS_TO_LEVELS
  if (is_to_levels(g)) return gemm_i8_to_levels(g, begin, end);
#endif
  gemm_i8_any_rows(g, begin, end);
}

#else

/// sum[r][v] += the products of k depths. `a` is the first of MR rows of A, `lda` levels apart; `b` the quads of a panel.
template <int MR, int NV>
TINYFIQA_INLINE void gemm_i8_add_products(int k, const std::uint8_t* a, std::ptrdiff_t lda,
                                          const std::int8_t* b, simd::vi (&sum)[MR][NV]) {
  // A pointer for three rows: x86 adds the distance, or twice the distance, when it loads.
  constexpr int row = NV * simd::width * 4, pointers = (MR + 2) / 3;
  const std::uint8_t* at[pointers];
  for (int i = 0; i < pointers; ++i) at[i] = a + 3 * i * lda;
  const auto add = [&](const auto& quad) TINYFIQA_INLINE_LAMBDA {
    decltype(simd::load_quads(b)) bv[NV];
#pragma GCC unroll 4
    for (int v = 0; v < NV; ++v) bv[v] = simd::load_quads(b + v * simd::width * 4);
#pragma GCC unroll 12
    for (int r = 0; r < MR; ++r) {
      const auto x = quad(at[r / 3] + r % 3 * lda);
#pragma GCC unroll 4
      for (int v = 0; v < NV; ++v) sum[r][v] = simd::dot(sum[r][v], x, bv[v]);
    }
  };
#ifdef TINYFIQA_QUAD_LANES
  const auto add_two = [&](auto quad, const auto(&x)[MR]) TINYFIQA_INLINE_LAMBDA {
    constexpr int first = decltype(quad)::value;
    decltype(simd::load_quads(b)) w[NV], next[NV];
#pragma GCC unroll 4
    for (int v = 0; v < NV; ++v) {
      w[v] = simd::load_quads(b + first * row + v * simd::width * 4);
      next[v] = simd::load_quads(b + (first + 1) * row + v * simd::width * 4);
    }
#pragma GCC unroll 12
    for (int r = 0; r < MR; ++r) simd::dot_two<first>(sum[r], x[r], w, next);
  };
  const auto add_many = [&](auto load, auto count) TINYFIQA_INLINE_LAMBDA {
    decltype(simd::load_four_quads(a)) x[MR];
#pragma GCC unroll 12
    for (int r = 0; r < MR; ++r) x[r] = load(at[r / 3] + r % 3 * lda);
    add_two(std::integral_constant<int, 0>{}, x);
    if constexpr (decltype(count)::value == 4) add_two(std::integral_constant<int, 2>{}, x);
#pragma GCC unroll 4
    for (int i = 0; i < pointers; ++i) at[i] += 4 * count;
    k -= 4 * count;
    b += count * row;
  };
#pragma GCC unroll 1
  while (k >= 16)
    add_many([](const std::uint8_t* x) TINYFIQA_INLINE_LAMBDA { return simd::load_four_quads(x); },
             std::integral_constant<int, 4>{});
  if (k >= 8)
    add_many([](const std::uint8_t* x) TINYFIQA_INLINE_LAMBDA { return simd::load_two_quads(x); },
             std::integral_constant<int, 2>{});
#endif
#pragma GCC unroll 1
  for (; k >= 4; k -= 4, b += row) {
    add([](const std::uint8_t* x) TINYFIQA_INLINE_LAMBDA { return simd::splat_quad(x); });
#pragma GCC unroll 4
    for (int i = 0; i < pointers; ++i) at[i] += 4;
  }
  if (k > 0) add([&](const std::uint8_t* x) TINYFIQA_INLINE_LAMBDA { return simd::splat_quad_part(x, k); });
}

/// MR rows of C from row `row` on, columns of one panel.
template <int MR, int NV>
TINYFIQA_INLINE void gemm_i8_tile(const GemmI8Args& g, const unsigned char* panel, int first, int columns,
                                  int row) {
  constexpr int wide = NV * simd::width;
  const auto* const bias = reinterpret_cast<const std::int32_t*>(panel);
  const auto* const rows = reinterpret_cast<const float*>(panel) + wide;
  const auto* b =
      reinterpret_cast<const std::int8_t*>(panel) + std::ptrdiff_t{wide} * 4 * (1 + epilogue_rows(g.out.act));
  simd::vi sum[MR][NV];
#pragma GCC unroll 12
  for (int r = 0; r < MR; ++r)
#pragma GCC unroll 4
    for (int v = 0; v < NV; ++v) sum[r][v] = simd::load_ints(bias + v * simd::width);
  const std::uint8_t* a = g.a + row * g.lda;
  for (int i = 0; i < g.parts; ++i, a += g.part_stride, b += std::ptrdiff_t{wide} * g.k)
    gemm_i8_add_products<MR, NV>(g.k, a, g.lda, b, sum);
  store_tile<MR, NV>(
      g.out, row, MR, first, columns,
      [&](int r, int v) TINYFIQA_INLINE_LAMBDA { return simd::to_floats(sum[r][v]); }, rows, wide, g.slope);
}

/// Rows begin .. end of C, columns of one panel. Rows that fill no tile are computed with some before them, which get the same
/// result twice; with a residual, which may be C itself, they are computed alone.
template <int NV>
TINYFIQA_NOINLINE inline void gemm_i8_panel(const GemmI8Args& g, const unsigned char* panel, int first,
                                            int columns, int begin, int end) {
  constexpr int most = gemm_i8_rows<NV>, few = most >= 8 ? 4 : most;
  const bool twice = g.out.residual == nullptr;
  int row = begin;
  for (; row + most <= end; row += most) gemm_i8_tile<most, NV>(g, panel, first, columns, row);
  if (twice && end - row > few && end - begin >= most)
    return gemm_i8_tile<most, NV>(g, panel, first, columns, end - most);
  if constexpr (few < most)
    for (; row + few <= end; row += few) gemm_i8_tile<few, NV>(g, panel, first, columns, row);
  if (twice && end - row > 1 && end - begin >= few)
    return gemm_i8_tile<few, NV>(g, panel, first, columns, end - few);
  for (; row < end; ++row) gemm_i8_tile<1, NV>(g, panel, first, columns, row);
}

/// Rows begin .. end of C, on the calling thread. A block of rows stays in the first-level cache while the panels pass by.
inline void gemm_i8_rows_range(const GemmI8Args& g, int begin, int end) {
  for (int row = begin; row < end; row += gemm_block) {
    const int last = row + gemm_block < end ? row + gemm_block : end;
    const unsigned char* panel = g.packed;
    for_each_panel(g.n, [&](auto vectors, int first, int columns) {
      constexpr int NV = decltype(vectors)::count;
      gemm_i8_panel<NV>(g, panel, first, columns, row, last);
      panel += std::ptrdiff_t{NV} * simd::width * 4 * gemm_i8_panel_rows(g.parts * g.k, g.out.act);
    });
  }
}

#endif

/// The whole product. Rows are split over the team's threads. Sums are exact, so their order does not matter.
inline void gemm_i8(const GemmI8Args& g, const Team& team) {
  const int unit = g.m < 384 ? 8 : 24, units = (g.m + unit - 1) / unit;
  const double macs = static_cast<double>(g.m) * g.n * g.k;
  parallel_for(worth_team(team, macs / 2), units, [&](int begin, int end, int) {
    gemm_i8_rows_range(g, begin * unit, end * unit < g.m ? end * unit : g.m);
  });
}

TINYFIQA_ISA_END
