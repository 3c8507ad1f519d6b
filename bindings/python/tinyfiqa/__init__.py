"""How good is the photo of a face?

>>> import tinyfiqa
>>> best = tinyfiqa.score("examples/photos/astronaut.jpg")
>>> best.quality, best.band
(24, 'poor')

An image is a path, the bytes of a file, an array of NumPy's, or an image of Pillow's. `score()` is the shortest way;
`Scorer` has options; `score_many()` scores lists and folders on all cores; `Detector` only finds faces.
"""

from ._core import Error, __version__, instruction_set
from ._scoring import Detector, Face, Row, ScoredFace, Scorer, score, score_many

__all__ = [
    "Detector",
    "Error",
    "Face",
    "Row",
    "ScoredFace",
    "Scorer",
    "instruction_set",
    "score",
    "score_many",
    "__version__",
]
