#!/bin/sh
# run.sh [FOLDER]: proves the README's two commands on a Debian that has nothing installed but git.
#
# Needs root, debootstrap, and a Debian whose package sources the new root can use too. Makes the root in FOLDER
# (default: a temporary one, removed afterwards), clones this repository into it and runs the commands there as a new
# user would. Takes some minutes; not part of CI.
set -eu
source_dir=$(cd "$(dirname "$0")/../.." && pwd)
[ "$(id -u)" = 0 ] || { echo "run.sh: must be root (debootstrap and chroot)" >&2; exit 1; }
command -v debootstrap >/dev/null || { echo "run.sh: apt-get install debootstrap" >&2; exit 1; }

root=${1:-}
if [ -z "$root" ]; then root=$(mktemp -d); chmod 755 "$root"; remove=$root; else remove=; mkdir -p "$root"; fi
suite=$(. /etc/os-release && echo "$VERSION_CODENAME")
finish() {
  for point in proc dev/shm dev; do umount "$root/$point" 2>/dev/null || true; done
  [ -z "$remove" ] || rm -rf --one-file-system "$remove"
}
trap finish EXIT

# The first mirror that this machine itself uses.
mirror=$(apt-get indextargets --format '$(SITE)' 'Created-By: Packages' | grep -v security | head -n 1)
[ -x "$root/usr/bin/apt-get" ] || debootstrap --variant=minbase --include=git,ca-certificates "$suite" "$root" "$mirror"
cp -r /etc/apt/apt.conf.d /etc/apt/sources.list* "$root/etc/apt/"
cp -r /usr/share/keyrings "$root/usr/share/"
cp /etc/resolv.conf /etc/hosts "$root/etc/" 2>/dev/null || true
mount --bind /dev "$root/dev"
mount -t tmpfs tmpfs "$root/dev/shm"
mount -t proc proc "$root/proc"

rm -rf "$root/root/tinyfiqa"
git clone -q "$source_dir" "$root/root/tinyfiqa"
inside() { chroot "$root" env -i HOME=/root PATH=/usr/sbin:/usr/bin:/sbin:/bin LC_ALL=C.UTF-8 $(env | grep -i '^[a-z_]*proxy=' || true) sh -ec "cd /root/tinyfiqa; $1"; }

echo "== tools/run score examples/photos/astronaut.jpg"
inside "tools/run score examples/photos/astronaut.jpg" >"$root/root/first.txt"
cat "$root/root/first.txt"
[ "$(wc -l <"$root/root/first.txt")" -ge 1 ]
echo "== again: nothing is built or installed"
inside "tools/run score examples/photos/astronaut.jpg 2>/root/second.err" >"$root/root/second.txt"
cmp "$root/root/first.txt" "$root/root/second.txt"
if [ -s "$root/root/second.err" ]; then cat "$root/root/second.err"; exit 1; fi
echo "== without root, without sudo: says what to install"
if inside "apt-get remove -q -y libzip-dev >/dev/null 2>&1; rm -rf build; useradd -m someone; cp -r . /home/someone/t; chown -R someone /home/someone/t; su someone -c '/home/someone/t/tools/run score x.jpg'" >"$root/root/refused.txt" 2>&1; then
  echo "it should have refused"; exit 1
fi
grep -q "apt-get install libzip-dev" "$root/root/refused.txt" || { cat "$root/root/refused.txt"; exit 1; }
echo "== tools/run test"
inside "tools/run test"
echo "the two commands work on a clean $suite"
