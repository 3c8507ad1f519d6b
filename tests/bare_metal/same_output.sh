#!/bin/sh
# same_output.sh PROGRAM PROGRAM: both succeed and print the same.
set -eu
first=$("$1")
second=$("$2")
[ -n "$first" ]
[ "$first" = "$second" ] || { printf '%s\n\nbut the other one:\n%s\n' "$first" "$second"; exit 1; }
