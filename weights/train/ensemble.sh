#!/bin/bash
# Trains the networks of weights/ensemble on the degraded photos of tinyfqnet.sh, and makes the ablation of Hamidi et al. 2025, Table 2.
# See docs/reproduce.md.
#   ensemble.sh DATA WORK
# If it was interrupted, start it again: it continues where it stopped.
set -euo pipefail
data=$(realpath "$1"); work=$(realpath "$2"); root=$(cd "$(dirname "$0")/../.." && pwd)
settings="--images / --size 160x160 --batch 32 --lr 0.001 --backbone-lr 0.001 --lr-schedule cosine --warm-up 1 --hflip 0.5 --seed 1"

# There are no ImageNet weights for MobileNetV3-Small, so it is first trained on six degraded copies of each photo.
if [ -f "$work/pretrained/run.json" ]; then "$root/tools/run" train --resume "$work/pretrained"
else
  "$root/tools/run" train --model mobilenet_v3_small --data "$work/pretraining.csv" $settings --loss mse --epochs 6 --cache-mib 8000 \
    --out "$work/pretrained"
fi
if [ -f "$work/ablation/run.json" ]; then exec "$root/tools/run" ablation --resume "$work/ablation"; fi
"$root/tools/run" ablation --data "$work/ensemble.csv" $settings --grey 0.5 --epochs 8 --cache-mib 6000 \
  --init-mobilenet "$work/pretrained/last.safetensors" --init-shufflenet "$data/imagenet/shufflenetv2_x0.5_trunk_megvii.pth" \
  --out "$work/ablation"
