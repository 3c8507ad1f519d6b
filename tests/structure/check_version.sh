#!/bin/sh
# check_version.sh SOURCE_DIR: project(VERSION) of CMakeLists.txt is the version everywhere else where it is written down.
# `tools/release VERSION` sets all of them. (Python, Conan and the Debian packages read CMakeLists.txt.)
set -eu
cd "$1"
cmake=$(sed -n 's/^project(tinyfiqa VERSION \([0-9.]*\).*/\1/p' CMakeLists.txt)
failed=
same() { # same FILE VERSION
  [ "$2" = "$cmake" ] && return
  echo "$1 says version '$2', CMakeLists.txt '$cmake'; make them agree"
  failed=yes
}
macros() { # macros FILE
  part() { sed -n "s/^#define TINYFIQA_VERSION_$1 \([0-9][0-9]*\)\$/\1/p" "$2"; }
  echo "$(part MAJOR "$1").$(part MINOR "$1").$(part PATCH "$1")"
}
for header in include/tinyfiqa/base/config.hpp bindings/c/tinyfiqa.h; do same $header "$(macros $header)"; done
same meson.build "$(sed -n "s/^project('tinyfiqa', version: '\([0-9.]*\)'.*/\1/p" meson.build)"
for json in packaging/vcpkg/vcpkg.json bindings/javascript/package.json; do
  same $json "$(sed -n 's/^ *"version": "\([0-9.]*\)",$/\1/p' $json)"
done
# What readers of CMakeLists.txt look for.
grep -q "^regex = 'project\\\\(tinyfiqa VERSION " pyproject.toml || { echo "pyproject.toml does not read CMakeLists.txt"; failed=yes; }
# The changelog has this version, or what comes is below [Unreleased].
grep -q "^## \[$cmake\]" CHANGELOG.md || grep -q '^## \[Unreleased\]' CHANGELOG.md ||
  { echo "CHANGELOG.md has neither [$cmake] nor [Unreleased]"; failed=yes; }
[ -z "$failed" ]
