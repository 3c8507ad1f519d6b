// Sums of outer products: the gradient of a weight matrix.
//
//   acc[i][j] += sum_r p[r][i] q[r][j],    i < m, j < n
//
// P [rows][m] and Q [rows][n] are read row by row where they are; nothing is packed. A tile of MR x NV
// vectors of acc stays in registers over all rows:
//
//                 j: NV vectors of n
//               +-----------------+
//   i: MR of m  |  tile of acc    |      each row r: NV loads of Q, MR broadcasts of P, MR x NV multiply-adds
//               +-----------------+
//
// Register budget: that of gemm's tiles (kernels/gemm.hpp). Reads exactly P and Q, reads and writes
// exactly acc.
//
// Also the products of training that read packed B, without bias and activation (plain_gemm).
#pragma once

#include <tinyfiqa/kernels/gemm.hpp>
#include <tinyfiqa/kernels/train/lazy_rows.hpp>

TINYFIQA_ISA_BEGIN(kernels)

/// acc[i][j] += sum_r p[r][i] q[r][j],    r < rows, i < m, j < n. Leading dimensions are in floats.
struct OuterArgs {
  int rows = 0, m = 0, n = 0;
  const float* p = nullptr;  ///< P [rows][m]; not null; its rows may overlap
  std::ptrdiff_t ldp = 0;
  const float* q = nullptr;  ///< Q [rows][n]; not null
  std::ptrdiff_t ldq = 0;
  float* acc = nullptr;  ///< [m][n]; not null; overlaps neither P nor Q
  std::ptrdiff_t ldacc = 0;
};

/// Adds one row's products to the tile `sum`; `last` floats of the last vector of q exist. All loops over
/// the tile are unrolled: with an index that is not a constant the compiler would keep the accumulators on
/// the stack.
template <int MR, int NV>
TINYFIQA_INLINE void outer_row(const float* p, const float* q, int last, vf (&sum)[MR][NV]) {
  vf qv[NV];
#pragma GCC unroll 4
  for (int v = 0; v < NV; ++v)
    qv[v] = v + 1 < NV ? simd::load(q + v * simd::width) : simd::load_up_to(q + v * simd::width, last);
#pragma GCC unroll 16
  for (int i = 0; i < MR; ++i) {
    const vf pi = simd::splat(p[i]);
#pragma GCC unroll 4
    for (int v = 0; v < NV; ++v) sum[i][v] = simd::fma(pi, qv[v], sum[i][v]);
  }
}

/// The micro-kernel: one tile over all rows; `last` floats of its last vector exist. U rows are summed
/// separately, so that small tiles have enough accumulators to hide the FMA latency.
template <int MR, int NV, int U>
TINYFIQA_INLINE void outer_tile(const OuterArgs& a, const float* p, const float* q, float* acc, int last) {
  vf sum[U][MR][NV];
#pragma GCC unroll 4
  for (int u = 0; u < U; ++u)
#pragma GCC unroll 16
    for (int i = 0; i < MR; ++i)
#pragma GCC unroll 4
      for (int v = 0; v < NV; ++v) sum[u][i][v] = simd::splat(0.0f);
  int r = 0;
  for (; r + U <= a.rows; r += U, p += U * a.ldp, q += U * a.ldq) {
#pragma GCC unroll 4
    for (int u = 0; u < U; ++u) outer_row<MR, NV>(p + u * a.ldp, q + u * a.ldq, last, sum[u]);
  }
  for (; r < a.rows; ++r, p += a.ldp, q += a.ldq) outer_row<MR, NV>(p, q, last, sum[0]);
#pragma GCC unroll 16
  for (int i = 0; i < MR; ++i)
#pragma GCC unroll 4
    for (int v = 0; v < NV; ++v) {
      float* at = acc + i * a.ldacc + v * simd::width;
      const int count = v + 1 < NV ? simd::width : last;
      vf total = sum[0][i][v];
#pragma GCC unroll 4
      for (int u = 1; u < U; ++u) total = total + sum[u][i][v];
      simd::store_up_to(at, simd::load_up_to(at, count) + total, count);
    }
}

/// All rows i of acc, NV vectors from column `first` on.
template <int NV>
inline void outer_panel(const OuterArgs& a, int first, int last) {
  constexpr int tall = gemm_rows<NV>;
  int i = 0;
  for (; i + tall <= a.m; i += tall)
    outer_tile<tall, NV, 1>(a, a.p + i, a.q + first, a.acc + i * a.ldacc + first, last);
  for (; i + 4 <= a.m; i += 4)
    outer_tile<4, NV, 2>(a, a.p + i, a.q + first, a.acc + i * a.ldacc + first, last);
  for (; i < a.m; ++i) outer_tile<1, NV, 4>(a, a.p + i, a.q + first, a.acc + i * a.ldacc + first, last);
}

/// The whole sum, on the calling thread.
inline void outer(const OuterArgs& a) {
  for_each_panel(a.n, [&](auto vectors, int first, int columns) {
    constexpr int NV = decltype(vectors)::count;
    outer_panel<NV>(a, first, columns - (NV - 1) * simd::width);
  });
}

