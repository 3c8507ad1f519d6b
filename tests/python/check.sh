#!/bin/sh
# check.sh TOOL SCRATCH: installs the Python package from source in a new virtual environment, as docs/python.md says, and
# runs its tests. TOOL is the command whose scores are expected. With TINYFIQA_ENGINES=1, Ray and Spark are installed too,
# which takes minutes; otherwise their tests are skipped. Exits with 77 without Python's venv.
set -eu
mkdir -p "$2"
tool=$(realpath "$1") scratch=$(realpath "$2")
root=$(cd "$(dirname "$0")/../.." && pwd)
rm -rf "$scratch/env"
if ! python3 -m venv "$scratch/env" 2>"$scratch/venv.log"; then
  cat "$scratch/venv.log" >&2
  exit 77
fi
start=$(date +%s)
"$scratch/env/bin/pip" install -q "$root" || { echo "check.sh: pip could not install the package" >&2; exit 1; }
cd "$scratch" # not in the sources: the installed package is tested
"$scratch/env/bin/python" -c 'import sys, tinyfiqa
print("quality", tinyfiqa.score(sys.argv[1]).quality)' "$root/examples/photos/astronaut.jpg"
echo "seconds from pip install to the first score: $(($(date +%s) - start))"
"$scratch/env/bin/pip" install -q "tinyfiqa[test${TINYFIQA_ENGINES:+,ray,spark}]" # what the tests need beside the installed package
TINYFIQA_TOOL=$tool "$scratch/env/bin/python" -m pytest -q -p no:cacheprovider "$root/tests/python"
