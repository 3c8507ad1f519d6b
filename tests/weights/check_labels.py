#!/usr/bin/env python3
"""Checks weights/train/labels.py with three photos and copies of them.

  check_labels.py LABELS_PY
"""
import csv
import os
import struct
import subprocess
import sys
import tempfile

POINTS = ["image_left_eye", "image_right_eye", "nose", "image_left_mouth", "image_right_mouth"]
LANDMARKS = [f"{p}_{axis}" for p in POINTS for axis in "xy"]


def write(path, columns, rows):
    with open(path, "w", newline="") as f:
        table = csv.DictWriter(f, columns, restval="", lineterminator="\n")
        table.writeheader()
        table.writerows(rows)


def write_npy(path, lengths):
    """Writes the embeddings (length, 0)."""
    header = f"{{'descr': '<f4', 'fortran_order': False, 'shape': ({len(lengths)}, 2), }}\n".encode()
    with open(path, "wb") as f:
        f.write(b"\x93NUMPY\x01\x00" + struct.pack("<H", len(header)) + header)
        f.write(b"".join(struct.pack("<2f", x, 0) for x in lengths))


def folder(work, name, faces):
    """Makes the files of one set. `faces` are tuples (path, degradation, gmsd, length, label or None, suspect)."""
    os.makedirs(f"{work}/{name}")
    marks = {k: "1" for k in LANDMARKS}
    write(f"{work}/{name}/faces.csv", ["path", "identity", "degradation", "gmsd"] + LANDMARKS,
          [dict(marks, path=p, identity="a", degradation=d, gmsd=g) for p, d, g, *_ in faces])
    write_npy(f"{work}/{name}.npy", [f[3] for f in faces])
    write(f"{work}/{name}_labels.csv", ["path", "score", "suspect"],
          [dict(path=f[0], score=f[4], suspect=f[5]) for f in faces if f[4] is not None])


def read(path):
    with open(path, newline="") as f:
        return list(csv.DictReader(f))


def main(script):
    with tempfile.TemporaryDirectory() as work:
        folder(work, "faces", [("x.jpg", "none", 0, 12, 0.8, ""), ("x~1.jpg", "blur 2.00", 0.14, 6, 0.4, ""),
                               ("x~2.jpg", "rotation 40.00", 0.3, 3, 0.2, ""), ("y.jpg", "none", 0, 9, 0.5, "stranger"),
                               ("z.jpg", "none", 0, 30, None, "")])
        folder(work, "population", [("p.jpg", "none", 0, 6, 0.6, "")])
        folder(work, "held", [("h.jpg", "none", 0, 6, 0.9, "")])
        subprocess.run([sys.executable, script, work], check=True, stdout=subprocess.DEVNULL)

        def scores(name):
            return {(os.path.basename(r["path"]), bool(r.get("nose_x"))): (float(r["score"]), r["split"])
                    for r in read(f"{work}/{name}.csv")}

        first = scores("tinyfqnet_1")
        assert first[("x.jpg", True)] == (0.8, "train") and first[("x~1.jpg", True)] == (0.4, "train"), first
        assert first[("z.jpg", True)][0] == 1 and first[("p.jpg", True)] == (0.4, "val"), first
        assert ("y.jpg", True) not in first, "a suspect was used"
        second = scores("tinyfqnet_2")
        # The labels increase with the lengths, so the predicted label is the label itself. z has no label: it gets the highest step.
        assert second[("x.jpg", True)][0] == 0.8 and second[("z.jpg", True)][0] == 0.8, second
        assert second[("p.jpg", True)] == (0.5, "val"), second  # the mean of 0.4 (predicted) and 0.6 (label)
        assert ("x~2.jpg", True) not in second, "more than one copy"
        assert ("p.jpg", False) not in scores("tinyfqnet_3"), "a validation photo is used for training without alignment"
        third = read(work + "/ensemble.csv")
        assert {r["split"] for r in third} <= {"train", "val", "test"}
        by_name = {os.path.basename(r["path"]): float(r["score"]) for r in third}
        assert "x~2.jpg" not in by_name, "a rotated copy is in ensemble.csv"
        assert abs(by_name["h.jpg"] - 0.95) < 1e-9, by_name  # the mean of 1 - 0 and 0.9
        assert abs(by_name["x.jpg"] - 0.9) < 1e-9, by_name
        pretraining = read(work + "/pretraining.csv")
        assert {r["split"] for r in pretraining} <= {"train", "val"}, "test photos are used for training"
        assert {os.path.basename(r["path"]): float(r["score"]) for r in pretraining}["x.jpg"] == by_name["x.jpg"]
    print("labels as documented")


if __name__ == "__main__":
    main(sys.argv[1])
