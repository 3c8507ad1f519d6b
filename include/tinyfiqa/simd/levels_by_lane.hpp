// 8-bit maps lane by lane, for instruction sets that have no file of their own. simd/levels.hpp says what each function means.
#pragma once

#include <tinyfiqa/base/quantisation.hpp>
#include <tinyfiqa/simd/levels_cortex_m.hpp>
#include <tinyfiqa/simd/vec.hpp>

#if !defined(TINYFIQA_SIMD_X86_LEVELS) && !defined(TINYFIQA_SIMD_NEON_LEVELS) && \
    !defined(TINYFIQA_SIMD_WASM_LEVELS)

#include <cstdint>
#include <cstring>

TINYFIQA_ISA_BEGIN(simd)

#ifndef TINYFIQA_SIMD_VECTOR4  // simd/vector4.hpp has the type
struct vi {
  std::int32_t lanes[width];
  TINYFIQA_INLINE std::int32_t& operator[](int i) { return lanes[i]; }
  TINYFIQA_INLINE std::int32_t operator[](int i) const { return lanes[i]; }
};
#endif

inline constexpr int level_offset = 0;

template <class Lane>
TINYFIQA_INLINE vi ints_of(const Lane& lane) {
  vi v;
  for (int i = 0; i < width; ++i) v[i] = lane(i);
  return v;
}

TINYFIQA_INLINE vi load_ints(const std::int32_t* p) {
  return ints_of([&](int i) TINYFIQA_INLINE_LAMBDA { return p[i]; });
}
TINYFIQA_INLINE vi load_level_ints(const std::uint8_t* p) {
  return ints_of([&](int i) TINYFIQA_INLINE_LAMBDA { return std::int32_t{p[i]}; });
}
TINYFIQA_INLINE vi load_level_ints_up_to(const std::uint8_t* p, int count) {
  return ints_of([&](int i) TINYFIQA_INLINE_LAMBDA { return i < count ? std::int32_t{p[i]} : 0; });
}
TINYFIQA_INLINE vi add(vi a, vi b) {
  return ints_of([&](int i) TINYFIQA_INLINE_LAMBDA { return a[i] + b[i]; });
}
TINYFIQA_INLINE vf to_floats(vi v) {
  float lanes[width];
  for (int i = 0; i < width; ++i) lanes[i] = static_cast<float>(v[i]);
  return load(lanes);
}

#ifndef TINYFIQA_SIMD_CORTEX_M

struct quad {
  std::uint8_t level[4];
};
struct quads {
  const std::int8_t* weights;
};
TINYFIQA_INLINE quad splat_quad(const std::uint8_t* p) { return {{p[0], p[1], p[2], p[3]}}; }
TINYFIQA_INLINE quad splat_quad_part(const std::uint8_t* p, int n) {
  const std::uint8_t none = 0;
  return {{p[0], n > 1 ? p[1] : none, n > 2 ? p[2] : none, none}};
}
TINYFIQA_INLINE quad splat_quad_rest(const std::uint8_t* p, int n, bool) { return splat_quad_part(p, n); }
TINYFIQA_INLINE quads load_quads(const std::int8_t* p) { return {p}; }
TINYFIQA_INLINE vi dot(vi sum, quad x, quads w) {
  return ints_of([&](int i) TINYFIQA_INLINE_LAMBDA {
    const std::int8_t* const at = w.weights + 4 * i;
    return sum[i] + x.level[0] * at[0] + x.level[1] * at[1] + x.level[2] * at[2] + x.level[3] * at[3];
  });
}
template <class FourSums>
TINYFIQA_INLINE void add_four(const std::uint8_t* x, const std::int8_t* w, FourSums& sum) {
  for (int i = 0; i < 4; ++i) sum.lane[i] += x[i] * w[i];
}

#endif

#ifndef TINYFIQA_SIMD_HELIUM

inline constexpr int small_rows = 2, small_padding = 0;
struct four_sums {
  std::int32_t lane[4];
};
TINYFIQA_INLINE four_sums load_four_sums(const std::int32_t* p) { return {{p[0], p[1], p[2], p[3]}}; }
TINYFIQA_INLINE void store_four_sums(std::int32_t* p, const four_sums& s) {
#pragma GCC unroll 4  // or the sums are kept in memory
  for (int i = 0; i < 4; ++i) p[i] = s.lane[i];
}

#endif

template <int N, bool InRowBlock = false>  // there are no row blocks
TINYFIQA_INLINE void store_levels(std::uint8_t* p, const vf (&y)[N], LevelRange range, int count) {
  float lanes[N * width];
  for (int v = 0; v < N; ++v) store(lanes + v * width, y[v]);
#ifdef TINYFIQA_SMALL
  const SmallLevels level(range);
  for (int i = 0; i < count; ++i) p[i] = level(lanes[i]);
#else
  for (int i = 0; i < count; ++i) p[i] = to_level(lanes[i], range);
#endif
}

struct vb {
  std::uint8_t byte[16];
};
TINYFIQA_INLINE vb load_16(const std::uint8_t* p) {
  vb b;
  std::memcpy(b.byte, p, 16);
  return b;
}
TINYFIQA_INLINE void store_16(std::uint8_t* p, const vb& b) { std::memcpy(p, b.byte, 16); }
TINYFIQA_INLINE vb max(vb a, const vb& b) {
  for (int i = 0; i < 16; ++i) a.byte[i] = a.byte[i] > b.byte[i] ? a.byte[i] : b.byte[i];
  return a;
}
TINYFIQA_INLINE vb interleave_low(const vb& a, const vb& b) {
  vb r;
  for (int i = 0; i < 8; ++i) r.byte[2 * i] = a.byte[i], r.byte[2 * i + 1] = b.byte[i];
  return r;
}
TINYFIQA_INLINE vb interleave_high(const vb& a, const vb& b) {
  vb r;
  for (int i = 0; i < 8; ++i) r.byte[2 * i] = a.byte[i + 8], r.byte[2 * i + 1] = b.byte[i + 8];
  return r;
}

/// Through memory: no compiler fuses operations over that.
TINYFIQA_INLINE vf rounded(vf v) {
  float lanes[width];
  store(lanes, v);
#if defined(__GNUC__) || defined(__clang__)
  asm("" : "+m"(lanes));
#endif
  return load(lanes);
}

TINYFIQA_ISA_END

#endif
