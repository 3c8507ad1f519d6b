// Cortex-M: vector table, start-up, and what a debugger or QEMU offers by semihosting.
#include "board.hpp"

#include <cstring>

#ifndef QUARTER_NANOSECONDS_PER_TICK
#define QUARTER_NANOSECONDS_PER_TICK 160  // 25 MHz, as QEMU's mps2 boards have
#endif

extern "C" {
// From link.ld.
extern std::uint32_t data_begin[], data_end[], bss_begin[], bss_end[], stack_end[];
extern const std::uint32_t data_in_flash[];
void stack_top();  // an address, not a function: the first entry of the vector table

int main();
void reset();
void fault();

// The mathematical functions of newlib set errno. Newlib's own is a part of 100 bytes of .data and more.
int* __errno();
int* __errno() {
  static int number;
  return &number;
}
}

namespace {

/// Asks the debugger for an operation.
int semihosting(int operation, const void* argument) {
  register int r0 asm("r0") = operation;
  register const void* r1 asm("r1") = argument;
  asm volatile("bkpt 0xab" : "+r"(r0) : "r"(r1) : "memory");
  return r0;
}

[[noreturn]] void end_program(bool good) {
  constexpr std::uintptr_t application_exit = 0x20026, run_time_error = 0x20023;
  for (;;) semihosting(0x18, reinterpret_cast<const void*>(good ? application_exit : run_time_error));
}

volatile std::uint32_t& memory(std::uintptr_t address) {
  return *reinterpret_cast<volatile std::uint32_t*>(address);
}

}  // namespace

using Handler = void (*)();
extern "C" {
extern const Handler vectors[16];
__attribute__((section(".vectors"), used))
const Handler vectors[16] = {stack_top, reset,   fault,   fault, fault, fault,   fault, nullptr,
                             nullptr,   nullptr, nullptr, fault, fault, nullptr, fault, fault};

void reset() {
  memory(0xe000ed88) = memory(0xe000ed88) | 0xf00000u;  // CPACR: floating point on
  asm volatile("dsb\n isb" ::: "memory");
  std::memcpy(data_begin, data_in_flash,
              reinterpret_cast<std::uintptr_t>(data_end) - reinterpret_cast<std::uintptr_t>(data_begin));
  std::memset(bss_begin, 0,
              reinterpret_cast<std::uintptr_t>(bss_end) - reinterpret_cast<std::uintptr_t>(bss_begin));
  std::uint32_t* frame = static_cast<std::uint32_t*>(__builtin_frame_address(0));
  for (volatile std::uint32_t* at = stack_end; at < frame - 16; ++at) *at = stack_pattern;
  end_program(main() == 0);
}

void fault() {
  print("fault\n");
  end_program(false);
}
}

void print(const char* text) { semihosting(0x04, text); }

// SysTick counts down 24 bits. With -icount shift=0 an instruction takes one nanosecond.
void start_counter() {
  memory(0xe000e014) = 0xffffff;
  memory(0xe000e018) = 0;
  memory(0xe000e010) = 5;
}
std::uint32_t counted_instructions() {
  const std::uint32_t ticks = 0xffffff - (memory(0xe000e018) & 0xffffff);
  return ticks * QUARTER_NANOSECONDS_PER_TICK / 4;
}

std::uint32_t used_stack_bytes() {
  const std::uint32_t* at = stack_end;
  while (*at == stack_pattern) ++at;
  return static_cast<std::uint32_t>(reinterpret_cast<std::uintptr_t>(&stack_top) -
                                    reinterpret_cast<std::uintptr_t>(at));
}
