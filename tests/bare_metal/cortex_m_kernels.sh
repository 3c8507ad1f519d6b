#!/bin/sh
# cortex_m_kernels.sh SOURCE_DIR PROGRAM OUT: the small kernels print what PROGRAM, network_bits with the scalar ones, prints, when
# they have the instructions of Cortex-M4F. They are compiled for Armv7-A, which has those too, because emulated Cortex-M boards
# lack the memory. 77 (skipped) if there is no compiler or no emulator.
#
# Debian and Ubuntu: g++-arm-linux-gnueabihf qemu-user
set -eu
source_dir=$1 program=$2 out=$3
for needed in arm-linux-gnueabihf-g++ qemu-arm; do
  command -v $needed > /dev/null || { echo "cortex_m_kernels.sh: no $needed" >&2; exit 77; }
done
mkdir -p "$out"
arm-linux-gnueabihf-g++ -std=c++17 -O1 -ffp-contract=off -fconstexpr-ops-limit=500000000 -mthumb -march=armv7-a+vfpv4 \
  -mfloat-abi=hard -static -DTINYFIQA_SMALL -I"$source_dir/include" -I"$source_dir/tests" \
  "$source_dir/tests/bare_metal/network_bits.cpp" -o "$out/network_bits_cortex_m"
arm-linux-gnueabihf-nm "$out/network_bits_cortex_m" | grep -q tiles_to_levels ||
  { echo "cortex_m_kernels.sh: the kernels of Cortex-M4F are not in the program" >&2; exit 1; }
"$program" > "$out/expected"
qemu-arm "$out/network_bits_cortex_m" > "$out/found"
cmp "$out/expected" "$out/found"
