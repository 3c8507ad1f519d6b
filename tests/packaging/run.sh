#!/bin/sh
# run.sh SCRATCH_DIR: what takes too long for every change: builds the Debian packages and checks them in a new system, then
# Meson, vcpkg's port and Conan's recipe. Part of `tools/run audit`. What is missing is named and left out.
set -u
root=$(cd "$(dirname "$0")/../.." && pwd)
mkdir -p "$1"
scratch=$(realpath "$1")
failed=
# part NAME COMMAND...
part() {
  name=$1
  shift
  printf '\n---- %s\n' "$name"
  "$@"
  status=$?
  [ $status = 0 ] || [ $status = 77 ] || failed="$failed $name"
}
here=$root/tests/packaging
rm -rf "$scratch/deb"
part "Debian build" "$root/packaging/debian/build" "$scratch/deb" "$scratch/debian"
CHECK_DEBIAN_SYSTEM=$([ "$(id -u)" = 0 ] && command -v debootstrap >/dev/null && echo 1)
export CHECK_DEBIAN_SYSTEM
part "Debian packages" "$here/check_debian.sh" "$scratch/deb" "$scratch/debian_check"
part "man pages" "$here/check_man_pages.py" "$scratch/debian/bin/tinyfiqa" "$scratch/debian/documents"
part "completions" "$here/check_completions.py" "$scratch/debian/documents"
part "Meson" "$here/check_meson.sh" "$root" "$scratch/meson"
part "vcpkg" "$here/check_vcpkg.sh" "$root" "$scratch/vcpkg"
[ -x "$scratch/venv/bin/conan" ] || { python3 -m venv "$scratch/venv" && "$scratch/venv/bin/pip" install -q "conan>=2"; }
CONAN=$scratch/venv/bin/conan
export CONAN
part "Conan" "$here/check_conan.sh" "$root" "$scratch/conan"
[ -z "$failed" ] || { echo "packages: found something:$failed"; exit 1; }
