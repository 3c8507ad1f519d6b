#!/usr/bin/env python3
"""Makes the labels on which the ensemble is trained.

  ensemble_labels.py WORK

WORK contains three sets: faces (training), population (training; every twelfth photo is for validation) and held (test). Each set NAME has
  NAME/             photos and degraded copies of them, made by `tinyfiqa degrade --copies --gmsd`
  NAME_labels.csv   their labels, made by `tinyfiqa label`. A label is the cosine of an embedding with the centre of the person's other
                    photos. Some photos have none.

The script writes to WORK:
  ensemble.csv     The score is the mean of 1 - GMSD / 0.35, the similarity to the undegraded photo, and of the label. Rotated and occluded
                   copies are left out: their faces are harder to recognise, but the quality of the photo is the same.
  pretraining.csv  The same for all copies, to train a network that starts with random weights.

Rows whose name is suspect are left out everywhere.
"""
import array
import os
import random
import sys

from face_tables import read, write


def clip(x):
    return min(1.0, max(0.0, x))


def photos(work, name, copies=100):
    """Yields the rows of faces.csv with the absolute path and the label (or None)."""
    labels = {r["path"]: r for r in read(f"{work}/{name}_labels.csv")}
    rows = read(f"{work}/{name}/faces.csv")
    for i, row in enumerate(rows):
        label = labels.get(row["path"])
        row["label"] = float(label["score"]) if label else None
        row["kind"] = row["degradation"].split()[0]
        row["split"] = "val" if name == "population" and i % 12 == 0 else "train"
        later = any(f"~{k}." in row["path"] for k in range(copies + 1, 101))
        if not later and not (label and label["suspect"]):
            row["aligned"] = row["path"].startswith("glint/")
            row["path"] = os.path.abspath(f"{work}/{name}/{row['path']}")
            yield row


def keep(name, r):
    """The share of photos like `r` that is used. Aligned photos are cropped tightly and show few people, so fewer are used."""
    if name == "faces":
        return (0.5 if r["kind"] == "none" else 0.3) if r["aligned"] else (1 if r["kind"] == "none" else 0.5)
    return 0.4 if name == "population" else 1


def opinions(work, name, split, copies=100):
    """Yields all candidate rows of ensemble.csv with their score."""
    for r in photos(work, name, copies):
        if r["label"] is not None and r["kind"] not in ("rotation", "occlusion"):
            r["score"] = f"{0.5 * clip(1 - float(r['gmsd']) / 0.35) + 0.5 * clip(r['label']):.5f}"
            r["split"] = split
            yield r


def ensemble(work):
    columns = ["path", "score", "split", "identity"]
    drawn = random.Random(5)
    rows = [r for name, split in (("faces", "train"), ("population", "val"), ("held", "test"))
            for r in opinions(work, name, split, 3) if drawn.random() < keep(name, r)]
    write(work + "/ensemble.csv", columns, rows)
    chosen_by = [r for r in rows if r["split"] == "val"]
    write(work + "/pretraining.csv", columns, list(opinions(work, "faces", "train")) + chosen_by)


if __name__ == "__main__":
    if len(sys.argv) != 2:
        sys.exit(__doc__)
    ensemble(sys.argv[1])
