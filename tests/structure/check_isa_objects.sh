#!/bin/sh
# check_isa_objects.sh NM ISA OBJECT...: an object compiled for one instruction set defines nothing that the linker
# could take for another one's: every function carries the set's name (those of xsimd carry its own, in their types).
set -eu
nm=$1
isa=$2
shift 2
found=$("$nm" -C --defined-only "$@" | grep -E ' [TWVu] ' | grep -v "::$isa::" | grep -v 'xsimd::' || true)
if [ -n "$found" ]; then
  echo "functions without '::$isa::' in their names:"
  echo "$found"
  exit 1
fi
# The check itself must have had something to look at.
"$nm" -C --defined-only "$@" | grep -q "::$isa::"
