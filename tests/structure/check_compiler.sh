#!/bin/sh
# check_compiler.sh INCLUDE_DIR STANDARDS COMPILER...: what must hold with every compiler; nothing is compiled to the end.
# STANDARDS: "17 20 2b", for example. A compiler may have options: "clang++ -stdlib=libc++". Without COMPILER: all of gcc
# and clang that are found, also with libc++.
#   - all headers are free of warnings, in every standard
#   - with the macros of <windows.h> they compile
#   - C++14 gets one message, not a thousand errors
#   - clang alone: what MSVC would see of the headers compiles (its macros, none of clang's; without SIMD, whose
#     intrinsics have other headers there)
set -eu
here=$(cd "$(dirname "$0")" && pwd)
include=$1 standards=$2
shift 2
if [ $# = 0 ]; then
  for v in 9 10 11 12 13 14 15 16 17 18 19 20 21 22; do
    for name in g++ clang++; do
      command -v "$name-$v" >/dev/null || continue
      set -- "$@" "$name-$v"
      [ "$name" = clang++ ] && echo '#include <vector>' | "$name-$v" -stdlib=libc++ -x c++ -fsyntax-only - 2>/dev/null &&
        set -- "$@" "$name-$v -stdlib=libc++"
    done
  done
fi
scratch=$(mktemp -d)
trap 'rm -r "$scratch"' EXIT
# (The umbrella first: in files that begin with the long lines of the weights, gcc loses track of its pragmas.)
everything=$scratch/everything.cpp
{ echo '#include <tinyfiqa/training.hpp>'; (cd "$include" && find tinyfiqa -name '*.hpp' | sort | sed 's/.*/#include <&>/'); } >"$everything"
warnings='-Wall -Wextra -Wshadow -Wconversion -Wsign-conversion -Werror'
printf '#include <tinyfiqa/tinyfiqa.hpp>\n' >"$scratch/small.cpp"

failed=0
fail() {
  echo "FAILED: $*"
  head -20 "$scratch/log"
  failed=1
}
for compiler in "$@"; do
  for standard in $standards; do
    $compiler -std=c++$standard $warnings -fsyntax-only -I"$include" "$everything" >"$scratch/log" 2>&1 || fail "$compiler -std=c++$standard: warnings"
  done
  $compiler -std=c++17 -fsyntax-only -I"$include" -include "$here/windows_macros.hpp" "$everything" >"$scratch/log" 2>&1 ||
    fail "$compiler: with the macros of windows.h"
  $compiler -std=c++14 -fsyntax-only -I"$include" "$scratch/small.cpp" >"$scratch/log" 2>&1 && fail "$compiler: C++14 compiles"
  grep -q 'error.*tinyfiqa needs C++17' "$scratch/log" && [ "$(grep -c 'error:' "$scratch/log")" -le 2 ] || fail "$compiler: C++14's message"
  case $compiler in
    *clang*libc++*) ;;
    *clang*)
      $compiler -std=c++17 -fsyntax-only -U__clang__ -fgnuc-version=10.2 -fms-extensions -D_MSC_VER=1929 -D_MSVC_LANG=201703L \
        -D_M_X64 -DTINYFIQA_SCALAR -I"$include" "$everything" >"$scratch/log" 2>&1 || fail "$compiler: MSVC's branches"
      ;;
  esac
  echo "$compiler: C++ $standards"
done
exit $failed
