#!/usr/bin/env python3
"""Makes tables of faces to train, validate, calibrate and test the shipped weights. No person is in two of them.

  tables.py DATA OUT

DATA contains the folders lfw/, celeba/ and glint/ and the files lfw_landmarks.csv, lfw_pairs.txt, celeba_landmarks.csv,
celeba_suspects.csv and glint_quality_reference.csv (see docs/reproduce.md). The script writes to OUT; paths in the tables start at DATA:

  train.csv       CelebA without every fifth person, and the Glint360k sample
  held.csv        every fifth person of CelebA
  population.csv  people of LFW who are in none of its pairs: for training and validation
  lfw.csv         people of LFW who are in its pairs: for calibration and test
"""
import csv
import os
import sys

POINTS = ["image_left_eye", "image_right_eye", "nose", "image_left_mouth", "image_right_mouth"]
COLUMNS = ["path", "identity"] + [f"{p}_{axis}" for p in POINTS for axis in "xy"] + ["note"]


def read(data, name):
    with open(os.path.join(data, name), newline="", encoding="utf-8") as f:
        return list(csv.DictReader(f))


def write(out, name, rows):
    with open(os.path.join(out, name), "w", newline="", encoding="utf-8") as f:
        table = csv.DictWriter(f, COLUMNS, extrasaction="ignore", restval="", lineterminator="\n")
        table.writeheader()
        table.writerows(rows)
    print(f"{name}: {len(rows)} faces of {len({r['identity'] for r in rows})} people")


def celeba(data):
    """Returns the training rows and the rows of every fifth person. Photos with suspect names are left out."""
    suspects = {r["path"] for r in read(data, "celeba_suspects.csv")}
    rows = [r for r in read(data, "celeba_landmarks.csv") if r["path"] not in suspects]
    held = set(sorted({int(r["identity"]) for r in rows})[::5])
    for r in rows:
        r["held"] = int(r["identity"]) in held
        r["identity"] = "celeba" + r["identity"]
    return [r for r in rows if not r["held"]], [r for r in rows if r["held"]]


def glint(data):
    """Returns the rows of Glint360k. The photos are aligned, as the column note says. Probably wrong names are left out."""
    rows = []
    for r in read(data, "glint_quality_reference.csv"):
        if float(r["quality_a_loo"]) > max(0.25, float(r["nearest_other_a"])):
            rows.append({"path": r["path"], "identity": "glint" + r["identity"], "note": "aligned crop"})
    return rows


def lfw(data):
    """Returns the rows of people who are in no pair, and the rows of the others."""
    with open(os.path.join(data, "lfw_pairs.txt"), encoding="utf-8") as f:
        paired = {path.split("/")[0] for line in f for path in line.split()[:2]}
    rows = read(data, "lfw_landmarks.csv")
    for r in rows:
        r["identity"] = r["path"].split("/")[1]
    return [r for r in rows if r["identity"] not in paired], [r for r in rows if r["identity"] in paired]


def main(data, out):
    os.makedirs(out, exist_ok=True)
    train, held = celeba(data)
    write(out, "train.csv", train + glint(data))
    write(out, "held.csv", held)
    population, pairs = lfw(data)
    write(out, "population.csv", population)
    write(out, "lfw.csv", pairs)


if __name__ == "__main__":
    if len(sys.argv) != 3:
        sys.exit(__doc__)
    main(*sys.argv[1:])
