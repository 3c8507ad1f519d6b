"""What an image may be, and how the library is called with it without a copy."""

import os
from typing import Any

import numpy as np

#: What an image may be: a path, the bytes of a file, an array of NumPy's or an image of Pillow's.
Image = Any


def call(native, verb, image, order, *more):
    """Calls verb_file, verb_bytes, verb_pixels or verb_arrow of a native object, whichever takes the image. `more` are
    arguments behind it."""
    if isinstance(image, (str, os.PathLike)):
        return getattr(native, verb + "_file")(os.fspath(image), *more)
    if isinstance(image, (bytes, bytearray, memoryview)):
        return getattr(native, verb + "_bytes")(bytes(image), *more)
    if hasattr(image, "getbands"):
        return _call_with_pillow(native, verb, image, *more)
    return getattr(native, verb + "_pixels")(np.asarray(image), order, *more)


def _call_with_pillow(native, verb, image, *more):
    image = _upright(image)
    if image.mode == "RGB" and hasattr(image, "__arrow_c_array__"):
        try:
            _, array = image.__arrow_c_array__()
            return getattr(native, verb + "_arrow")(array, image.height, image.width, *more)
        except ValueError:  # Pillow: the image lies in several pieces of memory
            pass
    return getattr(native, verb + "_pixels")(np.asarray(image), "rgb", *more)


def pillow_pixels(image):
    """The pixels of an image of Pillow's, as the library would read them from its file."""
    return np.asarray(_upright(image))


def _upright(image):
    """An RGB or grey image, turned as its orientation says, with transparent pixels on white."""
    from PIL import ImageOps

    image = ImageOps.exif_transpose(image)
    if image.mode in ("RGBA", "LA", "PA") or "transparency" in image.info:
        return _on_white(image)
    return image if image.mode in ("RGB", "L") else image.convert("RGB")


def _on_white(image):
    """As the library treats transparency in files."""
    from PIL import Image

    image = image.convert("RGBA")
    white = Image.new("RGBA", image.size, "white")
    return Image.alpha_composite(white, image).convert("RGB")
