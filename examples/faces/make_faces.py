#!/usr/bin/python3
"""Makes the photographs of this folder: one good face and five ways to spoil it.

  make_faces.py [FOLDER]        (Debian: apt install python3-skimage python3-pil)

The source is astronaut.png of scikit-image; see README.md. Running it again writes the same images.
"""
import io
import os
import sys

import numpy as np
from PIL import Image, ImageEnhance, ImageFilter
import skimage

BOX = (146, 38, 306, 198)  # left, top, right, bottom: the face with a margin, 160 x 160


def face():
    path = os.path.join(os.path.dirname(skimage.__file__), "data", "astronaut.png")
    return Image.open(path).convert("RGB").crop(BOX)


def noisy(image, sigma, seed):
    rng = np.random.default_rng(seed)
    levels = np.asarray(image, np.float64)
    return Image.fromarray((levels + rng.normal(0, sigma, levels.shape)).clip(0, 255).astype(np.uint8))


def recompressed(image, quality):
    stream = io.BytesIO()
    image.save(stream, "JPEG", quality=quality)
    return Image.open(stream).convert("RGB")


def main(folder):
    good = face()
    variants = {
        "astronaut": good,
        "astronaut_blur": good.filter(ImageFilter.GaussianBlur(2)),
        "astronaut_dark": ImageEnhance.Brightness(good).enhance(0.12),
        "astronaut_jpeg": recompressed(good, 5),
        "astronaut_small": good.resize((24, 24), Image.BILINEAR),
        "astronaut_noise": noisy(good, 45, seed=7),
    }
    for name, image in variants.items():
        image.save(os.path.join(folder, name + ".jpg"), quality=92)


if __name__ == "__main__":
    main(sys.argv[1] if len(sys.argv) > 1 else os.path.dirname(os.path.abspath(__file__)))
