// One vector of floats and what the kernels do with it. The only file that names xsimd or an intrinsic;
// TINYFIQA_SCALAR gives the same functions on plain floats, for machines that xsimd does not know.
#pragma once

#include <tinyfiqa/base/config.hpp>

#include <cmath>
#include <initializer_list>

#ifndef TINYFIQA_SCALAR
#include <xsimd/xsimd.hpp>
#endif

TINYFIQA_ISA_BEGIN(simd)

#ifdef TINYFIQA_SCALAR

using vf = float;
inline constexpr int width = 1;

TINYFIQA_INLINE vf load(const float* p) { return *p; }
TINYFIQA_INLINE void store(float* p, vf v) { *p = v; }
TINYFIQA_INLINE vf splat(float s) { return s; }
TINYFIQA_INLINE vf fma(vf a, vf b, vf c) { return a * b + c; }
// Here and below a NaN in the second operand comes through, as in PyTorch: write max(limit, x).
TINYFIQA_INLINE vf max(vf a, vf b) { return a > b ? a : b; }
TINYFIQA_INLINE vf min(vf a, vf b) { return a < b ? a : b; }
/// a < b ? yes : no, lane by lane.
TINYFIQA_INLINE vf select_less(vf a, vf b, vf yes, vf no) { return a < b ? yes : no; }
TINYFIQA_INLINE vf select_equal(vf a, vf b, vf yes, vf no) { return a == b ? yes : no; }
TINYFIQA_INLINE vf sqrt(vf x) { return std::sqrt(x); }
TINYFIQA_INLINE vf sigmoid(vf x) { return 1.0f / (1.0f + std::exp(-x)); }
TINYFIQA_INLINE vf load_part(const float* p, int) { return *p; }
TINYFIQA_INLINE void store_part(float* p, vf v, int) { *p = v; }
TINYFIQA_INLINE vf keep(vf v) { return v; }

#else

using vf = xsimd::batch<float>;
inline constexpr int width = static_cast<int>(vf::size);

TINYFIQA_INLINE vf load(const float* p) { return vf::load_unaligned(p); }
TINYFIQA_INLINE void store(float* p, vf v) { v.store_unaligned(p); }
TINYFIQA_INLINE vf splat(float s) { return vf(s); }
TINYFIQA_INLINE vf fma(vf a, vf b, vf c) { return xsimd::fma(a, b, c); }
TINYFIQA_INLINE vf select_less(vf a, vf b, vf yes, vf no) { return xsimd::select(a < b, yes, no); }
TINYFIQA_INLINE vf select_equal(vf a, vf b, vf yes, vf no) { return xsimd::select(a == b, yes, no); }
#if defined(__AVX512F__)
// gcc 12 warns of an uninitialised value inside _mm512_max_ps and its kin (its bug 105593); the masked forms
// with all lanes on compile to the same instructions.
TINYFIQA_INLINE vf max(vf a, vf b) { return vf(_mm512_maskz_max_ps(0xffff, a, b)); }
TINYFIQA_INLINE vf min(vf a, vf b) { return vf(_mm512_maskz_min_ps(0xffff, a, b)); }
TINYFIQA_INLINE vf sqrt(vf x) { return vf(_mm512_maskz_sqrt_ps(0xffff, x)); }
/// exp(x) = 2^n exp(r), n = round(x / ln 2), |r| <= ln 2 / 2: Taylor's series to degree 7, within 2 ulp.
TINYFIQA_INLINE vf exp(vf x) {
  x = max(splat(-104.0f), min(splat(89.0f), x));
  const vf n = vf(_mm512_maskz_roundscale_ps(0xffff, x * splat(1.44269504089f), 8));
  const vf r = fma(n, splat(2.12194440e-4f), fma(n, splat(-0.693359375f), x));
  vf p = splat(1.0f / 5040.0f);
  for (const float c : {1.0f / 720.0f, 1.0f / 120.0f, 1.0f / 24.0f, 1.0f / 6.0f, 0.5f, 1.0f, 1.0f})
    p = fma(p, r, splat(c));
  return vf(_mm512_maskz_scalef_ps(0xffff, p, n));
}
#else
TINYFIQA_INLINE vf sqrt(vf x) { return xsimd::sqrt(x); }
TINYFIQA_INLINE vf max(vf a, vf b) { return xsimd::max(a, b); }
TINYFIQA_INLINE vf min(vf a, vf b) { return xsimd::min(a, b); }
/// As above, for results that are normal numbers. xsimd's own exp is too large to be inlined everywhere, and
/// an out-of-line copy would carry no name of the instruction set.
TINYFIQA_INLINE vf exp(vf x) {
  x = max(splat(-87.0f), min(splat(88.0f), x));
  const vf n = xsimd::nearbyint(x * splat(1.44269504089f));
  const vf r = fma(n, splat(2.12194440e-4f), fma(n, splat(-0.693359375f), x));
  vf p = splat(1.0f / 5040.0f);
  for (const float c : {1.0f / 720.0f, 1.0f / 120.0f, 1.0f / 24.0f, 1.0f / 6.0f, 0.5f, 1.0f, 1.0f})
    p = fma(p, r, splat(c));
  return xsimd::ldexp(p, xsimd::to_int(n));
}
#endif
TINYFIQA_INLINE vf sigmoid(vf x) { return splat(1.0f) / (splat(1.0f) + exp(splat(0.0f) - x)); }

