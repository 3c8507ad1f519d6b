#!/bin/sh
# check_wheel.sh TOOL SCRATCH: builds the wheels by tools/make_wheels, installs them in a new virtual environment, and runs
# the package's tests. TOOL is the command whose scores are expected. TINYFIQA_ENGINES: see check.sh.
set -eu
mkdir -p "$2"
tool=$(realpath "$1") scratch=$(realpath "$2")
root=$(cd "$(dirname "$0")/../.." && pwd)
rm -rf "$scratch/wheels" "$scratch/wheel_env"
"$root/tools/make_wheels" "$scratch/wheels"
wheel=$(echo "$scratch"/wheels/tinyfiqa-*.whl)
bytes=$(wc -c <"$wheel")
[ "$bytes" -lt 4000000 ] || { echo "check_wheel.sh: $wheel has $bytes bytes; at most 4,000,000 are wanted" >&2; exit 1; }
python3 -m venv "$scratch/wheel_env"
start=$(date +%s)
"$scratch/wheel_env/bin/pip" install -q "$wheel"
cd "$scratch" # not in the sources: the installed package is tested
"$scratch/wheel_env/bin/python" -c 'import sys, tinyfiqa
print("quality", tinyfiqa.score(sys.argv[1]).quality)' "$root/examples/photos/astronaut.jpg"
echo "seconds from pip install to the first score: $(($(date +%s) - start))"
"$scratch/wheel_env/bin/pip" install -q "tinyfiqa[test${TINYFIQA_ENGINES:+,ray,spark}]" twine "$scratch"/wheels/tinyfiqa_command-*.whl
"$scratch/wheel_env/bin/python" -m twine check "$scratch"/wheels/*.whl
TINYFIQA_TOOL=$tool "$scratch/wheel_env/bin/python" -m pytest -q -p no:cacheprovider "$root/tests/python"
