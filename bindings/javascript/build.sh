#!/bin/sh
# build.sh OUT: builds the npm package in the folder OUT, with its WebAssembly module. Exits with 77 if a compiler is missing.
#
# Debian and Ubuntu: clang lld wasi-libc libc++-14-dev-wasm32 libclang-rt-14-dev-wasm32. With binaryen, its wasm-opt makes the
# module smaller.
set -eu
mkdir -p "$1"
out=$(cd "$1" && pwd)
here=$(cd "$(dirname "$0")" && pwd)
root=$(cd "$here/../.." && pwd)

missing() {
  echo "build.sh: $1; install the packages that are named at the top of this file" >&2
  exit 77 # ctest: skipped
}
for program in clang++ wasm-ld; do command -v $program > /dev/null || missing "no $program"; done
echo '#include <vector>' | clang++ --target=wasm32-wasi -x c++ -fsyntax-only - 2> /dev/null ||
  missing "no C++ library for WebAssembly"

# A reactor: a module whose functions are called, without main(). clang would run wasm-opt when it links with -O; here it runs
# once, with more options. With at most 2 GB of memory no pointer is negative: negative results are errors.
object=$(mktemp)
trap 'rm -f "$object"' EXIT
for file in module.cpp ../../tools/jobs/faces/face_finder.cpp; do echo "#include \"$here/$file\""; done |
  clang++ --target=wasm32-wasi -std=c++17 -Oz -msimd128 -fno-exceptions -fno-rtti -fno-threadsafe-statics \
    -I"$root/include" -I"$root/tools" -x c++ -c - -o "$object"
clang++ --target=wasm32-wasi -mexec-model=reactor -Wl,-z,stack-size=1048576,--stack-first,--max-memory=2147483648,--strip-debug "$object" \
  -o "$out/tinyfiqa.wasm"
if command -v wasm-opt > /dev/null; then
  wasm-opt -Oz --converge --low-memory-unused --zero-filled-memory --strip-debug --strip-producers --strip-target-features \
    "$out/tinyfiqa.wasm" -o "$out/smaller.wasm"
  mv "$out/smaller.wasm" "$out/tinyfiqa.wasm"
fi
cd "$here"
cp package.json README.md index.js index.d.ts images.js instance.js worker.js worker.d.ts worker-thread.js "$out"
cp "$root/LICENSE" "$out"
