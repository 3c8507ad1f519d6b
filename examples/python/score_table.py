"""Pandas: scores the images that a table names, and keeps the best one of each person.

    python score_table.py labels.csv best.csv

The table has the columns path and person. Paths are relative to the table's folder.
"""

import pathlib
import sys

import pandas as pd

import tinyfiqa


def add_scores(table, folder):
    """Adds the columns quality and band of the largest face; missing where there is none, or where the image can't be
    read."""
    rows = list(tinyfiqa.score_many(folder / path for path in table["path"]))
    for row in rows:
        if row.error:
            print(f"score_table.py: {row.error}", file=sys.stderr)
    best = [row.faces[0] if row.faces else None for row in rows]
    quality = pd.array([face and face.quality for face in best], dtype="Int64")
    return table.assign(quality=quality, band=[face and face.band for face in best])


def main():
    source, out = map(pathlib.Path, sys.argv[1:])
    table = add_scores(pd.read_csv(source), source.parent)
    scored = table.dropna(subset="quality")
    scored.loc[scored.groupby("person")["quality"].idxmax()].to_csv(out, index=False)


if __name__ == "__main__":
    main()
