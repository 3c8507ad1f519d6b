"""How good is the photo of a face?

>>> import tinyfiqa
>>> best = tinyfiqa.score("examples/photos/astronaut.jpg")
>>> best.quality, best.band
(24, 'poor')

An image is a path, the bytes of a file, an array of NumPy's, or an image of Pillow's. `score()` is the shortest way;
`Scorer` has options; `score_many()` scores lists and folders on all cores; `Detector` only finds faces. `train()` trains
networks, a `Model` is a network with its weights, and `evaluate()` compares predictions with labels.
"""

from ._core import Error, __version__, instruction_set
from ._scoring import Detector, Face, Row, ScoredFace, Scorer, score, score_many
from ._training import Epoch, Metrics, Model, Training, evaluate, train

__all__ = [
    "Detector",
    "Epoch",
    "Error",
    "Face",
    "Metrics",
    "Model",
    "Row",
    "ScoredFace",
    "Scorer",
    "Training",
    "evaluate",
    "instruction_set",
    "score",
    "score_many",
    "train",
    "__version__",
]
