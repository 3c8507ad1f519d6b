// How this thread's arithmetic treats subnormal floats, those below 2^-126. A multiply-add on one takes about
// a hundred cycles. Weight decay drives the weights of unused channels there: after some thousand steps a
// third of a network may be subnormal, and a training step takes three times as long.
#pragma once

#include <tinyfiqa/base/config.hpp>

#include <cstdint>

TINYFIQA_BEGIN
namespace detail {

#if defined(__SSE__)
inline constexpr std::uint64_t flush_subnormals_bits = 0x8040;  // results: FTZ, operands: DAZ
inline std::uint64_t float_control() { return __builtin_ia32_stmxcsr(); }
inline void set_float_control(std::uint64_t control) {
  __builtin_ia32_ldmxcsr(static_cast<unsigned>(control));
}
#elif defined(__aarch64__)
inline constexpr std::uint64_t flush_subnormals_bits = 1u << 24u;  // FZ
inline std::uint64_t float_control() {
  std::uint64_t control = 0;
  asm volatile("mrs %0, fpcr" : "=r"(control));
  return control;
}
inline void set_float_control(std::uint64_t control) { asm volatile("msr fpcr, %0" : : "r"(control)); }
#elif defined(__arm__) && defined(__ARM_FP) && defined(__GNUC__)
// 32-bit NEON always flushes. With this the other instructions do, too, so that all lanes of a loop agree.
inline constexpr std::uint64_t flush_subnormals_bits = 1u << 24u;  // FZ
/// The register's other bits: results of the last comparison, exceptions so far. They belong to the code around a call.
inline constexpr std::uint32_t float_flags = 0xf000009fu;
inline std::uint64_t float_control() {
  std::uint32_t control = 0;
  asm volatile("vmrs %0, fpscr" : "=r"(control));
  return control & ~float_flags;
}
inline void set_float_control(std::uint64_t control) {
  std::uint32_t all = 0;
  asm volatile("vmrs %0, fpscr\n\tand %0, %0, %2\n\torr %0, %0, %1\n\tvmsr fpscr, %0"
               : "=&r"(all)
               : "r"(static_cast<std::uint32_t>(control)), "r"(float_flags)
               : "cc");
}
#else
inline constexpr std::uint64_t flush_subnormals_bits = 0;
inline std::uint64_t float_control() { return 0; }
inline void set_float_control(std::uint64_t) {}
#endif

}  // namespace detail

/// Treats subnormal floats as zeros, in this thread and in the threads of a team that it calls, until it is
/// destroyed. Destroy it in the thread that made it.
class FlushSubnormals {
 public:
  FlushSubnormals() : before_(detail::float_control()) {
    detail::set_float_control(before_ | detail::flush_subnormals_bits);
  }
  ~FlushSubnormals() { detail::set_float_control(before_); }
  FlushSubnormals(const FlushSubnormals&) = delete;
  FlushSubnormals& operator=(const FlushSubnormals&) = delete;

 private:
  std::uint64_t before_;
};

TINYFIQA_END
