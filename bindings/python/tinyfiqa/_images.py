"""What an image may be, and how the library is called with it without a copy."""

import os
from typing import Any

#: What an image may be: a path, the bytes of a file, an array of NumPy's or an image of Pillow's.
Image = Any


def call(native, verb, image, order, *more):
    """Calls verb_file, verb_bytes, verb_pixels or verb_arrow of a native object, whichever takes the image. `more` are
    arguments behind it."""
    if isinstance(image, (str, os.PathLike)):
        return getattr(native, verb + "_file")(os.fspath(image), *more)
    if is_file(image):
        return getattr(native, verb + "_bytes")(bytes(image), *more)
    if hasattr(image, "getbands"):
        return _call_with_pillow(native, verb, image, *more)
    return getattr(native, verb + "_pixels")(buffer_of(image), order, *more)


def is_file(image):
    """Whether these are the bytes of a file. A memoryview of more dimensions has pixels."""
    return isinstance(image, (bytes, bytearray)) or (isinstance(image, memoryview) and image.ndim == 1)


def numpy():
    """NumPy, which only some functions need."""
    try:
        import numpy
    except ImportError as error:
        raise ImportError("this needs NumPy; install it: pip install numpy") from error
    return numpy


def buffer_of(pixels):
    """The pixels as an object with Python's buffer protocol: an array as it is, others as an array of NumPy's."""
    try:
        memoryview(pixels).release()
    except TypeError:
        return numpy().asarray(pixels)
    return pixels


def _call_with_pillow(native, verb, image, *more):
    image = _upright(image)
    if image.mode == "RGB" and hasattr(image, "__arrow_c_array__"):
        try:
            _, array = image.__arrow_c_array__()
            return getattr(native, verb + "_arrow")(array, image.height, image.width, *more)
        except ValueError:  # Pillow: the image lies in several pieces of memory
            pass
    return getattr(native, verb + "_pixels")(_pixels(image), "rgb", *more)


def pillow_pixels(image):
    """The pixels of an image of Pillow's, as the library would read them from its file."""
    return _pixels(_upright(image))


def _pixels(image):
    """A copy: [height, width] of a grey image, [height, width, 3] of an RGB image."""
    shape = (image.height, image.width) if image.mode == "L" else (image.height, image.width, 3)
    return memoryview(image.tobytes()).cast("B", shape)


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
