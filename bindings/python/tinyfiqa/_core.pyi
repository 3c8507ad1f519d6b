"""The compiled part: libtinyfiqa."""

from typing import Any

import numpy

from ._scoring import Face, ScoredFace

__version__: str
instruction_set: str

class Error(Exception): ...

def set_result_classes(face: type, scored_face: type, /) -> None: ...

class Scorer:
    def __init__(
        self,
        weights: list[str],
        model: str | None,
        precision: str,
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
    def score_pixels(self, pixels: Any, order: str, /) -> list[ScoredFace]: ...
    def score_arrow(self, array: Any, height: int, width: int, /) -> list[ScoredFace]: ...
    def score_known_face_file(
        self, path: str, box: list[float] | None, landmarks: list[float] | None, /
    ) -> ScoredFace: ...
    def score_known_face_bytes(
        self, data: bytes, box: list[float] | None, landmarks: list[float] | None, /
    ) -> ScoredFace: ...
    def score_known_face_pixels(
        self, pixels: Any, order: str, box: list[float] | None, landmarks: list[float] | None, /
    ) -> ScoredFace: ...
    def score_known_face_arrow(
        self, array: Any, height: int, width: int, box: list[float] | None, landmarks: list[float] | None, /
    ) -> ScoredFace: ...
    @property
    def precision(self) -> str: ...
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
    def detect_pixels(self, pixels: Any, order: str, /) -> list[Face]: ...
    def detect_arrow(self, array: Any, height: int, width: int, /) -> list[Face]: ...

class FaceImages:
    def __init__(
        self, images: list[Any], order: str, boxes: list[float], landmarks: list[float], /
    ) -> None: ...

class Model:
    @property
    def name(self) -> str: ...
    @property
    def input_size(self) -> tuple[int, int]: ...
    def parameters(self) -> dict[str, numpy.ndarray]: ...
    def predict(self, faces: FaceImages, threads: int, /) -> numpy.ndarray: ...
    def save(self, path: str, /) -> None: ...

def read_model(path: str, name: str, /) -> Model: ...
def new_model(name: str, seed: int, /) -> Model: ...

class Training:
    def __init__(
        self,
        model: str,
        start: Model | None,
        faces: FaceImages,
        labels: list[float],
        identities: list[str],
        validation: list[int],
        validation_share: float,
        options: dict[str, Any],
        /,
    ) -> None: ...
    def run_epoch(self) -> tuple[int, float, float, float, float, float, float, float, float]: ...
    def model(self) -> Model: ...
    @property
    def epochs(self) -> int: ...
    @property
    def best_epoch(self) -> int: ...

def evaluate(
    predictions: list[float], labels: list[float], resamples: int, level: float, seed: int, threads: int, /
) -> tuple[
    tuple[int, float, float, float, float, float],
    tuple[tuple[float, float], ...] | None,
]: ...
