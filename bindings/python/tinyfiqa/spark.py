"""Scoring on Spark. `pip install tinyfiqa[spark]`; docs/scaling.md has the how-to.

    import tinyfiqa.spark
    tinyfiqa.spark.score_table(spark, "photos.parquet", "scored")           # can be stopped and started again
    tinyfiqa.spark.score(spark.read.parquet("s3a://...")).write.parquet("s3a://...")
"""

import functools
import os
from collections.abc import Iterable
from typing import Any

try:
    import pyarrow as pa  # type: ignore[import-untyped]
    from pyspark.sql import DataFrame, SparkSession  # type: ignore[import-not-found]
    from pyspark.sql.pandas.types import from_arrow_schema  # type: ignore[import-not-found]
    from pyspark.sql.types import StructType  # type: ignore[import-not-found]
except ImportError as error:
    raise ImportError(f"tinyfiqa.spark needs PySpark and PyArrow ({error}): pip install 'tinyfiqa[spark]'") from error

from . import _parts, _tables
from ._parts import Done


def score(frame: DataFrame, **options: Any) -> DataFrame:
    """The table with the columns of faces added. Lazy, as Spark's own transformations. Each task uses as many threads as
    the setting spark.task.cpus grants it.

    image    the column of paths, URIs or bytes; None: "image", otherwise "path"
    prefix   in front of the names of the new columns
    folder   of relative paths; None: the current one
    The other options are the Scorer's: weights, faces, smallest_face, ...
    """
    made = _settings(frame.sparkSession, frame.columns, options)
    added = from_arrow_schema(pa.schema(made.columns()))
    old = [added[field.name] if field.name in added.names else field for field in frame.schema]
    schema = StructType(old + [field for field in added if field.name not in frame.columns])
    return frame.mapInArrow(functools.partial(_score_batches, made), schema)


def score_table(
    spark: SparkSession,
    source: str | os.PathLike | Iterable,
    out: str | os.PathLike,
    *,
    rows: int = 1000,
    **options: Any,
) -> Done:
    """Scores a Parquet file, a folder of them, a folder of images, or a list of images, and writes Parquet files to the
    folder `out`, one for about `rows` rows. A second call with the same arguments makes only the files that are missing.
    `out` must be a folder that all nodes see. The other options are those of score()."""
    table = _parts.open_source(source, rows)
    made = _settings(spark, table.schema.names, options)
    missing = _parts.open_job(out, table, made)
    if not missing:
        return _parts.end_job(out, table, [])
    write = functools.partial(_write_part, made, os.path.abspath(out))
    counts = spark.sparkContext.parallelize(missing, len(missing)).map(write).collect()
    return _parts.end_job(out, table, counts)


def _settings(spark, names, options):
    threads = int(spark.sparkContext.getConf().get("spark.task.cpus", "1"))
    return _tables.settings(names, spark.sparkContext.broadcast, threads=threads, **options)


_scorers: dict[str, _tables.TableScorer] = {}  # of this process, which runs many tasks: the last one


def _scorer(made):
    key = made.key()
    if key not in _scorers:
        _scorers.clear()
        _scorers[key] = _tables.TableScorer(made, lambda broadcast: broadcast.value)
    return _scorers[key]


def _write_part(made, out, part):
    return _parts.write_part(part, out, _scorer(made))


def _score_batches(made, batches):
    for batch in batches:
        for at in range(0, batch.num_rows, _tables.BATCH):
            table = pa.Table.from_batches([batch.slice(at, _tables.BATCH)])
            yield from _scorer(made)(table).to_batches()
