"""Jobs that can be stopped: a table is cut into parts, each part becomes one Parquet file, and files that are there are not
made again."""

import hashlib
import json
import os
import pathlib
import uuid
from collections.abc import Iterable, Iterator
from typing import Any, NamedTuple

import pyarrow as pa  # type: ignore[import-untyped]
import pyarrow.parquet as pq  # type: ignore[import-untyped]

from . import _core
from ._scoring import _images
from ._tables import BATCH, Settings, TableScorer

JOB_FILE = "_job.json"  # readers of Parquet folders leave out names with _ or . in front


class Part(NamedTuple):
    """Rows of a Parquet file, or a list of images."""

    name: str  #: of the file to write
    path: str | None = None
    groups: tuple[int, ...] = ()  #: row groups of the file
    start: int = 0  #: rows of these groups in front
    length: int = 0
    images: tuple[str, ...] = ()

    def tables(self) -> Iterator[pa.Table]:
        """Its rows, some hundred at a time."""
        if self.path is None:
            for at in range(0, len(self.images), BATCH):
                yield pa.table({"path": pa.array(self.images[at : at + BATCH], pa.string())})
            return
        with pq.ParquetFile(self.path) as file:
            at = 0
            for batch in file.iter_batches(batch_size=BATCH, row_groups=list(self.groups)):
                first, last = max(self.start - at, 0), min(self.start + self.length - at, batch.num_rows)
                at += batch.num_rows
                if first < last:
                    yield pa.Table.from_batches([batch.slice(first, last - first)])


class Source(NamedTuple):
    """A table, cut into parts."""

    schema: pa.Schema
    parts: list[Part]
    digest: str  #: of the names and sizes of files


class Done(NamedTuple):
    """What became of a job."""

    rows: int  #: written by this run
    errors: int  #: rows among them without a score
    parts: int  #: files written by this run
    skipped: int  #: files that an earlier run had written


def open_source(source: str | os.PathLike | Iterable, rows: int) -> Source:
    """A Parquet file, a folder of them, a folder of images, or a list of images' paths, in parts of about `rows` rows."""
    if rows < 1:
        raise ValueError(f"rows={rows}; it must be at least 1")
    if isinstance(source, (str, os.PathLike)):
        files = _parquet_files(pathlib.Path(source))
        if files:
            return _parquet_source(files, rows)
    images = [os.fspath(image) for image in _images(source)]
    if not images:
        raise ValueError(f"{source}: no Parquet files and no images")
    parts = [Part(_name(i), images=tuple(images[at : at + rows])) for i, at in enumerate(range(0, len(images), rows))]
    return Source(pa.schema({"path": pa.string()}), parts, _digest(parts))


def _parquet_files(path):
    if not path.exists():
        raise FileNotFoundError(f"{path}: no such file or folder")
    files = sorted(path.rglob("*.parquet")) if path.is_dir() else [path] if path.suffix == ".parquet" else []
    return [file for file in files if not file.name.startswith(("_", "."))]


def _parquet_source(files, rows):
    parts, sizes, schema = [], [], None
    for path in files:
        with pq.ParquetFile(path) as file:
            own = file.schema_arrow.remove_metadata()
            if schema is not None and not own.equals(schema):
                raise ValueError(f"{path}: its columns are not those of {files[0]}")
            schema = own
            counts = [file.metadata.row_group(i).num_rows for i in range(file.num_row_groups)]
        sizes.append(path.stat().st_size)
        for groups, start, count in _pieces(counts, rows):
            parts.append(Part(_name(len(parts)), str(path.absolute()), groups, start, count))
    return Source(schema, parts, _digest(parts, sizes))


def _pieces(counts, rows):
    """Cuts row groups: small ones are put together, large ones are divided."""
    together = []
    for group, count in enumerate(counts):
        held = sum(counts[i] for i in together)
        if together and held + count > rows:
            yield tuple(together), 0, held
            together = []
        if count <= rows:
            together.append(group)
            continue
        pieces = -(-count // rows)
        edges = [count * i // pieces for i in range(pieces + 1)]
        yield from (((group,), first, last - first) for first, last in zip(edges, edges[1:]))
    if together:
        yield tuple(together), 0, sum(counts[i] for i in together)


def _name(number):
    return f"part-{number:06}.parquet"


def _digest(*facts):
    return hashlib.sha256(json.dumps(facts).encode()).hexdigest()


def open_job(out: str | os.PathLike, source: Source, made: Settings) -> list[Part]:
    """The parts that are to be made. Errors: ValueError if the folder has the results of another job."""
    if "://" in os.fspath(out):
        raise ValueError(f"{out}: must be a folder that all nodes see; for object stores use score() and the engine's writer")
    folder = pathlib.Path(out)
    folder.mkdir(parents=True, exist_ok=True)
    job = {"tinyfiqa": _core.__version__, "table": source.digest, "options": json.loads(made.key())}
    try:
        earlier = json.loads((folder / JOB_FILE).read_text())
    except FileNotFoundError:
        if any(folder.glob("*.parquet")):
            raise ValueError(f"{out}: has Parquet files, but no {JOB_FILE}; name another folder") from None
        _replace(folder / JOB_FILE, lambda path: path.write_text(json.dumps(job, indent=1) + "\n"))
        earlier = job
    if earlier != job:
        raise ValueError(f"{out}: was begun with {_difference(earlier, job)}; name another folder")
    return [part for part in source.parts if not (folder / part.name).exists()]


def _difference(earlier, job):
    """What two contents of JOB_FILE differ in."""
    if earlier.get("tinyfiqa") != job["tinyfiqa"]:
        return f"tinyfiqa {earlier.get('tinyfiqa')}"
    if earlier.get("table") != job["table"]:
        return "another table, or another number of rows"
    before, now = earlier["options"], job["options"]
    names = [name for name in now if name != "scorer" and before.get(name) != now[name]]
    before, now = before["scorer"], now["scorer"]
    names += [name for name in {**before, **now} if before.get(name) != now.get(name)]
    return f"other options ({', '.join(names)})"


def _replace(path, write):
    """Writes a file so that it is there whole or not at all."""
    temporary = path.with_name(f".{path.name}.{uuid.uuid4().hex}.tmp")
    try:
        write(temporary)
        with open(temporary, "rb") as file:
            os.fsync(file.fileno())
        os.replace(temporary, path)
    finally:
        temporary.unlink(missing_ok=True)


def write_part(part: Part, out: str, scorer: TableScorer) -> tuple[int, int, int]:
    """Scores a part and writes its file, on a worker. Returns the numbers of rows, errors and files. A file that is there
    is kept: an engine may run a task twice."""
    path = pathlib.Path(out) / part.name
    if path.exists():
        return 0, 0, 0
    rows = errors = 0

    def write(temporary):
        nonlocal rows, errors
        writer = None
        for table in map(scorer, part.tables()):
            writer = writer or pq.ParquetWriter(temporary, table.schema)
            writer.write_table(table)
            rows += table.num_rows
            failed = table.column(scorer.settings.prefix + "error")
            errors += table.num_rows - failed.null_count
        if writer:
            writer.close()

    _replace(path, write)
    return rows, errors, 1


def end_job(out: str | os.PathLike, source: Source, counts: Iterable[tuple[int, int, int]]) -> Done:
    """Removes what killed workers left behind, and adds up."""
    for left in pathlib.Path(out).glob(".part-*.tmp"):
        left.unlink(missing_ok=True)
    rows, errors, files = (sum(column) for column in zip((0, 0, 0), *counts))
    return Done(rows, errors, files, len(source.parts) - files)
