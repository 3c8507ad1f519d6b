#!/usr/bin/python3
"""Makes the photos of this folder: a portrait, a group composed from it, and a picture without a face.

  make_photos.py [FOLDER]        (Debian: apt install python3-skimage python3-pil)

The sources are astronaut.png and coffee.png of scikit-image; see README.md. Running it again writes the same images.
"""
import os
import sys

import numpy as np
from PIL import Image, ImageOps
import skimage

# Of each portrait in the group: left, top, side in pixels, whether it is mirrored, and degrees of rotation.
GROUP = [(20, 60, 400, False, 0), (440, 20, 300, True, 0), (770, 140, 220, False, 14), (470, 360, 140, True, 0),
         (640, 400, 90, False, 0), (880, 380, 240, False, 0)]
SIZE = (1000, 560)


def source(name):
    return Image.open(os.path.join(os.path.dirname(skimage.__file__), "data", name)).convert("RGB")


def wall():
    """A grey wall, brighter on the left, with a little noise."""
    rng = np.random.default_rng(3)
    x = np.linspace(190, 130, SIZE[0])[None, :, None] + rng.normal(0, 3, (SIZE[1], SIZE[0], 1))
    return Image.fromarray(np.broadcast_to(x, (SIZE[1], SIZE[0], 3)).clip(0, 255).astype(np.uint8))


def group(portrait):
    picture = wall()
    for left, top, side, mirrored, degrees in GROUP:
        one = ImageOps.mirror(portrait) if mirrored else portrait
        one = one.resize((side, side), Image.LANCZOS).rotate(degrees, Image.BICUBIC)
        mask = Image.new("L", (side, side), 255).rotate(degrees, Image.BICUBIC)
        picture.paste(one, (left, top), mask)
    return picture


def main(folder):
    portrait = source("astronaut.png")
    images = {"astronaut": portrait, "group": group(portrait), "coffee": source("coffee.png")}
    for name, image in images.items():
        image.save(os.path.join(folder, name + ".jpg"), quality=88)


if __name__ == "__main__":
    main(sys.argv[1] if len(sys.argv) > 1 else os.path.dirname(os.path.abspath(__file__)))
