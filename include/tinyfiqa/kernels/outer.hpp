// Sums of outer products, acc += P^T Q: the gradient of a weight matrix. Both operands are read row by row as
// they lie in memory, so nothing is packed.
//
//            Q [rows][n]                 MR x NV accumulators stay in registers over all rows;
//   P [rows] +---------+                 a row costs NV loads, MR broadcasts, MR x NV multiply-adds.
//    [m] ->  | row r   |
//            +---------+
#pragma once

#include <tinyfiqa/kernels/gemm.hpp>
#include <tinyfiqa/kernels/lazy_rows.hpp>

TINYFIQA_ISA_BEGIN(kernels)

/// acc[i][j] += sum_r p[r][i] q[r][j],   i < m, j < n. Reads and writes exactly these.
struct OuterArgs {
  int rows = 0, m = 0, n = 0;
  const float* p = nullptr;
  std::ptrdiff_t ldp = 0;
  const float* q = nullptr;
  std::ptrdiff_t ldq = 0;
  float* acc = nullptr;
  std::ptrdiff_t ldacc = 0;
};

/// `last` floats of the last vector are valid; U rows at once, so that small tiles hide the latency.
template <int MR, int NV, int U>
TINYFIQA_INLINE void outer_tile(const OuterArgs& a, const float* p, const float* q, float* acc, int last) {
  vf sum[U][MR][NV];
  for (int u = 0; u < U; ++u)
    for (int i = 0; i < MR; ++i)
      for (int v = 0; v < NV; ++v) sum[u][i][v] = simd::splat(0.0f);
  int r = 0;
  for (; r + U <= a.rows; r += U) {
#pragma GCC unroll 4
    for (int u = 0; u < U; ++u) {
      const float* prow = p + (r + u) * a.ldp;
      const float* qrow = q + (r + u) * a.ldq;
      vf qv[NV];
#pragma GCC unroll 4
      for (int v = 0; v < NV; ++v)
        qv[v] = v + 1 < NV ? simd::load(qrow + v * simd::width)
                           : simd::load_up_to(qrow + v * simd::width, last);
#pragma GCC unroll 16
      for (int i = 0; i < MR; ++i) {
        const vf pi = simd::splat(prow[i]);
#pragma GCC unroll 4
        for (int v = 0; v < NV; ++v) sum[u][i][v] = simd::fma(pi, qv[v], sum[u][i][v]);
      }
    }
  }
  for (; r < a.rows; ++r)
    for (int i = 0; i < MR; ++i)
      for (int v = 0; v < NV; ++v) {
        const float* at = q + r * a.ldq + v * simd::width;
        const vf qv = v + 1 < NV ? simd::load(at) : simd::load_up_to(at, last);
        sum[0][i][v] = simd::fma(simd::splat(p[r * a.ldp + i]), qv, sum[0][i][v]);
      }
  for (int i = 0; i < MR; ++i)
    for (int v = 0; v < NV; ++v) {
      float* at = acc + i * a.ldacc + v * simd::width;
      const int count = v + 1 < NV ? simd::width : last;
      vf total = sum[0][i][v];
      for (int u = 1; u < U; ++u) total = total + sum[u][i][v];
      simd::store_up_to(at, simd::load_up_to(at, count) + total, count);
    }
}

template <int NV>
inline void outer_panel(const OuterArgs& a, int first, int last) {
  constexpr int tall = gemm_rows<NV>;
  int i = 0;
  for (; i + tall <= a.m; i += tall)
    outer_tile<tall, NV, 1>(a, a.p + i, a.q + first, a.acc + i * a.ldacc + first, last);
  for (; i + 4 <= a.m; i += 4)
    outer_tile<4, NV, 2>(a, a.p + i, a.q + first, a.acc + i * a.ldacc + first, last);
  for (; i < a.m; ++i)
    outer_tile<1, NV, 4>(a, a.p + i, a.q + first, a.acc + i * a.ldacc + first, last);
}

inline void outer(const OuterArgs& a) {
  const int total = (a.n + simd::width - 1) / simd::width;
  for (int first = 0; first < total;) {
    const int vectors = gemm_panel_vectors(first, total), start = first * simd::width;
    const int left = a.n - start - (vectors - 1) * simd::width;
    const int last = left < simd::width ? left : simd::width;
    if (vectors == 1)
      outer_panel<1>(a, start, last);
    else if (vectors == 2)
      outer_panel<2>(a, start, last);
    else if constexpr (gemm_max_vectors > 2) {
      if (vectors == 3)
        outer_panel<3>(a, start, last);
      else if constexpr (gemm_max_vectors > 3)
        outer_panel<4>(a, start, last);
    }
    first += vectors;
  }
}

/// True when the vectors had better run over P's columns: fewer of their lanes are empty.
TINYFIQA_INLINE bool outer_turned(int m, int n) {
  const long long vm = (m + simd::width - 1) / simd::width, vn = (n + simd::width - 1) / simd::width;
  return vm * n < vn * m;
}

/// acc += P^T Q, or (turned) acc^T += Q^T P.
inline void outer_either(const OuterArgs& a, bool turned) {
  if (!turned) return outer(a);
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

/// Packs B [k][n] (rows as they lie in memory) with a bias of zero: pack_gemm's block for the product with B.
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

/// Packs B^T: `weight` [n][k], one row for each output; bias zero.
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
