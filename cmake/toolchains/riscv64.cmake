# 64-bit RISC-V with Linux: g++-riscv64-linux-gnu
set(CMAKE_SYSTEM_NAME Linux)
set(CMAKE_SYSTEM_PROCESSOR riscv64)
set(tinyfiqa_triple riscv64-linux-gnu)
set(tinyfiqa_emulator qemu-riscv64)
include(${CMAKE_CURRENT_LIST_DIR}/debian.cmake)
