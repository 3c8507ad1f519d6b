#!/bin/bash
# Reads all image fixtures under valgrind, with the library and with the tool's decoders: pixels that come from
# uninitialised memory are an error. Reads them again with memory that is filled with other values: the output must be the
# same.
#   tests/uninitialised.sh BUILD        (cmake --build BUILD --target read_files; Debian: apt install valgrind)
set -euo pipefail
build=$(realpath "${1:?the build folder}")
cd "$(dirname "$0")/fixtures"
program=$build/bin/read_files
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
mapfile -t files < <(find image photos variants -type f ! -name '*.txt' | sort)

for value in 1 85 254; do
  MALLOC_PERTURB_=$value "$program" "${files[@]}" >"$work/$value"
  cmp "$work/1" "$work/$value" || { diff "$work/1" "$work/$value" | head; exit 1; }
done

# The codecs inside libheif have assembly code that valgrind misjudges.
mapfile -t checked < <(printf '%s\n' "${files[@]}" | grep -v -E '\.(heic|avif)$')
valgrind -q --error-exitcode=1 --num-callers=12 "$program" "${checked[@]}" >"$work/valgrind"
grep -v -E '\.(heic|avif) ' "$work/1" | cmp - "$work/valgrind"
echo "${#files[@]} files, ${#checked[@]} of them under valgrind: no uninitialised memory"
