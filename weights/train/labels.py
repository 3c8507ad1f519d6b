#!/usr/bin/env python3
"""Makes the labels on which the shipped weights are trained.

  labels.py WORK

WORK contains three sets: faces (training), population (training; every twelfth photo is for validation) and held (test). Each set NAME has
  NAME/             photos and degraded copies of them, made by `tinyfiqa degrade --copies --gmsd`
  NAME.npy          their embeddings, made by `tinyfiqa label`
  NAME_labels.csv   their labels, made by `tinyfiqa label`. A label is the cosine of an embedding with the centre of the person's other
                    photos. Some photos have none.

The script writes to WORK:
  tinyfqnet_1.csv  The score is the length of the embedding / 15, at most 1. The length predicts the label, but depends only on the photo
                   itself and not on the person's other photos.
  tinyfqnet_2.csv  The score is the mean of the label and of the label that the length predicts. The prediction is an increasing step
                   function (isotonic regression). One degraded copy of each photo is used, and 40 % of the photos again without
                   alignment.
  tinyfqnet_3.csv  The same with 80 %.
  ensemble.csv     The score is the mean of 1 - GMSD / 0.35, the similarity to the undegraded photo, and of the label. Rotated and occluded
                   copies are left out: their faces are harder to recognise, but the quality of the photo is the same.
  pretraining.csv  The same for all copies, to train a network that starts with random weights.

Rows whose name is suspect are left out everywhere.
"""
import array
import ast
import bisect
import csv
import math
import os
import random
import struct
import sys

POINTS = ["image_left_eye", "image_right_eye", "nose", "image_left_mouth", "image_right_mouth"]
LANDMARKS = [f"{p}_{axis}" for p in POINTS for axis in "xy"]


def read(path):
    with open(path, newline="", encoding="utf-8") as f:
        return list(csv.DictReader(f))


def lengths(path):
    """The lengths of the rows of a .npy file of float32."""
    with open(path, "rb") as f:
        header = f.read(10)
        text = f.read(struct.unpack("<H", header[8:10])[0]).decode()
        values = array.array("f", f.read())
    rows, dimension = ast.literal_eval(text.strip())["shape"]
    return [math.sqrt(sum(v * v for v in values[i * dimension:(i + 1) * dimension])) for i in range(rows)]


def clip(x):
    return min(1.0, max(0.0, x))


def isotonic(points):
    """Isotonic regression of points (x, y) by pooling adjacent violators. Returns the first x of each step, and the heights."""
    steps = []  # [first x, sum, count]
    for x, y in sorted(points):
        steps.append([x, y, 1])
        while len(steps) > 1 and steps[-2][1] / steps[-2][2] >= steps[-1][1] / steps[-1][2]:
            _, total, count = steps.pop()
            steps[-1][1] += total
            steps[-1][2] += count
    return [s[0] for s in steps], [s[1] / s[2] for s in steps]


def photos(work, name, copies=100):
    """Yields the rows of faces.csv with the absolute path, the length of the embedding and the label (or None)."""
    labels = {r["path"]: r for r in read(f"{work}/{name}_labels.csv")}
    rows = read(f"{work}/{name}/faces.csv")
    for i, (row, length) in enumerate(zip(rows, lengths(f"{work}/{name}.npy"))):
        label = labels.get(row["path"])
        row["length"] = length
        row["label"] = float(label["score"]) if label else None
        row["kind"] = row["degradation"].split()[0]
        row["split"] = "val" if name == "population" and i % 12 == 0 else "train"
        later = any(f"~{k}." in row["path"] for k in range(copies + 1, 101))
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
    columns = ["path", "score", "split"] + LANDMARKS + ["note"]
    rows = list(photos(work, "faces", 3)) + list(photos(work, "population", 2))
    for r in rows:
        r["score"] = f"{clip(r['length'] / 15):.5f}"
    write(work + "/tinyfqnet_1.csv", columns, rows)

    starts, heights = isotonic((r["length"], r["label"]) for r in photos(work, "faces") if r["label"] is not None)
    rows = list(photos(work, "faces", 1)) + list(photos(work, "population", 1))
    for r in rows:
        expected = heights[max(0, bisect.bisect_right(starts, r["length"]) - 1)]
        r["score"] = f"{clip(expected if r['label'] is None else (expected + r['label']) / 2):.5f}"
    for name, share in (("2", 0.4), ("3", 0.8)):
        drawn = random.Random(7)
        loose = [{**{k: r[k] for k in ("path", "score", "split")}, "note": "whole image"} for r in rows
                 if r["split"] == "train" and not r["aligned"] and drawn.random() < share]
        write(f"{work}/tinyfqnet_{name}.csv", columns, rows + loose)


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
    usefulness(sys.argv[1])
    ensemble(sys.argv[1])
