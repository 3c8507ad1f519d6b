"""Tables of images in Arrow: the columns that scoring adds, and the object that adds them on a worker of Ray or Spark."""

import dataclasses
import hashlib
import itertools
import json
import os
import pathlib
import tempfile
import threading
from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from typing import Any, NamedTuple

import pyarrow as pa  # type: ignore[import-untyped]
import pyarrow.fs  # type: ignore[import-untyped]

from ._scoring import CHOICES, Scorer

#: Images that are scored together. Bounds the memory of a worker.
BATCH = 256

BOX = ["box_x", "box_y", "box_w", "box_h"]
POINTS = [
    f"{point}_{axis}"
    for point in ("image_left_eye", "image_right_eye", "nose", "image_left_mouth", "image_right_mouth")
    for axis in "xy"
]
# The names are those of `tinyfiqa score --format csv`.
SCORE_COLUMNS = {"quality": pa.int32(), "band": pa.string(), "score": pa.float32(), "error": pa.string()}
FACE_COLUMNS = {
    "face": pa.int32(),
    "confidence": pa.float32(),
    **dict.fromkeys(BOX + POINTS, pa.float32()),
    "note": pa.string(),
}
NO_FACE = {"band": "no face", "error": "no face found; for a crop of a face use faces='whole'"}
#: Notes of rows whose image is the face, as in the tables that the command writes and reads.
IS_FACE = ("aligned crop", "whole image")


@dataclasses.dataclass(frozen=True)
class WeightFile:
    """A weight file on its way to the workers."""

    name: str
    digest: str
    contents: Any  #: what the engine carries the bytes in


class Settings(NamedTuple):
    """What a worker needs to know. `scorer` holds the options of a Scorer; its weight files are WeightFiles."""

    image: str
    prefix: str
    folder: str
    threads: int
    scorer: dict[str, Any]

    def columns(self) -> dict[str, pa.DataType]:
        """The columns that are added, by name."""
        found = {} if self.scorer.get("faces") == "whole" else FACE_COLUMNS
        return {self.prefix + name: kind for name, kind in {**SCORE_COLUMNS, **found}.items()}

    def key(self) -> str:
        """All that changes results, as JSON."""
        facts = {**self._asdict(), "threads": None}
        return json.dumps(facts, default=lambda file: file.digest, sort_keys=True)


def settings(
    names: Iterable[str],
    ship: Callable[[bytes], Any],
    *,
    image: str | None = None,
    prefix: str = "",
    folder: str | os.PathLike | None = None,
    threads: int = 1,
    **scorer: Any,
) -> Settings:
    """Checks the options against the table's columns, on the driver, before the work begins. `ship` gives bytes to the
    engine."""
    names = list(names)
    if threads < 1:
        raise ValueError(f"threads={threads}; it must be at least 1")
    if "threads" in scorer:
        raise ValueError("threads is the number of threads of a worker")
    if scorer.get("faces", "largest") not in CHOICES:
        raise ValueError(f"faces={scorer['faces']!r}; it may be 'largest', 'all' or 'whole'")
    first = Scorer(**scorer)  # its errors should come now, not from each worker
    if scorer.get("precision") == "auto":  # workers on other processors might choose otherwise
        scorer["precision"] = first.precision
    image = image or next((name for name in ("image", "path") if name in names), "image")
    if image not in names:
        raise ValueError(f"the table has no column {image!r}; give image=, one of {', '.join(names)}")
    made = Settings(image, prefix, os.path.abspath(folder or "."), threads, _shipped(scorer, ship))
    _check_columns(names, made)
    return made


def _check_columns(names, made):
    for group in () if made.scorer.get("faces") == "whole" else (BOX, POINTS):
        missing = [name for name in group if name not in names]
        if missing and len(missing) < len(group):
            raise ValueError(f"the table has columns of a face, but no {missing[0]!r}; add it or rename the others")
    own = [] if made.prefix else FACE_COLUMNS  # these say where the face is
    taken = [name for name in made.columns() if name in names and name not in own]
    if taken:
        raise ValueError(f"the table has a column {taken[0]!r} already; give prefix=, such as prefix='fiqa_'")


def _shipped(scorer, ship):
    """The options with the contents of weight files in the place of their paths."""

    def read(path):
        contents = pathlib.Path(path).read_bytes()
        return WeightFile(os.path.basename(path), hashlib.sha256(contents).hexdigest(), ship(contents))

    scorer = {name: value for name, value in scorer.items() if value is not None}
    if "weights" in scorer:
        paths = scorer["weights"]
        scorer["weights"] = [read(p) for p in ([paths] if isinstance(paths, (str, os.PathLike)) else paths)]
    if "detector" in scorer:
        scorer["detector"] = read(scorer["detector"])
    return scorer


