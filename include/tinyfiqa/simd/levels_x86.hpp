// 8-bit maps with SSE4.2, AVX2 and AVX-512. simd/levels.hpp says what each function means.
#pragma once

#include <tinyfiqa/base/quantisation.hpp>
#include <tinyfiqa/simd/vec.hpp>

#ifdef TINYFIQA_SIMD_X86_LEVELS

#include <cstdint>
#include <cstring>

TINYFIQA_ISA_BEGIN(simd)

TINYFIQA_INLINE std::int32_t bytes_at(const void* p, int count = 4) {
  std::int32_t four = 0;
  std::memcpy(&four, p, static_cast<std::size_t>(count));
  return four;
}
TINYFIQA_INLINE std::int32_t part_of_quad(const std::uint8_t* p, int n) {
  std::int32_t part = p[0];
  if (n > 1) part |= p[1] << 8;
  if (n > 2) part |= p[2] << 16;
  return part;
}

/// Writes the first `count` of 16 bytes, in parts of 8, 4, 2 and 1.
TINYFIQA_INLINE void store_bytes(std::uint8_t* p, __m128i bytes, int count) {
  if ((count & 8) != 0) {
    _mm_storel_epi64(reinterpret_cast<__m128i*>(p), bytes);
    bytes = _mm_unpackhi_epi64(bytes, bytes);
    p += 8;
  }
  if ((count & 4) != 0) {
    const std::int32_t four = _mm_cvtsi128_si32(bytes);
    std::memcpy(p, &four, 4);
    bytes = _mm_srli_si128(bytes, 4);
    p += 4;
  }
  const std::int32_t rest = _mm_cvtsi128_si32(bytes);
  if ((count & 2) != 0) {
    std::memcpy(p, &rest, 2);
    p += 2;
  }
  if ((count & 1) != 0) *p = static_cast<std::uint8_t>((count & 2) != 0 ? rest >> 16 : rest);
}
/// The first `count` of 16 bytes, then zeros.
TINYFIQA_INLINE __m128i load_bytes(const std::uint8_t* p, int count) {
  std::uint8_t bytes[16] = {};
  for (int i = 0; i < count; ++i) bytes[i] = p[i];
  return _mm_loadu_si128(reinterpret_cast<const __m128i*>(bytes));
}
TINYFIQA_INLINE vf rounded(vf v) { return keep(v); }

using vb = __m128i;
TINYFIQA_INLINE vb load_16(const std::uint8_t* p) {
  return _mm_loadu_si128(reinterpret_cast<const __m128i*>(p));
}
TINYFIQA_INLINE void store_16(std::uint8_t* p, vb b) { _mm_storeu_si128(reinterpret_cast<__m128i*>(p), b); }
TINYFIQA_INLINE vb max(vb a, vb b) { return _mm_max_epu8(a, b); }
TINYFIQA_INLINE vb interleave_low(vb a, vb b) { return _mm_unpacklo_epi8(a, b); }
TINYFIQA_INLINE vb interleave_high(vb a, vb b) { return _mm_unpackhi_epi8(a, b); }

#define TINYFIQA_ROW_BLOCKS
template <int N>
struct RowBlock;

/// Quads of whole registers: unpacks the first `Rows` of four registers of bytes to q[4], within lanes of 16 bytes. The other
/// rows have weights of 0.
#define TINYFIQA_UNPACK_QUADS(REGISTER, PREFIX, SUFFIX)                                                  \
  template <int Rows>                                                                                    \
  TINYFIQA_INLINE void unpack_quads(const REGISTER(&row)[Rows], REGISTER(&q)[4]) {                       \
    const REGISTER none = PREFIX##_setzero_##SUFFIX(), second = Rows > 1 ? row[Rows > 1 ? 1 : 0] : none; \
    const REGISTER third = row[Rows > 2 ? 2 : 0], fourth = Rows > 3 ? row[Rows > 3 ? 3 : 0] : none;      \
    const REGISTER upper_low = PREFIX##_unpacklo_epi8(row[0], second),                                   \
                   upper_high = PREFIX##_unpackhi_epi8(row[0], second);                                  \
    const REGISTER lower_low = Rows > 2 ? PREFIX##_unpacklo_epi8(third, fourth) : none,                  \
                   lower_high = Rows > 2 ? PREFIX##_unpackhi_epi8(third, fourth) : none;                 \
    q[0] = PREFIX##_unpacklo_epi16(upper_low, lower_low);                                                \
    q[1] = PREFIX##_unpackhi_epi16(upper_low, lower_low);                                                \
    q[2] = PREFIX##_unpacklo_epi16(upper_high, lower_high);                                              \
    q[3] = PREFIX##_unpackhi_epi16(upper_high, lower_high);                                              \
  }

