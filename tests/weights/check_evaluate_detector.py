#!/usr/bin/env python3
"""Checks weights/train/evaluate_detector.py with a few boxes, whose measures are known.

  check_evaluate_detector.py EVALUATE_DETECTOR_PY
"""
import csv
import os
import subprocess
import sys
import tempfile

POINTS = ["image_left_eye", "image_right_eye", "nose", "image_left_mouth", "image_right_mouth"]
LANDMARKS = [f"{p}_{axis}" for p in POINTS for axis in "xy"]
BOX = ["box_x", "box_y", "box_w", "box_h"]


def write(path, columns, rows):
    with open(path, "w", newline="") as f:
        table = csv.DictWriter(f, columns, restval="", lineterminator="\n")
        table.writeheader()
        table.writerows(rows)


def points(x, y, eyes=10):
    """Landmarks whose left eye is at (x, y) and whose eyes are `eyes` pixels apart."""
    return dict(zip(LANDMARKS, [x, y, x + eyes, y, x + eyes / 2, y + 5, x, y + 10, x + eyes, y + 10]))


def known(file, x, y, w, h, **more):
    return dict(file=file, x=x, y=y, w=w, h=h, **more)


def found(file, confidence, x, y, w, h, marks=None):
    return dict(zip(["path", "confidence"] + BOX, [file, confidence, x, y, w, h]), **(marks or points(x + 5, y + 10)))


def make_data(folder):
    """A photo with two hand-made faces, one with a box of 68 points, one background and one hard negative."""
    write(f"{folder}/images.csv", ["file", "source"],
          [dict(file="train/t.jpg", source="helen_afw"), dict(file="test/a.jpg", source="facemask_ilc"),
           dict(file="test/b.jpg", source="helen_afw")])
    write(f"{folder}/backgrounds.csv", ["file", "source", "kind", "split"],
          [dict(file="backgrounds/a.jpg", source="x", kind="background", split="test"),
           dict(file="backgrounds/h.jpg", source="x", kind="hard_negative", split="test"),
           dict(file="backgrounds/t.jpg", source="x", kind="background", split="train")])
    box = ["file", "x", "y", "w", "h"] + LANDMARKS
    write(f"{folder}/true_boxes.csv", box + ["type"],
          [known("test/a.jpg", 0, 0, 20, 30, type="face:with_mask"), known("test/a.jpg", 100, 0, 30, 40, type="face:without_mask"),
           known("test/b.jpg", 10, 30, 60, 100, type="landmark68_box", **points(20, 60, 40)),
           known("test/b.jpg", 200, 0, 60, 100, type="head:head"), known("train/t.jpg", 0, 0, 9, 9, type="face:with_mask")])
    write(f"{folder}/yunet_detections.csv", box + ["score", "mediapipe_iou"],
          [known("test/a.jpg", 0, 0, 20, 30, mediapipe_iou=0.9, **points(5, 10)),
           known("test/a.jpg", 200, 0, 20, 30, mediapipe_iou=0.1, **points(205, 10)),  # doubtful
           known("test/b.jpg", 300, 0, 12, 18, mediapipe_iou=0, **points(303, 5, 6)),
           known("test/b.jpg", 300, 50, 6, 8, mediapipe_iou=0, **points(301, 52, 3))])
    write(f"{folder}/yunet_low.csv", box + ["score"], [known("test/a.jpg", 300, 0, 30, 30, **points(305, 10))])


DETECTIONS = [
    found("test/a.jpg", 0.9, 0, 0, 20, 30),
    found("test/a.jpg", 0.85, 300, 0, 30, 30),  # low
    found("test/a.jpg", 0.84, 200, 0, 20, 30),  # doubtful
    found("test/a.jpg", 0.8, 150, 100, 30, 30),  # false
    found("test/a.jpg", 0.7, 100, 0, 30, 40),
    found("test/a.jpg", 0.6, 50, 100, 15, 20),  # false; too small to be one in the hand-made photos
    found("/data/set/test/b.jpg", 0.95, 10, 0, 60, 130, points(24, 60, 40)),  # all points are 4 pixels beside the true ones
    found("test/b.jpg", 0.9, 300, 0, 12, 18, points(303, 8, 6)),  # 3 pixels, and the eyes' distance is 6
    found("test/b.jpg", 0.3, 300, 51, 6, 8),
    found("backgrounds/a.jpg", 0.55, 0, 0, 50, 50),
    dict(path="backgrounds/h.jpg"),
    found("train/t.jpg", 0.99, 50, 50, 10, 10)]


def tables(script, folder, *options):
    """Runs the script and returns {row: cells} of its tables in Markdown."""
    command = [sys.executable, script, folder, *options, "--markdown", "--resamples", "20"]
    output = subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True).stdout
    lines = [[cell.strip() for cell in line.split("|")[1:-1]] for line in output.splitlines() if line.startswith("| ")]
    return {line[0]: line[1:] for line in lines}


