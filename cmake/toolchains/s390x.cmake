# IBM Z with Linux, which is big-endian: g++-s390x-linux-gnu
set(CMAKE_SYSTEM_NAME Linux)
set(CMAKE_SYSTEM_PROCESSOR s390x)
set(tinyfiqa_triple s390x-linux-gnu)
set(tinyfiqa_emulator qemu-s390x)
# z14 is the first with vectors of floats. For older machines leave this out; the kernels are then scalar.
set(CMAKE_CXX_FLAGS_INIT "-march=z14")
include(${CMAKE_CURRENT_LIST_DIR}/debian.cmake)
