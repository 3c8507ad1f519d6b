// The machine that builds the examples: what the others' results are compared with.
#include "board.hpp"

#include <cstdio>

void print(const char* text) { std::fputs(text, stdout); }
void start_counter() {}
std::uint32_t counted_instructions() { return 0; }
std::uint32_t used_stack_bytes() { return 0; }
