"""The compiled part: libtinyfiqa."""

from typing import Any

import numpy

__version__: str
instruction_set: str

class Error(Exception): ...

class Face:
    @property
    def box(self) -> tuple[float, float, float, float]: ...
    @property
    def confidence(self) -> float: ...
    @property
    def landmarks(self) -> bytes: ...  # of a float32 array [5, 2]
    @property
    def framing(self) -> str: ...

class Score:
    @property
    def quality(self) -> int | None: ...
    @property
    def exact_quality(self) -> float | None: ...
    @property
    def band(self) -> str | None: ...
    @property
    def raw(self) -> float: ...

class ScoredFace:
    @property
    def face(self) -> Face: ...
    @property
    def score(self) -> Score: ...

class Scorer:
    def __init__(
        self,
        weights: list[str],
        model: str | None,
        views: str | None,
        faces: int,
        detector: str | None,
        threshold: float,
        smallest_face: float,
        longest_side: int,
        tiles: bool,
        quick: bool,
        threads: int,
        /,
    ) -> None: ...
    def clone(self) -> Scorer: ...
    def score_file(self, path: str, /) -> list[ScoredFace]: ...
    def score_bytes(self, data: bytes, /) -> list[ScoredFace]: ...
    def score_pixels(self, pixels: numpy.ndarray, order: int, /) -> list[ScoredFace]: ...
    def score_arrow(self, array: Any, height: int, width: int, /) -> list[ScoredFace]: ...
    def score_known_face(
        self, pixels: numpy.ndarray, order: int, box: list[float] | None, landmarks: list[float] | None, /
    ) -> Score: ...
    @property
    def bands(self) -> tuple[int, int, int]: ...

class Detector:
    def __init__(
        self,
        detector: str | None,
        threshold: float,
        smallest_face: float,
        longest_side: int,
        tiles: bool,
        quick: bool,
        threads: int,
        /,
    ) -> None: ...
    def detect_file(self, path: str, /) -> list[Face]: ...
    def detect_bytes(self, data: bytes, /) -> list[Face]: ...
    def detect_pixels(self, pixels: numpy.ndarray, order: int, /) -> list[Face]: ...
    def detect_arrow(self, array: Any, height: int, width: int, /) -> list[Face]: ...
