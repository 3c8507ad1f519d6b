#!/bin/sh
# build.sh OUT: builds the scorer as a WebAssembly module, OUT/tinyfiqa.wasm, and for this machine, and runs both. Exits with
# 77 if a compiler or Node.js is missing.
#
# Debian and Ubuntu: clang lld wasi-libc libc++-14-dev-wasm32 libclang-rt-14-dev-wasm32; Node.js 20 or newer. With binaryen, its
# wasm-opt makes the module smaller.
set -eu
out=$1
here=$(cd "$(dirname "$0")" && pwd)
include=$here/../../include
mkdir -p "$out"

missing() {
  echo "build.sh: $1; install the packages that are named at the top of this file" >&2
  exit 77 # ctest: skipped
}
for program in clang++ wasm-ld node; do command -v $program > /dev/null || missing "no $program"; done
echo '#include <vector>' | clang++ --target=wasm32-wasi -x c++ -fsyntax-only - 2> /dev/null ||
  missing "no C++ library for WebAssembly"
node --no-warnings -e 'new (require("node:wasi").WASI)({ version: "preview1" })' 2> /dev/null || missing "node has no WASI"

# A reactor: a module whose functions are called, without main(). clang runs wasm-opt if it is installed, which then must find
# the names of the processor's features in the module: they are stripped afterwards.
strip=,--strip-all
if command -v wasm-opt > /dev/null; then strip=; fi
clang++ --target=wasm32-wasi -mexec-model=reactor -std=c++17 -O3 -msimd128 -fno-exceptions -fno-rtti -I"$include" \
  -Wl,-z,stack-size=1048576,--stack-first$strip "$here/score_face.cpp" -o "$out/tinyfiqa.wasm"
if [ -z "$strip" ]; then
  wasm-opt -O3 --strip-debug --strip-producers --strip-target-features "$out/tinyfiqa.wasm" -o "$out/stripped.wasm"
  mv "$out/stripped.wasm" "$out/tinyfiqa.wasm"
fi
${CXX:-c++} -std=c++17 -O2 -DTINYFIQA_NO_NOTES -I"$include" "$here/score_face.cpp" "$here/native.cpp" -o "$out/native"

node --no-warnings "$here/run.mjs" "$out/tinyfiqa.wasm" "$out/native"
