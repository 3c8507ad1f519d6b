"""Networks with their weights, and how they are trained and evaluated on arrays."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Sequence
from typing import TYPE_CHECKING, Any, NamedTuple

from . import _core
from ._images import Image, buffer_of, is_file, numpy, pillow_pixels

if TYPE_CHECKING:
    import numpy as np


class Epoch(NamedTuple):
    """One finished epoch of a training. The metrics are those of the validation images."""

    epoch: int  #: counted from 1
    loss: float  #: mean over the training images
    srcc: float  #: Spearman's rank correlation of scores and labels; 0 for a recogniser, as all up to final_score
    plcc: float  #: Pearson's linear correlation
    kendall: float  #: Kendall's tau-b
    rmse: float  #: in the units of the labels
    final_score: float  #: (srcc + plcc) / 2; the best epoch has the highest
    accuracy: float  #: of a recogniser: of verification on pairs of validation faces
    images_per_s: float


class Metrics(NamedTuple):
    """How well predictions agree with labels."""

    pairs: int  #: how many were compared
    srcc: float  #: Spearman's rank correlation, -1..1
    plcc: float  #: Pearson's linear correlation, -1..1
    kendall: float  #: Kendall's tau-b, -1..1
    rmse: float  #: root mean square error, in the units of the labels
    final_score: float  #: (srcc + plcc) / 2
    intervals: dict[str, tuple[float, float]] | None  #: confidence intervals by name; None without resamples


def _faces(images, order, boxes, landmarks):
    """The images as the library takes many of them: arrays, paths and the bytes of files."""

    def as_native(image):
        if isinstance(image, os.PathLike):
            return os.fspath(image)
        if is_file(image):
            return bytes(image)
        if hasattr(image, "getbands"):
            return pillow_pixels(image)
        return image if isinstance(image, str) else buffer_of(image)

    def numbers(values):
        return [] if values is None else numpy().asarray(values, "float32").ravel().tolist()

    return _core.FaceImages([as_native(i) for i in images], order, numbers(boxes), numbers(landmarks))


def _cores():
    return len(os.sched_getaffinity(0))


class Model:
    """A network with its weights. Images are faces: crops, unless boxes or landmarks are given. Different threads may use
    one model at the same time.

    weights  a weight file (.safetensors); None: initial weights
    model    the network's name; None: the one that the file names or fits
    seed     of initial weights

    >>> model = tinyfiqa.Model("weights/tinyfqnet.safetensors")
    >>> model.name, model.input_size
    ('tinyfqnet', (64, 64))
    """

    def __init__(self, weights: str | os.PathLike | None = None, *, model: str | None = None, seed: int = 1):
        if weights is not None:
            self._native = _core.read_model(os.fspath(weights), model or "")
        elif model is not None:
            self._native = _core.new_model(model, seed)
        else:
            raise ValueError("give a weight file, or the name of a network: Model(model='tinyfqnet')")

    @staticmethod
    def _of(native):
        model = object.__new__(Model)
        model._native = native
        return model

    @property
    def name(self) -> str:
        """The network's name."""
        return self._native.name

    @property
    def input_size(self) -> tuple[int, int]:
        """Height and width of its input."""
        return self._native.input_size

    def parameters(self) -> dict[str, np.ndarray]:
        """Copies of all parameters by name, as PyTorch names and shapes them."""
        numpy()  # makes the error if it is missing
        return self._native.parameters()

    def predict(
        self,
        images: Iterable[Image],
        *,
        boxes: Any = None,
        landmarks: Any = None,
        order: str = "rgb",
        threads: int | None = None,
    ) -> np.ndarray:
        """What the network gives for each image, float32: raw scores [n], or embeddings [n, d]. One pass for each image,
        without the views over which a Scorer takes the mean.

        images     a list of images, or an array [n, height, width, 3]
        boxes      [n, 4]: x, y, width, height of the face in each image
        landmarks  [n, 5, 2]: its landmarks
        order      of the channels of arrays: rgb, bgr, rgba or bgra
        threads    None: one for each core
        """
        numpy()  # makes the error if it is missing
        out = self._native.predict(_faces(images, order, boxes, landmarks), threads or _cores())
        return out[:, 0] if out.shape[1] == 1 else out

    def save(self, path: str | os.PathLike) -> None:
        """Writes a weight file (.safetensors) that Scorer, the command and PyTorch read."""
        self._native.save(os.fspath(path))


class Training(NamedTuple):
    """What train() returns."""

    model: Model  #: with the weights of the best epoch
    epochs: list[Epoch]  #: all epochs, the first first
    best_epoch: int  #: counted from 1


