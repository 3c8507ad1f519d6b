// Matrix product with epilogue on packed B: 1x1 convolutions and linear layers, and the products inside
// dense convolutions.
//
//   C[i][j] = act(sum_p A[i][p] B[p][j] + bias[j]) + R[i][j],    i < m, j < n, p < k
//
// A [m][k], C [m][n] and R [m][n] are row-major with a leading dimension. B and bias are packed into panels
// of up to gemm_max_vectors vectors of columns. The panels follow each other, wide ones first. For n = 72 and
// vectors of 16 floats:
//
//      panel 0: 3 vectors          panel 1: 2 vectors, 24 columns and 8 zeros
//   +------------------------+  +------------------+
//   | bias[0..47]            |  | bias[48..71]   0 |     rows of a panel follow each other without gaps;
//   | B[0][0..47]            |  | B[0][48..71]   0 |     all loads of B are whole vectors
//   | ...                    |  | ...              |
//   | B[k-1][0..47]          |  | B[k-1][48..71] 0 |
//   +------------------------+  +------------------+
//
// The micro-kernel keeps a tile of MR rows x NV vectors of C in registers while p runs over k. Register
// budget: MR x NV accumulators + NV vectors of B + 1 broadcast of A (+ 1 product without FMA).
//
// Reads exactly A's m x k floats and writes exactly C's m x n: a tile with fewer than MR rows repeats the
// last row's pointer, the last vector of a row goes through load_part / store_part. C may be R, but must not
// overlap A.
#pragma once

#include <tinyfiqa/kernels/epilogue.hpp>
#include <tinyfiqa/kernels/parallel.hpp>
#include <tinyfiqa/kernels/weights.hpp>

#include <cstddef>

TINYFIQA_ISA_BEGIN(kernels)

// MR by NV, so that accumulators fill the register file (panels of 3, 2, 1 vectors):
//   AVX-512, ARM64  32 registers    8x3 + 3 + 1 = 28      12x2 + 2 + 1 = 27       12x1 + 1 + 1 = 14
//   AVX2, NEON      16 registers    4x3 + 3 + 1 = 16       6x2 + 2 + 1 = 15        8x1 + 1 + 1 = 10
//   NEON, no FMA    16 registers    3x3 + 3 + 1 + 1 = 14   as AVX2 (packed weights are those of NEON with FMA)
//   SSE             16 registers    (no panel of 3)        6x2 + 2 + 1 + 1 = 16    8x1 + 1 + 1 + 1 = 11
//   vector4         as SSE, or with 32 registers           12x2 + 2 + 1 + 1 = 28   12x1 + 1 + 1 + 1 = 15
//                   WebAssembly                             4x2 + 2 + 1 + 1 = 12    8x1 + 1 + 1 + 1 = 11
#if defined(TINYFIQA_SMALL)  // one height for all tiles
inline constexpr int gemm_max_vectors = 2;
template <int NV>
inline constexpr int gemm_rows = 4;
#elif defined(TINYFIQA_SCALAR)
inline constexpr int gemm_max_vectors = 4;
template <int NV>
inline constexpr int gemm_rows = 2;
#elif defined(TINYFIQA_VECTOR4)
// Panels of the same width on all processors: an instruction set has one order of packed weights. Engines of WebAssembly
// keep registers for themselves and copy values between others: Node.js takes a sixth longer for tinyFQnet with 6 rows.
inline constexpr int gemm_max_vectors = 2;
#ifdef __wasm__
template <int NV>
inline constexpr int gemm_rows = NV == 2 ? 4 : 8;
#else
template <int NV>
inline constexpr int gemm_rows = simd::registers >= 32 ? 12 : (NV == 2 ? 6 : 8);
#endif
#elif defined(__AVX512F__) || defined(TINYFIQA_ARM64)
inline constexpr int gemm_max_vectors = 3;
template <int NV>
inline constexpr int gemm_rows = NV == 3 ? 8 : 12;
#elif defined(TINYFIQA_FMA)
inline constexpr int gemm_max_vectors = 3;
template <int NV>
inline constexpr int gemm_rows = NV == 3 ? 4 : (NV == 2 ? 6 : 8);
#elif defined(__ARM_NEON)
inline constexpr int gemm_max_vectors = 3;
template <int NV>
inline constexpr int gemm_rows = NV == 3 ? 3 : (NV == 2 ? 6 : 8);
#else  // without FMA a product needs a register of its own before it is added
inline constexpr int gemm_max_vectors = 2;
template <int NV>
inline constexpr int gemm_rows = NV == 2 ? 6 : 8;
#endif

