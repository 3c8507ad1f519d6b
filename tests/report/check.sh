#!/bin/sh
# check.sh TOOL SCRATCH: writes reports and uses them in headless Chromium, also with axe-core. Exits with 77 if Chromium,
# Selenium or axe-core can't be had.
set -eu
mkdir -p "$2"
tool=$(realpath "$1") scratch=$(realpath "$2")
here=$(cd "$(dirname "$0")" && pwd)
root=$(cd "$here/../.." && pwd)
axe=$(sh "$here/../browser/axe_core.sh" "$scratch")
/usr/bin/python3 -B "$here/page.py" "$tool" "$root" "$scratch" "$axe"
[ -f "$axe" ] || exit 77
