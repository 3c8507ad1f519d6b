#!/bin/bash
# Trains weights/tinyfqnet.safetensors from photos. See docs/reproduce.md.
#   tinyfqnet.sh DATA WORK
# If it was interrupted, start it again: it continues where it stopped.
set -euo pipefail
data=$(realpath "$1"); work=$2; here=$(cd "$(dirname "$0")" && pwd); root=$(cd "$here/../.." && pwd)
tool() { "$root/tools/run" "$@"; }
recogniser=$data/fr/mobilefacenet_a.safetensors
mkdir -p "$work"; work=$(realpath "$work")
python3 "$here/tables.py" "$data" "$work"

# Make degraded copies of the photos, and label all of them with the recogniser.
perceptual=blur,small,dark,noise,jpeg,motion,bright
prepare() {  # NAME TABLE OPTIONS...
  local name=$1 table=$2; shift 2
  [ -f "$work/$name/faces.csv" ] || tool degrade --data "$work/$table" --images "$data" --gmsd --out "$work/$name" "$@"
  tool label --data "$work/$name/faces.csv" --recogniser "$recogniser" --embeddings "$work/$name.npy" --out "$work/${name}_labels.csv"
}
prepare faces train.csv --copies 6 --seed 1
prepare held held.csv --copies 3 --seed 2 --kinds $perceptual
prepare population population.csv --copies 2 --seed 3 --kinds $perceptual
python3 "$here/labels.py" "$work"

# Train first on the length of the recogniser's embedding, then on the labels. Images are grey, so that the network ignores colour.
train() {  # TABLE OUT OPTIONS...
  local table=$1 out=$2; shift 2
  if [ -f "$work/$out/run.json" ]; then tool train --resume "$work/$out"; return; fi
  tool train --model tinyfqnet --data "$work/$table" --images / --loss mse --optim sgd --batch 128 --lr-schedule cosine --weight-decay 1e-4 \
    --hflip 0.5 --grey 1 --cache-mib 9000 --out "$work/$out" "$@"
}
train tinyfqnet_1.csv tinyfqnet_1 --lr 0.1 --epochs 20
train tinyfqnet_2.csv tinyfqnet_2 --lr 0.05 --epochs 16 --ema 0.998 --init "$work/tinyfqnet_1/last.safetensors"
train tinyfqnet_2.csv tinyfqnet_3 --lr 0.08 --epochs 28 --init "$work/tinyfqnet_2/last.safetensors"
train tinyfqnet_2.csv tinyfqnet_4 --lr 0.08 --epochs 30 --init "$work/tinyfqnet_3/last.safetensors" --seed 2
train tinyfqnet_3.csv tinyfqnet_5 --lr 0.08 --epochs 20 --init "$work/tinyfqnet_4/last.safetensors" --seed 3

# Last on the landmarks that the built-in detector finds, which are less exact than the given ones. detect exits with 1 where it finds no
# face in some photos.
found=$work/tinyfqnet_3_found.csv
if [ ! -f "$found" ]; then
  tool detect --data "$work/tinyfqnet_3.csv" --images / --face auto --format csv > "$found.part" || [ $? = 1 ]
  mv "$found.part" "$found"
fi
python3 "$here/found_landmarks.py" "$work/tinyfqnet_3.csv" "$found" "$work/tinyfqnet_6.csv"
train tinyfqnet_6.csv tinyfqnet_6 --lr 0.08 --epochs 20 --init "$work/tinyfqnet_5/last.safetensors" --seed 4
