// RISC-V, 32 bits, as QEMU's machine `virt`: start-up, and what a debugger or QEMU offers by semihosting.
#include "board.hpp"

#include <cstring>

extern "C" {
// From link.ld.
extern std::uint32_t data_begin[], data_end[], bss_begin[], bss_end[], stack_end[], stack_top[];
extern const std::uint32_t data_in_flash[];

int main();
void reset();
void fault();
void start();
}

namespace {

/// Asks the debugger for an operation. The three instructions must not be compressed, nor apart.
int semihosting(int operation, const void* argument) {
  register int a0 asm("a0") = operation;
  register const void* a1 asm("a1") = argument;
  asm volatile(
      ".balign 16\n .option push\n .option norvc\n slli x0, x0, 0x1f\n ebreak\n srai x0, x0, 7\n .option pop"
      : "+r"(a0)
      : "r"(a1)
      : "memory");
  return a0;
}

[[noreturn]] void end_program(bool good) {
  constexpr std::uintptr_t application_exit = 0x20026, run_time_error = 0x20023;
  for (;;) semihosting(0x18, reinterpret_cast<const void*>(good ? application_exit : run_time_error));
}

std::uint32_t executed() {
  std::uint32_t count;
  asm volatile(".option push\n .option arch, +zicsr\n csrr %0, minstret\n .option pop" : "=r"(count));
  return count;
}
std::uint32_t first_count;

}  // namespace

extern "C" {
__attribute__((naked, section(".vectors"))) void start() {
  asm volatile(
      ".option push\n .option arch, +zicsr\n .option norelax\n"
#ifdef __riscv_flen
      "li t0, 0x2000\n csrs mstatus, t0\n"  // floating point on
#endif
      "la t0, fault\n csrw mtvec, t0\n la sp, stack_top\n j reset\n .option pop");
}

void reset() {
  std::memcpy(data_begin, data_in_flash,
              reinterpret_cast<std::uintptr_t>(data_end) - reinterpret_cast<std::uintptr_t>(data_begin));
  std::memset(bss_begin, 0,
              reinterpret_cast<std::uintptr_t>(bss_end) - reinterpret_cast<std::uintptr_t>(bss_begin));
  std::uint32_t* frame = static_cast<std::uint32_t*>(__builtin_frame_address(0));
  for (volatile std::uint32_t* at = stack_end; at < frame - 32; ++at) *at = stack_pattern;
  end_program(main() == 0);
}

__attribute__((aligned(4))) void fault() {
  print("fault\n");
  end_program(false);
}
}

void print(const char* text) { semihosting(0x04, text); }

void start_counter() { first_count = executed(); }
std::uint32_t counted_instructions() { return executed() - first_count; }

std::uint32_t used_stack_bytes() {
  const std::uint32_t* at = stack_end;
  while (*at == stack_pattern) ++at;
  return static_cast<std::uint32_t>(reinterpret_cast<std::uintptr_t>(stack_top) -
                                    reinterpret_cast<std::uintptr_t>(at));
}
