#!/usr/bin/python3
"""Compares the decoders of photos with Pillow's pixels, on random images of lossless formats.

  compare_with_pillow.py READ_FILES [SECONDS [SEED]]
  (cmake --build BUILD --target read_files; pip install pillow numpy)

Makes small images of random sizes, modes, palettes, transparency and compressions with Pillow, has READ_FILES (from
tests/decoders/read_files.cpp) print the checksums of their pixels, and compares them with those of the pixels that
Pillow reads back, laid on white. A file that differs is kept in the current folder; the exit status is then 1.
"""
import os
import random
import shutil
import subprocess
import sys
import tempfile
import time

import numpy as np
from PIL import Image, ImageOps

MODES = {
    "png": ["1", "L", "LA", "P", "RGB", "RGBA"],
    "bmp": ["1", "L", "P", "RGB"],
    "gif": ["L", "P"],
    "tiff": ["L", "RGB", "RGBA"],
    "webp": ["RGB", "RGBA"],
}
BATCH = 100
NOTHING_VISIBLE = "every pixel is transparent"


def random_image(rng, mode):
    width, height = rng.randint(1, 70), rng.randint(1, 70)
    kind = rng.randrange(3)  # noise, few colours, a ramp: they compress differently
    numbers = np.random.default_rng(rng.randrange(1 << 32))
    shape = (height, width, 4)
    if kind == 0:
        levels = numbers.integers(0, 256, shape)
    elif kind == 1:
        levels = numbers.integers(0, 2, shape) * 255
    else:
        y, x = np.mgrid[0:height, 0:width]
        levels = np.stack([3 * x, 3 * y, x + y, 2 * x], axis=2) % 256
    image = Image.fromarray(levels.astype(np.uint8), "RGBA")
    if mode == "P":
        return image.convert("RGB").quantize(rng.choice([2, 3, 5, 16, 17, 200, 256]))
    return image.convert("RGB").convert(mode) if mode in ("1", "L", "RGB") else image.convert(mode)


def save_options(rng, extension, image):
    options = {}
    if extension == "png":
        options["compress_level"] = rng.randint(0, 9)
        if image.mode == "P" and rng.random() < 0.5:
            colours = len(image.getpalette()) // 3
            options["transparency"] = bytes(rng.randrange(256) for _ in range(colours))
        if image.mode in ("L", "RGB") and rng.random() < 0.3:
            options["transparency"] = image.getpixel((0, 0))
        if rng.random() < 0.4:
            exif = Image.Exif()
            exif[0x0112] = rng.randint(1, 8)
            options["exif"] = exif
    if extension == "gif":
        options["interlace"] = rng.randrange(2)
        if rng.random() < 0.4:
            options["transparency"] = rng.randrange(2)
    if extension == "tiff":
        options["compression"] = rng.choice([None, "tiff_lzw", "tiff_deflate", "packbits"])
    if extension == "webp":
        options.update(lossless=True, exact=True)
    return options


def expected_result(path):
    """What READ_FILES must print: size and checksum of the pixels, upright, what is transparent on white."""
    with Image.open(path) as image:
        rgba = np.asarray(ImageOps.exif_transpose(image).convert("RGBA")).astype(int)
    colours, alpha = rgba[:, :, :3], rgba[:, :, 3:]
    if not alpha.any():
        return NOTHING_VISIBLE
    total = 0
    for level in ((colours * alpha + 255 * (255 - alpha) + 127) // 255).reshape(-1).tolist():
        total = (total * 31 + level) & 0xFFFFFFFF
    return f"{rgba.shape[1]}x{rgba.shape[0]} {total:08x}"


def compare(program, folder, rng):
    expected = {}
    for i in range(BATCH):
        extension = rng.choice(list(MODES))
        image = random_image(rng, rng.choice(MODES[extension]))
        path = os.path.join(folder, f"{i}.{extension}")
        image.save(path, **save_options(rng, extension, image))
        expected[path] = expected_result(path)
    out = subprocess.run([program, *expected], check=True, capture_output=True, text=True).stdout
    wrong = 0
    for line in out.splitlines():
        path, reader, result = line.split(" ", 2)
        if reader == "library:" and path.rsplit(".", 1)[1] not in ("png", "bmp"):
            continue  # the tool reads more formats than the library
        if result != expected[path] and (expected[path] != NOTHING_VISIBLE or NOTHING_VISIBLE not in result):
            kept = f"differs-{rng.randrange(1 << 30)}-{os.path.basename(path)}"
            shutil.copy(path, kept)
            print(f"{kept}: {reader} {result}, Pillow: {expected[path]}")
            wrong += 1
    return wrong


def main():
    program, seconds = sys.argv[1], float(sys.argv[2]) if len(sys.argv) > 2 else 30
    rng = random.Random(int(sys.argv[3]) if len(sys.argv) > 3 else None)
    begin, count, wrong = time.time(), 0, 0
    while time.time() - begin < seconds:
        with tempfile.TemporaryDirectory() as folder:
            wrong += compare(program, folder, rng)
        count += BATCH
    print(f"{count} images, {wrong} differences")
    return 1 if wrong or not count else 0


if __name__ == "__main__":
    sys.exit(main())
