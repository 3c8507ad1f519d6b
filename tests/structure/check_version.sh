#!/bin/sh
# check_version.sh SOURCE_DIR: CMake's project(VERSION) and the macros of base/config.hpp are the same version.
set -eu
config=$1/include/tinyfiqa/base/config.hpp
part() { sed -n "s/^#define TINYFIQA_VERSION_$1 \([0-9][0-9]*\)\$/\1/p" "$config"; }
macros=$(part MAJOR).$(part MINOR).$(part PATCH)
cmake=$(sed -n 's/^project(tinyfiqa VERSION \([0-9.]*\).*/\1/p' "$1/CMakeLists.txt")
if [ "$macros" != "$cmake" ]; then
  echo "base/config.hpp says version '$macros', CMakeLists.txt '$cmake'; make them agree"
  exit 1
fi
