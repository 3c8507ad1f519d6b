#!/bin/sh
# check_isa_objects.sh NM ISA OBJECT...: an object compiled for one instruction set defines nothing that the linker
# could take for another one's: every function carries the set's name (those of xsimd carry its own, in their types).
# Names are read as the linker sees them: nm's demangler gives up on long ones.
set -eu
nm=$1
isa="${#2}$2"
shift 2
found=$("$nm" --defined-only "$@" | grep -E ' [TWVu] ' | grep -v "7kernels$isa" | grep -v '5xsimd' || true)
if [ -n "$found" ]; then
  echo "functions without 'kernels$isa' in their names:"
  echo "$found"
  exit 1
fi
# The check itself must have had something to look at.
"$nm" --defined-only "$@" | grep -q "7kernels$isa"
