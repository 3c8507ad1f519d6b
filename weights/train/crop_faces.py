#!/usr/bin/env python3
"""Cuts the faces of a table out of their photos, loosely, so that training need not read whole photos.

  crop_faces.py FOUND IMAGES OUT

FOUND is a table of `tinyfiqa detect --data ... --face auto --format csv`: columns path, confidence, a box, five landmarks; IMAGES the folder
where its paths start. The script writes to OUT the square of 1.8 times the box's height around the box's middle, cut off at the photo's
border and at most 192 pixels a side, and OUT/faces.csv with the landmarks in it. Rows without a face, or with a face of less than 20
pixels or a confidence below 0.7, are left out. Needs Pillow.
"""
import sys
from multiprocessing import Pool
from pathlib import Path

from PIL import Image

from face_tables import LANDMARKS, read, write

MARGIN, LARGEST, SMALLEST_FACE, LEAST_CONFIDENCE = 1.8, 192, 20, 0.7


def cut(job):
    """Writes the crop of one row and returns the row with its new landmarks."""
    row, images, out = job
    with Image.open(f"{images}/{row['path']}") as file:
        image = file.convert("RGB")
    x, y, width, height = (float(row[c]) for c in ("box_x", "box_y", "box_w", "box_h"))
    half = MARGIN * height / 2
    left, top = max(0, round(x + width / 2 - half)), max(0, round(y + height / 2 - half))
    right, bottom = min(image.width, round(x + width / 2 + half)), min(image.height, round(y + height / 2 + half))
    image = image.crop((left, top, right, bottom))
    scale = min(1, LARGEST / max(image.size))
    size = [max(1, round(side * scale)) for side in image.size]
    if scale < 1:
        image = image.resize(size, Image.Resampling.LANCZOS)
    image.save(f"{out}/{row['path']}", quality=95)
    for c in LANDMARKS:
        axis = c.endswith("y")
        row[c] = f"{(float(row[c]) - (top if axis else left)) * size[axis] / ((bottom - top) if axis else (right - left)):.2f}"
    return {**row, "note": ""}


def main(found, images, out):
    rows = [r for r in read(found) if r["confidence"] and float(r["confidence"]) >= LEAST_CONFIDENCE and float(r["box_h"]) >= SMALLEST_FACE]
    for folder in {str(Path(r["path"]).parent) for r in rows}:
        Path(out, folder).mkdir(parents=True, exist_ok=True)
    with Pool() as pool:
        rows = list(pool.imap(cut, [(r, images, out) for r in rows], chunksize=64))
    write(f"{out}/faces.csv", ["path", "identity", "source"] + LANDMARKS + ["note"], rows)


if __name__ == "__main__":
    if len(sys.argv) != 4:
        sys.exit(__doc__)
    main(*sys.argv[1:])
