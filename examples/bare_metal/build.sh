#!/bin/sh
# build.sh TINYFIQA OUT: builds the examples for this machine and for each bare one whose compiler is installed, runs them
# under QEMU, and prints a table. TINYFIQA is the tool, which packs the weights; OUT is a folder for the files.
#
# Fails if a machine's results differ from this machine's by a bit, if a number of the table is above its budget, or if a
# program calls the heap.
#
# Debian and Ubuntu: gcc-arm-none-eabi libnewlib-arm-none-eabi libstdc++-arm-none-eabi-newlib qemu-system-arm
#                    gcc-riscv64-unknown-elf picolibc-riscv64-unknown-elf qemu-system-misc
set -eu
tool=$1 out=$2
here=$(cd "$(dirname "$0")" && pwd)
include=$here/../../include
weights=$here/../../weights
mkdir -p "$out"

have() { command -v "$1" > /dev/null; }
arm=no riscv=no
if have arm-none-eabi-g++ && have qemu-system-arm; then arm=yes; fi
if have riscv64-unknown-elf-g++ && have qemu-system-riscv32; then riscv=yes; fi
# Debian's compiler for RISC-V comes without the headers of the C++ library. Those of newlib's do: nothing is linked.
headers=
if [ $riscv = yes ] &&
  ! echo '#include <cstddef>' | riscv64-unknown-elf-g++ --specs=picolibc.specs -E -x c++ - > /dev/null 2>&1; then
  folder=$(ls -d /usr/include/newlib/c++/* 2> /dev/null | tail -n 1)
  headers="-isystem $folder -isystem $folder/arm-none-eabi"
  [ -n "$folder" ] || riscv=no
fi
[ $arm = yes ] || echo "build.sh: Cortex-M is left out: no arm-none-eabi-g++ or no qemu-system-arm" >&2
[ $riscv = yes ] ||
  echo "build.sh: RISC-V is left out: no riscv64-unknown-elf-g++ with headers of C++, or no qemu-system-riscv32" >&2
if [ $arm$riscv = nono ]; then
  echo "build.sh: nothing to build for; install the packages that are named at the top of this file" >&2
  exit 77 # ctest: skipped
fi

# One network, two targets: the host computes with the usual scalar kernels, the others with the small ones. With 8-bit weights
# the programs are the same.
for target in scalar scalar_small; do
  mkdir -p "$out/$target" "$out/i8/$target"
  "$tool" export --c-array "$out/$target/tinyfqnet_packed.hpp" --model tinyfqnet --target $target
  "$tool" export --c-array "$out/i8/$target/tinyfqnet_packed.hpp" --weights "$weights/i8/tinyfqnet.safetensors" --target $target
  "$tool" export --c-array "$out/$target/yunet_n_packed.hpp" --weights "$weights/detector.safetensors" --target $target
  "$tool" export --c-array "$out/i8/$target/yunet_n_packed.hpp" --weights "$weights/i8/detector.safetensors" --target $target
done

# -ffp-contract=off: a product and a sum are rounded one after the other, as on this machine. With fused ones a Cortex-M
# is faster, and the last bits of its scores differ.
common="-std=c++17 -ffp-contract=off -I$include"
size_flags="-Os -fno-exceptions -fno-rtti -fno-threadsafe-statics -ffreestanding -ffunction-sections -fdata-sections"
link_flags="-nostartfiles -Wl,--gc-sections -T $here/link.ld"

host() { # PROGRAM NAME FLAG...
  program=$1 name=$2
  shift 2
  ${CXX:-c++} $common -O1 -DTINYFIQA_SCALAR -I"$out/$bits/scalar" "$@" "$here/$program.cpp" "$here/board_host.cpp" -o "$out/$name.host"
  "$out/$name.host" > "$out/$name.expected"
}
bits=.
host score_face score_48 -DSIDE=48
host score_face score_64 -DSIDE=64
host detect_and_score detect_96
bits=i8
host score_face score_48_i8 -DSIDE=48
host score_face score_64_i8 -DSIDE=64
host detect_and_score detect_96_i8

value() { sed -n "s/^$2 //p" "$1"; } # FILE NAME
section() { "$prefix-size" -A "$1" | awk -v name=".$2" '$1 == name { sum += $2 } END { print sum + 0 }'; } # ELF NAME

failed=0
fail() {
  echo "build.sh: $*" >&2
  failed=1
}
at_most() { # WHAT NUMBER BUDGET
  [ "$2" -le "$3" ] || fail "$label, $name: $1 is $2 bytes, more than its budget of $3"
}

table="$out/table.md"
{
  echo "| machine | program | flash, bytes | of it weights | RAM, bytes | stack, bytes | instructions |"
  echo "|---|---|---|---|---|---|---|"
} > "$table"

# bare LABEL PROGRAM NAME FLASH_BUDGET RAM_BUDGET FLAG...: uses $prefix, $board, $libs, $emulator. The image is not counted. The
# weights of names that end with _i8 have 8 bits.
bare() {
  label=$1 program=$2 name=$3 flash_budget=$4 ram_budget=$5
  shift 5
  bits=.
  case $name in *_i8) bits=i8 ;; esac
  elf=$out/$name.$(echo "$label" | tr -c 'A-Za-z0-9\n' _).elf
  "$prefix-g++" $common $size_flags -DTINYFIQA_SMALL -I"$out/$bits/scalar_small" "$@" "$here/$program.cpp" "$here/$board" \
    $link_flags $libs -Wl,-Map="$elf.map" -o "$elf"
  timeout 60 $emulator -nographic -monitor none -semihosting-config enable=on,target=native -icount shift=0 \
    -kernel "$elf" > "$elf.out" 2>&1 || fail "$label, $name: the program failed: $(cat "$elf.out")"
  grep -vE '^(arena|stack|instructions) ' "$out/$name.expected" > "$out/expected"
  grep -vE '^(arena|stack|instructions) ' "$elf.out" > "$out/found" || true
  cmp -s "$out/expected" "$out/found" ||
    fail "$label, $name: the results differ from this machine's: $(tr '\n' ' ' < "$out/found")for $(tr '\n' ' ' < "$out/expected")"
  if "$prefix-nm" "$elf" | grep -E ' (malloc|free|_sbrk|_impure_ptr|__cxa_throw|__cxa_guard_acquire)$'; then
    fail "$label, $name: the program has the heap or exceptions in it"
  fi
  flash=$(($(section "$elf" text) + $(section "$elf" data)))
  data=$(section "$elf" data)
  packed=$("$prefix-nm" -S "$elf" | awk '/_packed4dataE/ { print $2 }')
  weight_bytes=0
  for hex in $packed; do weight_bytes=$((weight_bytes + 0x$hex)); done
  stack=$(value "$elf.out" stack)
  ram=$((data + $(section "$elf" bss) + stack))
  at_most flash "$flash" "$flash_budget"
  at_most .data "$data" 64
  at_most RAM "$ram" "$ram_budget"
  echo "| $label | $name | $flash | $weight_bytes | $ram | $stack | $(value "$elf.out" instructions) |" >> "$table"
}

memory() { # FLASH_ORIGIN FLASH RAM_ORIGIN RAM ENTRY
  echo "-Wl,--defsym=flash_origin=$1,--defsym=flash_bytes=$2,--defsym=ram_origin=$3,--defsym=ram_bytes=$4,--defsym=entry_point=$5"
}

if [ $arm = yes ]; then
  prefix=arm-none-eabi board=board_arm.cpp libs="--specs=nano.specs"
  flags="-mthumb -mfloat-abi=hard"
  small=$(memory 0 128K 0x20000000 64K reset)
  large=$(memory 0 512K 0x20000000 512K reset)
  emulator="qemu-system-arm -machine mps2-an386"
  m4="-mcpu=cortex-m4 -mfpu=fpv4-sp-d16"
  bare "Cortex-M4F" score_face score_48 64000 22500 $m4 $flags $small
  bare "Cortex-M4F" score_face score_64 64000 32500 $m4 $flags $small -DSIDE=64
  bare "Cortex-M4F" score_face score_48_i8 35500 10000 $m4 $flags $small
  bare "Cortex-M4F" score_face score_64_i8 35500 12500 $m4 $flags $small -DSIDE=64
  emulator="qemu-system-arm -machine mps2-an500"
  bare "Cortex-M7" score_face score_48 64000 22500 -mcpu=cortex-m7 $flags $small -DSIDE=48
  bare "Cortex-M7" score_face score_64 64000 32500 -mcpu=cortex-m7 $flags $small -DSIDE=64
  bare "Cortex-M7" score_face score_48_i8 35500 10000 -mcpu=cortex-m7 $flags $small -DSIDE=48
  bare "Cortex-M7" score_face score_64_i8 35500 12500 -mcpu=cortex-m7 $flags $small -DSIDE=64
  bare "Cortex-M7" detect_and_score detect_96 370000 280000 -mcpu=cortex-m7 $flags $large
  bare "Cortex-M7" detect_and_score detect_96_i8 132000 98000 -mcpu=cortex-m7 $flags $large
  if arm-none-eabi-g++ -mcpu=cortex-m55 -mfloat-abi=hard -E -x c++ /dev/null > /dev/null 2>&1; then
    emulator="qemu-system-arm -machine mps3-an547"
    m55="-mcpu=cortex-m55 $flags $small -DQUARTER_NANOSECONDS_PER_TICK=125"
    bare "Cortex-M55" score_face score_48 64000 22500 $m55
    bare "Cortex-M55" score_face score_64 64000 32500 $m55 -DSIDE=64
    bare "Cortex-M55" score_face score_48_i8 34000 9500 $m55
    bare "Cortex-M55" score_face score_64_i8 34000 10500 $m55 -DSIDE=64
    bare "Cortex-M55" detect_and_score detect_96_i8 132000 96000 -mcpu=cortex-m55 $flags $large -DQUARTER_NANOSECONDS_PER_TICK=125
  fi
fi
if [ $riscv = yes ]; then
  prefix=riscv64-unknown-elf board=board_riscv.cpp libs="--specs=picolibc.specs -nodefaultlibs -lm -lc -lgcc"
  emulator="qemu-system-riscv32 -machine virt -bios none"
  small=$(memory 0x80000000 128K 0x80100000 64K start)
  bare "RISC-V rv32imafc" score_face score_48 64000 22500 -march=rv32imafc -mabi=ilp32f $headers $small
  bare "RISC-V rv32imafc" score_face score_48_i8 34000 9500 -march=rv32imafc -mabi=ilp32f $headers $small
  bare "RISC-V rv32imac, without FPU" score_face score_48 70000 22500 -march=rv32imac -mabi=ilp32 $headers $small
  bare "RISC-V rv32imac, without FPU" score_face score_48_i8 40000 9500 -march=rv32imac -mabi=ilp32 $headers $small
fi
cat "$table"
exit $failed
