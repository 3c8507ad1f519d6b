#!/usr/bin/env python3
"""Labels to train the shipped weights by.

  labels.py WORK

WORK holds, for each of faces (to train on), population (the same without labels, but for every twelfth photo: those choose an epoch) and
held (to test on): a folder of photos with degraded copies beside them, as `tinyfiqa degrade --copies --gmsd` makes it; NAME.npy, their
embeddings, and NAME_labels.csv, both from `tinyfiqa label`. It gets

  tinyfqnet_1.csv  score: length of the embedding / 15, at most 1. The length depends on the photo alone; the cosine with the person's
                   other photos, which it foretells, depends on those too.
  tinyfqnet_2.csv  score: half that cosine (the label), half what the length lets expect of it: a rising step function, fitted to the
                   labels by least squares. One copy of each photo, and 40 % of the photos once more as they are, not aligned.
  tinyfqnet_3.csv  the same with 80 %.
  ensemble.csv     score: half (1 - GMSD / 0.35), how much of the undegraded photo is left, and half the label. Rotation and occlusion
                   are left out: they hide a face without making a worse picture of it.
  pretraining.csv  the same of every copy to train on, for a network that starts from nothing

Rows whose name is in doubt are left out of all.
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
    """Of the rows of a NumPy file of float32."""
    with open(path, "rb") as f:
        header = f.read(10)
        text = f.read(struct.unpack("<H", header[8:10])[0]).decode()
        values = array.array("f", f.read())
    rows, dimension = ast.literal_eval(text.strip())["shape"]
    return [math.sqrt(sum(v * v for v in values[i * dimension:(i + 1) * dimension])) for i in range(rows)]


def clip(x):
    return min(1.0, max(0.0, x))


def isotonic(points):
    """Rising least-squares fit of (x, y): the x where each step begins, and its height (pool adjacent violators)."""
    steps = []  # [first x, sum, count]
    for x, y in sorted(points):
        steps.append([x, y, 1])
        while len(steps) > 1 and steps[-2][1] / steps[-2][2] >= steps[-1][1] / steps[-1][2]:
            _, total, count = steps.pop()
            steps[-1][1] += total
            steps[-1][2] += count
    return [s[0] for s in steps], [s[1] / s[2] for s in steps]


def photos(work, name, copies=100):
    """Rows of faces.csv with their full path, embedding's length and label (or None)."""
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
    columns = ["path", "score", "split"] + LANDMARKS
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
        loose = [{k: r[k] for k in ("path", "score", "split")} for r in rows
                 if r["split"] == "train" and not r["aligned"] and drawn.random() < share]
        write(f"{work}/tinyfqnet_{name}.csv", columns, rows + loose)


def keep(name, r):
    """Which share of such photos is used. Aligned ones are cropped tightly, and of few people."""
    if name == "faces":
        return (0.5 if r["kind"] == "none" else 0.3) if r["aligned"] else (1 if r["kind"] == "none" else 0.5)
    return 0.4 if name == "population" else 1


def opinions(work, name, split, copies=100):
    """Rows of ensemble.csv, all that there are."""
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