#if defined(TINYFIQA_SIMD_AVX512)

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
  static TINYFIQA_INLINE void in_order(vi (&)[1]) {}
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
  /// A transposition of 4x4 lanes of 16 bytes.
  static TINYFIQA_INLINE void in_order(vi (&s)[4]) {
    const __m512i a = _mm512_maskz_shuffle_i32x4(0xffff, s[0], s[1], 0x44),
                  b = _mm512_maskz_shuffle_i32x4(0xffff, s[2], s[3], 0x44),
                  c = _mm512_maskz_shuffle_i32x4(0xffff, s[0], s[1], 0xee),
                  d = _mm512_maskz_shuffle_i32x4(0xffff, s[2], s[3], 0xee);
    s[0] = _mm512_maskz_shuffle_i32x4(0xffff, a, b, 0x88);
    s[1] = _mm512_maskz_shuffle_i32x4(0xffff, a, b, 0xdd);
    s[2] = _mm512_maskz_shuffle_i32x4(0xffff, c, d, 0x88);
    s[3] = _mm512_maskz_shuffle_i32x4(0xffff, c, d, 0xdd);
  }
};
TINYFIQA_INLINE vi load_ints(const std::int32_t* p) { return _mm512_loadu_si512(p); }
TINYFIQA_INLINE vi load_level_ints(const std::uint8_t* p) {
  return _mm512_maskz_cvtepu8_epi32(0xffff, _mm_loadu_si128(reinterpret_cast<const __m128i*>(p)));
}
TINYFIQA_INLINE vi load_level_ints_up_to(const std::uint8_t* p, int count) {
  return count == 16 ? load_level_ints(p) : _mm512_maskz_cvtepu8_epi32(0xffff, load_bytes(p, count));
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
  return _mm512_dpbusd_epi32(sum, x, w);
#else
  return _mm512_add_epi32(sum, _mm512_madd_epi16(_mm512_maddubs_epi16(x, w), _mm512_set1_epi16(1)));
#endif
}
template <int N>
TINYFIQA_INLINE void store_levels(std::uint8_t* p, const vf (&y)[N], LevelRange range, int count) {
  const __m512i zero = _mm512_set1_epi32(range.zero), lowest = _mm512_set1_epi32(range.lowest);
#pragma GCC unroll 4
  for (int v = 0; v < N && count > 0; ++v, p += 16, count -= 16) {
    const __m512i level = _mm512_maskz_max_epi32(
        0xffff, lowest, _mm512_add_epi32(zero, _mm512_maskz_cvtps_epi32(0xffff, y[v])));
    const __m128i bytes = _mm512_maskz_cvtusepi32_epi8(0xffff, level);
    if (count >= 16)
      _mm_storeu_si128(reinterpret_cast<__m128i*>(p), bytes);
    else
      store_bytes(p, bytes, count);
  }
}

#elif defined(TINYFIQA_SIMD_AVX2)

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
  static TINYFIQA_INLINE void in_order(vi (&s)[2]) {
    const __m256i a = s[0], b = s[1];
    s[0] = _mm256_permute2x128_si256(a, b, 0x20);
    s[1] = _mm256_permute2x128_si256(a, b, 0x31);
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
  static TINYFIQA_INLINE void in_order(vi (&s)[4]) {
    const __m256i a = s[0], b = s[1], c = s[2], d = s[3];
    s[0] = _mm256_permute2x128_si256(a, b, 0x20);
    s[1] = _mm256_permute2x128_si256(c, d, 0x20);
    s[2] = _mm256_permute2x128_si256(a, b, 0x31);
    s[3] = _mm256_permute2x128_si256(c, d, 0x31);
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
  sum = _mm256_add_epi32(sum, _mm256_madd_epi16(_mm256_maddubs_epi16(x, w), _mm256_set1_epi16(1)));
#ifdef __GNUC__
  asm("" : "+x"(sum));  // g++ 12 would copy sums between registers, and spill them
#endif
  return sum;
}
template <int N>
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
  const __m256i bytes = _mm256_permutevar8x32_epi32(_mm256_max_epu8(_mm256_packus_epi16(low, high), lowest),
                                                    _mm256_setr_epi32(0, 4, N == 1 ? 0 : 1, 5, 2, 6, 3, 7));
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

#else  // SSE4.2

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
  static TINYFIQA_INLINE void in_order(vi (&)[4]) {}
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
template <int N>
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

#endif

#undef TINYFIQA_UNPACK_QUADS

TINYFIQA_ISA_END

#endif
