#!/usr/bin/env python3
"""Replaces the landmarks of a table by those that a detector finds, so that training sees the detector's errors.

  found_landmarks.py TABLE FOUND OUT

TABLE has five landmarks in some rows. FOUND is TABLE again, written by `tinyfiqa detect --data TABLE --face auto --format csv`. A row's
landmarks are replaced if the detector found the same face: its landmarks lie, on average, within a quarter of the eyes' distance of the
given ones. Other rows stay as they are.
"""
import csv
import math
import sys

from face_tables import LANDMARKS


def read(path):
    with open(path, newline="", encoding="utf-8") as f:
        table = csv.DictReader(f)
        return table.fieldnames, list(table)


def points(row):
    """The five landmarks of a row; None if it has none."""
    values = [row.get(name) or "" for name in LANDMARKS]
    if "" in values:
        return None
    return [(float(x), float(y)) for x, y in zip(values[::2], values[1::2])]


def error(found, given):
    """The mean distance of the landmarks in eye distances."""
    return sum(math.dist(a, b) for a, b in zip(found, given)) / 5 / max(math.dist(given[0], given[1]), 1)


def main(table, found, out):
    columns, rows = read(table)
    _, rows_found = read(found)
    if [r["path"] for r in rows] != [r["path"] for r in rows_found]:
        sys.exit(f"{found}: has other rows than {table}; make it with `tinyfiqa detect --data {table} --face auto --format csv`")
    given = replaced = 0
    errors = []
    for row, row_found in zip(rows, rows_found):
        here, there = points(row), points(row_found)
        given += here is not None
        if here is None or there is None or error(there, here) > 0.25:
            continue
        replaced += 1
        errors.append(error(there, here))
        row.update({name: row_found[name] for name in LANDMARKS})
    with open(out, "w", newline="", encoding="utf-8") as f:
        writer = csv.DictWriter(f, columns, lineterminator="\n")
        writer.writeheader()
        writer.writerows(rows)
    errors.sort()
    print(f"{out}: {replaced} of {given} landmarks replaced; their error in eye distances: median {errors[len(errors) // 2]:.3f}, "
          f"90 % {errors[len(errors) * 9 // 10]:.3f}")


if __name__ == "__main__":
    if len(sys.argv) != 4:
        sys.exit(__doc__)
    main(*sys.argv[1:])
