// Sums and their levels at once on Cortex-M with an FPU (Cortex-M4F, M7, M33 and others), in small programs. Assembler, because
// compilers keep half of it in memory: what products do not need is in registers for floats meanwhile. simd/levels.hpp says what
// each function means.
//
// 13 instructions for 16 products, 25 for the levels of four sums.
#pragma once

#include <tinyfiqa/simd/levels_cortex_m.hpp>

#if defined(TINYFIQA_SIMD_CORTEX_M) && defined(TINYFIQA_SMALL) && !defined(TINYFIQA_SIMD_HELIUM) && \
    defined(__ARM_FP) && defined(__thumb__)
#if __ARM_FP & 4
#define TINYFIQA_SUMS_TO_LEVELS

#include <cstddef>
#include <cstdint>

TINYFIQA_ISA_BEGIN(simd)

/// Two columns of weights of a matrix product.
struct ColumnsToLevels {
  std::int32_t bias[2];
  float factor[2];
  std::ptrdiff_t column;     ///< of the output
  const std::uint32_t* end;  ///< of the tiles
  const std::int32_t* w;     ///< the quads of both columns, in turns
  std::int32_t zero;         ///< the level that stands for 0
};

// clang-format off
// s6 .. s13 hold ColumnsToLevels.
#define TINYFIQA_TILES_TO_LEVELS_BY(ADD_ZERO)                                                              \
  asm volatile(                                                                                            \
      "vldmia %[w], {s6-s13}\n"                                                                            \
      ".Ltinyfiqa_tile%=:\n"                                                                               \
      "vmov %[w], s12\n"                                                                                   \
      "vmov %[s00], %[s01], s6, s7\n"                                                                      \
      "vmov %[s10], %[s11], s6, s7\n"                                                                      \
      ".Ltinyfiqa_quad%=:\n"                                                                               \
      "ldmia %[x]!, {r4, r5, r6, r8}\n"                                                                    \
      "ldmia %[w]!, {r9, r10}\n"                                                                           \
      "smlad %[s00], r4, r9, %[s00]\n"                                                                     \
      "smlad %[s10], r6, r9, %[s10]\n"                                                                     \
      "smlad %[s00], r5, r10, %[s00]\n"                                                                    \
      "smlad %[s10], r8, r10, %[s10]\n"                                                                    \
      "ldmia %[w]!, {r9, r10}\n"                                                                           \
      "smlad %[s01], r4, r9, %[s01]\n"                                                                     \
      "smlad %[s11], r6, r9, %[s11]\n"                                                                     \
      "cmp %[w], %[w_end]\n"                                                                               \
      "smlad %[s01], r5, r10, %[s01]\n"                                                                    \
      "smlad %[s11], r8, r10, %[s11]\n"                                                                    \
      "bne .Ltinyfiqa_quad%=\n"                                                                            \
      "vmov s0, s1, %[s00], %[s01]\n"                                                                      \
      "vmov s2, s3, %[s10], %[s11]\n"                                                                      \
      "vcvt.f32.s32 s0, s0\n"                                                                              \
      "vcvt.f32.s32 s1, s1\n"                                                                              \
      "vcvt.f32.s32 s2, s2\n"                                                                              \
      "vcvt.f32.s32 s3, s3\n"                                                                              \
      "vmul.f32 s0, s0, s8\n"                                                                              \
      "vmul.f32 s1, s1, s9\n"                                                                              \
      "vmul.f32 s2, s2, s8\n"                                                                              \
      "vmul.f32 s3, s3, s9\n"                                                                              \
      "vcvtr.s32.f32 s0, s0\n"                                                                             \
      "vcvtr.s32.f32 s1, s1\n"                                                                             \
      "vcvtr.s32.f32 s2, s2\n"                                                                             \
      "vcvtr.s32.f32 s3, s3\n"                                                                             \
      "vmov %[s00], %[s01], s0, s1\n"                                                                      \
      "vmov %[s10], %[s11], s2, s3\n" ADD_ZERO                                                             \
      "usat %[s00], #8, %[s00]\n"                                                                          \
      "usat %[s01], #8, %[s01]\n"                                                                          \
      "usat %[s10], #8, %[s10]\n"                                                                          \
      "usat %[s11], #8, %[s11]\n"                                                                          \
      "ldmia %[x]!, {r4, r5}\n"                                                                            \
      "vmov r6, r8, s10, s11\n"                                                                            \
      "strb %[s00], [r4, r6]\n"                                                                            \
      "strb %[s10], [r5, r6]\n"                                                                            \
      "add r6, r6, #1\n"                                                                                   \
      "strb %[s01], [r4, r6]\n"                                                                            \
      "strb %[s11], [r5, r6]\n"                                                                            \
      "cmp %[x], r8\n"                                                                                     \
      "bne .Ltinyfiqa_tile%=\n"                                                                            \
      : [s00] "=&r"(s00), [s01] "=&r"(s01), [s10] "=&r"(s10), [s11] "=&r"(s11), [x] "+r"(x), [w] "+r"(w)   \
      : [w_end] "r"(w_end)                                                                                 \
      : "r4", "r5", "r6", "r8", "r9", "r10", "s0", "s1", "s2", "s3", "s6", "s7", "s8", "s9", "s10", "s11", \
        "s12", "s13", "cc", "memory")
