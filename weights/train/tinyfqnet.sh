#!/bin/bash
# Trains tinyFQnet and its larger relatives from photos. See docs/reproduce.md.
#   tinyfqnet.sh DATA CLONES MODELS WORK
# PYTHON=... names another Python than python3.
# If it was interrupted, start it again: it continues where it stopped.
set -euo pipefail
data=$(realpath "$1"); clones=$(realpath "$2"); models=$(realpath "$3"); work=$4
here=$(cd "$(dirname "$0")" && pwd); root=$(cd "$here/../.." && pwd)
tool() { "$root/tools/run" "$@"; }
python=${PYTHON:-python3}
mkdir -p "$work/faces"; work=$(realpath "$work")

# Photos of public repositories, their faces by YuNet, and crops around the faces. detect exits with 1 where a photo has no face.
[ -f "$work/photos.csv" ] || "$python" "$here/recognition_photos.py" "$clones" "$work"
if [ ! -f "$work/found.csv" ]; then
  tool detect --data "$work/photos.csv" --detector "$models/yunet_n.pth" --face auto --quick --longest-side 320 --format csv \
    > "$work/found.csv.part" || [ $? = 1 ]
  mv "$work/found.csv.part" "$work/found.csv"
fi
[ -f "$work/crops/faces.csv" ] || "$python" "$here/crop_faces.py" "$work/found.csv" "$work" "$work/crops"

# One table of all faces, in folders of one root, and two degraded copies of each.
for folder in celeba glint lfw; do ln -sfn "$data/$folder" "$work/faces/$folder"; done
ln -sfn "$work/crops/photos" "$work/faces/photos"
"$python" "$here/tables.py" "$data" "$work"
[ -f "$work/copies/faces.csv" ] || tool degrade --data "$work/all.csv" --images "$work/faces" --copies 2 --seed 11 --out "$work/copies"

# What recognisers and LightQNet say of them, and the labels.
network() {  # NETWORK TABLE IMAGES OUT
  [ -f "$work/$4.npy" ] || "$python" "$here/judges.py" "$1" "$work/$2.csv" "$work/$4.npy" --images "$3" --models "$models"
}
network edgeface copies/faces "$work/copies" copies_edgeface
network lightqnet_dm100 copies/faces "$work/copies" copies_lightqnet
network edgeface test "$data" test_edgeface
tool label --data "$work/copies/faces.csv" --images "$work/copies" --recogniser "$data/fr/mobilefacenet_a.safetensors" \
  --embeddings "$work/copies_a.npy" --out "$work/copies_labels.csv" --skipped "$work/copies_skipped.csv"
[ -f "$work/family.csv" ] || "$python" "$here/family_labels.py" "$work"

# Images are grey, so that the networks ignore colour.
train() {  # NETWORK EPOCHS OPTIONS...
  local name=$1 epochs=$2; shift 2
  if [ -f "$work/$name/run.json" ]; then tool train --resume "$work/$name"; return; fi
  tool train --model "$name" --data "$work/family.csv" --images "$work/copies" --loss mse --optim sgd --batch 128 --lr-schedule cosine \
    --warm-up 1 --weight-decay 1e-4 --hflip 0.5 --grey 1 --cache-mib 5000 --epochs "$epochs" --out "$work/$name" "$@"
}
train tinyfqnet 30 --lr 0.1 --seed 4  # of seeds 3 and 4, the better one in validation
train tinyfqnet_m 18 --lr 0.15
train tinyfqnet_l 16 --lr 0.15
