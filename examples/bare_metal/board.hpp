// What the examples need of a machine: board_arm.cpp, board_riscv.cpp and board_host.cpp have it.
#pragma once

#include <cstdint>

/// Prints a text.
void print(const char* text);

/// The instructions that were executed since start_counter(). Under QEMU with -icount shift=0; 0 on a host.
void start_counter();
std::uint32_t counted_instructions();

/// The bytes of stack that were used since the start; 0 on a host. The start-up code fills the stack with a pattern.
std::uint32_t used_stack_bytes();

inline constexpr std::uint32_t stack_pattern = 0xa5a5a5a5u;

/// Prints the name and the number, in base 10 or 16.
inline void print(const char* name, std::uint32_t number, std::uint32_t base = 10) {
  char digits[12];
  char* at = digits + sizeof digits;
  *--at = '\0';
  *--at = '\n';
  for (int count = 0; number != 0 || count < (base == 16 ? 8 : 1); ++count) {
    *--at = "0123456789abcdef"[number % base];
    number /= base;
  }
  print(name);
  print(at);
}
