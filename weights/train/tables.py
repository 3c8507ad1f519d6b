#!/usr/bin/env python3
"""Makes tables of faces to train, validate, calibrate and test the shipped weights. No person is in two of them.

  tables.py DATA OUT

DATA contains the folders lfw/, celeba/ and glint/ and the files lfw_landmarks.csv, lfw_pairs.txt, celeba_landmarks.csv,
celeba_suspects.csv and glint_quality_reference.csv (see docs/reproduce.md). The script writes to OUT; paths in the tables start at DATA:

  train.csv       CelebA without every fifth person, and the Glint360k sample
  held.csv        every fifth person of CelebA
  population.csv  people of LFW who are in none of its pairs: for training and validation
  lfw.csv         people of LFW who are in its pairs: for calibration and test
  test.csv        held.csv and lfw.csv

If OUT has crops/faces.csv, which tinyfqnet.sh makes, the script also writes

  all.csv         train.csv, population.csv and those crops. All rows have landmarks, and an identity, which begins with "unknown" if
                  the person is not known.
"""
import os
import sys

from face_tables import ALIGNED, LANDMARKS, UNKNOWN, read, write

COLUMNS = ["path", "identity", "source"] + LANDMARKS + ["note"]


def celeba(data):
    """Returns the training rows and the rows of every fifth person. Photos with suspect names are left out."""
    suspects = {r["path"] for r in read(f"{data}/celeba_suspects.csv")}
    rows = [r for r in read(f"{data}/celeba_landmarks.csv") if r["path"] not in suspects]
    held = set(sorted({int(r["identity"]) for r in rows})[::5])
    for r in rows:
        r["held"] = int(r["identity"]) in held
        r["identity"], r["source"] = "celeba" + r["identity"], "celeba"
    return [r for r in rows if not r["held"]], [r for r in rows if r["held"]]


def glint(data):
    """Returns the rows of Glint360k. The photos are aligned, as the column note says. Probably wrong names are left out."""
    rows = []
    for r in read(f"{data}/glint_quality_reference.csv"):
        if float(r["quality_a_loo"]) > max(0.25, float(r["nearest_other_a"])):
            rows.append({"path": r["path"], "identity": "glint" + r["identity"], "source": "glint", "note": "aligned crop"})
    return rows


def lfw(data):
    """Returns the rows of people who are in no pair, and the rows of the others."""
    with open(os.path.join(data, "lfw_pairs.txt"), encoding="utf-8") as f:
        paired = {path.split("/")[0] for line in f for path in line.split()[:2]}
    rows = read(f"{data}/lfw_landmarks.csv")
    for r in rows:
        r["identity"], r["source"] = r["path"].split("/")[1], "lfw"
    return [r for r in rows if r["identity"] not in paired], [r for r in rows if r["identity"] in paired]


def completed(row):
    """The row of an aligned face with landmarks instead of the note, and that of an unknown person with an identity of its own."""
    row = {**row, "identity": row["identity"] or UNKNOWN + row["path"]}
    return row if row.get("note") != "aligned crop" else {**row, **dict(zip(LANDMARKS, ALIGNED)), "note": ""}


def main(data, out):
    os.makedirs(out, exist_ok=True)
    train, held = celeba(data)
    train += glint(data)
    population, pairs = lfw(data)
    write(f"{out}/train.csv", COLUMNS, train)
    write(f"{out}/held.csv", COLUMNS, held)
    write(f"{out}/population.csv", COLUMNS, population)
    write(f"{out}/lfw.csv", COLUMNS, pairs)
    write(f"{out}/test.csv", COLUMNS, held + pairs)
    if os.path.exists(os.path.join(out, "crops", "faces.csv")):
        write(f"{out}/all.csv", COLUMNS, [completed(r) for r in train + population + read(f"{out}/crops/faces.csv")])


if __name__ == "__main__":
    if len(sys.argv) != 3:
        sys.exit(__doc__)
    main(*sys.argv[1:])
