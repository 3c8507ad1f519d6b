#!/bin/sh
# check_conan.sh SOURCE_DIR SCRATCH_DIR: `conan create` of the recipe, which also builds and runs its test package. xsimd and
# stb are those of the system, because Conan's own may not be reachable. CONAN names the program; exits with 77 without it.
set -eu
source_dir=$(realpath "$1")
mkdir -p "$2"
scratch=$(realpath "$2")
CONAN_HOME=$scratch/home
export CONAN_HOME
conan=${CONAN:-conan}
command -v "$conan" >/dev/null || { echo "no conan (pip install conan)"; exit 77; }
"$conan" profile detect --force >/dev/null
"$conan" create "$source_dir/packaging/conan" --no-remote -s compiler.cppstd=17 -o "tinyfiqa/*:system_libs=True" \
  -o "tinyfiqa/*:isas=${ISAS:-}" -c tools.cmake.cmake_layout:test_folder="$scratch/test"
