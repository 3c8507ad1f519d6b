#!/bin/bash
# Which lines do the tests run? Builds them with clang's counters, runs them, and prints the share of lines for each folder of
# the library and for the tool's decoders. Fails below 90 % for the engine (kernels, runtime, nn, autograd) or the readers
# (formats, image, decoders).
#   tests/coverage.sh BUILD        (Debian: apt install clang libclang-rt-14-dev llvm, and what the tests need)
# A page for each file: llvm-cov show -format=html -output-dir=pages -instr-profile=BUILD/tests.profdata BUILD/bin/test_...
set -euo pipefail
root=$(cd "$(dirname "$0")/.." && pwd)
mkdir -p "${1:?the build folder}"
build=$(realpath "$1")
cmake -S "$root" -B "$build" -G Ninja -DCMAKE_BUILD_TYPE=RelWithDebInfo -DCMAKE_CXX_COMPILER=clang++ \
  -DCMAKE_CXX_FLAGS="-fprofile-instr-generate -fcoverage-mapping" -DCMAKE_CXX_FLAGS_RELWITHDEBINFO=-O1 \
  -DTINYFIQA_UNITY=ON -DTINYFIQA_ISAS=avx2 -DTINYFIQA_BUILD_TESTS=ON -DTINYFIQA_BUILD_BENCH=OFF -DTINYFIQA_BUILD_EXAMPLES=OFF >"$build/coverage.log"
cmake --build "$build" >>"$build/coverage.log" || { tail -50 "$build/coverage.log" >&2; exit 1; }
rm -rf "$build/profiles"
# Without what compiles programs, reads documents, or repeats the tool's tests.
LLVM_PROFILE_FILE="$build/profiles/%m-%p.profraw" ctest --test-dir "$build" -j "$(nproc)" --output-on-failure \
  -E '^(structure|packaging|docs|onnx_runtime|io_pytorch|hostile_files|numerics|convergence)' >>"$build/coverage.log" ||
  { tail -50 "$build/coverage.log" >&2; exit 1; }
llvm-profdata merge -sparse "$build"/profiles/*.profraw -o "$build/tests.profdata"
rm -r "$build/profiles"
# (It warns of functions that two programs compiled differently: it then has the counts of one of them.)
objects=$(find "$build/bin" "$build/lib" -type f \( -name 'test_*' -o -name '*.so' \) | sed 's/^/-object /')
llvm-cov export -summary-only -instr-profile="$build/tests.profdata" "$build/bin/tinyfiqa" $objects \
  "$root/include" "$root/tools/decoders" >"$build/coverage.json" 2>"$build/coverage.warnings"
python3 - "$build/coverage.json" "$root" <<'END'
import collections, json, os, sys
lines = collections.defaultdict(lambda: [0, 0])
for file in json.load(open(sys.argv[1]))["data"][0]["files"]:
    name = os.path.relpath(file["filename"], sys.argv[2]).replace("include/tinyfiqa/", "")
    room = name.split("/")[0].replace("tools", "decoders")
    part = {"engine": ("kernels", "runtime", "nn", "autograd", "simd", "base", "threads"),
            "readers": ("formats", "image", "decoders")}
    groups = [room, "all"] + [key for key, rooms in part.items() if room in rooms]
    for group in groups:
        lines[group][0] += file["summary"]["lines"]["covered"]
        lines[group][1] += file["summary"]["lines"]["count"]
print("| folder | lines | run by the tests |\n|---|---|---|")
last = ("engine", "readers", "all")
for group in sorted(lines, key=lambda g: (g in last, last.index(g) if g in last else 0, g)):
    covered, count = lines[group]
    print(f"| {group} | {count} | {100 * covered / count:.1f} % |")
sys.exit(any(lines[g][0] < 0.9 * lines[g][1] for g in ("engine", "readers")))
END