def train(
    images: Iterable[Image],
    labels: Any,
    *,
    model: str = "tinyfqnet",
    start: Model | str | os.PathLike | None = None,
    boxes: Any = None,
    landmarks: Any = None,
    order: str = "rgb",
    validation: float | Sequence[int] = 0.2,
    groups: Sequence[Any] | None = None,
    on_epoch: Callable[[Epoch], bool | None] | None = None,
    size: tuple[int, int] | None = None,
    threads: int | None = None,
    seed: int = 1,
    epochs: int | None = None,
    batch: int | None = None,
    loss: str | None = None,
    alpha: float | None = None,
    optimizer: str | None = None,
    momentum: float | None = None,
    lr: float | None = None,
    backbone_lr: float | None = None,
    lr_schedule: str | None = None,
    lr_step: int | None = None,
    lr_gamma: float | None = None,
    warm_up: int | None = None,
    weight_decay: float | None = None,
    clip: float | None = None,
    ema: float | None = None,
    hflip: float | None = None,
) -> Training:
    """Trains a network on labelled faces. Ctrl-C ends it with KeyboardInterrupt.

    images      faces, as Model.predict() takes them; `boxes`, `landmarks` and `order` too
    labels      the quality of each image; 0..1 for tinyFQnet. For a recogniser, the name of the person
    model       the network's name
    start       a Model or a weight file to start from; None: initial weights
    validation  the share of images that is not trained on, or the indices of these images
    groups      a name for each image, such as that of the person: images of one group stay on one side of the split
    on_epoch    called after each epoch with an Epoch; if it returns False, the training ends
    size        height and width of the input; None: the network's own

    threads     None: one for each core
    seed        of weights, split and order

    What is None of the others is taken from the recipe of the network. They mean what the command's options do (`tinyfiqa
    train --help`).
    """
    given = {
        "epochs": epochs,
        "batch": batch,
        "loss": loss,
        "alpha": alpha,
        "optimizer": optimizer,
        "momentum": momentum,
        "lr": lr,
        "backbone_lr": backbone_lr,
        "lr_schedule": lr_schedule,
        "lr_step": lr_step,
        "lr_gamma": lr_gamma,
        "warm_up": warm_up,
        "weight_decay": weight_decay,
        "clip": clip,
        "ema": ema,
        "hflip": hflip,
        "seed": seed,
        "threads": threads or _cores(),
        "height": size and size[0],
        "width": size and size[1],
    }
    options = {name: value for name, value in given.items() if value is not None}
    _check_ranges(options)
    if start is not None and not isinstance(start, Model):
        start = Model(start, model=model)
    faces = _faces(images, order, boxes, landmarks)
    scores, people = _labels(labels, groups)
    if not isinstance(validation, float) and any(i < 0 for i in validation):
        raise ValueError("validation has an index below 0; images count from 0")
    share = validation if isinstance(validation, float) else 0.2
    rows = [] if isinstance(validation, float) else [int(i) for i in validation]
    weights = None if start is None else start._native
    native = _core.Training(model, weights, faces, scores, people, rows, share, options)
    done = []
    for _ in range(native.epochs):
        done.append(Epoch(*native.run_epoch()))
        if on_epoch is not None and on_epoch(done[-1]) is False:
            break
    return Training(Model._of(native.model()), done, native.best_epoch)


def _check_ranges(options):
    """As the command checks its options."""
    shares = ("momentum", "ema", "hflip")
    for name, value in options.items():
        highest = 1 if name in shares else float("inf")
        lowest = 1 if name in ("height", "width") else 0
        if isinstance(value, (int, float)) and not lowest <= value <= highest:
            name = "size" if name in ("height", "width") else name
            raise ValueError(f"{name}={value} is out of range; see help(tinyfiqa.train)")


def _labels(labels, groups):
    """Scores of images, and names of persons or groups."""
    np = numpy()
    labels = np.asarray(labels)
    if labels.dtype.kind in "OUS":
        return [], [str(name) for name in labels]
    unusable = np.flatnonzero(~np.isfinite(labels))
    if unusable.size:
        raise ValueError(f"the label of image {unusable[0]} is {labels[unusable[0]]}; labels must be finite numbers")
    return labels.astype(np.float64).ravel().tolist(), [str(name) for name in groups] if groups is not None else []


def evaluate(
    predictions: Any, labels: Any, *, resamples: int = 0, level: float = 0.95, seed: int = 1, threads: int | None = None
) -> Metrics:
    """How well predictions agree with labels: correlations and the error.

    resamples  bootstrap resamples for confidence intervals of this level, such as 1000; 0: no intervals

    >>> metrics = tinyfiqa.evaluate([0.1, 0.4, 0.3, 0.9], [0.2, 0.3, 0.5, 0.8])
    >>> round(metrics.srcc, 2), round(metrics.rmse, 3)
    (0.8, 0.132)
    """
    x, y = (numpy().asarray(v, "float64").ravel().tolist() for v in (predictions, labels))
    values, intervals = _core.evaluate(x, y, resamples, level, seed, threads or _cores())
    return Metrics(*values, None if intervals is None else dict(zip(Metrics._fields[1:6], intervals)))
