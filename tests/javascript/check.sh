#!/bin/sh
# check.sh TOOL SCRATCH: builds the npm package and the page, and runs their tests, in Node.js and in headless Chromium. TOOL is
# the command whose scores are expected. Exits with 77 if a tool or axe-core is missing; what the others can test is tested
# before.
set -eu
mkdir -p "$2"
tool=$(realpath "$1") scratch=$(realpath "$2")
here=$(cd "$(dirname "$0")" && pwd)
root=$(cd "$here/../.." && pwd)
"$root/examples/web/build.sh" "$scratch/site"
for program in node djpeg; do
  command -v $program > /dev/null || { echo "check.sh: no $program (Debian: nodejs, libjpeg-turbo-progs)" >&2; exit 77; }
done
TINYFIQA_TOOL=$tool TINYFIQA_PACKAGE=$scratch/site/tinyfiqa node --test "$here/package.test.mjs"
if command -v npm > /dev/null; then (cd "$scratch/site/tinyfiqa" && npm pack --dry-run); fi
if command -v tsc > /dev/null; then
  tsc --strict --noEmit --target es2022 --module nodenext --lib es2022,dom "$scratch/site/tinyfiqa/index.d.ts" \
    "$scratch/site/tinyfiqa/worker.d.ts"
fi
axe=$(sh "$here/../browser/axe_core.sh" "$scratch")
/usr/bin/python3 -B "$here/page.py" "$tool" "$scratch/site" "$root" "$scratch/screenshots" "$axe"
[ -f "$axe" ] || exit 77