/// C[i][j] = act(sum_p A[i][p] B[p][j] + bias[j]) + R[i][j],    i < m, j < n, p < k.
/// Leading dimensions are in floats from row to row.
struct GemmArgs {
  int m = 0, n = 0, k = 0;          ///< all at least 1
  const float* a = nullptr;         ///< A [m][k]; not null
  std::ptrdiff_t lda = 0;           ///< of A
  const float* packed = nullptr;    ///< pack_gemm's block of gemm_packed_floats(n, k) floats; not null
  float* c = nullptr;               ///< C [m][n]; not null
  std::ptrdiff_t ldc = 0;           ///< of C
  const float* residual = nullptr;  ///< R [m][n]; null for none; may be C
  std::ptrdiff_t ld_residual = 0;   ///< of R
  const float* slope = nullptr;     ///< [n], for prelu; ignored by other activations, null then
  Act act = Act::none;
};

// The layout of packed weights depends on two numbers: `Width`, the floats of a vector, and `MaxVectors`, the most
// vectors of a panel. Other numbers than the defaults are for packing for another machine (runtime/pack_target.hpp).

/// Number of vectors of the panel that starts at vector `first` of `total`. Panels are as even as possible,
/// wide ones first.
template <int MaxVectors = gemm_max_vectors>
TINYFIQA_INLINE constexpr int gemm_panel_vectors(int first, int total) {
  const int left = total - first;
  const int panels = (left + MaxVectors - 1) / MaxVectors;
  return (left + panels - 1) / panels;
}

/// Size of the packed block of B [k][n] and its bias, in floats.
template <int Width = simd::width>
TINYFIQA_INLINE constexpr std::size_t gemm_packed_floats(int n, int k) {
  const int columns = (n + Width - 1) / Width * Width;
  return static_cast<std::size_t>(columns) * static_cast<std::size_t>(k + 1);
}

/// Packs weight [n][k] (B transposed, PyTorch's order: one row for each output) and bias [n] into
/// packed [gemm_packed_floats(n, k)]. No pointer may be null.
template <int Width = simd::width, int MaxVectors = gemm_max_vectors>
inline void pack_gemm(int n, int k, const float* weight, const float* bias, float* packed) {
  const int total = (n + Width - 1) / Width;
  for (int first = 0; first < total;) {
    const int vectors = gemm_panel_vectors<MaxVectors>(first, total);
    const int columns = vectors * Width;
    for (int v = 0; v < vectors; ++v) {
      const int column = (first + v) * Width;
      const int filled = n - column < Width ? n - column : Width;
      float* const to = packed + std::ptrdiff_t{v} * Width;
      for (int j = 0; j < Width; ++j) to[j] = j < filled ? bias[column + j] : 0.0f;
      transpose_rows<Width>(weight + std::ptrdiff_t{column} * k, k, filled, to + columns, columns);
    }
    packed += std::ptrdiff_t{columns} * (k + 1);
    first += vectors;
  }
}

/// True if the last vector of a panel with `columns` valid columns is at most half full, and half
/// vectors help.
template <int NV>
TINYFIQA_INLINE bool ends_in_half(int columns) {
  return simd::has_halves && columns - (NV - 1) * simd::width <= simd::width / 2;
}

