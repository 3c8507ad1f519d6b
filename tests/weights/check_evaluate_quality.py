#!/usr/bin/env python3
"""Checks the figures of weights/train/evaluate_quality.py with small cases that are known. Exits with 77 where NumPy is missing.

  check_evaluate_quality.py FOLDER_OF_THE_SCRIPT
"""
import json
import os
import struct
import sys
import tempfile

try:
    import numpy as np
except ImportError:
    print("skipped: NumPy is missing")
    sys.exit(77)


def check_spearman(e):
    assert e.ranks(np.array([3, 1, 2, 2])).tolist() == [3, 0, 1.5, 1.5]
    x = np.array([0.1, 0.4, 0.2, 0.9])
    assert abs(e.spearman(x, np.exp(x)) - 1) < 1e-12 and abs(e.spearman(x, -x) + 1) < 1e-12
    # 1 - 6 sum d^2 / (n (n^2 - 1)) with d = (1, 1, 0, 0)
    assert abs(e.spearman(np.arange(4), np.array([1, 0, 2, 3])) - 0.8) < 1e-12
    many = np.arange(12.0)  # three faces of each of four people
    assert e.with_interval(many, many, np.repeat(["a", "b", "c", "d"], 3)) == "1.000 (1.000 to 1.000)"


def check_closeness(e):
    # Person a: faces at 0, 0 and 90 degrees and a copy of the last at 0, which is compared with the two others. Person b: two faces.
    angle = np.radians([0, 0, 90, 0, 30, 60])
    embeddings = 2 * np.stack([np.cos(angle), np.sin(angle)], 1)
    people, original = np.array(list("aaaabb")), np.array([0, 1, 2, 2, 4, 5])
    by_cosine = e.closeness("B", embeddings, people, original)
    assert np.allclose(by_cosine, [np.sqrt(0.5), np.sqrt(0.5), 0, 1, np.sqrt(0.75), np.sqrt(0.75)]), by_cosine
    by_distance = e.closeness("dlib", embeddings, people, original)
    assert np.allclose(by_distance[2:4], [-2 * np.sqrt(2), 0]), by_distance


def check_kinds(e):
    rng = np.random.default_rng(1)
    kind = np.array((["none"] + e.KINDS) * 200)
    cosine, strength = rng.uniform(0.2, 0.9, len(kind)), rng.uniform(size=len(kind))
    cosine = np.where(kind == "none", 0.8, 0.9 - 0.7 * strength)
    quality = 100 * cosine + 10 * (kind == "jpeg")
    found = e.beside_other_kinds(quality, cosine, kind, strength)
    assert 9 < found["jpeg"] < 11, found
    assert all(-4 < value < 0.1 for k, value in found.items() if k != "jpeg"), found  # the others lie below JPEG, and agree


def check_calibration(e):
    header = json.dumps({"__metadata__": {"calibration": "0.2:0 0.4:50 0.8:100"}}).encode()
    with tempfile.TemporaryDirectory() as folder:
        path = os.path.join(folder, "w.safetensors")
        with open(path, "wb") as f:
            f.write(struct.pack("<Q", len(header)) + header)
        assert np.allclose(e.calibration(path)(np.array([0.1, 0.3, 0.6, 0.9])), [0, 25, 75, 100])


def main(folder):
    sys.path.insert(0, folder)
    import evaluate_quality as e

    for check in (check_spearman, check_closeness, check_kinds, check_calibration):
        check(e)
    print("figures as documented")


if __name__ == "__main__":
    main(sys.argv[1])
