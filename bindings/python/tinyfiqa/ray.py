"""Scoring on Ray. `pip install tinyfiqa[ray]`; docs/scaling.md has the how-to.

    import tinyfiqa.ray
    tinyfiqa.ray.score_table("photos.parquet", "scored")                     # can be stopped and started again
    tinyfiqa.ray.score(ray.data.read_parquet("s3://...")).write_parquet("s3://...")
"""

import os
from collections.abc import Iterable
from typing import Any

try:
    import pyarrow as pa  # type: ignore[import-untyped]
    import ray  # type: ignore[import-not-found]
    import ray.data  # type: ignore[import-not-found]
except ImportError as error:
    raise ImportError(f"tinyfiqa.ray needs Ray Data ({error}): pip install 'tinyfiqa[ray]'") from error

from . import _parts, _tables
from ._parts import Done


def score(
    dataset: "ray.data.Dataset", *, workers: int | None = None, threads: int = 1, **options: Any
) -> "ray.data.Dataset":
    """The dataset with the columns of faces added. Lazy, as Ray's own transformations.

    workers  processes with a Scorer each, at most; None: as many as the cluster has room for
    threads  CPUs that a worker asks for and uses
    image    the column of paths, URIs or bytes; None: "image", otherwise "path"
    prefix   in front of the names of the new columns
    folder   of relative paths; None: the current one
    The other options are the Scorer's: weights, faces, smallest_face, ...
    """
    made = _tables.settings(dataset.columns(), ray.put, threads=threads, **options)
    pool = ray.data.ActorPoolStrategy(min_size=1, max_size=workers or _room(threads))
    return _on_workers(dataset, pool, threads, _tables.BATCH, _tables.TableScorer, (made, ray.get))


def score_table(
    source: str | os.PathLike | Iterable,
    out: str | os.PathLike,
    *,
    workers: int | None = None,
    threads: int = 1,
    rows: int = 1000,
    **options: Any,
) -> Done:
    """Scores a Parquet file, a folder of them, a folder of images, or a list of images, and writes Parquet files to the
    folder `out`, one for about `rows` rows. A second call with the same arguments makes only the files that are missing.
    `out` must be a folder that all nodes see. The other options are those of score()."""
    table = _parts.open_source(source, rows)
    made = _tables.settings(table.schema.names, ray.put, threads=threads, **options)
    missing = _parts.open_job(out, table, made)
    if not missing:
        return _parts.end_job(out, table, [])
    tasks = ray.data.from_items([{"part": i} for i in range(len(missing))], override_num_blocks=len(missing))
    size = min(workers or _room(threads), len(missing))
    pool = ray.data.ActorPoolStrategy(size=size)
    arguments = (made, ray.put(missing), os.path.abspath(out))
    counts = _on_workers(tasks, pool, threads, 1, _PartWriter, arguments).take_all()
    return _parts.end_job(out, table, [(c["rows"], c["errors"], c["files"]) for c in counts])


class _PartWriter:
    def __init__(self, made, parts, out):
        self.parts, self.out = ray.get(parts), out
        self.scorer = _tables.TableScorer(made, ray.get)

    def __call__(self, table):
        counts = [_parts.write_part(self.parts[i], self.out, self.scorer) for i in table.column("part").to_pylist()]
        return pa.table(dict(zip(("rows", "errors", "files"), map(list, zip(*counts)))))


def _room(threads):
    return max(1, int(ray.cluster_resources().get("CPU", 1)) // threads)


def _on_workers(dataset, pool, threads, batch, worker, arguments):
    return dataset.map_batches(
        worker,
        fn_constructor_args=arguments,
        compute=pool,
        num_cpus=threads,
        batch_size=batch,
        batch_format="pyarrow",
    )