TINYFIQA_NOINLINE inline void tiles_to_levels(const std::uint32_t* x, const std::int32_t* w_end,
                                              const ColumnsToLevels& columns) {
  auto w = reinterpret_cast<std::intptr_t>(&columns);
  std::int32_t s00, s01, s10, s11;
  if (columns.zero == 0)
    TINYFIQA_TILES_TO_LEVELS_BY("");
  else
    TINYFIQA_TILES_TO_LEVELS_BY("vmov r4, s13\n"
                                "add %[s00], %[s00], r4\n"
                                "add %[s01], %[s01], r4\n"
                                "add %[s10], %[s10], r4\n"
                                "add %[s11], %[s11], r4\n");
}
// clang-format on
#undef TINYFIQA_TILES_TO_LEVELS_BY

TINYFIQA_INLINE void pair_levels(std::uint32_t a, std::uint32_t b, std::uint32_t (&pairs)[4]) {
  std::uint32_t low, high;
  asm("pkhbt %0, %1, %2, lsl #16" : "=r"(low) : "r"(a), "r"(b));
  asm("pkhtb %0, %1, %2, asr #16" : "=r"(high) : "r"(b), "r"(a));
  asm("uxtb16 %0, %1" : "=r"(pairs[0]) : "r"(low));
  asm("uxtb16 %0, %1, ror #8" : "=r"(pairs[1]) : "r"(low));
  asm("uxtb16 %0, %1" : "=r"(pairs[2]) : "r"(high));
  asm("uxtb16 %0, %1, ror #8" : "=r"(pairs[3]) : "r"(high));
}
TINYFIQA_INLINE void pair_weights(std::uint32_t a, std::uint32_t b, std::int32_t (&pairs)[4]) {
  std::uint32_t low, high;
  asm("pkhbt %0, %1, %2, lsl #16" : "=r"(low) : "r"(a), "r"(b));
  asm("pkhtb %0, %1, %2, asr #16" : "=r"(high) : "r"(b), "r"(a));
  asm("sxtb16 %0, %1" : "=r"(pairs[0]) : "r"(low));
  asm("sxtb16 %0, %1, ror #8" : "=r"(pairs[1]) : "r"(low));
  asm("sxtb16 %0, %1" : "=r"(pairs[2]) : "r"(high));
  asm("sxtb16 %0, %1, ror #8" : "=r"(pairs[3]) : "r"(high));
}
TINYFIQA_INLINE std::int32_t add_pair(std::uint32_t levels, std::int32_t weights, std::int32_t sum) {
  return __smlad(static_cast<std::int32_t>(levels), weights, sum);
}
TINYFIQA_INLINE std::int32_t add_second(std::int32_t level, std::int32_t weights, std::int32_t sum) {
  return __smlabt(level, weights, sum);
}

