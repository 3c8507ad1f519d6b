#!/bin/sh
# Builds what uses several threads with clang under the thread sanitizer, in build/tsan, and runs it.
#   tests/thread_sanitizer.sh           teams, plans, loader, training in several ranks
#   tests/thread_sanitizer.sh --quick   teams, shared scorers and a whole training: a third of the time
set -eu
root=$(cd "$(dirname "$0")/.." && pwd)
cd "$root"
cmake --preset tsan -DCMAKE_CXX_COMPILER=clang++ -DTINYFIQA_UNITY=ON -DTINYFIQA_ISAS=avx2
targets="test_base test_shared example_finetune"
[ "${1-}" = --quick ] || targets="$targets test_graph test_train test_data"
cmake --build --preset tsan --target $targets
bin=build/tsan/bin
export TSAN_OPTIONS="halt_on_error=1 ${TSAN_OPTIONS-}"
"$bin/test_base"
"$bin/test_shared"
if [ "${1-}" != --quick ]; then
  "$bin/test_data" --test-case="*epoch*,*worker*,*preload*,*cache*,*bootstrap*,*processes*"
  "$bin/test_graph" --test-case="*whatever the threads*"
  "$bin/test_train" --test-case="one thread count gives the same bits*,with frozen norms micro-batches*"
  "$bin/test_train" --test-case="a gradient is summed in pieces*,a stop of one rank*,ranks share the validation*"
fi
# A whole training: loader, two threads a network, optimiser, checkpoint.
out=$(mktemp -d)
trap 'rm -r "$out"' EXIT
"$bin/example_finetune" "$root/examples/faces/labels.csv" "$out/finetuned.safetensors" "$root/weights/tinyfqnet.safetensors"
