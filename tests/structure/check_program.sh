#!/bin/sh
# check_program.sh NM SIZE PROGRAM: a program that finds and scores faces has the networks and kernels that it runs, and no
# others, and stays small. (Compiling takes time in proportion.)
set -eu
nm=$1 size=$2 program=$3
symbols=$("$nm" -C "$program")
wrong=
for name in MobileNetV3 ShuffleNet MobileFaceNet FaceResNet EfficientNet RetinaFace TinyFQTableL TinyFQMobileNetV2 \
  'run_depthwise<1>' 'run_depthwise<5>' 'run_depthwise<7>' planar_ run_shuffle run_custom run_interleave; do
  if printf '%s\n' "$symbols" | grep -q -F -e "$name"; then wrong="$wrong $name"; fi
done
[ -z "$wrong" ] || { echo "$program has what it does not run:$wrong" >&2; exit 1; }
networks=$(printf '%s\n' "$symbols" | grep -c -e 'NetworkDefinition .*define_network<.*>()$')
[ "$networks" = 2 ] || { echo "$program has $networks networks instead of two" >&2; exit 1; }
bytes=$("$size" "$program" | awk 'NR == 2 { print $1 + $2 }')
limit=1250000 # measured: 1,097,000 for AVX-512; 335,000 of these are weights
[ "$bytes" -le $limit ] || { echo "$program has $bytes bytes of code and data; the limit is $limit" >&2; exit 1; }
echo "$networks networks, $bytes bytes"
