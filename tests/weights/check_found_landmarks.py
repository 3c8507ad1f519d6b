#!/usr/bin/env python3
"""Tests weights/train/found_landmarks.py: check_found_landmarks.py SCRIPT"""
import csv
import os
import subprocess
import sys
import tempfile

POINTS = ["image_left_eye", "image_right_eye", "nose", "image_left_mouth", "image_right_mouth"]
LANDMARKS = [f"{p}_{axis}" for p in POINTS for axis in "xy"]
FACE = [30, 40, 70, 40, 50, 60, 35, 80, 65, 80]


def write(path, rows):
    with open(path, "w", newline="") as f:
        table = csv.writer(f)
        table.writerow(["path", "score"] + LANDMARKS)
        table.writerows([name, "0.5"] + (points or [""] * 10) for name, points in rows)


def run(script, folder, given, found):
    paths = [os.path.join(folder, name) for name in ("given.csv", "found.csv", "out.csv")]
    write(paths[0], given)
    write(paths[1], found)
    return subprocess.run([sys.executable, script, *paths], capture_output=True, text=True), paths[2]


def moved(pixels):
    return [x + pixels for x in FACE]


def main(script):
    given = [("near.jpg", FACE), ("other_person.jpg", FACE), ("not_found.jpg", FACE), ("whole.jpg", None)]
    found = [("near.jpg", moved(2)), ("other_person.jpg", moved(90)), ("not_found.jpg", None), ("whole.jpg", FACE)]
    with tempfile.TemporaryDirectory() as folder:
        done, out = run(script, folder, given, found)
        assert done.returncode == 0, done.stderr
        assert "1 of 3 landmarks replaced" in done.stdout, done.stdout
        with open(out, newline="") as f:
            rows = {r["path"]: [r[name] for name in LANDMARKS] for r in csv.DictReader(f)}
        assert rows["near.jpg"] == [str(x) for x in moved(2)]
        assert rows["other_person.jpg"] == rows["not_found.jpg"] == [str(x) for x in FACE]
        assert rows["whole.jpg"] == [""] * 10
        done, _ = run(script, folder, given, found[:2])
        assert done.returncode == 1 and "has other rows" in done.stderr, done.stderr


if __name__ == "__main__":
    main(sys.argv[1])