def _scorer(options, receive):
    """The Scorer of these options. Weight files exist while it is made."""
    with tempfile.TemporaryDirectory(prefix="tinyfiqa-") as folder:
        numbers = itertools.count()

        def write(file):
            path = pathlib.Path(folder) / str(next(numbers)) / file.name
            path.parent.mkdir()
            path.write_bytes(receive(file.contents))
            return path

        options = dict(options)
        if "weights" in options:
            options["weights"] = [write(file) for file in options["weights"]]
        if "detector" in options:
            options["detector"] = write(options["detector"])
        return Scorer(**options)


class TableScorer:
    """Adds the columns to Arrow tables: one object for each worker process. `receive` gives the bytes that `ship` took."""

    def __init__(self, made: Settings, receive: Callable[[Any], bytes]):
        self.settings = made
        self._scorer = _scorer(made.scorer, receive)
        self._of_thread = threading.local()
        self._pool = ThreadPoolExecutor(made.threads)

    def __call__(self, table: pa.Table) -> pa.Table:
        images = table.column(self.settings.image).to_pylist()
        results = list(self._pool.map(self._rows, images, _places(table, self.settings)))
        if sum(map(len, results)) != table.num_rows:  # several faces in an image
            table = table.take([i for i, rows in enumerate(results) for _ in rows])
        rows = list(itertools.chain.from_iterable(results))
        for name, kind in self.settings.columns().items():
            column = pa.array([row.get(name.removeprefix(self.settings.prefix)) for row in rows], kind)
            at = table.schema.get_field_index(name)
            field = pa.field(name, kind)
            table = table.append_column(field, column) if at < 0 else table.set_column(at, field, column)
        return table

    def _rows(self, image, place):
        """The values of an image's faces: a dict for each, or one with the error."""
        path = None
        try:
            if not hasattr(self._of_thread, "scorer"):
                self._of_thread.scorer = self._scorer.clone()
            scorer = self._of_thread.scorer
            image = path = _contents(image, self.settings)
            if place is not None:
                return [{**place, **_score_values(scorer.score_known_face(image, **_known(place)))}]
            faces = scorer.score_all(image)
            return [_values(number, face) for number, face in enumerate(faces, 1)] or [NO_FACE]
        except Exception as error:  # of this image alone
            return [{**(place or {}), "error": _message(error, path)}]


def _message(error, path):
    """The text of an error; the path is in the row already."""
    text = str(error) or type(error).__name__
    return text.removeprefix(f"{path}: ") if isinstance(path, str) else text


def _contents(image, made):
    """A path or the bytes of a file, of the value of a row."""
    if isinstance(image, dict):  # as Hugging Face's data sets have it
        image = image.get("bytes") or image.get("path")
    if image is None:
        raise ValueError(f"the column {made.image!r} is empty")
    if not isinstance(image, str):
        return image
    if "://" not in image:
        return os.path.join(made.folder, image)
    files, path = pyarrow.fs.FileSystem.from_uri(image)
    with files.open_input_stream(path) as stream:
        return stream.read()


def _score_values(face):
    return {"quality": face.quality, "band": face.band, "score": face.raw}


def _values(number, scored):
    """The values of a face that was found."""
    face = scored.face
    places = zip(BOX + POINTS, [*face.box, *(v for point in face.landmarks for v in point)])
    note = None if face.framing == "photo" else face.framing
    return {**_score_values(scored), "face": number, "confidence": face.confidence, **dict(places), "note": note}


def _places(table, made):
    """For each row the columns of its face, or None: it has to be found."""
    names = [name for name in FACE_COLUMNS if name in table.column_names]
    if made.scorer.get("faces") == "whole" or not names:
        return itertools.repeat(None, table.num_rows)
    return map(_place, table.select(names).to_pylist())


def _place(row):
    row = {name: value for name, value in row.items() if value == value}  # pandas writes NaN for nothing
    given = row.get("note") in IS_FACE or any(row.get(name) is not None for name in BOX + POINTS)
    return row if given else None


def _known(place):
    """The arguments of score_known_face(). Landmarks are better than a box; neither means the whole image."""
    if place.get("note") in IS_FACE:
        return {}
    group = POINTS if any(place.get(name) is not None for name in POINTS) else BOX
    missing = [name for name in group if place.get(name) is None]
    if missing:
        raise ValueError(f"{missing[0]!r} is empty, but other columns of the face are not")
    return {("landmarks" if group is POINTS else "box"): [place[name] for name in group]}
