// C = act(A B + bias) + R on packed B: 1x1 convolutions, linear layers, and (through patches) dense ones.
//
// Packed B is a row of panels, each up to `gemm_max_vectors` vectors wide, wide ones first:
//
//      panel 0 (48 columns)       panel 1 (24 columns -> 2 vectors, zeros behind)
//   +------------------------+  +----------------+
//   | bias[0..47]            |  | bias[48..71] 0 |     rows follow each other without gaps;
//   | B[0][0..47]            |  | B[0][48..71] 0 |     all loads of B are whole vectors
//   | ...                    |  | ...            |
//   | B[K-1][0..47]          |  | B[K-1][..]   0 |
//   +------------------------+  +----------------+
//
// Reads exactly A[m][0..K), writes exactly C[m][0..N): short tiles repeat the last row's pointer, the last
// vector of a row goes through load_part / store_part.
#pragma once

#include <tinyfiqa/kernels/epilogue.hpp>
#include <tinyfiqa/kernels/parallel.hpp>
#include <tinyfiqa/kernels/weights.hpp>

#include <cstddef>

TINYFIQA_ISA_BEGIN(kernels)

// Accumulators fill the register file: 32 registers with AVX-512 and NEON, 16 with AVX2 and SSE.
#if defined(TINYFIQA_SCALAR)
inline constexpr int gemm_max_vectors = 4;
template <int NV>
inline constexpr int gemm_rows = 2;
#elif defined(__AVX512F__) || defined(__aarch64__)
inline constexpr int gemm_max_vectors = 3;
template <int NV>
inline constexpr int gemm_rows = NV == 3 ? 8 : 12;
#elif defined(__FMA__)
inline constexpr int gemm_max_vectors = 3;
template <int NV>
inline constexpr int gemm_rows = NV == 3 ? 4 : (NV == 2 ? 6 : 8);
#else  // a product needs a register of its own before it is added
inline constexpr int gemm_max_vectors = 2;
template <int NV>
inline constexpr int gemm_rows = NV == 2 ? 6 : 8;
#endif

/// C[i][j] = act(sum_p A[i][p] B[p][j] + bias[j]) + R[i][j],   i < m, j < n, p < k.
struct GemmArgs {
  int m = 0, n = 0, k = 0;
  const float* a = nullptr;
  std::ptrdiff_t lda = 0;         ///< floats from row to row
  const float* packed = nullptr;  ///< pack_gemm's block
  float* c = nullptr;
  std::ptrdiff_t ldc = 0;
  const float* residual = nullptr;  ///< R, or null for none; R may be C itself
  std::ptrdiff_t ld_residual = 0;
  const float* slope = nullptr;  ///< [n], for prelu
  Act act = Act::none;
};

/// Vectors of the panel that starts at vector `first` of `total`: panels as even as possible.
TINYFIQA_INLINE int gemm_panel_vectors(int first, int total) {
  const int left = total - first;
  const int panels = (left + gemm_max_vectors - 1) / gemm_max_vectors;
  return (left + panels - 1) / panels;
}

/// Floats of the packed block of B [k][n] with its bias.
TINYFIQA_INLINE std::size_t gemm_packed_floats(int n, int k) {
  const int columns = (n + simd::width - 1) / simd::width * simd::width;
  return static_cast<std::size_t>(columns) * static_cast<std::size_t>(k + 1);
}

/// Packs weights [n][k] (PyTorch's order: one row for each output) and bias [n].
inline void pack_gemm(int n, int k, const float* weight, const float* bias, float* packed) {
  const int total = (n + simd::width - 1) / simd::width;
  for (int first = 0; first < total;) {
    const int vectors = gemm_panel_vectors(first, total);
    const int columns = vectors * simd::width;
    for (int v = 0; v < vectors; ++v) {
      const int column = (first + v) * simd::width;
      const int filled = n - column < simd::width ? n - column : simd::width;
      float* const to = packed + std::ptrdiff_t{v} * simd::width;
      for (int j = 0; j < simd::width; ++j) to[j] = j < filled ? bias[column + j] : 0.0f;
      turn_rows(weight + std::ptrdiff_t{column} * k, k, filled, to + columns, columns);
    }
    packed += std::ptrdiff_t{columns} * (k + 1);
    first += vectors;
  }
}

/// True when the last of a panel's `columns` fill no more than half of their vector.
template <int NV>
TINYFIQA_INLINE bool ends_in_half(int columns) {
  return simd::has_halves && columns - (NV - 1) * simd::width <= simd::width / 2;
}

