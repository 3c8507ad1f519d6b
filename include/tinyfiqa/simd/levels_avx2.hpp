// 8-bit maps with AVX2, and with its 8-bit dot product (AVX-VNNI) where the program is compiled for it. simd/levels.hpp says
// what each function means.
#pragma once

#include <tinyfiqa/simd/levels_x86.hpp>

#if defined(TINYFIQA_SIMD_X86_LEVELS) && defined(TINYFIQA_SIMD_AVX2)

TINYFIQA_ISA_BEGIN(simd)

using vi = __m256i;
inline constexpr int row_block_vectors = 4, row_block_least = 2;
TINYFIQA_UNPACK_QUADS(__m256i, _mm256, si256)
/// Vector v has the channels 4 v .. 4 v + 3 and 4 v + 8 .. 4 v + 11.
template <>
struct RowBlock<2> {
  static constexpr int order(int lane) { return lane / 8 * 4 + lane % 8 / 4 * 8 + lane % 4; }
  template <int Rows>
  static TINYFIQA_INLINE void quads(const std::uint8_t* const (&r)[Rows], vi (&q)[2]) {
    const auto row = [&](int i) TINYFIQA_INLINE_LAMBDA {  // 16 bits a channel
      return _mm256_cvtepu8_epi16(_mm_loadu_si128(reinterpret_cast<const __m128i*>(r[i < Rows ? i : 0])));
    };
    const auto pair = [&](int i) TINYFIQA_INLINE_LAMBDA {
      return i + 1 < Rows ? _mm256_or_si256(row(i), _mm256_slli_epi16(row(i + 1), 8)) : row(i);
    };
    const __m256i upper = pair(0), lower = Rows > 2 ? pair(2) : _mm256_setzero_si256();
    q[0] = _mm256_unpacklo_epi16(upper, lower);
    q[1] = _mm256_unpackhi_epi16(upper, lower);
  }
};
/// Vector v has the channels 4 v .. 4 v + 3 and 4 v + 16 .. 4 v + 19.
template <>
struct RowBlock<4> {
  static constexpr int order(int lane) { return lane / 8 * 4 + lane % 8 / 4 * 16 + lane % 4; }
  template <int Rows>
  static TINYFIQA_INLINE void quads(const std::uint8_t* const (&r)[Rows], vi (&q)[4]) {
    __m256i row[Rows];
    for (int i = 0; i < Rows; ++i) row[i] = _mm256_loadu_si256(reinterpret_cast<const __m256i*>(r[i]));
    unpack_quads<Rows>(row, q);
  }
};
TINYFIQA_INLINE vi load_ints(const std::int32_t* p) {
  return _mm256_loadu_si256(reinterpret_cast<const __m256i*>(p));
}
TINYFIQA_INLINE vi load_level_ints(const std::uint8_t* p) {
  return _mm256_cvtepu8_epi32(_mm_loadl_epi64(reinterpret_cast<const __m128i*>(p)));
}
TINYFIQA_INLINE vi load_level_ints_up_to(const std::uint8_t* p, int count) {
  return count == 8 ? load_level_ints(p) : _mm256_cvtepu8_epi32(load_bytes(p, count));
}
TINYFIQA_INLINE vi add(vi a, vi b) { return _mm256_add_epi32(a, b); }
TINYFIQA_INLINE vf to_floats(vi v) { return vf(_mm256_cvtepi32_ps(v)); }
TINYFIQA_INLINE vi splat_quad(const std::uint8_t* p) { return _mm256_set1_epi32(bytes_at(p)); }
TINYFIQA_INLINE vi splat_quad_part(const std::uint8_t* p, int n) {
  return _mm256_set1_epi32(part_of_quad(p, n));
}
TINYFIQA_INLINE vi load_quads(const std::int8_t* p) {
  return _mm256_loadu_si256(reinterpret_cast<const __m256i*>(p));
}
TINYFIQA_INLINE vi dot(vi sum, vi x, vi w) {
#ifdef __AVXVNNI__
  sum = _mm256_dpbusd_avx_epi32(sum, x, w);
#else
  sum = _mm256_add_epi32(sum, _mm256_madd_epi16(_mm256_maddubs_epi16(x, w), _mm256_set1_epi16(1)));
#endif
#ifdef __GNUC__
  asm("" : "+x"(sum));  // g++ 12 would copy sums between registers, and spill them
#endif
  return sum;
}
template <int N, bool InRowBlock = false>
TINYFIQA_INLINE void store_levels(std::uint8_t* p, const vf (&y)[N], LevelRange range, int count) {
  static_assert(N <= 4);
  __m256i v[4];
#pragma GCC unroll 4
  for (int i = 0; i < N; ++i) v[i] = _mm256_cvtps_epi32(y[i]);
  const __m256i zero = _mm256_set1_epi16(static_cast<short>(range.zero)),
                lowest = _mm256_set1_epi8(static_cast<char>(range.lowest));
  const auto words = [&](int i) TINYFIQA_INLINE_LAMBDA {
    return _mm256_adds_epi16(_mm256_packs_epi32(v[i], v[i + 1 < N ? i + 1 : i]), zero);
  };
  const __m256i low = words(0), high = N > 2 ? words(2) : low;
  __m256i bytes = _mm256_max_epu8(_mm256_packus_epi16(low, high), lowest);
  if constexpr (!InRowBlock)  // a lane of 16 bytes has four channels of each vector
    bytes = _mm256_permutevar8x32_epi32(bytes, _mm256_setr_epi32(0, 4, N == 1 ? 0 : 1, 5, 2, 6, 3, 7));
  else if constexpr (N == 2)
    bytes = _mm256_permute4x64_epi64(bytes, 0x08);
  const __m128i first = _mm256_castsi256_si128(bytes);
  if constexpr (N == 1) {
    store_bytes(p, first, count);
  } else {
    if (count < 16) return store_bytes(p, first, count);
    _mm_storeu_si128(reinterpret_cast<__m128i*>(p), first);
    const __m128i second = _mm256_extracti128_si256(bytes, 1);
    if (N == 3 && count == 24)
      _mm_storel_epi64(reinterpret_cast<__m128i*>(p + 16), second);
    else if (N == 4 && count == 32)
      _mm_storeu_si128(reinterpret_cast<__m128i*>(p + 16), second);
    else if (N > 2 && count > 16)
      store_bytes(p + 16, second, count - 16);
  }
}

TINYFIQA_ISA_END

#endif
