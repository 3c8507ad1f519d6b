// How this thread's arithmetic treats the smallest floats. Below 2^-126 they are subnormal, and each
// multiply-add on one takes the processor a hundred cycles. Weight decay draws the weights of channels that
// nothing needs there: after some thousand steps a third of a network may be subnormal, and a step take three
// times as long.
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
#else
inline constexpr std::uint64_t flush_subnormals_bits = 0;
inline std::uint64_t float_control() { return 0; }
inline void set_float_control(std::uint64_t) {}
#endif

}  // namespace detail

/// While it lives, subnormal floats are zeros to this thread, and to the helpers of a team that it calls.
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
