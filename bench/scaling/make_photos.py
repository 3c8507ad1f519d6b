#!/usr/bin/env python3
"""Generates photos for measurements: parts of the example photos, resized, as JPEGs of several qualities.

  make_photos.py COUNT DIR [--seed N]

Writes DIR/photos/000000.jpg ... and DIR/photos.parquet (columns id and image, the bytes; row groups of 500). The same COUNT
and seed give the same photos. Needs Pillow, NumPy and PyArrow.
"""
import argparse
import io
import pathlib

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from PIL import Image

ROOT = pathlib.Path(__file__).resolve().parents[2]
GROUP = 500  #: rows of a row group
LARGEST = (640, 480)


def generate(photos, random):
    """The bytes of one JPEG of at most 640x480 pixels."""
    photo = photos[random.integers(len(photos))]
    width, height = (int(side * random.uniform(0.6, 1)) for side in photo.size)
    x, y = random.integers(photo.width - width + 1), random.integers(photo.height - height + 1)
    part = photo.crop((x, y, x + width, y + height))
    scale = min(1, LARGEST[0] / width, LARGEST[1] / height) * random.uniform(0.7, 1)
    part = part.resize((max(1, int(width * scale)), max(1, int(height * scale))))
    contents = io.BytesIO()
    part.save(contents, "JPEG", quality=int(random.integers(60, 96)))
    return contents.getvalue()


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("count", type=int, metavar="COUNT")
    parser.add_argument("dir", type=pathlib.Path, metavar="DIR")
    parser.add_argument("--seed", type=int, default=1)
    arguments = parser.parse_args()
    random = np.random.default_rng(arguments.seed)
    photos = [Image.open(path).convert("RGB") for path in sorted((ROOT / "examples/photos").glob("*.jpg"))]
    (arguments.dir / "photos").mkdir(parents=True)
    schema = pa.schema({"id": pa.int64(), "image": pa.binary()})
    with pq.ParquetWriter(arguments.dir / "photos.parquet", schema) as table:
        for start in range(0, arguments.count, GROUP):
            ids = range(start, min(start + GROUP, arguments.count))
            images = [generate(photos, random) for _ in ids]
            for number, contents in zip(ids, images):
                (arguments.dir / f"photos/{number:06}.jpg").write_bytes(contents)
            table.write_table(pa.table({"id": ids, "image": images}, schema=schema))


if __name__ == "__main__":
    main()
