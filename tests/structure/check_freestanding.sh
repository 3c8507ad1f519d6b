#!/bin/sh
# check_freestanding.sh NM OBJECT: the object calls nothing but memory and mathematical functions of C.
set -eu
found=$("$1" --undefined-only "$2" | sed 's/.* U //' |
  grep -vxE 'mem(cpy|move|set|cmp)|(exp|log|tanh|sqrt|pow|floor|ceil|round|lround|lrint|fabs)f?|_GLOBAL_OFFSET_TABLE_|__stack_chk_fail' || true)
if [ -n "$found" ]; then
  echo "calls that a bare machine has no function for:"
  echo "$found"
  exit 1
fi