def check_measures(script, folder):
    write(f"{folder}/d.csv", ["path", "confidence"] + BOX + LANDMARKS, DETECTIONS)
    weaker = [dict(r, confidence=0.1) if r.get("box_x") == 100 else r for r in DETECTIONS]
    weaker[6] = dict(weaker[6], **points(28, 60, 40))
    write(f"{folder}/w.csv", ["path", "confidence"] + BOX + LANDMARKS, weaker)
    options = [f"d={folder}/d.csv", f"w={folder}/w.csv", "--threshold", "d=0.6", "--reference", "d"]
    rows = tables(script, folder, *options)
    values = {label: [float(cell.split()[0]) if cell[0].isdigit() else None for cell in cells] for label, cells in rows.items() if label}

    def expect(label, *expected):
        assert label in values, (label, list(values))
        got = values[label]
        assert len(got) == len(expected) and all(a == b or abs(a - b) < 0.0006 for a, b in zip(got, expected)), (label, got, expected)

    # d: hit, false, hit. Precision is 1 up to recall 1/2 and 2/3 up to 1. w: the same.
    expect("hand-made boxes (2)", 5 / 6, 5 / 6)
    # Hits at 0.9 (two at once), false at 0.8, 0.6, and a hit at 0.3. The face that only people marked is ignored.
    expect("teacher's boxes (3)", 2 / 3 + 1 / 3 * 3 / 5, 2 / 3 + 1 / 3 * 3 / 5)
    expect("teacher's boxes, 16 px and more (2)", 1, 1)
    # Two photos and a background allow 0.3 false positives, so none.
    expect("confidence above", 0.8, 0.8)
    expect("all faces, 16 px and more (4)", 3 / 4, 3 / 4)
    expect("all faces, 16-32 px (2)", 1, 1)
    expect("hand-made, 16-32 px (1)", 1, 1)
    expect("hand-made, 32-64 px (1)", 0, 0)
    expect("hand-made, 64-128 px (0)", None, None)
    expect("hand-made, 128 px and more (1)", 1, 1)  # 130 pixels with the forehead
    expect("AFW, faces found", 1, 1)
    expect("AFW, mean, 16 px and more (1)", 0.1, 0.2)
    expect("teacher, median, 16-32 px (2)", 0.25, 0.25)  # the middle of 0 and 0.5
    expect("landmark error: AFW, median, 16 px and more (1)", 2)
    expect("background (1), threshold of use", 0, 1)
    expect("background (1), 0.5", 1, 1)
    expect("background (1), 0.6", 0, 0)
    expect("hard_negative (1), 0.5", 0, 0)
    expect("recall: all faces, 16 px and more (4)", 1)
    assert rows == tables(script, folder, *options), "the intervals depend on more than the seed"


def check_confidences_that_are_equal(script, folder):
    """Hit and false detection at one confidence: no order is better than the other."""
    equal = [dict(r, confidence=0.5) if r.get("confidence") else r for r in DETECTIONS]
    for name, rows in (("equal", equal), ("reversed", equal[::-1])):
        write(f"{folder}/{name}.csv", ["path", "confidence"] + BOX + LANDMARKS, rows)
        got = tables(script, folder, f"x={folder}/{name}.csv")["hand-made boxes (2)"][0]
        assert got.startswith("0.667"), got


def check_two_detections_of_a_face(script, folder):
    twice = DETECTIONS + [found("test/a.jpg", 0.88, 1, 0, 20, 30)]
    write(f"{folder}/twice.csv", ["path", "confidence"] + BOX + LANDMARKS, twice)
    rows = tables(script, folder, f"x={folder}/twice.csv")
    assert rows["hand-made boxes (2)"][0].startswith("0.750"), rows  # hit, false, false, hit
    assert rows["confidence above"] == ["0.800"], rows


def check_errors(script, folder):
    write(f"{folder}/few.csv", ["path", "confidence"] + BOX + LANDMARKS, DETECTIONS[:4])
    for arguments, message in (([f"x={folder}/few.csv"], "few.csv: 3 photos have no row, test/b.jpg is the first"),
                               ([f"x={folder}/none.csv"], "none.csv: No such file"),
                               ([f"x={folder}/images.csv"], "images.csv: no column path"),
                               ([f"x={folder}/few.csv", "--reference", "y"], "there is no detector y")):
        result = subprocess.run([sys.executable, script, folder, *arguments], stderr=subprocess.PIPE, text=True)
        assert result.returncode and message in result.stderr, (message, result.stderr)


def main(script):
    with tempfile.TemporaryDirectory() as folder:
        make_data(folder)
        check_measures(script, folder)
        check_confidences_that_are_equal(script, folder)
        check_two_detections_of_a_face(script, folder)
        check_errors(script, folder)
    print("measures of detectors as documented")


if __name__ == "__main__":
    main(os.path.abspath(sys.argv[1]))
