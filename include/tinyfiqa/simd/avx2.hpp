// AVX2: 8 floats, 16 registers. simd/vec.hpp says what each function means.
#pragma once

#include <tinyfiqa/simd/xsimd_math.hpp>

#ifdef TINYFIQA_SIMD_AVX2

#include <initializer_list>

TINYFIQA_ISA_BEGIN(simd)

TINYFIQA_INLINE vf keep(vf v) {
#ifdef __GNUC__
  asm("" : "+x"(v.data));
#endif
  return v;
}

TINYFIQA_INLINE vf load_part(const float* p, int count) {
  const __m256i lane = _mm256_setr_epi32(0, 1, 2, 3, 4, 5, 6, 7);
  return vf(_mm256_maskload_ps(p, _mm256_cmpgt_epi32(_mm256_set1_epi32(count), lane)));
}

/// By parts of 4, 2 and 1 floats. A masked store takes 14 cycles on AMD's cores before Zen 4; these take two
/// or three.
TINYFIQA_INLINE void store_part(float* p, vf v, int count) {
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
}

/// g++ 12 compiles the plain loop to one conversion and one addition a lane.
TINYFIQA_INLINE void add_to(double* sums, vf v) {
  const __m128 halves[2] = {_mm256_castps256_ps128(v), _mm256_extractf128_ps(v, 1)};
  for (const int h : {0, 1})
    _mm256_storeu_pd(sums + 4 * h, _mm256_add_pd(_mm256_loadu_pd(sums + 4 * h), _mm256_cvtps_pd(halves[h])));
}

#ifdef __F16C__
#define TINYFIQA_CONVERTS_HALVES
TINYFIQA_INLINE vf load_binary16(const unsigned char* p) {
  return vf(_mm256_cvtph_ps(_mm_loadu_si128(reinterpret_cast<const __m128i*>(p))));
}
#endif

// ---- moving lanes

#define TINYFIQA_PLANAR

TINYFIQA_INLINE vf shift_up(vf v, float s) {
  const __m256i lanes = _mm256_setr_epi32(7, 0, 1, 2, 3, 4, 5, 6);
  return vf(_mm256_blend_ps(_mm256_permutevar8x32_ps(v, lanes), _mm256_set1_ps(s), 1));
}
TINYFIQA_INLINE vf shift_down(vf v, float s) {
  const __m256i lanes = _mm256_setr_epi32(1, 2, 3, 4, 5, 6, 7, 0);
  return vf(_mm256_blend_ps(_mm256_permutevar8x32_ps(v, lanes), _mm256_set1_ps(s), 0x80));
}

// One shuffle leaves 128-bit halves interleaved: a0 a2 b0 b2 | a4 a6 b4 b6. in_order swaps the middle pairs.
TINYFIQA_INLINE vf dealt_even(vf a, vf b) { return vf(_mm256_shuffle_ps(a, b, 0x88)); }
TINYFIQA_INLINE vf dealt_odd(vf a, vf b) { return vf(_mm256_shuffle_ps(a, b, 0xdd)); }
TINYFIQA_INLINE vf in_order(vf dealt) {
  return vf(_mm256_castpd_ps(_mm256_permute4x64_pd(_mm256_castps_pd(dealt), 0xd8)));
}
TINYFIQA_INLINE vf even_lanes(vf a, vf b) { return in_order(dealt_even(a, b)); }
TINYFIQA_INLINE vf odd_lanes(vf a, vf b) { return in_order(dealt_odd(a, b)); }

/// Each half of a vector holds four pixels: pixels 0 to 3 and 8 to 11 in the first round, 4 to 7 and 12 to 15
/// in the second. No shuffle crosses halves.
TINYFIQA_INLINE void load_pixel_pairs(const float* p, vf (&even)[3], vf (&odd)[3]) {
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
}

TINYFIQA_ISA_END

#endif