/// v in a register. On x86 compilers fold a load into each operation that uses it, and so load it as often.
TINYFIQA_INLINE vf keep(vf v) {
#if defined(__GNUC__) && defined(__AVX512F__)
  asm("" : "+v"(v.data));
#elif defined(__GNUC__) && defined(__SSE2__)
  asm("" : "+x"(v.data));
#endif
  return v;
}

/// The first `count` floats at p, zeros behind them; 0 < count < width. Never reads past them.
TINYFIQA_INLINE vf load_part(const float* p, int count) {
#if defined(__AVX512F__)
  return vf(_mm512_maskz_loadu_ps(static_cast<__mmask16>((1u << count) - 1u), p));
#elif defined(__AVX2__)
  const __m256i lane = _mm256_setr_epi32(0, 1, 2, 3, 4, 5, 6, 7);
  return vf(_mm256_maskload_ps(p, _mm256_cmpgt_epi32(_mm256_set1_epi32(count), lane)));
#else
  float part[width] = {};
  for (int i = 0; i < count; ++i) part[i] = p[i];
  return load(part);
#endif
}

/// Writes the first `count` floats of v and nothing else; 0 < count < width.
TINYFIQA_INLINE void store_part(float* p, vf v, int count) {
#if defined(__AVX512F__)
  _mm512_mask_storeu_ps(p, static_cast<__mmask16>((1u << count) - 1u), v);
#elif defined(__AVX2__)
  // A masked store takes AMD's cores before Zen 4 14 cycles; these, two or three.
  __m128 rest = _mm256_castps256_ps128(v);
  if ((count & 4) != 0) {
    _mm_storeu_ps(p, rest);
    rest = _mm256_extractf128_ps(v, 1);
    p += 4;
  }
  if ((count & 2) != 0) {
    _mm_storel_pd(static_cast<double*>(static_cast<void*>(p)), _mm_castps_pd(rest));
    rest = _mm_movehl_ps(rest, rest);
    p += 2;
  }
  if ((count & 1) != 0) _mm_store_ss(p, rest);
#else
  float part[width];
  store(part, v);
  for (int i = 0; i < count; ++i) p[i] = part[i];
#endif
}