/// The micro-kernel: acc[r][v] += sum_p a(r, p) b[p][v] over k rows of a panel, the first at b. With Half
/// only the lower half of the last vector is computed; its upper half becomes zero.
template <bool Half, int MR, int NV, class At>
TINYFIQA_INLINE void gemm_add_products(int k, const At& a, const float* b, vf (&acc)[MR][NV]) {
  constexpr int whole = Half ? NV - 1 : NV;
  simd::vh half[MR];
  if constexpr (Half) {
#pragma GCC unroll 16
    for (int r = 0; r < MR; ++r) half[r] = simd::low_half(acc[r][NV - 1]);
  }
  // Not unrolled: g++ would keep floats that neighbouring windows of a convolution share in registers, and
  // spill the accumulators.
#pragma GCC unroll 1
  for (int p = 0; p < k; ++p, b += NV * simd::width) {
    vf bv[NV];
#pragma GCC unroll 4
    for (int v = 0; v < whole; ++v) bv[v] = simd::load(b + v * simd::width);
    const simd::vh last = simd::load_half(b + (NV - 1) * simd::width);
#pragma GCC unroll 16
    for (int r = 0; r < MR; ++r) {
      const vf ar = simd::splat(a(r, p));
#pragma GCC unroll 4
      for (int v = 0; v < whole; ++v) acc[r][v] = simd::fma(ar, bv[v], acc[r][v]);
      if constexpr (Half) half[r] = simd::fma(simd::low_half(ar), last, half[r]);
    }
  }
  if constexpr (Half) {
#pragma GCC unroll 16
    for (int r = 0; r < MR; ++r) acc[r][NV - 1] = simd::widen(half[r]);
  }
}

/// acc[r][v] = the panel's bias, for each row r.
template <int MR, int NV>
TINYFIQA_INLINE void gemm_set_bias(const float* panel, vf (&acc)[MR][NV]) {
  vf bias[NV];
#pragma GCC unroll 4
  for (int v = 0; v < NV; ++v) bias[v] = simd::load(panel + v * simd::width);
#pragma GCC unroll 16
  for (int r = 0; r < MR; ++r)
#pragma GCC unroll 4
    for (int v = 0; v < NV; ++v) acc[r][v] = bias[v];
}

/// acc[r][v] = bias[v] + sum_p a[r][p] B[p][v]; `panel` begins with its bias.
template <bool Half, int MR, int NV>
TINYFIQA_INLINE void gemm_accumulate(int k, const float* const (&a)[MR], const float* panel,
                                     vf (&acc)[MR][NV]) {
  gemm_set_bias<MR, NV>(panel, acc);
  gemm_add_products<Half, MR, NV>(
      k, [&](int r, int p) TINYFIQA_INLINE_LAMBDA { return a[r][p]; }, panel + NV * simd::width, acc);
}

/// The same for one row, which is limited by the latency of the multiply-add: four independent sums over p.
template <int NV>
TINYFIQA_INLINE void gemm_accumulate_row(int k, const float* a, const float* panel, vf (&acc)[NV]) {
  vf part[4][NV];
  for (int v = 0; v < NV; ++v) {
    part[0][v] = simd::load(panel + v * simd::width);
    part[1][v] = part[2][v] = part[3][v] = simd::splat(0.0f);
  }
  const float* b = panel + NV * simd::width;
  int p = 0;
  for (; p + 4 <= k; p += 4) {
#pragma GCC unroll 4
    for (int u = 0; u < 4; ++u, b += NV * simd::width) {
      const vf ap = simd::splat(a[p + u]);
#pragma GCC unroll 4
      for (int v = 0; v < NV; ++v) part[u][v] = simd::fma(ap, simd::load(b + v * simd::width), part[u][v]);
    }
  }
  for (; p < k; ++p, b += NV * simd::width)
    for (int v = 0; v < NV; ++v)
      part[0][v] = simd::fma(simd::splat(a[p]), simd::load(b + v * simd::width), part[0][v]);
  for (int v = 0; v < NV; ++v) acc[v] = (part[0][v] + part[1][v]) + (part[2][v] + part[3][v]);
}

#ifdef TINYFIQA_SMALL

/// Epilogue and store of a column of a tile, at row `row` and column `first` of C: its first `rows` rows.
TINYFIQA_NOINLINE inline void gemm_store_column(const GemmArgs& g, int row, int rows, int first,
                                                const vf* sums) {
  const vf slope = g.slope == nullptr ? 0.0f : g.slope[first];
  const Act act = g.act;
  const std::ptrdiff_t ldc = g.ldc, ld_residual = g.ld_residual;
  float* c = g.c + row * ldc + first;
  const float* residual = g.residual == nullptr ? nullptr : g.residual + row * ld_residual + first;
#pragma GCC unroll 1
  for (int r = 0; r < rows; ++r, c += ldc) {
    vf y = activate_small(act, sums[r], slope);
    if (residual != nullptr) {
      y = y + *residual;
      residual += ld_residual;
    }
    *c = y;
  }
}
template <int MR, int NV>
TINYFIQA_INLINE void gemm_store_tile(const GemmArgs& g, int row, int rows, int first, int,
                                     vf (&acc)[MR][NV]) {
  static_assert(simd::width == 1);
  vf sums[NV][MR];  // a copy: `acc` stays in registers if no variable indexes it
#pragma GCC unroll 2
  for (int v = 0; v < NV; ++v)
#pragma GCC unroll 4
    for (int r = 0; r < MR; ++r) sums[v][r] = acc[r][v];
#pragma GCC unroll 1
  for (int v = 0; v < NV; ++v) gemm_store_column(g, row, rows, first + v, sums[v]);
}

