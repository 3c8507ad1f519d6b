#!/usr/bin/env python3
"""Checks weights/train/ensemble_labels.py with three photos and copies of them.

  check_ensemble_labels.py ENSEMBLE_LABELS_PY
"""
import csv
import os
import subprocess
import sys
import tempfile


def write(path, columns, rows):
    with open(path, "w", newline="") as f:
        table = csv.DictWriter(f, columns, restval="", lineterminator="\n")
        table.writeheader()
        table.writerows(rows)


def folder(work, name, faces):
    """Makes the files of one set. `faces` are tuples (path, degradation, gmsd, label or None, suspect)."""
    os.makedirs(f"{work}/{name}")
    write(f"{work}/{name}/faces.csv", ["path", "identity", "degradation", "gmsd"],
          [dict(path=p, identity="a", degradation=d, gmsd=g) for p, d, g, *_ in faces])
    write(f"{work}/{name}_labels.csv", ["path", "score", "suspect"],
          [dict(path=f[0], score=f[3], suspect=f[4]) for f in faces if f[3] is not None])


def read(path):
    with open(path, newline="") as f:
        return list(csv.DictReader(f))


def main(script):
    with tempfile.TemporaryDirectory() as work:
        folder(work, "faces", [("x.jpg", "none", 0, 0.8, ""), ("x~1.jpg", "blur 2.00", 0.14, 0.4, ""),
                               ("x~2.jpg", "rotation 40.00", 0.3, 0.2, ""), ("y.jpg", "none", 0, 0.5, "stranger"),
                               ("z.jpg", "none", 0, None, "")])
        folder(work, "population", [("p.jpg", "none", 0, 0.6, "")])
        folder(work, "held", [("h.jpg", "none", 0, 0.9, "")])
        subprocess.run([sys.executable, script, work], check=True, stdout=subprocess.DEVNULL)

        chosen = read(work + "/ensemble.csv")
        assert {r["split"] for r in chosen} <= {"train", "val", "test"}
        by_name = {os.path.basename(r["path"]): float(r["score"]) for r in chosen}
        assert not {"y.jpg", "z.jpg"} & set(by_name), "a suspect or a photo without a label is used"
        assert "x~2.jpg" not in by_name, "a rotated copy is in ensemble.csv"
        assert abs(by_name["h.jpg"] - 0.95) < 1e-9, by_name  # the mean of 1 - 0 and 0.9
        assert abs(by_name["x.jpg"] - 0.9) < 1e-9, by_name
        pretraining = read(work + "/pretraining.csv")
        assert {r["split"] for r in pretraining} <= {"train", "val"}, "test photos are used for training"
        assert {os.path.basename(r["path"]): float(r["score"]) for r in pretraining}["x.jpg"] == by_name["x.jpg"]
    print("labels as documented")


if __name__ == "__main__":
    main(sys.argv[1])
