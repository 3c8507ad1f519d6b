#!/bin/sh
# check_debian.sh PACKAGES SCRATCH_DIR: the Debian packages in the folder PACKAGES, which packaging/debian/build made.
# lintian has nothing to say. Then they are installed: by dpkg into a new system that debootstrap makes, if that is there,
# this is root and CHECK_DEBIAN_SYSTEM=1; otherwise they are unpacked. The command scores a photo, a program in C and one in
# C++ are compiled and run with what was installed. Exits with 77 without dpkg-deb or lintian.
set -eu
root=$(cd "$(dirname "$0")/../.." && pwd)
packages=$(realpath "$1")
mkdir -p "$2"
scratch=$(realpath "$2")
for program in dpkg-deb lintian; do command -v $program >/dev/null || { echo "no $program"; exit 77; }; done
fail() { echo "FAILED: $*"; exit 1; }
version=$(sed -n 's/^project(tinyfiqa VERSION \([0-9.]*\).*/\1/p' "$root/CMakeLists.txt")
minor=${version%.*}
case $version in 0.*) library=libtinyfiqa$minor ;; *) library=libtinyfiqa${version%%.*} ;; esac
architecture=$(dpkg --print-architecture)
triplet=$(dpkg-architecture -qDEB_HOST_MULTIARCH)

set --
for name in tinyfiqa "$library" libtinyfiqa-dev; do
  file=$packages/${name}_$version-1_$architecture.deb
  [ -e "$file" ] || fail "there is no $file"
  set -- "$@" "$file"
done

lintian --fail-on error,warning "$@" || fail "lintian"
for file in "$@"; do
  dpkg-deb --field "$file" Package Version Section Depends
  dpkg-deb --ctrl-tarfile "$file" | tar -tf - | grep -q md5sums || fail "$file has no md5sums"
done
dpkg-deb --field "$1" Depends | grep -q 'libwebp' || fail "the command does not depend on what its modules link"
dpkg-deb --fsys-tarfile "$2" | tar -tf - | grep -q "^./usr/lib/$triplet/libtinyfiqa.so.$version$" || fail "no library in usr/lib/$triplet"

dpkg-deb --fsys-tarfile "$1" | tar -tf - >"$scratch/files"
for file in share/man/man1/tinyfiqa-score.1.gz share/bash-completion/completions/tinyfiqa \
  share/zsh/vendor-completions/_tinyfiqa share/fish/vendor_completions.d/tinyfiqa.fish share/tinyfiqa/tinyfqnet_l.safetensors; do
  grep -q "^./usr/$file$" "$scratch/files" || fail "the command's package has no $file"
done

# Unpacked, and used with the libraries of this machine.
prefix=$scratch/unpacked
rm -rf "$prefix"
for file in "$@"; do dpkg-deb --extract "$file" "$prefix"; done
(cd "$prefix" && for file in "$packages"/*.deb; do dpkg-deb --ctrl-tarfile "$file" | tar -xOf - ./md5sums | md5sum --check --quiet; done)
photo=$root/examples/photos/astronaut.jpg
tool=$prefix/usr/bin/tinyfiqa
"$tool" --version
"$tool" score "$photo" | grep -q '^ 24  poor' || fail "the command"
"$tool" score --face whole "$root/tests/fixtures/photos/ramp.webp" || fail "a module"
"$tool" score --model ensemble --face whole "$photo" || fail "trained weights"
for set in sse42 avx2 avx512 neon; do # all that this processor family has, the CPU permitting
  "$tool" --version | grep -q "compiled:.*$set.*; this machine runs:.*$set" || continue
  "$tool" score --isa $set "$photo" | grep -q '^ 24  poor' || fail "the command with --isa $set"
done

export PKG_CONFIG_SYSROOT_DIR= PKG_CONFIG_PATH="$prefix/usr/lib/$triplet/pkgconfig"
cc -std=c99 "$root/examples/c/score_photo.c" $(pkg-config --cflags --libs tinyfiqa) -o "$scratch/program_c"
LD_LIBRARY_PATH=$prefix/usr/lib/$triplet "$scratch/program_c" "$photo" | grep 'face 1: 24 poor' || fail "the program in C"
cmake -G Ninja -S "$root/tests/packaging/consumer" -B "$scratch/consumer" -DCMAKE_PREFIX_PATH="$prefix/usr" -DDISPATCH=ON >"$scratch/consumer.log"
cmake --build "$scratch/consumer" >>"$scratch/consumer.log" || { cat "$scratch/consumer.log"; fail "the program in C++"; }
"$scratch/consumer/dispatch" "$photo" | grep ': 24 poor' || fail "the program in C++"

if [ "${CHECK_DEBIAN_SYSTEM:-}" != 1 ]; then exit 0; fi
command -v debootstrap >/dev/null && [ "$(id -u)" = 0 ] || fail "CHECK_DEBIAN_SYSTEM needs root and debootstrap"
system=$scratch/system
rm -rf "$system"
mirror=$(apt-get indextargets --format '$(REPO_URI)' 'Created-By: Packages' | head -1)
release=$(. /etc/os-release && echo "$VERSION_CODENAME")
debootstrap --variant=minbase "$release" "$system" "$mirror" >"$scratch/debootstrap.log" || { tail "$scratch/debootstrap.log"; fail "debootstrap"; }
mkdir "$system/packages"
cp "$@" "$photo" "$root/examples/c/score_photo.c" "$system/packages/"
cp /etc/apt/apt.conf.d/* "$system/etc/apt/apt.conf.d/" 2>/dev/null || true
chroot "$system" sh -euc '
  export DEBIAN_FRONTEND=noninteractive
  apt-get -q update && apt-get -q -y --no-install-recommends install gcc libc6-dev pkg-config /packages/*.deb
  cd /packages
  tinyfiqa score astronaut.jpg
  cc score_photo.c $(pkg-config --cflags --libs tinyfiqa) -o program && ./program astronaut.jpg
  dpkg --verify tinyfiqa
  apt-get -q -y purge "tinyfiqa" "libtinyfiqa*"
  [ -z "$(find /usr -name "*tinyfiqa*")" ]' >"$scratch/system.log" 2>&1 || { tail -30 "$scratch/system.log"; fail "in a new system"; }
grep -E 'poor|face 1' "$scratch/system.log"
