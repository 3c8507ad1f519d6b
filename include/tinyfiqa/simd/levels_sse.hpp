// 8-bit maps with SSE4.2. simd/levels.hpp says what each function means.
#pragma once

#include <tinyfiqa/simd/levels_x86.hpp>

#if defined(TINYFIQA_SIMD_X86_LEVELS) && defined(TINYFIQA_SIMD_SSE)

TINYFIQA_ISA_BEGIN(simd)

using vi = __m128i;
inline constexpr int row_block_vectors = 4, row_block_least = 4;
TINYFIQA_UNPACK_QUADS(__m128i, _mm, si128)
template <>
struct RowBlock<4> {
  static constexpr int order(int lane) { return lane; }
  template <int Rows>
  static TINYFIQA_INLINE void quads(const std::uint8_t* const (&r)[Rows], vi (&q)[4]) {
    __m128i row[Rows];
    for (int i = 0; i < Rows; ++i) row[i] = _mm_loadu_si128(reinterpret_cast<const __m128i*>(r[i]));
    unpack_quads<Rows>(row, q);
  }
};
TINYFIQA_INLINE vi load_ints(const std::int32_t* p) {
  return _mm_loadu_si128(reinterpret_cast<const __m128i*>(p));
}
TINYFIQA_INLINE vi load_level_ints(const std::uint8_t* p) {
  return _mm_cvtepu8_epi32(_mm_cvtsi32_si128(bytes_at(p)));
}
TINYFIQA_INLINE vi load_level_ints_up_to(const std::uint8_t* p, int count) {
  return count == 4 ? load_level_ints(p) : _mm_cvtepu8_epi32(_mm_cvtsi32_si128(part_of_quad(p, count)));
}
TINYFIQA_INLINE vi add(vi a, vi b) { return _mm_add_epi32(a, b); }
TINYFIQA_INLINE vf to_floats(vi v) { return vf(_mm_cvtepi32_ps(v)); }
TINYFIQA_INLINE vi splat_quad(const std::uint8_t* p) { return _mm_set1_epi32(bytes_at(p)); }
TINYFIQA_INLINE vi splat_quad_part(const std::uint8_t* p, int n) {
  return _mm_set1_epi32(part_of_quad(p, n));
}
TINYFIQA_INLINE vi load_quads(const std::int8_t* p) {
  return _mm_loadu_si128(reinterpret_cast<const __m128i*>(p));
}
TINYFIQA_INLINE vi dot(vi sum, vi x, vi w) {
  return _mm_add_epi32(sum, _mm_madd_epi16(_mm_maddubs_epi16(x, w), _mm_set1_epi16(1)));
}
template <int N, bool InRowBlock = false>  // both orders are the same
TINYFIQA_INLINE void store_levels(std::uint8_t* p, const vf (&y)[N], LevelRange range, int count) {
  static_assert(N <= 4);
  __m128i v[4];
#pragma GCC unroll 4
  for (int i = 0; i < N; ++i) v[i] = _mm_cvtps_epi32(y[i]);
  const __m128i zero = _mm_set1_epi16(static_cast<short>(range.zero)),
                lowest = _mm_set1_epi8(static_cast<char>(range.lowest));
  const auto words = [&](int i) TINYFIQA_INLINE_LAMBDA {
    return _mm_adds_epi16(_mm_packs_epi32(v[i], v[i + 1 < N ? i + 1 : i]), zero);
  };
  const __m128i low = words(0), high = N > 2 ? words(2) : low;
  const __m128i bytes = _mm_max_epu8(_mm_packus_epi16(low, high), lowest);
  if (count == 16)
    _mm_storeu_si128(reinterpret_cast<__m128i*>(p), bytes);
  else
    store_bytes(p, bytes, count);
}

TINYFIQA_ISA_END

#endif
