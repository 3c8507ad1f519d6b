#!/bin/bash
# Trains the networks of weights/ensemble on degraded photos, and makes the ablation of Hamidi et al. 2025, Table 2. See docs/reproduce.md.
#   ensemble.sh DATA WORK
# If it was interrupted, start it again: it continues where it stopped.
set -euo pipefail
data=$(realpath "$1"); work=$2; here=$(cd "$(dirname "$0")" && pwd); root=$(cd "$here/../.." && pwd)
mkdir -p "$work"; work=$(realpath "$work")
python3 "$here/tables.py" "$data" "$work"

# Make degraded copies of the photos, and label all of them with the recogniser.
perceptual=blur,small,dark,noise,jpeg,motion,bright
prepare() {  # NAME TABLE OPTIONS...
  local name=$1 table=$2; shift 2
  [ -f "$work/$name/faces.csv" ] || "$root/tools/run" degrade --data "$work/$table" --images "$data" --gmsd --out "$work/$name" "$@"
  "$root/tools/run" label --data "$work/$name/faces.csv" --recogniser "$data/fr/mobilefacenet_a.safetensors" \
    --embeddings "$work/$name.npy" --out "$work/${name}_labels.csv"
}
prepare faces train.csv --copies 6 --seed 1 --kinds $perceptual,occlusion,rotation
prepare held held.csv --copies 3 --seed 2 --kinds $perceptual
prepare population population.csv --copies 2 --seed 3 --kinds $perceptual
python3 "$here/ensemble_labels.py" "$work"

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
