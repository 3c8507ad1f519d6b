#!/usr/bin/env python3
"""Labels to train the shipped weights by.

  labels.py WORK

WORK holds, for each of faces (to train on), population (to choose an epoch by) and held (to test on): a folder of photos with degraded
copies beside them, as `tinyfiqa degrade --copies --gmsd` makes it; NAME.npy, their embeddings, and NAME_labels.csv, both from
`tinyfiqa label`. It gets

  tinyfqnet.csv   score: length of the embedding / 15, at most 1. How long the recogniser makes an embedding depends on the photo alone;
                  its cosine with the person's other photos, which is what the length foretells, depends on those too.
  ensemble.csv    score: half (1 - GMSD / 0.35), how much of the undegraded photo is left, and half the label of `tinyfiqa label`.
                  Rotation and occlusion are left out: they hide a face without making a worse picture of it.

Rows whose name is in doubt are left out of both.
"""
import array
import csv
import math
import os
import random
import struct
import sys

COPIES = 3  # of each photo, of those that there are
POINTS = ["image_left_eye", "image_right_eye", "nose", "image_left_mouth", "image_right_mouth"]
LANDMARKS = [f"{p}_{axis}" for p in POINTS for axis in "xy"]


def read(path):
    with open(path, newline="", encoding="utf-8") as f:
        return list(csv.DictReader(f))


def lengths(path):
    """Of the rows of a NumPy file of float32."""
    with open(path, "rb") as f:
        header = f.read(10)
        text = f.read(struct.unpack("<H", header[8:10])[0]).decode()
        values = array.array("f", f.read())
    rows, dimension = eval(text)["shape"]  # a literal of Python, by the format's definition
    return [math.sqrt(sum(v * v for v in values[i * dimension:(i + 1) * dimension])) for i in range(rows)]


def clip(x):
    return min(1.0, max(0.0, x))


def photos(work, name):
    """Rows of faces.csv with their full path, embedding's length, label (or None) and whether they are to be used."""
    labels = {r["path"]: r for r in read(f"{work}/{name}_labels.csv")}
    rows = read(f"{work}/{name}/faces.csv")
    for row, length in zip(rows, lengths(f"{work}/{name}.npy")):
        label = labels.get(row["path"])
        row["length"] = length
        row["label"] = float(label["score"]) if label else None
        row["kind"] = row["degradation"].split()[0]
        later = any(f"~{k}." in row["path"] for k in range(COPIES + 1, 101))
        if not later and not (label and label["suspect"]):
            row["aligned"] = row["path"].startswith("glint/")
            row["path"] = os.path.abspath(f"{work}/{name}/{row['path']}")
            yield row


def write(path, columns, rows):
    with open(path, "w", newline="", encoding="utf-8") as f:
        table = csv.DictWriter(f, columns, extrasaction="ignore", lineterminator="\n")
        table.writeheader()
        table.writerows(rows)
    print(f"{path}: {len(rows)} photos")


def usefulness(work):
    rows = []
    for name in ("faces", "population"):
        for i, r in enumerate(photos(work, name)):
            r["score"] = f"{clip(r['length'] / 15):.5f}"
            r["split"] = "val" if name == "population" and i % 12 == 0 else "train"
            rows.append(r)
    write(work + "/tinyfqnet.csv", ["path", "score", "split"] + LANDMARKS, rows)


def keep(name, r):
    """Which share of such photos is used. Aligned ones are cropped tightly, and of few people."""
    if name == "faces":
        return (0.5 if r["kind"] == "none" else 0.3) if r["aligned"] else (1 if r["kind"] == "none" else 0.5)
    return 0.4 if name == "population" else 1


def opinions(work):
    drawn = random.Random(5)
    rows = []
    for name, split in (("faces", "train"), ("population", "val"), ("held", "test")):
        for r in photos(work, name):
            if r["label"] is None or r["kind"] in ("rotation", "occlusion") or drawn.random() >= keep(name, r):
                continue
            r["score"] = f"{0.5 * clip(1 - float(r['gmsd']) / 0.35) + 0.5 * clip(r['label']):.5f}"
            r["split"] = split
            rows.append(r)
    write(work + "/ensemble.csv", ["path", "score", "split", "identity"], rows)


if __name__ == "__main__":
    if len(sys.argv) != 2:
        sys.exit(__doc__)
    usefulness(sys.argv[1])
    opinions(sys.argv[1])
