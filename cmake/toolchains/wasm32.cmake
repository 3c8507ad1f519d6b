# WebAssembly with WASI and vectors, without threads and exceptions: clang lld wasi-libc libc++-14-dev-wasm32 libclang-rt-14-dev-wasm32
set(CMAKE_SYSTEM_NAME Generic)
set(CMAKE_SYSTEM_PROCESSOR wasm32)
set(CMAKE_C_COMPILER clang)
set(CMAKE_CXX_COMPILER clang++)
set(CMAKE_C_COMPILER_TARGET wasm32-wasi)
set(CMAKE_CXX_COMPILER_TARGET wasm32-wasi)
# For engines without vectors (SIMD128), leave out -msimd128; the kernels are then scalar.
set(CMAKE_CXX_FLAGS_INIT "-fno-exceptions -msimd128")
# The linker gives a stack of 64 KB, which grows into the program's data. With this it has 1 MB, and too deep calls end
# the program.
set(CMAKE_EXE_LINKER_FLAGS_INIT "-Wl,-z,stack-size=1048576,--stack-first")
set(CMAKE_EXECUTABLE_SUFFIX_CXX .wasm)
list(APPEND CMAKE_FIND_ROOT_PATH /usr/lib/wasm32-wasi)
set(CMAKE_FIND_ROOT_PATH_MODE_PROGRAM NEVER)
set(CMAKE_FIND_ROOT_PATH_MODE_LIBRARY ONLY)
set(CMAKE_FIND_ROOT_PATH_MODE_INCLUDE ONLY)
set(CMAKE_FIND_ROOT_PATH_MODE_PACKAGE ONLY)
# Node.js runs programs.
set(tinyfiqa_emulator node)
set(CMAKE_CROSSCOMPILING_EMULATOR ${tinyfiqa_emulator} --no-warnings ${CMAKE_CURRENT_LIST_DIR}/../../tests/targets/run_wasi.mjs)