/// Rows begin .. end of C, columns of one panel.
template <bool Half, int MR, int NV>
inline void gemm_panel_rows(const GemmArgs& g, const float* panel, int first, int columns, int begin,
                            int end) {
  for (int row = begin; row < end; row += MR) {
    const int rows = end - row < MR ? end - row : MR;
    const float* a[MR];
#pragma GCC unroll 4
    for (int r = 0; r < MR; ++r) a[r] = g.a + (row + (r < rows ? r : rows - 1)) * g.lda;
    vf acc[MR][NV];
    gemm_accumulate<Half, MR, NV>(g.k, a, panel, acc);
    gemm_store_tile<MR, NV>(g, row, rows, first, columns, acc);
  }
}

#else

/// Epilogue and store of a tile at row `row` and column `first` of C: its first `rows` rows, `columns`
/// floats each.
template <int MR, int NV>
TINYFIQA_INLINE void gemm_store_tile(const GemmArgs& g, int row, int rows, int first, int columns,
                                     vf (&acc)[MR][NV]) {
  const int last = columns - (NV - 1) * simd::width;  // floats of the last vector
  vf slope[NV];
#pragma GCC unroll 4
  for (int v = 0; v < NV; ++v) {
    const int at = first + v * simd::width, count = v + 1 < NV ? simd::width : last;
    slope[v] = g.slope == nullptr ? simd::splat(0.0f) : simd::load_up_to(g.slope + at, count);
  }
  activate_tile<MR, NV>(g.act, slope, acc);
  const std::ptrdiff_t ldc = g.ldc, ld_residual = g.ld_residual;  // copies: a store to C might change g
  float* c = g.c + row * ldc + first;
  const float* residual = g.residual == nullptr ? nullptr : g.residual + row * ld_residual + first;
#pragma GCC unroll 16
  for (int r = 0; r < MR; ++r) {
    if (r >= rows) break;
#pragma GCC unroll 4
    for (int v = 0; v < NV; ++v) {
      const int count = v + 1 < NV ? simd::width : last;
      vf y = acc[r][v];
      if (residual != nullptr) y = y + simd::load_up_to(residual + v * simd::width, count);
      simd::store_up_to(c + v * simd::width, y, count);
    }
    c += ldc;
    if (residual != nullptr) residual += ld_residual;
  }
}

/// Rows begin .. end of C, columns of one panel: tiles of MR rows, then tiles of 4.
template <bool Half, int MR, int NV>
inline void gemm_panel_rows(const GemmArgs& g, const float* panel, int first, int columns, int begin,
                            int end) {
  const std::ptrdiff_t lda = g.lda;
  int row = begin;
  for (const float* at = g.a + row * lda; row + MR <= end; row += MR, at += MR * lda) {
    const float* a[MR];
    for (int r = 0; r < MR; ++r) a[r] = at + r * lda;
    vf acc[MR][NV];
    gemm_accumulate<Half, MR, NV>(g.k, a, panel, acc);
    gemm_store_tile<MR, NV>(g, row, MR, first, columns, acc);
  }
  if (row == end) return;
  if constexpr (MR > 4) {
    gemm_panel_rows<Half, 4, NV>(g, panel, first, columns, row, end);
  } else {
    const int rows = end - row;
    const float* a[MR];
    for (int r = 0; r < MR; ++r) a[r] = g.a + (row + (r < rows ? r : rows - 1)) * lda;
    vf acc[MR][NV];
    gemm_accumulate<Half, MR, NV>(g.k, a, panel, acc);
    gemm_store_tile<MR, NV>(g, row, rows, first, columns, acc);
  }
}

#endif

