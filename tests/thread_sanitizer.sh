#!/bin/sh
# thread_sanitizer.sh BUILD: runs what uses several threads, in a build of the preset tsan:
#
#   cmake --preset tsan && cmake --build --preset tsan --target test_base test_shared test_graph test_train test_data example_finetune
#   tests/thread_sanitizer.sh build/tsan
set -eu
root=$(cd "$(dirname "$0")/.." && pwd)
bin=$1/bin
export TSAN_OPTIONS="halt_on_error=1 ${TSAN_OPTIONS-}"
"$bin/test_base"
"$bin/test_shared"
"$bin/test_data" --test-case="*epoch*,*worker*,*preload*,*cache*,*bootstrap*"
"$bin/test_graph" --test-case="*whatever the threads*"
"$bin/test_train" --test-case="one thread count gives the same bits*,with frozen norms micro-batches*"
# A whole training: loader, two threads a network, optimiser, checkpoint.
out=$(mktemp -d)
trap 'rm -r "$out"' EXIT
"$bin/example_finetune" "$root/examples/faces/labels.csv" "$out/finetuned.safetensors" "$root/weights/tinyfqnet.safetensors"