// Lanes that move; for maps laid out by planes (kernels/planar.hpp), which pay on vectors of 8 floats and
// more.
//   shift_up(v, s)    s v0 v1 v2 ...          even_lanes(a, b)  a0 a2 ... b0 b2 ...
//   shift_down(v, s)  v1 v2 ... s             odd_lanes(a, b)   a1 a3 ... b1 b3 ...
//   in_order(dealt_even(a, b)) = even_lanes(a, b), in_order(dealt_odd(a, b)) = odd_lanes(a, b): where lanes
//   do not meet, one step that brings them in order at the end will do
#if defined(__AVX512F__) || defined(__AVX2__)
#define TINYFIQA_PLANAR
#if defined(__AVX512F__)
TINYFIQA_INLINE vf shift_up(vf v, float s) {
  return vf(_mm512_castsi512_ps(
      _mm512_maskz_alignr_epi32(0xffff, _mm512_castps_si512(v), _mm512_castps_si512(_mm512_set1_ps(s)), 15)));
}
TINYFIQA_INLINE vf shift_down(vf v, float s) {
  return vf(_mm512_castsi512_ps(
      _mm512_maskz_alignr_epi32(0xffff, _mm512_castps_si512(_mm512_set1_ps(s)), _mm512_castps_si512(v), 1)));
}
TINYFIQA_INLINE vf even_lanes(vf a, vf b) {
  const __m512i lanes = _mm512_setr_epi32(0, 2, 4, 6, 8, 10, 12, 14, 16, 18, 20, 22, 24, 26, 28, 30);
  return vf(_mm512_permutex2var_ps(a, lanes, b));
}
TINYFIQA_INLINE vf odd_lanes(vf a, vf b) {
  const __m512i lanes = _mm512_setr_epi32(1, 3, 5, 7, 9, 11, 13, 15, 17, 19, 21, 23, 25, 27, 29, 31);
  return vf(_mm512_permutex2var_ps(a, lanes, b));
}
TINYFIQA_INLINE vf dealt_even(vf a, vf b) { return even_lanes(a, b); }
TINYFIQA_INLINE vf dealt_odd(vf a, vf b) { return odd_lanes(a, b); }
TINYFIQA_INLINE vf in_order(vf dealt) { return dealt; }
#else
TINYFIQA_INLINE vf shift_up(vf v, float s) {
  const __m256i lanes = _mm256_setr_epi32(7, 0, 1, 2, 3, 4, 5, 6);
  return vf(_mm256_blend_ps(_mm256_permutevar8x32_ps(v, lanes), _mm256_set1_ps(s), 1));
}
TINYFIQA_INLINE vf shift_down(vf v, float s) {
  const __m256i lanes = _mm256_setr_epi32(1, 2, 3, 4, 5, 6, 7, 0);
  return vf(_mm256_blend_ps(_mm256_permutevar8x32_ps(v, lanes), _mm256_set1_ps(s), 0x80));
}
TINYFIQA_INLINE vf dealt_even(vf a, vf b) { return vf(_mm256_shuffle_ps(a, b, 0x88)); }
TINYFIQA_INLINE vf dealt_odd(vf a, vf b) { return vf(_mm256_shuffle_ps(a, b, 0xdd)); }
TINYFIQA_INLINE vf in_order(vf dealt) {
  return vf(_mm256_castpd_ps(_mm256_permute4x64_pd(_mm256_castps_pd(dealt), 0xd8)));
}
TINYFIQA_INLINE vf even_lanes(vf a, vf b) { return in_order(dealt_even(a, b)); }
TINYFIQA_INLINE vf odd_lanes(vf a, vf b) { return in_order(dealt_odd(a, b)); }
#endif

#if defined(__AVX512F__)
/// Lanes of the permutations below: part t takes float 3 j + t into lane j, from vectors 0 and 1, then from
/// vector 2.
struct ThirdLanes {
  int lane[3][2][16];
};
constexpr ThirdLanes third_lanes() {
  ThirdLanes table{};
  for (int t = 0; t < 3; ++t)
    for (int j = 0; j < 16; ++j) {
      const int at = 3 * j + t;
      table.lane[t][0][j] = at % 32;
      table.lane[t][1][j] = at < 32 ? j : 16 + at % 16;
    }
  return table;
}
#endif

