#!/usr/bin/env python3
"""Steadier labels: the mean of each face's label and of what its embedding's length alone lets expect.

  blend.py LABELS.csv SHARE OUT.csv

A label of `tinyfiqa label` (cosine with the person's centre) also depends on the person's other photos. The length of
the embedding (column norm) depends on the photo alone. The expectation is a rising step function of the length, fitted
to the labels by least squares (isotonic regression). OUT's score is SHARE x expectation + (1 - SHARE) x label.
"""
import bisect
import csv
import sys


def isotonic(xs, ys):
    """Rising least-squares fit: the x where each block begins, and the block's mean (pool adjacent violators)."""
    blocks = []  # [first x, sum, count]
    for x, y in sorted(zip(xs, ys)):
        blocks.append([x, y, 1])
        while len(blocks) > 1 and blocks[-2][1] / blocks[-2][2] >= blocks[-1][1] / blocks[-1][2]:
            _, total, count = blocks.pop()
            blocks[-1][1] += total
            blocks[-1][2] += count
    return [b[0] for b in blocks], [b[1] / b[2] for b in blocks]


def main(labels, share, out):
    with open(labels, newline="", encoding="utf-8") as f:
        table = csv.DictReader(f)
        columns, rows = table.fieldnames, list(table)
    good = [r for r in rows if not r["suspect"]]
    starts, means = isotonic([float(r["norm"]) for r in good], [float(r["score"]) for r in good])
    for r in rows:
        expected = means[max(0, bisect.bisect_right(starts, float(r["norm"])) - 1)]
        r["score"] = f"{share * expected + (1 - share) * float(r['score']):.6f}"
    with open(out, "w", newline="", encoding="utf-8") as f:
        table = csv.DictWriter(f, columns, lineterminator="\n")
        table.writeheader()
        table.writerows(rows)
    print(f"{len(rows)} labels, {len(means)} steps of the expectation from {means[0]:.3f} to {means[-1]:.3f}")


if __name__ == "__main__":
    if len(sys.argv) != 4:
        sys.exit(__doc__)
    main(sys.argv[1], float(sys.argv[2]), sys.argv[3])
