# 32-bit ARM with NEON and fused multiply-add (Cortex-A7, A15 and later) and Linux: g++-arm-linux-gnueabihf
set(CMAKE_SYSTEM_NAME Linux)
set(CMAKE_SYSTEM_PROCESSOR armv7l)
set(tinyfiqa_triple arm-linux-gnueabihf)
set(tinyfiqa_emulator qemu-arm)
set(CMAKE_CXX_FLAGS_INIT "-march=armv7-a -mfpu=neon-vfpv4")
include(${CMAKE_CURRENT_LIST_DIR}/debian.cmake)
