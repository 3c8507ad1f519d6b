"""Parquet in, Parquet out: adds the columns faces, quality, band and error to a table of images.

    python score_parquet.py photos.parquet scored.parquet [--column image] [--threads 4]

The column holds paths (text) or the bytes of image files. Rows keep their order; a row whose image can't be scored has the
reason in the column error. A few hundred images are in memory at a time, so a table may be larger than that.
"""

import argparse
import itertools

import pyarrow as pa
import pyarrow.parquet as pq

import tinyfiqa

COLUMNS = {"faces": pa.int32(), "quality": pa.int32(), "band": pa.string(), "error": pa.string()}


def values(row):
    """The new columns of a row, by name."""
    best = row.faces[0] if row.faces else None
    return {
        "faces": None if row.error else len(row.faces),
        "quality": best and best.quality,
        "band": best and best.band,
        "error": row.error and str(row.error),
    }


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("table", help="the table to read (.parquet)")
    parser.add_argument("out", help="the table to write (.parquet)")
    parser.add_argument("--column", default="image", help="the column of paths or bytes (default: image)")
    parser.add_argument("--threads", type=int, help="threads to use (default: one for each core)")
    arguments = parser.parse_args()

    table = pq.ParquetFile(arguments.table)
    scorer = tinyfiqa.Scorer(faces="all")
    schema = table.schema_arrow
    for name, kind in COLUMNS.items():
        schema = schema.append(pa.field(name, kind))
    with pq.ParquetWriter(arguments.out, schema) as out:
        for batch in table.iter_batches(batch_size=256):
            images = batch.column(arguments.column).to_pylist()
            rows = [values(row) for row in tinyfiqa.score_many(images, scorer=scorer, threads=arguments.threads)]
            new = [pa.array([row[name] for row in rows], kind) for name, kind in COLUMNS.items()]
            out.write_batch(pa.record_batch(list(itertools.chain(batch.columns, new)), schema=schema))


if __name__ == "__main__":
    main()
