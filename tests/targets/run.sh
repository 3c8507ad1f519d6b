#!/bin/sh
# run.sh [--only TEST] [TARGET...]: builds the tests of kernels, plans and training for other processors, by the toolchain
# files of cmake/toolchains, and runs them in emulators, every instruction set that the emulator knows. Targets:
# aarch64 armv7 riscv64 s390x i686 (default: all). TEST: kernels, graph or train. Builds in build/targets/TARGET.
# Exits with 77 if a compiler or an emulator is missing.
#
# Needs, by their Debian names: g++-TARGET's name-linux-gnu, qemu-user, libxsimd-dev, libstb-dev, doctest-dev
set -eu
root=$(cd "$(dirname "$0")/../.." && pwd)
tests='kernels graph train'
if [ "${1-}" = --only ]; then
  tests=$2
  shift 2
fi
[ $# -gt 0 ] || set -- aarch64 armv7 riscv64 s390x i686

for target in "$@"; do
  toolchain=$root/cmake/toolchains/$target.cmake
  [ -f "$toolchain" ] || { echo "run.sh: no target $target; there are: $(cd "$root/cmake/toolchains" && ls)" >&2; exit 2; }
  triple=$(sed -n 's/^set(tinyfiqa_triple \(.*\))/\1/p' "$toolchain")
  emulator=$(sed -n 's/^set(tinyfiqa_emulator \(.*\))/\1/p' "$toolchain")
  for program in "$triple-g++" $emulator; do
    command -v "$program" >/dev/null || { echo "run.sh: no $program; apt-get install g++-$triple qemu-user" >&2; exit 77; }
  done
  build=$root/build/targets/$target
  mkdir -p "$build"
  printf '==== %s\n' "$target"
  cmake -S "$root/tests/targets" -B "$build" -G Ninja --toolchain "$toolchain" -DCMAKE_BUILD_TYPE=Release \
    >"$build/configure.log" || { cat "$build/configure.log"; exit 1; }
  for test in $tests; do
    cmake --build "$build" --target "target_$test" >"$build/build.log" || { cat "$build/build.log"; exit 1; }
    (cd "$build" && ctest -R "^target.$test\$" --verbose >"$test.log") || { cat "$build/$test.log"; exit 1; }
    grep -q 'Status: SUCCESS!' "$build/$test.log" || { cat "$build/$test.log"; exit 1; }  # no test, no success
    sed -n 's/^[0-9]*: //; /kernels run:/p; /doctest. test cases:/p; /doctest. assertions:/p' "$build/$test.log"
  done
done