/// even[t] = p[t], p[t + 6], p[t + 12], ...; odd[t] = p[t + 3], p[t + 9], ...: reads 6 vectors.
TINYFIQA_INLINE void load_pixel_pairs(const float* p, vf (&even)[3], vf (&odd)[3]) {
#if defined(__AVX512F__)
  static constexpr ThirdLanes table = third_lanes();
  vf part[2][3];
#pragma GCC unroll 2
  for (int i = 0; i < 2; ++i) {
    const float* const from = p + 3 * i * width;
    const __m512 a = load(from), b = load(from + width), c = load(from + 2 * width);
#pragma GCC unroll 3
    for (int t = 0; t < 3; ++t)
      part[i][t] =
          vf(_mm512_permutex2var_ps(_mm512_permutex2var_ps(a, _mm512_loadu_si512(table.lane[t][0]), b),
                                    _mm512_loadu_si512(table.lane[t][1]), c));
  }
#pragma GCC unroll 3
  for (int t = 0; t < 3; ++t) {
    even[t] = even_lanes(part[0][t], part[1][t]);
    odd[t] = odd_lanes(part[0][t], part[1][t]);
  }
#else
  // Pixels 0 to 3 and 8 to 11, then 4 to 7 and 12 to 15: what is in one half of a vector stays there.
  vf part[2][3];
#pragma GCC unroll 2
  for (int i = 0; i < 2; ++i) {
    const auto halves = [](const float* low) TINYFIQA_INLINE_LAMBDA {
      return _mm256_insertf128_ps(_mm256_castps128_ps256(_mm_loadu_ps(low)), _mm_loadu_ps(low + 24), 1);
    };
    const float* const from = p + 12 * i;
    const __m256 a = halves(from), b = halves(from + 4), c = halves(from + 8);
    const __m256 second = _mm256_shuffle_ps(b, c, 0x9e);      // 6 7 9 10
    const __m256 first = _mm256_shuffle_ps(a, b, 0x49);       // 1 2 4 5
    part[i][0] = vf(_mm256_shuffle_ps(a, second, 0x8c));      // 0 3 6 9
    part[i][1] = vf(_mm256_shuffle_ps(first, second, 0xd8));  // 1 4 7 10
    part[i][2] = vf(_mm256_shuffle_ps(first, c, 0xcd));       // 2 5 8 11
  }
#pragma GCC unroll 3
  for (int t = 0; t < 3; ++t) {
    even[t] = dealt_even(part[0][t], part[1][t]);
    odd[t] = dealt_odd(part[0][t], part[1][t]);
  }
#endif
}

/// Rows become columns: lane i of v[j] and lane j of v[i] change places. Each step takes the last bit of a
/// lane's number for the first of its row's.
TINYFIQA_INLINE void turn(vf (&v)[width]) {
#pragma GCC unroll 4
  for (int done = 1; done < width; done *= 2) {
    vf next[width];
#pragma GCC unroll 8
    for (int i = 0; i < width / 2; ++i) {
      next[i] = even_lanes(v[2 * i], v[2 * i + 1]);
      next[i + width / 2] = odd_lanes(v[2 * i], v[2 * i + 1]);
    }
#pragma GCC unroll 16
    for (int i = 0; i < width; ++i) v[i] = next[i];
  }
}

#endif  // TINYFIQA_PLANAR

#endif

