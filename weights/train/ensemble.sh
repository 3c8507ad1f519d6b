#!/bin/bash
# From the photos that tinyfqnet.sh made worse to weights/ensemble/*.safetensors, and to the ablation of P1's Table 2: see
# docs/reproduce.md.   ensemble.sh DATA WORK
set -euo pipefail
data=$(realpath "$1"); work=$(realpath "$2"); root=$(cd "$(dirname "$0")/../.." && pwd)
if [ -f "$work/ablation/run.json" ]; then exec "$root/tools/run" ablation --resume "$work/ablation"; fi
"$root/tools/run" ablation --data "$work/ensemble.csv" --images / --size 160x160 --epochs 10 --batch 32 --lr 0.001 --backbone-lr 0.001 \
  --lr-schedule cosine --warm-up 1 --hflip 0.5 --cache-mib 6000 --seed 1 \
  --init-shufflenet "$data/imagenet/shufflenetv2_x0.5_trunk_megvii.pth" --out "$work/ablation"
