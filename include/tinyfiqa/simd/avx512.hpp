// AVX-512: 16 floats, 32 registers. simd/vec.hpp says what each function means.
//
// Many intrinsics below are the zero-masked form with all lanes on. gcc 12 warns of an uninitialised value
// inside the plain forms (its bug 105593); the masked ones compile to the same instructions.
#pragma once

#include <tinyfiqa/simd/xsimd_common.hpp>

#ifdef TINYFIQA_SIMD_AVX512

#include <initializer_list>

TINYFIQA_ISA_BEGIN(simd)

TINYFIQA_INLINE vf max(vf a, vf b) { return vf(_mm512_maskz_max_ps(0xffff, a, b)); }
TINYFIQA_INLINE vf min(vf a, vf b) { return vf(_mm512_maskz_min_ps(0xffff, a, b)); }
TINYFIQA_INLINE vf sqrt(vf x) { return vf(_mm512_maskz_sqrt_ps(0xffff, x)); }
TINYFIQA_INLINE vf nearest(vf x) { return vf(_mm512_maskz_roundscale_ps(0xffff, x, 8)); }
TINYFIQA_INLINE vf times_power_of_2(vf v, vf n) { return vf(_mm512_maskz_scalef_ps(0xffff, v, n)); }

TINYFIQA_INLINE vf keep(vf v) {
#ifdef __GNUC__
  asm("" : "+v"(v.data));
#endif
  return v;
}

TINYFIQA_INLINE vf load_part(const float* p, int count) {
  return vf(_mm512_maskz_loadu_ps(static_cast<__mmask16>((1u << count) - 1u), p));
}
TINYFIQA_INLINE void store_part(float* p, vf v, int count) {
  _mm512_mask_storeu_ps(p, static_cast<__mmask16>((1u << count) - 1u), v);
}

/// g++ 12 compiles the plain loop to one conversion and one addition a lane.
TINYFIQA_INLINE void add_to(double* sums, vf v) {
  const __m512d both = _mm512_castps_pd(v);
  const __m256 halves[2] = {_mm256_castpd_ps(_mm512_maskz_extractf64x4_pd(0xf, both, 0)),
                            _mm256_castpd_ps(_mm512_maskz_extractf64x4_pd(0xf, both, 1))};
  for (const int h : {0, 1})
    _mm512_storeu_pd(sums + 8 * h,
                     _mm512_add_pd(_mm512_loadu_pd(sums + 8 * h), _mm512_maskz_cvtps_pd(0xff, halves[h])));
}

#define TINYFIQA_CONVERTS_HALVES
TINYFIQA_INLINE vf load_binary16(const unsigned char* p) {
  return vf(_mm512_maskz_cvtph_ps(0xffff, _mm256_loadu_si256(reinterpret_cast<const __m256i*>(p))));
}

// ---- half vectors

inline constexpr bool has_halves = true;
struct vh {
  __m256 lanes;
};
TINYFIQA_INLINE vh low_half(vf v) {
  return {_mm256_castpd_ps(_mm512_maskz_extractf64x4_pd(0xff, _mm512_castps_pd(v), 0))};
}
TINYFIQA_INLINE vh load_half(const float* p) { return {_mm256_loadu_ps(p)}; }
TINYFIQA_INLINE vh fma(vh a, vh b, vh c) { return {_mm256_fmadd_ps(a.lanes, b.lanes, c.lanes)}; }
TINYFIQA_INLINE vf widen(vh h) {
  return vf(
      _mm512_castpd_ps(_mm512_maskz_insertf64x4(0xff, _mm512_setzero_pd(), _mm256_castps_pd(h.lanes), 0)));
}

// ---- moving lanes

#define TINYFIQA_PLANAR

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

// One permutation has the lanes in order already.
TINYFIQA_INLINE vf dealt_even(vf a, vf b) { return even_lanes(a, b); }
TINYFIQA_INLINE vf dealt_odd(vf a, vf b) { return odd_lanes(a, b); }
TINYFIQA_INLINE vf in_order(vf dealt) { return dealt; }

/// Permutations that take every third float of three vectors a, b, c: channel t takes float 3 j + t into lane
/// j. lane[t][0] selects from a and b, lane[t][1] from that result and c.
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

TINYFIQA_INLINE void load_pixel_pairs(const float* p, vf (&even)[3], vf (&odd)[3]) {
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
}

TINYFIQA_ISA_END

#endif
