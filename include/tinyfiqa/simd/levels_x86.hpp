// 8-bit maps with SSE4.2, AVX2 and AVX-512. simd/levels.hpp says what each function means.
#pragma once

#include <tinyfiqa/base/quantisation.hpp>
#include <tinyfiqa/simd/vec.hpp>

#ifdef TINYFIQA_SIMD_X86_LEVELS

#include <cstdint>
#include <cstring>

TINYFIQA_ISA_BEGIN(simd)

inline constexpr int level_offset = 0;

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

TINYFIQA_ISA_END

#endif
