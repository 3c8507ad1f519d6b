"""Tables of faces as CSV: the columns of landmarks, reading and writing."""
import csv
import os
import sys

POINTS = ["image_left_eye", "image_right_eye", "nose", "image_left_mouth", "image_right_mouth"]
LANDMARKS = [f"{p}_{axis}" for p in POINTS for axis in "xy"]
# Where the landmarks of an aligned face of 112x112 lie.
ALIGNED = [38.2946, 51.6963, 73.5318, 51.5014, 56.0252, 71.7366, 41.5493, 92.3655, 70.7299, 92.2041]
# What the identity of a face begins with whose person is not known: `tinyfiqa label` wants one for each.
UNKNOWN = "unknown "


def read(path):
    """The rows of a CSV."""
    with open(path, newline="", encoding="utf-8") as f:
        return list(csv.DictReader(f))


def write(path, columns, rows):
    """Writes these columns of the rows, empty where a row lacks one, and says how many there are.

    The file appears only when it is complete, because scripts that are started again use what exists."""
    count = 0
    with open(f"{path}.part", "w", newline="", encoding="utf-8") as f:
        table = csv.DictWriter(f, columns, restval="", extrasaction="ignore", lineterminator="\n")
        table.writeheader()
        for count, row in enumerate(rows, 1):
            table.writerow(row)
    os.replace(f"{path}.part", path)
    print(f"{path}: {count} rows", file=sys.stderr)
