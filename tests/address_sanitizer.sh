#!/bin/bash
# Builds everything with clang under the address and undefined-behaviour sanitizers, fuzzers too, and runs the tests.
#   tests/address_sanitizer.sh OPTION...        options of ctest, such as -R REGEX; builds in build/asan+ubsan
#   tests/address_sanitizer.sh --quick          the kernels, and what reads files: a third of the time; without the check of
#                                               pointers that wrap around, which takes most of the compiler's time
# Without ONNX, whose library is the system's. The commands of the tool are compiled without optimisation, in half the
# time; kernels and tests are as the preset says. (Debian: apt install clang libclang-rt-14-dev, and what the tests need)
set -euo pipefail
cd "$(dirname "$0")/.."
flags="-O1 -g1"
[ "${1-}" != --quick ] || flags="$flags -fno-sanitize=pointer-overflow"
cmake --preset asan+ubsan -DCMAKE_CXX_FLAGS_RELWITHDEBINFO="$flags" -DCMAKE_CXX_COMPILER=clang++ -DCMAKE_CXX_STANDARD=20 -DTINYFIQA_UNITY=ON -DTINYFIQA_ISAS=avx2 \
  -DTINYFIQA_BUILD_EXAMPLES=OFF -DTINYFIQA_ONNX=OFF -DTINYFIQA_TOOL_FLAGS=-O0 \
  -DTINYFIQA_BUILD_FUZZERS=ON -DTINYFIQA_FUZZING_FLAGS=-fsanitize=fuzzer-no-link
if [ "${1-}" = --quick ]; then
  tests=(base shared kernels image io data decoders c)
  cmake --build --preset asan+ubsan --target fuzzers "${tests[@]/#/test_}"
  names=$(IFS='|'; echo "${tests[*]}")
  set -- -R "^($names)\$"
else
  cmake --build --preset asan+ubsan
fi
ctest --preset asan+ubsan -j "$(nproc)" "$@"