// The lower half of a vector, where a multiply-add of it costs less than a whole one: on processors that do a
// 512-bit operation in two steps. (On those that don't, it costs the same.)
#if !defined(TINYFIQA_SCALAR) && defined(__AVX512F__)
inline constexpr bool has_halves = true;
struct vh {
  __m256 lanes;
};
// (Casts, but gcc 12 warns of uninitialised values inside those; these masks compile to nothing.)
TINYFIQA_INLINE vh low_half(vf v) {
  return {_mm256_castpd_ps(_mm512_maskz_extractf64x4_pd(0xff, _mm512_castps_pd(v), 0))};
}
TINYFIQA_INLINE vh load_half(const float* p) { return {_mm256_loadu_ps(p)}; }
TINYFIQA_INLINE vh fma(vh a, vh b, vh c) { return {_mm256_fmadd_ps(a.lanes, b.lanes, c.lanes)}; }
/// Zeros above.
TINYFIQA_INLINE vf widen(vh h) {
  return vf(
      _mm512_castpd_ps(_mm512_maskz_insertf64x4(0xff, _mm512_setzero_pd(), _mm256_castps_pd(h.lanes), 0)));
}
#else
inline constexpr bool has_halves = false;
using vh = vf;
TINYFIQA_INLINE vh low_half(vf v) { return v; }
TINYFIQA_INLINE vh load_half(const float* p) { return load(p); }
TINYFIQA_INLINE vf widen(vh h) { return h; }
#endif

/// sums[i] += v[i]. (From the plain loop g++ 12 makes one conversion and one addition a lane.)
TINYFIQA_INLINE void add_to(double* sums, vf v) {
#if defined(TINYFIQA_SCALAR)
  *sums += static_cast<double>(v);
#elif defined(__AVX512F__)
  const __m512d both = _mm512_castps_pd(v);
  const __m256 halves[2] = {_mm256_castpd_ps(_mm512_maskz_extractf64x4_pd(0xf, both, 0)),
                            _mm256_castpd_ps(_mm512_maskz_extractf64x4_pd(0xf, both, 1))};
  for (const int h : {0, 1})
    _mm512_storeu_pd(sums + 8 * h,
                     _mm512_add_pd(_mm512_loadu_pd(sums + 8 * h), _mm512_maskz_cvtps_pd(0xff, halves[h])));
#elif defined(__AVX__)
  const __m128 halves[2] = {_mm256_castps256_ps128(v), _mm256_extractf128_ps(v, 1)};
  for (const int h : {0, 1})
    _mm256_storeu_pd(sums + 4 * h, _mm256_add_pd(_mm256_loadu_pd(sums + 4 * h), _mm256_cvtps_pd(halves[h])));
#else
  float lanes[width];
  store(lanes, v);
  for (int i = 0; i < width; ++i) sums[i] += static_cast<double>(lanes[i]);
#endif
}

/// `width` binary16 numbers at p to floats, where one instruction does that.
#if !defined(TINYFIQA_SCALAR) && (defined(__AVX512F__) || (defined(__AVX2__) && defined(__F16C__)))
#define TINYFIQA_CONVERTS_HALVES
TINYFIQA_INLINE vf load_binary16(const unsigned char* p) {
#ifdef __AVX512F__
  return vf(_mm512_maskz_cvtph_ps(0xffff, _mm256_loadu_si256(reinterpret_cast<const __m256i*>(p))));
#else
  return vf(_mm256_cvtph_ps(_mm_loadu_si128(reinterpret_cast<const __m128i*>(p))));
#endif
}
#endif

/// Asks for the cache line at p, which need not exist.
TINYFIQA_INLINE void prefetch(const float* p) {
#if defined(__GNUC__) || defined(__clang__)
  __builtin_prefetch(p, 0, 2);
#else
  (void)p;
#endif
}

/// load or load_part; 0 < count <= width.
TINYFIQA_INLINE vf load_up_to(const float* p, int count) {
  return count == width ? load(p) : load_part(p, count);
}
/// store or store_part; 0 < count <= width.
TINYFIQA_INLINE void store_up_to(float* p, vf v, int count) {
  if (count == width)
    store(p, v);
  else
    store_part(p, v, count);
}

TINYFIQA_ISA_END