/// True if fewer vectors are needed with P's columns in the lanes than with Q's: the transposed sum is
/// faster then.
TINYFIQA_INLINE bool outer_transposed(int m, int n) {
  const long long vm = (m + simd::width - 1) / simd::width, vn = (n + simd::width - 1) / simd::width;
  return vm * n < vn * m;
}

/// acc [m][n] += P^T Q, or transposed: acc [n][m] += Q^T P, dense.
inline void outer_either(const OuterArgs& a, bool transposed) {
  if (!transposed) return outer(a);
  OuterArgs b = a;
  b.m = a.n;
  b.n = a.m;
  b.p = a.q;
  b.ldp = a.ldq;
  b.q = a.p;
  b.ldq = a.ldp;
  b.ldacc = a.m;
  outer(b);
}

// ---- C = A B or C += A B on packed B, without bias and activation

/// MR rows of C, columns of one panel; `last` floats of the last vector exist.
template <bool Half, int MR, int NV>
TINYFIQA_INLINE void plain_tile(const GemmArgs& g, const float* panel, int row, int first, int last,
                                bool add) {
  const float* a[MR];
#pragma GCC unroll 16
  for (int r = 0; r < MR; ++r) a[r] = g.a + (row + r) * g.lda;
  vf acc[MR][NV];
  gemm_accumulate<Half, MR, NV>(g.k, a, panel, acc);
  float* c = g.c + row * g.ldc + first;
#pragma GCC unroll 16
  for (int r = 0; r < MR; ++r, c += g.ldc)
#pragma GCC unroll 4
    for (int v = 0; v < NV; ++v) {
      const int count = v + 1 < NV ? simd::width : last;
      float* at = c + v * simd::width;
      simd::store_up_to(at, add ? simd::load_up_to(at, count) + acc[r][v] : acc[r][v], count);
    }
}
/// All rows of C, columns of one panel.
template <bool Half, int NV>
inline void plain_panel(const GemmArgs& g, const float* panel, int first, int last, bool add) {
  int row = 0;
  for (; row + gemm_rows<NV> <= g.m; row += gemm_rows<NV>)
    plain_tile<Half, gemm_rows<NV>, NV>(g, panel, row, first, last, add);
  for (; row + 4 <= g.m; row += 4) plain_tile<Half, 4, NV>(g, panel, row, first, last, add);
  for (; row < g.m; ++row) plain_tile<Half, 1, NV>(g, panel, row, first, last, add);
}

/// The whole product on the calling thread: C += A B if g.residual is not null, else C = A B. The residual
/// must be C itself. The bias in the packed block must be zero. g.slope and g.act are ignored.
inline void plain_gemm(const GemmArgs& g) {
  const float* panel = g.packed;
  const bool add = g.residual != nullptr;
  for_each_panel(g.n, [&](auto vectors, int first, int columns) {
    constexpr int NV = decltype(vectors)::count;
    const int last = columns - (NV - 1) * simd::width;
    if (ends_in_half<NV>(columns))
      plain_panel<simd::has_halves, NV>(g, panel, first, last, add);
    else
      plain_panel<false, NV>(g, panel, first, last, add);
    panel += static_cast<std::ptrdiff_t>(NV) * simd::width * (g.k + 1);
  });
}

/// Packs rows [k][n], with leading dimension `ld`, as B into pack_gemm's block, with a bias of zero.
inline void pack_gemm_rows(int n, int k, const float* rows, std::ptrdiff_t ld, float* packed) {
  const int total = (n + simd::width - 1) / simd::width;
  for (int first = 0; first < total;) {
    const int vectors = gemm_panel_vectors(first, total);
    const int columns = vectors * simd::width, start = first * simd::width;
    const int valid = n - start < columns ? n - start : columns;
    std::memset(packed, 0, size_of(columns, k + 1) * sizeof(float));
    packed += columns;
    for (int p = 0; p < k; ++p, packed += columns) copy_floats(rows + p * ld + start, valid, packed);
    first += vectors;
  }
}

/// Packs weight [n][k], one row for each output, as B transposed into pack_gemm's block, with a bias of zero.
inline void pack_gemm_columns(int n, int k, const float* weight, float* packed) {
  const int total = (n + simd::width - 1) / simd::width;
  for (int first = 0; first < total;) {
    const int vectors = gemm_panel_vectors(first, total);
    const int columns = vectors * simd::width, start = first * simd::width;
    std::memset(packed, 0, size_of(columns, k + 1) * sizeof(float));
    packed += columns;
    for (int j = 0; j < columns && start + j < n; ++j) {
      const float* from = weight + static_cast<std::ptrdiff_t>(start + j) * k;
      for (int p = 0; p < k; ++p) packed[static_cast<std::ptrdiff_t>(p) * columns + j] = from[p];
    }
    packed += static_cast<std::ptrdiff_t>(columns) * k;
    first += vectors;
  }
}

TINYFIQA_ISA_END
