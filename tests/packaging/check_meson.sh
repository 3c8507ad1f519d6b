#!/bin/sh
# check_meson.sh SOURCE_DIR SCRATCH_DIR: a Meson project gets the library by a wrap file, as docs/packages.md says, from the
# archive and the wrap of `tools/release`, and builds and runs a program. Exits with 77 without meson.
set -eu
source_dir=$(realpath "$1")
mkdir -p "$2"
scratch=$(realpath "$2")
for program in meson ninja python3; do command -v $program >/dev/null || { echo "no $program"; exit 77; }; done
rm -rf "$scratch/project"
mkdir -p "$scratch/project/subprojects/packagecache"
cd "$scratch/project"

# The archive lies where Meson would download it to: there is no public address yet.
"$source_dir/tools/release" --archive "$scratch/project/subprojects/packagecache"
mv subprojects/packagecache/tinyfiqa.wrap subprojects/
cp "$source_dir/tests/packaging/consumer/scalar.cpp" score.cpp
cat >meson.build <<'END'
project('consumer', 'cpp', default_options: ['cpp_std=c++17', 'buildtype=plain', 'optimization=1'])
tinyfiqa_dep = dependency('tinyfiqa', version: '>=0.1')
executable('score', 'score.cpp', dependencies: tinyfiqa_dep)
END
meson setup build
ninja -C build
score=$(build/score "$source_dir/examples/photos/astronaut.jpg")
echo "score: $score"
case $score in [1-9][0-9]\ poor) ;; *) exit 1 ;; esac
