"""What an image may be, and how the library is called with it without a copy."""

import os

import numpy as np

ORDERS = {"rgb": 0, "bgr": 1, "rgba": 2, "bgra": 3, "grey": 4}
REVERSED = {"rgb": "bgr", "bgr": "rgb", "rgba": None, "bgra": None}
CHANNELS = {"rgb": 3, "bgr": 3, "rgba": 4, "bgra": 4, "grey": 1}


def call(native, verb, image, order):
    """Calls verb_file, verb_bytes, verb_pixels or verb_arrow of a native object, whichever takes the image."""
    if isinstance(image, np.ndarray):  # first: an array takes microseconds to score, a file milliseconds
        return getattr(native, verb + "_pixels")(*pixels_of(image, order))
    if isinstance(image, (str, os.PathLike)):
        return getattr(native, verb + "_file")(os.fspath(image))
    if isinstance(image, (bytes, bytearray, memoryview)):
        return getattr(native, verb + "_bytes")(bytes(image))
    if hasattr(image, "getbands"):
        return _call_with_pillow(native, verb, image)
    return getattr(native, verb + "_pixels")(*pixels_of(image, order))


def pixels_of(image, order):
    """The image as an array whose pixels lie side by side, and the number of its order of channels. Copies only what lies
    otherwise."""
    array = np.asarray(image)
    if array.dtype != np.uint8:
        raise ValueError(f"pixels are of type {array.dtype}; they must be uint8, 0..255")
    if array.ndim == 3 and array.shape[2] == 1:
        array = array[:, :, 0]
    if array.ndim == 2:
        order = "grey"
    elif array.ndim != 3 or order not in CHANNELS or array.shape[2] != CHANNELS[order]:
        raise ValueError(
            f"an image of shape {array.shape} has no pixels of order {order!r}; give [height, width] for grey, or "
            "[height, width, channels] with order='rgb', 'bgr', 'rgba' or 'bgra'"
        )
    if 0 in array.shape:
        raise ValueError(f"an image of shape {array.shape} has no pixels")
    if array.ndim == 3 and array.strides[2] == -1 and REVERSED[order]:  # array[:, :, ::-1]
        array, order = array[:, :, ::-1], REVERSED[order]
    side_by_side = (1,) if array.ndim == 2 else (array.shape[2], 1)
    if array.strides[1:] != side_by_side:
        array = np.ascontiguousarray(array)
    return array, ORDERS[order]


def _call_with_pillow(native, verb, image):
    from PIL import ImageOps

    image = ImageOps.exif_transpose(image)
    if image.mode in ("RGBA", "LA", "PA") or "transparency" in image.info:
        image = _on_white(image)
    elif image.mode not in ("RGB", "L"):
        image = image.convert("RGB")
    if image.mode == "RGB" and hasattr(image, "__arrow_c_array__"):
        try:
            _, array = image.__arrow_c_array__()
            return getattr(native, verb + "_arrow")(array, image.height, image.width)
        except ValueError:  # Pillow: the image lies in several pieces of memory
            pass
    return getattr(native, verb + "_pixels")(*pixels_of(image, "rgb"))


def _on_white(image):
    """As the library treats transparency in files."""
    from PIL import Image

    image = image.convert("RGBA")
    white = Image.new("RGBA", image.size, "white")
    return Image.alpha_composite(white, image).convert("RGB")
