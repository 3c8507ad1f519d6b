#!/bin/sh
# check_includes.sh INCLUDE_DIR: the rooms of the library include each other only along the arrows of
# docs/architecture.md, and the freestanding ones nothing of the standard library that needs an operating system.
set -eu
cd "$1/tinyfiqa"
failed=0

# room: rooms it may include (itself always)
arrows="base:
simd: base
threads: base
nn: base
models: nn base
kernels: simd base
kernels/reference: nn base
kernels/train: kernels simd base
kernels/quantised: kernels simd base
weights: base
runtime: kernels/quantised kernels nn threads base
autograd: runtime kernels/train kernels/reference kernels threads nn base
formats: runtime nn base
optim: formats autograd kernels/train nn base
image: formats runtime kernels base
evaluation: image formats threads base
data: image formats threads base
baselines: image base
explanation: image runtime base
quality: evaluation image formats runtime models nn threads weights base
attribution: autograd quality image runtime base
quantisation: autograd optim quality image formats runtime nn base
detection: quality image formats runtime models nn threads weights base
recognition: quality evaluation data image formats optim threads nn base
training: recognition detection models quality evaluation data image optim formats autograd runtime kernels threads nn base"

freestanding_rooms="base simd nn kernels kernels/reference kernels/train kernels/quantised models runtime"
hosted_files="runtime/large_array.hpp" # asks the operating system for memory
freestanding_headers="arm_acle.h arm_mve.h arm_neon.h array cmath cpuid.h cstddef cstdint cstring initializer_list limits new sys/auxv.h type_traits utility omp.h wasm_simd128.h xsimd/xsimd.hpp"

for file in $(find . -name '*.hpp' | sed 's|^\./||' | sort); do
  room=${file%/*}
  [ "$room" != "$file" ] || continue # umbrellas
  allowed=$(printf '%s\n' "$arrows" | sed -n "s|^$room:||p")
  if ! printf '%s\n' "$arrows" | grep -q "^$room:"; then
    echo "$file: '$room' is no room of the architecture"
    failed=1
  fi
  for to in $(sed -n 's|^ *# *include *<tinyfiqa/\([a-z/_]*\)/[^/]*>.*|\1|p' "$file" | sort -u); do
    case " $room $allowed " in
      *" $to "*) ;;
      *) echo "$file includes <tinyfiqa/$to/...>, but there is no arrow $room -> $to"; failed=1 ;;
    esac
  done
  case " $freestanding_rooms " in *" $room "*) ;; *) continue ;; esac
  case " $hosted_files " in *" $file "*) continue ;; esac
  for header in $(sed -n 's|^ *# *include *<\([^>]*\)>.*|\1|p' "$file" | grep -v '^tinyfiqa/'); do
    case " $freestanding_headers " in
      *" $header "*) ;;
      *) echo "$file includes <$header>, which is not for freestanding rooms"; failed=1 ;;
    esac
  done
done
if grep -rnE 'xsimd::|<xsimd/|_mm[0-9]*_[a-z]|vld1q' . | grep -v '^./simd/' | grep -v '__has_include(<xsimd/xsimd.hpp>)'; then
  echo "^ only simd/ may name xsimd or intrinsics"
  failed=1
fi
exit $failed
