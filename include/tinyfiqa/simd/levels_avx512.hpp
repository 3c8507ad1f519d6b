// 8-bit maps with AVX-512, and with its 8-bit dot product (VNNI) where the program is compiled for it. simd/levels.hpp says
// what each function means.
#pragma once

#include <tinyfiqa/simd/levels_x86.hpp>

#if defined(TINYFIQA_SIMD_X86_LEVELS) && defined(TINYFIQA_SIMD_AVX512)

TINYFIQA_ISA_BEGIN(simd)

using vi = __m512i;
inline constexpr int row_block_vectors = 4, row_block_least = 1;
TINYFIQA_UNPACK_QUADS(__m128i, _mm, si128)
TINYFIQA_UNPACK_QUADS(__m512i, _mm512, si512)
template <>
struct RowBlock<1> {
  static constexpr int order(int lane) { return lane; }
  template <int Rows>
  static TINYFIQA_INLINE void quads(const std::uint8_t* const (&r)[Rows], vi (&q)[1]) {
    __m128i row[Rows], part[4];
    for (int i = 0; i < Rows; ++i) row[i] = _mm_loadu_si128(reinterpret_cast<const __m128i*>(r[i]));
    unpack_quads<Rows>(row, part);
    const __m512i low = _mm512_inserti32x4(_mm512_castsi128_si512(part[0]), part[1], 1);
    q[0] = _mm512_inserti32x4(_mm512_inserti32x4(low, part[2], 2), part[3], 3);
  }
};
/// Vector v has four channels from 4 v on of each of the four lanes of 16 bytes.
template <>
struct RowBlock<4> {
  static constexpr int order(int lane) { return lane / 16 * 4 + lane % 16 / 4 * 16 + lane % 4; }
  template <int Rows>
  static TINYFIQA_INLINE void quads(const std::uint8_t* const (&r)[Rows], vi (&q)[4]) {
    __m512i row[Rows];
    for (int i = 0; i < Rows; ++i) row[i] = _mm512_loadu_si512(r[i]);
    unpack_quads<Rows>(row, q);
  }
};
/// A mask of the first `count` bytes, 0 < count <= 64.
TINYFIQA_INLINE __mmask64 first_bytes(int count) { return ~std::uint64_t{0} >> (64 - count); }
TINYFIQA_INLINE vi load_ints(const std::int32_t* p) { return _mm512_loadu_si512(p); }
TINYFIQA_INLINE vi load_level_ints(const std::uint8_t* p) {
  return _mm512_maskz_cvtepu8_epi32(0xffff, _mm_loadu_si128(reinterpret_cast<const __m128i*>(p)));
}
TINYFIQA_INLINE vi load_level_ints_up_to(const std::uint8_t* p, int count) {
  return _mm512_maskz_cvtepu8_epi32(0xffff,
                                    _mm_maskz_loadu_epi8(static_cast<__mmask16>(first_bytes(count)), p));
}
TINYFIQA_INLINE vi add(vi a, vi b) { return _mm512_add_epi32(a, b); }
TINYFIQA_INLINE vf to_floats(vi v) { return vf(_mm512_maskz_cvtepi32_ps(0xffff, v)); }
TINYFIQA_INLINE vi splat_quad(const std::uint8_t* p) { return _mm512_set1_epi32(bytes_at(p)); }
TINYFIQA_INLINE vi splat_quad_part(const std::uint8_t* p, int n) {
  return _mm512_set1_epi32(part_of_quad(p, n));
}
TINYFIQA_INLINE vi load_quads(const std::int8_t* p) { return _mm512_loadu_si512(p); }
TINYFIQA_INLINE vi dot(vi sum, vi x, vi w) {
#ifdef __AVX512VNNI__
  sum = _mm512_dpbusd_epi32(sum, x, w);
#ifdef __GNUC__
  asm("" : "+v"(sum));  // g++ 12 would copy sums between registers, and spill them
#endif
  return sum;
#else
  return _mm512_add_epi32(sum, _mm512_madd_epi16(_mm512_maddubs_epi16(x, w), _mm512_set1_epi16(1)));
#endif
}
template <int N, bool InRowBlock = false>
TINYFIQA_INLINE void store_levels(std::uint8_t* p, const vf (&y)[N], LevelRange range, int count) {
  static_assert(N <= 4);
  __m512i v[4];
#pragma GCC unroll 4
  for (int i = 0; i < N; ++i) v[i] = _mm512_maskz_cvtps_epi32(0xffff, y[i]);
  if constexpr (N == 1) {
    const __m512i zero = _mm512_set1_epi32(range.zero), lowest = _mm512_set1_epi32(range.lowest);
    const __m512i level = _mm512_maskz_max_epi32(0xffff, lowest, _mm512_add_epi32(zero, v[0]));
    _mm_mask_storeu_epi8(p, static_cast<__mmask16>(first_bytes(count)),
                         _mm512_maskz_cvtusepi32_epi8(0xffff, level));
  } else {
    const __m512i zero = _mm512_set1_epi16(static_cast<short>(range.zero)),
                  lowest = _mm512_set1_epi8(static_cast<char>(range.lowest));
    const auto words = [&](int i) TINYFIQA_INLINE_LAMBDA {
      return _mm512_adds_epi16(_mm512_packs_epi32(v[i], v[i + 1 < N ? i + 1 : i]), zero);
    };
    const __m512i low = words(0), high = N > 2 ? words(2) : low;
    __m512i bytes = _mm512_max_epu8(_mm512_packus_epi16(low, high), lowest);
    if constexpr (!InRowBlock)  // a lane of 16 bytes has four channels of each vector
      bytes = _mm512_maskz_permutexvar_epi32(
          0xffff, _mm512_setr_epi32(0, 4, 8, 12, 1, 5, 9, 13, 2, 6, 10, 14, 3, 7, 11, 15), bytes);
    _mm512_mask_storeu_epi8(p, first_bytes(count), bytes);
  }
}

TINYFIQA_ISA_END

#endif
