#!/bin/sh
# check_release.sh SOURCE SCRATCH: tools/release accepts the present version, and a new one that the changelog has already.
# Both are dry runs: nothing is built.
set -eu
source_dir=$(realpath "$1")
expect() { # expect TEXT < what was said
  grep -F -e "$1" || { echo "check_release.sh: tools/release does not say '$1'" >&2; exit 1; }
}
version=$(sed -n 's/^project(tinyfiqa VERSION \([0-9.]*\).*/\1/p' "$source_dir/CMakeLists.txt")
"$source_dir/tools/release" "$version" --dry-run | tee /dev/stderr | expect "already set everywhere"

rm -rf "$2"
git clone -q "$source_dir" "$2"
cd "$2"
cp "$source_dir/tools/release" tools
sed -i 's/^## \[.*/## [99.0.0] - 2000-01-02/' CHANGELOG.md
tools/release 99.0.0 --dry-run | tee /dev/stderr | expect "version 99.0.0 of 2000-01-02; sets it in CMakeLists.txt"