/// Outputs of a row of windows of 3x3, of one channel.
struct TapsToLevels {
  const std::uint8_t* x[3];  ///< levels of 16 bits
  const std::int32_t* w;     ///< for each row of the window the pairs of weights 0 and 1, and 1 and 2
  std::int32_t bias[2];      ///< twice the same
  std::uint8_t* to;          ///< outputs are `stride` levels apart
  std::ptrdiff_t stride;
  const std::uint8_t* end;  ///< of the outputs
  float factor;
};

// clang-format off
// Products of a row of a window and of the next one, with stride 1 and 2.
#define TINYFIQA_TAPS_1(X, W01, W12)              \
      "ldrd r10, r11, [" X "], #4\n"              \
      "smlad %[first], r10, " W01 ", %[first]\n"  \
      "smlatb lr, r10, " W01 ", lr\n"             \
      "smlabt %[first], r11, " W12 ", %[first]\n" \
      "smlad lr, r11, " W12 ", lr\n"
#define TINYFIQA_TAPS_2(X, W01, W12)              \
      "ldrd r10, r11, [" X "], #8\n"              \
      "smlad %[first], r10, " W01 ", %[first]\n"  \
      "smlabt %[first], r11, " W12 ", %[first]\n" \
      "smlad lr, r11, " W01 ", lr\n"              \
      "ldr r10, [" X "]\n"                        \
      "smlabt lr, r10, " W12 ", lr\n"
// s6 .. s11 hold what follows TapsToLevels::w.
#define TINYFIQA_TAPS_TO_LEVELS_BY(TAPS)                                                                   \
  asm volatile(                                                                                            \
      "ldmia %[first]!, {r1, r2, r3, lr}\n"                                                                \
      "vldmia %[first], {s6-s11}\n"                                                                        \
      "ldmia lr, {r4, r5, r6, r8, r9, r12}\n"                                                              \
      ".Ltinyfiqa_taps%=:\n"                                                                               \
      "vmov %[first], lr, s6, s7\n" TAPS("r1", "r4", "r5") TAPS("r2", "r6", "r8") TAPS("r3", "r9", "r12")  \
      "vmov s0, s1, %[first], lr\n"                                                                        \
      "vcvt.f32.s32 s0, s0\n"                                                                              \
      "vcvt.f32.s32 s1, s1\n"                                                                              \
      "vmul.f32 s0, s0, s11\n"                                                                             \
      "vmul.f32 s1, s1, s11\n"                                                                             \
      "vcvtr.s32.f32 s0, s0\n"                                                                             \
      "vcvtr.s32.f32 s1, s1\n"                                                                             \
      "vmov %[first], lr, s0, s1\n"                                                                        \
      "vmov r10, r11, s8, s9\n"                                                                            \
      "usat %[first], #8, %[first]\n"                                                                      \
      "usat lr, #8, lr\n"                                                                                  \
      "strb %[first], [r10]\n"                                                                             \
      "strb lr, [r10, r11]\n"                                                                              \
      "add r10, r10, r11, lsl #1\n"                                                                        \
      "vmov s8, r10\n"                                                                                     \
      "vmov r11, s10\n"                                                                                    \
      "cmp r10, r11\n"                                                                                     \
      "bne .Ltinyfiqa_taps%=\n"                                                                            \
      : [first] "+r"(first)                                                                                \
      :                                                                                                    \
      : "r1", "r2", "r3", "r4", "r5", "r6", "r8", "r9", "r10", "r11", "r12", "lr", "s0", "s1", "s6", "s7", \
        "s8", "s9", "s10", "s11", "cc", "memory")
TINYFIQA_NOINLINE inline void taps_to_levels(const TapsToLevels& taps, int stride) {
  auto first = reinterpret_cast<std::intptr_t>(&taps);
  if (stride == 1)
    TINYFIQA_TAPS_TO_LEVELS_BY(TINYFIQA_TAPS_1);
  else
    TINYFIQA_TAPS_TO_LEVELS_BY(TINYFIQA_TAPS_2);
}
// clang-format on
#undef TINYFIQA_TAPS_1
#undef TINYFIQA_TAPS_2
#undef TINYFIQA_TAPS_TO_LEVELS_BY

TINYFIQA_ISA_END

#endif
#endif