/// acc[r][v] += sum_p a(r, p) b[p][v] over `k` rows of a panel that start at b; Half: of the last vector, the
/// lower half. Register budget: MR x NV accumulators + NV of B + 1 broadcast.
template <bool Half, int MR, int NV, class At>
TINYFIQA_INLINE void gemm_add_products(int k, const At& a, const float* b, vf (&acc)[MR][NV]) {
  constexpr int whole = Half ? NV - 1 : NV;
  simd::vh half[MR];
  if constexpr (Half) {
#pragma GCC unroll 16
    for (int r = 0; r < MR; ++r) half[r] = simd::low_half(acc[r][NV - 1]);
  }
  // (Unrolled, the compiler would keep the floats that two windows of a convolution share in registers, and
  // the sums in memory.)
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

/// acc[r] = the panel's bias.
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

template <bool Half, int MR, int NV>
TINYFIQA_INLINE void gemm_accumulate(int k, const float* const (&a)[MR], const float* panel,
                                     vf (&acc)[MR][NV]) {
  gemm_set_bias<MR, NV>(panel, acc);
  gemm_add_products<Half, MR, NV>(
      k, [&](int r, int p) TINYFIQA_INLINE_LAMBDA { return a[r][p]; }, panel + NV * simd::width, acc);
}

/// One row: four chains over p hide the latency of the multiply-add.
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

/// acc = act(acc): chosen once for the tile, so that the values stay in their registers.
template <Act A, int MR, int NV>
TINYFIQA_INLINE void gemm_activate_as(const vf (&slope)[NV], vf (&acc)[MR][NV]) {
#pragma GCC unroll 16
  for (int r = 0; r < MR; ++r)
#pragma GCC unroll 4
    for (int v = 0; v < NV; ++v) acc[r][v] = activate<A>(acc[r][v], slope[v]);
}

/// Epilogue and store of the first `rows` rows of a tile: `columns` floats from column `first` on.
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
  with_act(g.act, [&](auto tag)
                      TINYFIQA_INLINE_LAMBDA { gemm_activate_as<decltype(tag)::act, MR, NV>(slope, acc); });
  const std::ptrdiff_t ldc = g.ldc,
                       ld_residual = g.ld_residual;  // (for all the compiler knows, a store changes g)
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

/// Rows begin .. end of one panel, MR at a time, the last few by fours.
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

template <int NV>
inline void gemm_panel(const GemmArgs& g, const float* panel, int first, int columns, int begin, int end) {
  // The order of a row's sums depends on the whole product alone, never on how its rows are split.
  if (g.m == 1) {
    vf acc[1][NV];
    gemm_accumulate_row<NV>(g.k, g.a, panel, acc[0]);
    gemm_store_tile<1, NV>(g, 0, 1, first, columns, acc);
  } else if (end - begin <= 4) {
    // A handful of rows (a batch of heads) does not fill the tall tile.
    gemm_panel_rows<false, 4, NV>(g, panel, first, columns, begin, end);
  } else {
    if constexpr (simd::has_halves)
      if (ends_in_half<NV>(columns))
        return gemm_panel_rows<true, gemm_rows<NV>, NV>(g, panel, first, columns, begin, end);
    gemm_panel_rows<false, gemm_rows<NV>, NV>(g, panel, first, columns, begin, end);
  }
}

/// The number of a panel's vectors as a constant.
template <int NV>
struct PanelVectors {
  static constexpr int count = NV;
};

/// body(PanelVectors<NV>, first column, valid columns) for each panel of n columns.
template <class Body>
TINYFIQA_INLINE void for_each_panel(int n, const Body& body) {
  const int total = (n + simd::width - 1) / simd::width;
  for (int first = 0; first < total;) {
    const int vectors = gemm_panel_vectors(first, total), start = first * simd::width;
    const int columns = vectors * simd::width, valid = n - start < columns ? n - start : columns;
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
    first += vectors;
  }
}

/// Rows begin .. end of C, on this thread.
inline void gemm_rows_range(const GemmArgs& g, int begin, int end) {
  const float* panel = g.packed;
  for_each_panel(g.n, [&](auto vectors, int first, int columns) {
    constexpr int NV = decltype(vectors)::count;
    gemm_panel<NV>(g, panel, first, columns, begin, end);
    panel += static_cast<std::ptrdiff_t>(NV) * simd::width * (g.k + 1);
  });
}

/// pack_gemm's block with row p multiplied by gate[p], so that A diag(gate) B is one product (squeeze-excite
/// before a projection).
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

/// Rows of A that stay in the first-level cache while the panels of B pass by.
inline constexpr int gemm_block = 96;

/// The same, block by block.
inline void gemm_blocks(const GemmArgs& g, int begin, int end) {
  for (int row = begin; row < end; row += gemm_block)
    gemm_rows_range(g, row, row + gemm_block < end ? row + gemm_block : end);
}

/// The whole product; rows are split over threads, by whole tiles.
inline void gemm(const GemmArgs& g, const Team& team) {
  const int unit = g.m < 384 ? 8 : 24, units = (g.m + unit - 1) / unit;
  const double macs = static_cast<double>(g.m) * g.n * g.k;
  parallel_for(worth_team(team, macs), units, [&](int begin, int end, int) {
    gemm_blocks(g, begin * unit, end * unit < g.m ? end * unit : g.m);
  });
}

TINYFIQA_ISA_END
