#!/bin/sh
# check_vcpkg.sh SOURCE_DIR SCRATCH_DIR [CMAKE_OPTION]: the vcpkg port. With vcpkg in PATH, it installs the port. Without, it
# runs portfile.cmake with stand-ins for vcpkg's functions, as their documentation says what they do, and the libraries of
# this machine; then a project uses the result. That does not test vcpkg itself, nor the ports that this one depends on.
set -eu
source_dir=$(realpath "$1")
mkdir -p "$2"
scratch=$(realpath "$2")
port=$source_dir/packaging/vcpkg
fail() { echo "FAILED: $*"; exit 1; }

python3 "$source_dir/tests/packaging/check_vcpkg_manifest.py" "$port/vcpkg.json"
if command -v vcpkg >/dev/null; then
  vcpkg install tinyfiqa --classic --overlay-ports="$port" --x-install-root="$scratch/installed"
  exit
fi
echo "vcpkg is missing: portfile.cmake runs with stand-ins"
rm -rf "$scratch/packages" "$scratch/build"
cmake -DPORT=tinyfiqa -DPORT_DIR="$port" -DMORE="${3:-}" -DPACKAGES="$scratch/packages" -DBUILDTREES="$scratch/build" \
  -P "$source_dir/tests/packaging/vcpkg_stand_ins.cmake" >"$scratch/port.log" 2>&1 || { tail -40 "$scratch/port.log"; fail "portfile.cmake"; }
cd "$scratch/packages"
for file in share/tinyfiqa/tinyfiqaConfig.cmake share/tinyfiqa/copyright share/tinyfiqa/usage include/tinyfiqa/tinyfiqa.hpp; do
  [ -e $file ] || fail "the package has no $file"
done
# What vcpkg's checks after a build refuse.
[ ! -e debug/include ] && [ ! -e debug/share ] && [ ! -e lib/cmake ] || fail "files in the wrong folders"
[ -z "$(find . -type d -empty)" ] || fail "empty folders: $(find . -type d -empty)"
if grep -rl "$scratch" --include='*.cmake' --include='*.pc' .; then fail "absolute paths"; fi
cmake -G Ninja -S "$source_dir/tests/packaging/consumer" -B "$scratch/consumer" -DCMAKE_PREFIX_PATH="$PWD" \
  -DCMAKE_BUILD_TYPE=Release -DDISPATCH=ON >"$scratch/consumer.log"
cmake --build "$scratch/consumer" >>"$scratch/consumer.log" || { tail -30 "$scratch/consumer.log"; fail "the project that uses it"; }
"$scratch/consumer/dispatch" "$source_dir/examples/photos/astronaut.jpg"
