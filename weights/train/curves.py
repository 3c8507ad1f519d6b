#!/usr/bin/python3
"""Draws a chart and prints a table (Markdown) of the mean quality by kind and strength of degradation.

  curves.py TINYFIQA LABELS SCORES OUT.svg [WEIGHTS]

TINYFIQA the command-line tool, which draws
LABELS   a CSV made by `tinyfiqa degrade` and `tinyfiqa label`. The column degradation has values such as "blur 2.31". Landmarks give
         the yaw.
SCORES   a CSV with qualities, made by `tinyfiqa score --format csv` in the folder where the paths of LABELS start, or one with raw scores:
         scores.csv of `tinyfiqa eval --weights WEIGHTS --data LABELS --out FOLDER`.
WEIGHTS  the weight file whose calibration converts raw scores to qualities.

Strengths are divided into five bins of equal width. A point is the mean of a bin; the band is plus and minus two standard errors of the
mean.
"""
import bisect
import json
import math
import struct
import subprocess
import sys
import tempfile

from face_tables import read

KINDS = {
    "blur": "blur: sigma, pixels",
    "motion": "motion blur: pixels",
    "small": "down-scaling: 1/factor",
    "jpeg": "JPEG quality",
    "noise": "noise: sigma, levels",
    "dark": "darkness: factor",
    "contrast": "contrast: factor",
    "bright": "over-exposure: factor",
    "occlusion": "occlusion: covered share",
    "rotation": "rotation: degrees",
    "yaw": "yaw: nose offset, eye distances",
}
BINS = 5


def quality_map(weights):
    """The calibration in the metadata of a safetensors file, as a piecewise linear function."""
    with open(weights, "rb") as f:
        header = json.loads(f.read(struct.unpack("<Q", f.read(8))[0]))
    knots = [tuple(map(float, knot.split(":"))) for knot in header["__metadata__"]["calibration"].split()]
    raws = [k[0] for k in knots]

    def quality(raw):
        i = bisect.bisect_right(raws, raw)
        if i in (0, len(knots)):
            return knots[min(i, len(knots) - 1)][1]
        (x0, y0), (x1, y1) = knots[i - 1:i + 1]
        return y0 + (y1 - y0) * (raw - x0) / (x1 - x0)

    return quality


def yaw(row):
    if not row.get("nose_x"):
        return None
    left, right, nose = (float(row[k]) for k in ("image_left_eye_x", "image_right_eye_x", "nose_x"))
    return abs(nose - (left + right) / 2) / max(1.0, abs(right - left))


def collect(faces, scores):
    """Returns {kind: [(strength, quality)]} and the mean quality of the undegraded photos."""
    points, plain = {k: [] for k in KINDS}, []
    for row in faces:
        quality = scores.get(row["path"])
        if quality is None:
            continue
        kind, *strength = row["degradation"].split()
        if kind != "none":
            points[kind].append((float(strength[0]), quality))
            continue
        plain.append(quality)
        angle = yaw(row)
        if angle is not None and angle <= 1:  # for larger values, the detector did not find the eyes
            points["yaw"].append((angle, quality))
    return points, sum(plain) / len(plain)


def bins(points):
    low, high = min(p[0] for p in points), max(p[0] for p in points)
    for k in range(BINS):
        a, b = (low + (high - low) * i / BINS for i in (k, k + 1))
        inside = [q for s, q in points if a <= s < b or (k == BINS - 1 and s == high)]
        if len(inside) > 1:
            mean = sum(inside) / len(inside)
            deviation = math.sqrt(sum((q - mean) ** 2 for q in inside) / (len(inside) - 1))
            yield (a + b) / 2, mean, 2 * deviation / math.sqrt(len(inside)), len(inside)


def chart(kind, rows, plain):
    """The chart of one kind, in the form of docs/plots.md."""
    x, y, band = ([r[i] for r in rows] for i in range(3))
    return {"kind": "lines", "x_label": KINDS[kind], "y_label": "mean quality, 0 to 100", "y_range": [0, 70], "series": [
        {"name": "undegraded", "marks": "reference", "x": [x[0], x[-1]], "y": [plain, plain]},
        {"name": "mean, and two standard errors", "x": x, "y": y, "low": [a - b for a, b in zip(y, band)],
         "high": [a + b for a, b in zip(y, band)]}]}


def main(tool, labels, scores, out, weights=None):
    quality = quality_map(weights) if weights else None
    qualities = {row["path"]: quality(float(row["score"])) if quality else float(row["quality"])
                 for row in read(scores) if row["score"]}
    points, plain = collect(read(labels), qualities)
    print(f"Undegraded: {plain:.0f}\n\n| degradation | weakest fifth of the range to strongest: strength (mean quality) |\n|---|---|")
    charts = []
    for kind in (k for k in KINDS if len(points[k]) > 1):
        rows = list(bins(points[kind]))
        charts.append(chart(kind, rows, plain))
        ordered = rows[::-1] if kind in ("jpeg", "dark", "contrast") else rows
        print(f"| {KINDS[kind]} | " + ", ".join(f"{s:.3g} ({q:.0f})" for s, q, _, _ in ordered) + " |")
    with tempfile.NamedTemporaryFile("w", suffix=".json") as file:
        json.dump({"columns": 3, "charts": charts}, file)
        file.flush()
        subprocess.run([tool, "plot", file.name, "--out", out], check=True)


if __name__ == "__main__":
    if len(sys.argv) not in (5, 6):
        sys.exit(__doc__)
    main(*sys.argv[1:])
