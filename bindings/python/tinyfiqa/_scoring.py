"""Finding and scoring faces."""

import collections
import os
import pathlib
import threading
from collections.abc import Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any, NamedTuple

from . import _core
from ._images import Image, call

EXTENSIONS = set(".jpg .jpeg .jpe .jfif .png .bmp .ppm .pgm .pnm .webp .heic .heif .avif .tif .tiff .gif".split())
CHOICES = {"largest": 0, "all": 1, "whole": 2}


class Face(NamedTuple):
    """A face in an image. Coordinates are pixels of the upright image, x to the right, y down."""

    box: tuple[float, float, float, float]  #: x, y, width, height; it may reach beyond the image
    confidence: float  #: of the detector, 0..1
    #: x and y of five points: left eye, right eye, nose, left and right corner of the mouth, as seen
    landmarks: tuple[tuple[float, float], ...]
    framing: str  #: "photo", "tight crop" or "aligned crop"


class ScoredFace(NamedTuple):
    """The score of a face. A network without calibration has a raw score alone."""

    quality: int | None  #: 0..100, higher is better
    band: str | None  #: "reject", "poor", "fair" or "good"
    raw: float  #: the output of the network, or the mean over several
    exact_quality: float | None  #: the quality before it was rounded
    face: Face | None  #: None if the face was given by the caller


_core.set_result_classes(Face, ScoredFace)


class Row(NamedTuple):
    """What score_many() says of one image."""

    image: Image  #: as it was given; of folders, the path of the file
    faces: list[ScoredFace]  #: largest first; empty if there is none
    error: Exception | None  #: why the image has no scores


def _search(detector, threshold, smallest_face, longest_side, tiles, quick, threads):
    path = None if detector is None else os.fspath(detector)
    return path, threshold, smallest_face, longest_side, tiles, quick, threads


class Detector:
    """Finds faces. For one thread at a time; another thread gets a tinyfiqa.Error.

    detector       weights of a detector (.safetensors); None: the built-in one
    threshold      least confidence, between 0 and 1
    smallest_face  least height of a face in pixels of the image
    longest_side   the image is searched at this size
    tiles          search also parts of that size at full resolution, for small faces in large images
    quick          if nothing is found, don't search again for turned faces and close-ups
    threads        that share one image
    """

    def __init__(
        self,
        detector: str | os.PathLike | None = None,
        *,
        threshold: float = 0.6,
        smallest_face: float = 0,
        longest_side: int = 640,
        tiles: bool = False,
        quick: bool = False,
        threads: int = 1,
    ):
        self._native = _core.Detector(
            *_search(detector, threshold, smallest_face, longest_side, tiles, quick, threads)
        )

    def detect(self, image: Image, *, order: str = "rgb") -> list[Face]:
        """The faces of an image, largest first. `order` is that of an array's channels: rgb, bgr, rgba or bgra."""
        return call(self._native, "detect", image, order)


