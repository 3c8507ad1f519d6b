# 64-bit POWER, little-endian, with Linux: g++-powerpc64le-linux-gnu
set(CMAKE_SYSTEM_NAME Linux)
set(CMAKE_SYSTEM_PROCESSOR ppc64le)
set(tinyfiqa_triple powerpc64le-linux-gnu)
set(tinyfiqa_emulator qemu-ppc64le)
include(${CMAKE_CURRENT_LIST_DIR}/debian.cmake)