/// Rows begin .. end of C, `columns` columns from column `first` on, with the tile that suits them.
template <int NV>
inline void gemm_panel(const GemmArgs& g, const float* panel, int first, int columns, int begin, int end) {
  // A result must not depend on how rows are split over threads. The path for one row adds in an order of its
  // own, so g.m chooses it; all other tiles add in the same order.
  if (g.m == 1) {
    vf acc[1][NV];
    gemm_accumulate_row<NV>(g.k, g.a, panel, acc[0]);
    gemm_store_tile<1, NV>(g, 0, 1, first, columns, acc);
  } else if (end - begin <= 4) {
    // Too few rows for a tile of MR, as in a head on a small batch.
    gemm_panel_rows<false, 4, NV>(g, panel, first, columns, begin, end);
  } else {
    if constexpr (simd::has_halves)
      if (ends_in_half<NV>(columns))
        return gemm_panel_rows<true, gemm_rows<NV>, NV>(g, panel, first, columns, begin, end);
    gemm_panel_rows<false, gemm_rows<NV>, NV>(g, panel, first, columns, begin, end);
  }
}

/// The number of vectors of a panel, as a compile-time constant.
template <int NV>
struct PanelVectors {
  static constexpr int count = NV;
};

/// Calls body(PanelVectors<NV>(), first, columns) for each panel of n columns: its first column and the
/// number of columns that exist.
template <class Body>
TINYFIQA_INLINE void for_each_panel(int n, const Body& body) {
  const int total = (n + simd::width - 1) / simd::width;
  for (int first = 0; first < total;) {
    const int vectors = gemm_panel_vectors(first, total), start = first * simd::width;
    const int columns = vectors * simd::width, valid = n - start < columns ? n - start : columns;
    if constexpr (gemm_max_vectors == 1) {
      body(PanelVectors<1>{}, start, valid);
    } else {
      if (vectors == 1)
        body(PanelVectors<1>{}, start, valid);
      else if (vectors == 2)
        body(PanelVectors<2>{}, start, valid);
      else if constexpr (gemm_max_vectors > 2) {
        if (vectors == 3)
          body(PanelVectors<3>{}, start, valid);
        else if constexpr (gemm_max_vectors > 3)
          body(PanelVectors<4>{}, start, valid);
      }
    }
    first += vectors;
  }
}

/// Rows begin .. end of C, on the calling thread.
inline void gemm_rows_range(const GemmArgs& g, int begin, int end) {
  const float* panel = g.packed;
  for_each_panel(g.n, [&](auto vectors, int first, int columns) {
    constexpr int NV = decltype(vectors)::count;
    gemm_panel<NV>(g, panel, first, columns, begin, end);
    panel += static_cast<std::ptrdiff_t>(NV) * simd::width * (g.k + 1);
  });
}

/// gated = diag(gate) B in packed order: row p of each panel times gate[p], bias unchanged. A projection
/// after squeeze-excite is then one product, A diag(gate) B. packed and gated have gemm_packed_floats(n, k)
/// floats, gate has k.
inline void gate_packed(int n, int k, const float* packed, const float* gate, float* gated) {
  for_each_panel(n, [&](auto vectors, int, int) {
    constexpr int NV = decltype(vectors)::count;
    for (int p = -1; p < k; ++p) {
      const vf factor = simd::splat(p < 0 ? 1.0f : gate[p]);
      for (int v = 0; v < NV; ++v, packed += simd::width, gated += simd::width)
        simd::store(gated, simd::load(packed) * factor);
    }
  });
}

/// Rows of A in a block. A block stays in the first-level cache while the panels of B pass by.
inline constexpr int gemm_block = 96;

/// Rows begin .. end of C, block by block, on the calling thread.
inline void gemm_blocks(const GemmArgs& g, int begin, int end) {
  for (int row = begin; row < end; row += gemm_block)
    gemm_rows_range(g, row, row + gemm_block < end ? row + gemm_block : end);
}

/// The whole product. Rows are split over the team's threads in multiples of 8 or 24, the heights of tiles.
inline void gemm(const GemmArgs& g, const Team& team) {
  const int unit = g.m < 384 ? 8 : 24, units = (g.m + unit - 1) / unit;
  const double macs = static_cast<double>(g.m) * g.n * g.k;
  parallel_for(worth_team(team, macs), units, [&](int begin, int end, int) {
    gemm_blocks(g, begin * unit, end * unit < g.m ? end * unit : g.m);
  });
}

TINYFIQA_ISA_END
