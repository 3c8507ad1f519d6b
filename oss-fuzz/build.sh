#!/bin/bash
# Builds the fuzzers as OSS-Fuzz wants them: with its compilers, flags and engine, into $OUT, each with a zip file of its
# seeds and its dictionary. OSS-Fuzz sets CC, CXX, CFLAGS, CXXFLAGS, LIB_FUZZING_ENGINE, OUT and WORK.
set -euo pipefail
root=${TINYFIQA_ROOT:-$SRC/tinyfiqa}
build=${WORK:-/tmp}/tinyfiqa
targets=${TINYFIQA_FUZZERS:-$("$root/tests/fuzz/run.sh" list)}

# CXXFLAGS choose the sanitizers, and instrument for the engine. Shared libraries are found in lib beside the fuzzers, and
# so are those that they need themselves (hence the old kind of run path).
cmake -S "$root" -B "$build" -G Ninja $("$root/tests/fuzz/run.sh" cmake) -DCMAKE_CXX_COMPILER="$CXX" \
  -DCMAKE_CXX_FLAGS="$CXXFLAGS" -DTINYFIQA_FUZZING_ENGINE="$LIB_FUZZING_ENGINE" -DTINYFIQA_FUZZING_FLAGS= \
  -DCMAKE_BUILD_RPATH='$ORIGIN/lib' -DCMAKE_EXE_LINKER_FLAGS=-Wl,--disable-new-dtags
mkdir -p "$OUT/lib"

for target in $targets; do
  # A decoder whose library is too old or missing has no fuzzer.
  ninja -C "$build" -t query "fuzz_$target" >/dev/null 2>&1 || { echo "without fuzz_$target"; continue; }
  cmake --build "$build" --target "fuzz_$target"
  fuzzer=$OUT/fuzz_$target
  cp "$build/bin/fuzz_$target" "$fuzzer"
  # Shared libraries travel along, but those that the machines that run fuzzers have.
  ldd "$fuzzer" | awk '$3 ~ /^\// { print $3 }' | grep -vE '/(libc|libm|libdl|librt|libpthread)\.so' |
    xargs -r cp -n -t "$OUT/lib"
  "$root/tests/fuzz/run.sh" inputs "$target" | while read -r input; do
    if [ -d "$input" ]; then find "$input" -type f -size -64k | zip -q -j -@ "${fuzzer}_seed_corpus.zip"
    else cp "$input" "$fuzzer.dict"; fi
  done
  "$root/tests/fuzz/run.sh" limits "$target" >"$fuzzer.options"
done
