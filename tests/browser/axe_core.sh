#!/bin/sh
# axe_core.sh FOLDER: prints the path of axe.min.js, which is fetched from npm's registry into FOLDER if it is not there. If it
# can't be had, it says so, and there is no file of that path. TINYFIQA_AXE=FILE names one that is there.
set -eu
version=4.10.3
axe=${TINYFIQA_AXE-$1/axe-core-$version/package/axe.min.js}
if [ ! -f "$axe" ] && [ -z "${TINYFIQA_AXE-}" ] && command -v npm > /dev/null; then
  mkdir -p "$1/axe-core-$version"
  (cd "$1/axe-core-$version" && npm pack --silent "axe-core@$version" > /dev/null && tar xzf "axe-core-$version.tgz") || true
fi
[ -f "$axe" ] ||
  echo "axe_core.sh: no axe-core $version, so accessibility is not tested (install npm, or name axe.min.js in TINYFIQA_AXE)" >&2
echo "$axe"
