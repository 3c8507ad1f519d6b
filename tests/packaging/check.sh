#!/bin/sh
# check.sh SOURCE_DIR BUILD_DIR SCRATCH_DIR CXX GENERATOR: installs the library, then builds and runs a user's project with it,
# by find_package and by add_subdirectory.
set -eu
source_dir=$1 build_dir=$2 scratch=$3 cxx=$4 generator=$5
rm -rf "$scratch"
mkdir -p "$scratch"
cmake --install "$build_dir" --prefix "$scratch/prefix" >"$scratch/install.log"

try() {
  name=$1
  shift
  cmake -G "$generator" -S "$source_dir/tests/packaging/consumer" -B "$scratch/$name" -DCMAKE_CXX_COMPILER="$cxx" \
    -DEXAMPLE="$source_dir/examples/score_photo.cpp" "$@" >"$scratch/$name.log" 2>&1 || { cat "$scratch/$name.log"; exit 1; }
  cmake --build "$scratch/$name" >>"$scratch/$name.log" 2>&1 || { cat "$scratch/$name.log"; exit 1; }
  score=$("$scratch/$name/consumer" "$source_dir/examples/faces/astronaut.jpg")
  echo "$name: $score"
  case "$score" in [0-9]*' '[a-z]*) ;; *) exit 1 ;; esac
}
try find_package -DCMAKE_PREFIX_PATH="$scratch/prefix"
try add_subdirectory -DTINYFIQA_SOURCE="$source_dir"
# The installed tool stands alone.
"$scratch/prefix/bin/tinyfiqa" score "$source_dir/examples/faces/astronaut.jpg"
"$scratch/prefix/bin/tinyfiqa" verify-weights "$scratch/prefix/share/tinyfiqa/tinyfqnet.safetensors"