class Scorer:
    """Finds faces and scores them. For one thread at a time: clone() makes one for another thread.

    weights    a weight file (.safetensors) or a list of them, whose networks' mean is the score; None: the built-in network
    model      reads the files as this network; None: the one that each file names or fits
    precision  of the built-in network: "f32"; "i8": 8 bits, faster on most processors, and a point or so off; "auto": 8 bits
               where the processor has instructions for them (VNNI)
    views      views to average: "flips", or a list such as "identity,hflip"; None: as calibrated
    faces      "largest", "all", or "whole": nothing is searched, images are crops of faces
    The other options are the Detector's.
    """

    def __init__(
        self,
        weights: str | os.PathLike | Iterable[str | os.PathLike] | None = None,
        *,
        model: str | None = None,
        precision: str = "f32",
        views: str | None = None,
        faces: str = "largest",
        detector: str | os.PathLike | None = None,
        threshold: float = 0.6,
        smallest_face: float = 0,
        longest_side: int = 640,
        tiles: bool = False,
        quick: bool = False,
        threads: int = 1,
    ):
        if faces not in CHOICES:
            raise ValueError(f"faces={faces!r}; it may be 'largest', 'all' or 'whole'")
        if weights is None:
            weights = []
        elif isinstance(weights, (str, os.PathLike)):
            weights = [weights]
        search = _search(detector, threshold, smallest_face, longest_side, tiles, quick, threads)
        paths = [os.fspath(path) for path in weights]
        self._native = _core.Scorer(paths, model, precision, views, CHOICES[faces], *search)

    def clone(self) -> "Scorer":
        """A scorer with the same options for another thread. They share the weights."""
        other = object.__new__(Scorer)
        other._native = self._native.clone()
        return other

    @property
    def precision(self) -> str:
        """What the networks compute in: "f32" or "i8"; "mixed" if they differ. Not "auto", but what that chose."""
        return self._native.precision

    @property
    def bands(self) -> tuple[int, int, int]:
        """The lowest quality of the bands poor, fair and good; zeros without calibration."""
        return self._native.bands

    def score(self, image: Image, *, order: str = "rgb") -> ScoredFace | None:
        """The ScoredFace of the largest face, or None if there is no face."""
        if _is_array(image):  # first: an array takes microseconds to score, a file milliseconds
            faces = self._native.score_pixels(image, order)
        else:
            faces = call(self._native, "score", image, order)
        return faces[0] if faces else None

    def score_all(self, image: Image, *, order: str = "rgb") -> list[ScoredFace]:
        """The faces that were asked for, largest first."""
        return call(self._native, "score", image, order)

    def score_known_face(
        self, image: Image, *, box: Iterable | None = None, landmarks: Any = None, order: str = "rgb"
    ) -> ScoredFace:
        """The score of one face of an image, whose place is known: box (x, y, width, height) or landmarks [5, 2].
        With neither, the image is a crop of the face."""
        box = None if box is None else [float(v) for v in box]
        landmarks = None if landmarks is None else [float(v) for point in landmarks for v in _numbers(point)]
        return call(self._native, "score_known_face", image, order, box, landmarks)


def _is_array(image):
    """Whether this is an array of NumPy's, which may not be installed. (Its strings are paths.)"""
    kind = type(image)
    return kind.__name__ == "ndarray" and kind.__module__ == "numpy"


def _numbers(point):
    """x and y of a point, or a number of its own."""
    return point if hasattr(point, "__iter__") else [point]


_of_thread = threading.local()


def score(image: Image, *, order: str = "rgb") -> ScoredFace | None:
    """The ScoredFace of the largest face of an image, by the built-in network; None if there is no face. May be called from
    any thread."""
    if not hasattr(_of_thread, "scorer"):
        _of_thread.scorer = Scorer()
    return _of_thread.scorer.score(image, order=order)


def _images(images):
    """The images, with the files of folders in their places."""
    if isinstance(images, (str, os.PathLike)):
        images = [images]
    for image in images:
        if isinstance(image, (str, os.PathLike)) and os.path.isdir(image):
            files = (p for p in pathlib.Path(image).rglob("*") if p.suffix.lower() in EXTENSIONS)
            yield from sorted(str(p) for p in files if not p.name.startswith("."))
        else:
            yield image


def score_many(
    images: str | os.PathLike | Iterable[Image],
    *,
    scorer: Scorer | None = None,
    threads: int | None = None,
    progress: bool = False,
    order: str = "rgb",
) -> Iterator[Row]:
    """Scores many images: a folder, or an iterable of folders and of what score() takes. Yields a Row for each, in order; an
    image that can't be scored has a Row with the error.

    scorer    a Scorer; each thread uses a clone of it. None: one that scores the largest face of each image
    threads   None: one for each core
    progress  True shows a bar (package tqdm)
    """
    scorer = scorer or Scorer()
    count = threads or len(os.sched_getaffinity(0))
    clones = threading.local()

    def row(image):
        if not hasattr(clones, "scorer"):
            clones.scorer = scorer.clone()
        try:
            return Row(image, clones.scorer.score_all(image, order=order), None)
        except Exception as error:  # of this image alone
            return Row(image, [], error)

    rows = _in_order(row, _images(images), count)
    if progress:
        from tqdm import tqdm  # type: ignore[import-untyped]

        rows = tqdm(rows, unit=" images")
    yield from rows


def _in_order(work, items, threads):
    """work(item) for each item on several threads, in order, with a few items ahead at a time."""
    pool = ThreadPoolExecutor(threads)
    waiting = collections.deque()
    try:
        for item in items:
            waiting.append(pool.submit(work, item))
            if len(waiting) >= 4 * threads:
                yield waiting.popleft().result()
        while waiting:
            yield waiting.popleft().result()
    finally:  # also if nobody wants the rest
        pool.shutdown(cancel_futures=True)
