#!/bin/sh
# run.sh [--only TEST] [TARGET...]: builds the tests of kernels, plans and training for other processors, by the toolchain
# files of cmake/toolchains, and runs them in emulators, every instruction set that the emulator knows. Targets:
# aarch64 armv7 riscv64 s390x powerpc64le i686 wasm32 (default: all). TEST: kernels, graph or train; wasm32 has no threads, and so no
# train. Builds in build/targets/TARGET. Exits with 77 if a compiler or an emulator is missing.
#
# Needs, by their Debian names: what the first line of the toolchain file names, qemu-user (wasm32: Node.js 20 or newer
# instead), libxsimd-dev, libstb-dev, doctest-dev
set -eu
root=$(cd "$(dirname "$0")/../.." && pwd)
tests='kernels graph train'
if [ "${1-}" = --only ]; then
  tests=$2
  shift 2
fi
[ $# -gt 0 ] || set -- aarch64 armv7 riscv64 s390x powerpc64le i686 wasm32

# check_wasm PACKAGES: exits if there are no libraries for WebAssembly, or Node.js has no WASI.
check_wasm() {
  echo '#include <vector>' | clang++ --target=wasm32-wasi -x c++ -fsyntax-only - 2>/dev/null ||
    { echo "run.sh: no C++ library for wasm32; install $1" >&2; exit 77; }
  node --no-warnings -e 'new (require("node:wasi").WASI)({ version: "preview1" })' 2>/dev/null ||
    { echo "run.sh: this node has no WASI; install Node.js 20 or newer" >&2; exit 77; }
}

for target in "$@"; do
  toolchain=$root/cmake/toolchains/$target.cmake
  [ -f "$toolchain" ] || { echo "run.sh: no target $target; there are: $(cd "$root/cmake/toolchains" && ls)" >&2; exit 2; }
  packages=$(sed -n '1s/.*: //p' "$toolchain")
  triple=$(sed -n 's/^set(tinyfiqa_triple \(.*\))/\1/p' "$toolchain")
  emulator=$(sed -n 's/^set(tinyfiqa_emulator \(.*\))/\1/p' "$toolchain")
  compiler=${triple:+$triple-g++}
  for program in ${compiler:-clang++ wasm-ld} $emulator; do
    command -v "$program" >/dev/null || { echo "run.sh: no $program; install $packages and an emulator" >&2; exit 77; }
  done
  target_tests=$tests
  if [ "$target" = wasm32 ]; then
    check_wasm "$packages"
    target_tests=$(echo " $tests " | sed 's/ train / /')
  fi
  build=$root/build/targets/$target
  mkdir -p "$build"
  printf '==== %s\n' "$target"
  cmake -S "$root/tests/targets" -B "$build" -G Ninja --toolchain "$toolchain" -DCMAKE_BUILD_TYPE=Release \
    >"$build/configure.log" || { cat "$build/configure.log"; exit 1; }
  for test in $target_tests; do
    cmake --build "$build" --target "target_$test" >"$build/build.log" || { cat "$build/build.log"; exit 1; }
    (cd "$build" && ctest -R "^target.$test\$" --verbose >"$test.log") || { cat "$build/$test.log"; exit 1; }
    grep -q 'Status: SUCCESS!' "$build/$test.log" || { cat "$build/$test.log"; exit 1; }  # no test, no success
    sed -n 's/^[0-9]*: //; /kernels run:/p; /doctest. test cases:/p; /doctest. assertions:/p' "$build/$test.log"
  done
done
