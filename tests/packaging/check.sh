#!/bin/sh
# check.sh SOURCE_DIR BUILD_DIR SCRATCH_DIR CXX GENERATOR: installs the library, then builds and runs a user's project with
# it: headers alone and with tinyfiqa::dispatch, by find_package, add_subdirectory and FetchContent.
set -eu
source_dir=$1 build_dir=$2 scratch=$3 cxx=$4 generator=$5
photo=$source_dir/examples/faces/astronaut.jpg
rm -rf "$scratch"
mkdir -p "$scratch"

# logged NAME COMMAND...: shows the output only when the command fails.
logged() {
  log=$scratch/$1.log
  shift
  "$@" >>"$log" 2>&1 || { cat "$log"; exit 1; }
}
consumer() {
  name=$1
  shift
  logged "$name" cmake -G "$generator" -S "$source_dir/tests/packaging/consumer" -B "$scratch/$name" \
    -DCMAKE_CXX_COMPILER="$cxx" "$@"
  logged "$name" cmake --build "$scratch/$name"
}
# scores PROGRAM EXPECTED: runs it on the photo.
scores() {
  printed=$("$1" "$photo")
  echo "${1#"$scratch"/}: $printed"
  case "$printed" in $2) ;; *) echo "expected: $2"; exit 1 ;; esac
}

logged install cmake --install "$build_dir" --prefix "$scratch/prefix"
tool=$scratch/prefix/bin/tinyfiqa
# The installed tool stands alone.
"$tool" verify-weights "$scratch/prefix/share/tinyfiqa/tinyfqnet_m.safetensors"
"$tool" score "$photo"
[ ! -e "$build_dir/lib/tinyfiqa/tinyfiqa_webp.so" ] || "$tool" score --face whole "$source_dir/tests/fixtures/photos/ramp.webp"
expected=$("$tool" score "$photo" | sed -n 's/^ *\([0-9]*\)  *\([a-z]*\) .*/\1 \2/p')
isa=$("$tool" --version | sed -n 's/^isa *\([a-z0-9]*\) .*/\1/p')

consumer find_package -DCMAKE_PREFIX_PATH="$scratch/prefix" -DHEADER_ONLY="$source_dir/examples/score_photo.cpp" -DDISPATCH=ON
scores "$scratch/find_package/header_only" "$expected"
scores "$scratch/find_package/dispatch" "$isa: $expected"

if [ -e "$scratch/prefix/include/tinyfiqa.h" ]; then
  consumer c -DCMAKE_PREFIX_PATH="$scratch/prefix" -DC_SOURCE="$source_dir/examples/c/score_photo.c" -DDISPATCH=ON
  for library in c c_static; do scores "$scratch/c/program_$library" "$photo: face 1: $expected, raw *"; done
fi

# Of the instruction sets one is enough here.
consumer add_subdirectory -DTINYFIQA_SOURCE="$source_dir" -DTINYFIQA_ISAS=scalar -DDISPATCH=ON \
  -DHEADER_ONLY="$source_dir/examples/score_photo.cpp"
scores "$scratch/add_subdirectory/header_only" "$expected"
scores "$scratch/add_subdirectory/dispatch" "scalar: $expected"

# As a part of another project, the library compiles nothing, tests nothing and installs nothing by itself.
(cd "$source_dir" && cmake -E tar czf "$scratch/source.tar.gz" CMakeLists.txt LICENSE cmake include src)
consumer fetch_content -DTINYFIQA_ARCHIVE="$scratch/source.tar.gz" -DTINYFIQA_ISAS=scalar \
  -DHEADER_ONLY="$source_dir/tests/packaging/consumer/version.cpp"
version=$("$scratch/fetch_content/header_only")
[ "$version" = "$("$tool" --version | sed -n 's/^tinyfiqa //p')" ] || { echo "FetchContent: version '$version'"; exit 1; }
for name in fetch_content add_subdirectory; do
  logged "$name" cmake --install "$scratch/$name" --prefix "$scratch/${name}_prefix"
  [ ! -e "$scratch/${name}_prefix" ] || { echo "$name: installed $(find "$scratch/${name}_prefix" -type f)"; exit 1; }
done
objects=$(find "$scratch/fetch_content/_deps" -name '*.o' -o -name '*.a' -o -name '*.so')
[ -z "$objects" ] || { echo "FetchContent: compiled $objects"; exit 1; }

# None of these projects has a build type.
for name in find_package add_subdirectory; do
  grep -q 'no CMAKE_BUILD_TYPE' "$scratch/$name.log" || { echo "$name: no word about the missing build type"; exit 1; }
done

# The packages of the tests and benchmarks are missing: they are left out, with a word.
logged library cmake -G "$generator" -S "$source_dir" -B "$scratch/library" -DCMAKE_CXX_COMPILER="$cxx" \
  -DTINYFIQA_BUILD_TOOLS=OFF -DCMAKE_DISABLE_FIND_PACKAGE_Eigen3=ON -DCMAKE_DISABLE_FIND_PACKAGE_benchmark=ON
for part in tests benchmarks; do
  grep -q "without the $part, because packages are missing" "$scratch/library.log" || { cat "$scratch/library.log"; exit 1; }
done

# Headers alone: needs no compiled library.
logged headers cmake -G "$generator" -S "$source_dir" -B "$scratch/headers" -DCMAKE_CXX_COMPILER="$cxx" -DTINYFIQA_DISPATCH=OFF \
  -DTINYFIQA_BUILD_TOOLS=OFF -DTINYFIQA_BUILD_EXAMPLES=OFF
logged headers cmake --install "$scratch/headers" --prefix "$scratch/headers_prefix"
logged headers cmake -G "$generator" -S "$source_dir/tests/packaging/consumer" -B "$scratch/headers_consumer" \
  -DCMAKE_CXX_COMPILER="$cxx" -DCMAKE_PREFIX_PATH="$scratch/headers_prefix" \
  -DHEADER_ONLY="$source_dir/examples/score_photo.cpp" -DDISPATCH=OFF
