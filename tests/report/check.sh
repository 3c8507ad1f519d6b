#!/bin/sh
# check.sh TOOL SCRATCH: writes reports and uses them in headless Chromium, also with axe-core, which is fetched from npm's
# registry. Exits with 77 if Chromium, Selenium or axe-core can't be had; TINYFIQA_AXE=FILE names an axe.min.js that is there.
set -eu
mkdir -p "$2"
tool=$(realpath "$1") scratch=$(realpath "$2")
here=$(cd "$(dirname "$0")" && pwd)
root=$(cd "$here/../.." && pwd)
version=4.10.3
axe=${TINYFIQA_AXE-$scratch/axe-core-$version/package/axe.min.js}
if [ ! -f "$axe" ] && [ -z "${TINYFIQA_AXE-}" ] && command -v npm > /dev/null; then
  mkdir -p "$scratch/axe-core-$version"
  (cd "$scratch/axe-core-$version" && npm pack --silent "axe-core@$version" && tar xzf "axe-core-$version.tgz") ||
    echo "check.sh: npm's registry gives no axe-core $version" >&2
fi
status=0
/usr/bin/python3 -B "$here/page.py" "$tool" "$root" "$scratch" "$axe" || status=$?
if [ $status = 0 ] && [ ! -f "$axe" ]; then
  echo "check.sh: everything but accessibility is tested: no axe-core (install npm, or name axe.min.js in TINYFIQA_AXE)" >&2
  exit 77
fi
exit $status
