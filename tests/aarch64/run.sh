#!/bin/sh
# run.sh [FOLDER]: builds the tests of kernels, plans, gradients and threads for 64-bit ARM and runs them in an emulator,
# NEON and scalar kernels both. Builds in FOLDER (default: build/aarch64). Takes some minutes; not part of CI.
#
# Needs, by their Debian names: g++-aarch64-linux-gnu qemu-user libxsimd-dev doctest-dev
set -eu
root=$(cd "$(dirname "$0")/../.." && pwd)
build=${1:-$root/build/aarch64}
for program in aarch64-linux-gnu-g++ qemu-aarch64; do
  command -v $program >/dev/null || { echo "run.sh: no $program; apt-get install g++-aarch64-linux-gnu qemu-user" >&2; exit 1; }
done

# The header-only packages alone: the rest of /usr/include belongs to this machine's processor.
mkdir -p "$build/include"
for package in xsimd doctest; do
  [ -d /usr/include/$package ] || { echo "run.sh: no /usr/include/$package; apt-get install libxsimd-dev doctest-dev" >&2; exit 1; }
  ln -sfn /usr/include/$package "$build/include/$package"
done

compile() {
  object=$build/$1.o
  shift
  echo "compiling $(basename "$object")"
  aarch64-linux-gnu-g++ -std=c++17 -O2 -Wall -Wextra -Werror -DTINYFIQA_ABI=multi -DTINYFIQA_COMPILED_ELSEWHERE -DTINYFIQA_HAVE_neon "-DTINYFIQA_SOURCE_DIR=\"$root\"" \
    -I"$root/include" -I"$root/tools" -I"$root/tests" -isystem "$build/include" -c -o "$object" "$@"
}
for part in inference training; do
  compile ${part}_neon -UTINYFIQA_COMPILED_ELSEWHERE -fno-exceptions -fno-rtti "$root/src/dispatch/$part.cpp"
  compile ${part}_scalar -UTINYFIQA_COMPILED_ELSEWHERE -fno-exceptions -fno-rtti -DTINYFIQA_SCALAR "$root/src/dispatch/$part.cpp"
done
for part in backends training_backends networks; do compile $part "$root/src/dispatch/$part.cpp"; done
compile main "$root/tests/main.cpp"
for test in kernels/test_conv kernels/test_other runtime/test_plan runtime/test_networks models/test_counts autograd/test_gradients \
  base/test_thread_team; do
  compile "$(basename $test)" "$root/tests/$test.cpp"
done
aarch64-linux-gnu-g++ -pthread -o "$build/tests" "$build"/*.o
qemu-aarch64 -L /usr/aarch64-linux-gnu "$build/tests"
