#!/usr/bin/env python3
"""Compares face detectors on photos with known faces.

  evaluate_detector.py DATA NAME=DETECTIONS.csv ... [--threshold NAME=0.6 ...] [--reference NAME] [--markdown]

DATA          the folder of the detector set. It contains images.csv (only the photos in test/ are used), true_boxes.csv,
              yunet_detections.csv, yunet_low.csv and backgrounds.csv (only split = test is used).
DETECTIONS    the faces that a detector found in all these photos and backgrounds, made in DATA by
                tinyfiqa detect test backgrounds --face all --threshold 0.05 --format csv
              A path counts by its last two parts. Rows of other photos are not used.
--threshold   the confidence at which a detector is meant to be used (default: 0.5)
--reference   also prints the ratios of the other detectors to this one

Known faces
  Hand-made: the boxes face:* of facemask_ilc, drawn by hand, and the boxes landmark68_box of AFW, which enclose 68 points set by hand. The
  latter have no forehead: they are extended upwards by 0.3 of their height, which makes them as high as the boxes of detectors.
  Teacher: what YuNet-n found at a confidence of at least 0.5, in a larger version of the photo. A teacher's box of 24 pixels or more that
  a second detector does not confirm (mediapipe_iou < 0.25) is doubtful. A doubtful box is no face, but it is no mistake to detect one.
  All: the hand-made boxes, and the teacher's boxes that have an IoU below 0.4 with each of them.
  Low: what the teacher found at 0.3 to 0.5. It is no mistake to detect or to miss one.
  The size of a face is the height of its box in pixels of the photo.

Matching
  IoU is the area of the intersection of two boxes over the area of their union. Detections are taken in the order of confidence. Each
  takes the face with the highest IoU among those that no other took, if the IoU is high enough: 0.4, or 0.5 for average precision and
  landmarks where the teacher's boxes are the truth. In average precision, a second detection of a face is false.

1. Average precision: the area below the curve of precision over recall, where the precision at a recall is the highest at that or a
   higher recall. Detections of one confidence enter together.
   - Hand-made: the photos of facemask_ilc and their hand-made boxes. A detection without a face is ignored if it has an IoU of 0.3 with a
     box of the teacher (also doubtful or low), or is less than 24 pixels high: distant faces are not marked in crowds.
   - Teacher: all photos and the teacher's boxes. A detection without a face is ignored if it has an IoU of 0.3 with a doubtful, low or
     hand-made box. Not ignored is one that has an IoU of 0.5 with a face that another detection took; the same at 0.4 for hand-made.
   - Teacher, 16 pixels and more: smaller boxes of the teacher are ignored like low ones, and so are smaller detections without a face.
2. Recall: the share of the faces that are detected above the detector's threshold for one false positive in ten photos. This is the lowest
   threshold at which photos and backgrounds (kind = background) together have no more false positives than a tenth of their number. A
   false positive is a detection whose IoU is below 0.3 with every box of any kind; a second detection of a face is none.
   This favours the teacher. A face that it alone finds counts as a face, and one that it alone misses makes the others' detections false
   positives. The backgrounds are pictures in which it finds nothing. So recall is also given for the hand-made faces alone.
3. Landmark error: the mean distance of the five points from the true ones, divided by the true distance of the eyes. Mean and median over
   the faces that are detected above the threshold of 2. Truth is the points of AFW, or the teacher's. Faces of less than 16 pixels, and
   faces in profile (the eyes' distance is less than a fifth of the box's height), are left out.
4. False alarms: the share of pictures without a face in which a detector finds one at its threshold of use (--threshold) and at 0.5, 0.6
   and 0.7. Backgrounds are pictures in which four detectors, the teacher among them, find nothing. Hard negatives are pictures of animals
   in which the teacher finds a face when they are larger. Both were chosen by the teacher, so they compare only the others fairly. Where
   there is no alarm, the interval is [0, 0], although the true share may be up to 3 / (number of pictures).
5. Ratios: average precision, recall and landmark error divided by those of the reference. For landmarks, only faces that both found count.
Numbers in brackets count the known faces or the pictures.

Intervals contain 95 % of 1,000 values, each computed for photos drawn with replacement (bootstrap; backgrounds and hard negatives are
drawn among themselves). The threshold of 2 is chosen anew for each draw, except for 3. All detectors see the same draws, so ratios are
paired.
"""
import argparse
import csv
import math
import os
import random
import statistics
import sys
from collections import namedtuple

from arguments import named

POINTS = ["image_left_eye", "image_right_eye", "nose", "image_left_mouth", "image_right_mouth"]
LANDMARKS = [f"{p}_{axis}" for p in POINTS for axis in "xy"]
SMALLEST = 16  # pixels
SIZES = [("16 px and more", SMALLEST, math.inf), ("16-32 px", SMALLEST, 32), ("32-64 px", 32, 64), ("64-128 px", 64, 128),
         ("128 px and more", 128, math.inf)]
GROUPS = ("test", "background", "hard_negative")
MATCH_IOU = 0.4  # of a detection and a hand-made box
TEACHER_IOU = 0.5  # of a detection and a teacher's box
OVERLAP_IOU = 0.3  # of a detection and a box that excuses it
MARKED_HEIGHT = 24  # smaller faces are not marked by hand, and not confirmed by the second detector
FALSE_POSITIVES = 0.1  # in a photo
FOREHEAD = 0.3  # of the height of a box of 68 points
PROFILE = 0.2  # distance of the eyes over the height of the box

Face = namedtuple("Face", "box points confidence", defaults=(None, None))


class Photo:
    """A photo with its known faces: hand-made boxes, the teacher's boxes, doubtful and low ones."""

    def __init__(self, index, group, source):
        self.index, self.group, self.source = index, group, source
        self.hand, self.teacher, self.doubtful, self.low = [], [], [], []

    def all_faces(self):
        return self.hand + [t for t in self.teacher if not overlaps(t, self.hand, MATCH_IOU)]

    def everything(self):
        return self.hand + self.teacher + self.doubtful + self.low


def iou(a, b):
    width = min(a[0] + a[2], b[0] + b[2]) - max(a[0], b[0])
    height = min(a[1] + a[3], b[1] + b[3]) - max(a[1], b[1])
    if width <= 0 or height <= 0:
        return 0.0
    return width * height / (a[2] * a[3] + b[2] * b[3] - width * height)


def overlaps(face, others, least):
    return any(iou(face.box, other.box) >= least for other in others)


def height(face):
    return face.box[3]


def eye_distance(points):
    return math.dist(points[0:2], points[2:4])


def landmark_error(points, truth):
    """Mean distance of five points over the true distance of the eyes."""
    return sum(math.dist(points[i:i + 2], truth[i:i + 2]) for i in range(0, 10, 2)) / 5 / eye_distance(truth)


# Reading


def read(path, columns):
    try:
        with open(path, newline="", encoding="utf-8") as f:
            rows = list(csv.DictReader(f))
    except OSError as error:
        sys.exit(f"{path}: {error.strerror}")
    missing = [c for c in columns if rows and c not in rows[0]]
    if missing or not rows:
        sys.exit(f"{path}: " + (f"no column {missing[0]}" if missing else "no rows"))
    return rows


def face(path, row, box_columns, confidence=None):
    try:
        points = [float(row[k]) for k in LANDMARKS] if row[LANDMARKS[0]] else None
        return Face([float(row[k]) for k in box_columns], points, confidence and float(row[confidence]))
    except ValueError as error:
        sys.exit(f"{path}: {error} in a row of {row.get('file') or row.get('path')}")


def read_photos(data):
    """Returns {file: Photo} of the test photos and test backgrounds."""
    photos = {}
    for row in read(os.path.join(data, "images.csv"), ["file", "source"]):
        if row["file"].startswith("test/"):
            photos[row["file"]] = Photo(len(photos), "test", row["source"])
    for row in read(os.path.join(data, "backgrounds.csv"), ["file", "source", "kind", "split"]):
        if row["split"] == "test":
            photos[row["file"]] = Photo(len(photos), row["kind"], row["source"])

    def faces(name, *more):
        path = os.path.join(data, name)
        for row in read(path, ["file", *"xywh", *LANDMARKS, *more]):
            if row["file"] in photos:
                yield photos[row["file"]], row, face(path, row, "xywh")

    for photo, row, known in faces("true_boxes.csv", "type"):
        if row["type"] == "landmark68_box":
            x, y, w, h = known.box
            known = known._replace(box=[x, y - FOREHEAD * h, w, (1 + FOREHEAD) * h])
        elif not row["type"].startswith("face:"):
            continue
        photo.hand.append(known)
    for photo, row, known in faces("yunet_detections.csv", "mediapipe_iou"):
        doubtful = height(known) >= MARKED_HEIGHT and float(row["mediapipe_iou"]) < 0.25
        (photo.doubtful if doubtful else photo.teacher).append(known)
    for photo, row, known in faces("yunet_low.csv"):
        photo.low.append(known)
    return photos


def read_detections(path, photos):
    """Returns for each photo its detections, from the highest confidence to the lowest."""
    found = {}
    for row in read(path, ["path", "confidence", "box_x", "box_y", "box_w", "box_h", *LANDMARKS]):
        file = "/".join(row["path"].replace("\\", "/").split("/")[-2:])
        if file in photos:
            detections = found.setdefault(file, [])
            if row["confidence"]:
                detections.append(face(path, row, ["box_x", "box_y", "box_w", "box_h"], "confidence"))
    missing = [file for file in photos if file not in found]
    if missing:
        sys.exit(f"{path}: {len(missing)} photos have no row, {missing[0]} is the first; run the detector on all of test/ and "
                 "backgrounds/")
    return [sorted(found[file], key=lambda d: -d.confidence) for file in photos]


# Matching


def match(detections, truth, least):
    """Yields (detection, index of its face, or None)."""
    free = set(range(len(truth)))
    for d in detections:
        best = max(free, key=lambda i: (iou(d.box, truth[i].box), -i), default=None)
        if best is not None and iou(d.box, truth[best].box) >= least:
            free.remove(best)
            yield d, best
        else:
            yield d, None


class Curve:
    """What average precision needs of each photo: its faces, and its detections as hits and false ones."""

    def __init__(self):
        self.faces, self.entries = [], []  # (photo, number of faces), (confidence, photo, is a hit)

    def add(self, photo, detections, truth, ignored, least, smallest=0):
        self.faces.append((photo.index, len(truth)))
        for d, hit in match(detections, truth, least):
            twice = hit is None and overlaps(d, truth, least)
            if hit is None and not twice and (height(d) < smallest or overlaps(d, ignored, OVERLAP_IOU)):
                continue
            self.entries.append((d.confidence, photo.index, hit is not None))

    def finish(self):
        self.entries.sort(key=lambda e: -e[0])
        return self

    def count(self):
        return sum(n for _, n in self.faces)

    def average_precision(self, weights):
        """Each photo counts as often as its weight says."""
        total = sum(weights[p] * n for p, n in self.faces)
        if not total:
            return None
        points, hits, taken, last = [], 0, 0, None  # points: hits and detections above each confidence
        for confidence, photo, hit in self.entries:
            if confidence != last:
                points.append((hits, taken))
                last = confidence
            taken += weights[photo]
            hits += weights[photo] * hit
        points.append((hits, taken))
        area = precision = 0.0
        for (before, _), (hits, taken) in zip(points[-2::-1], points[:0:-1]):
            precision = max(precision, hits / taken if taken else 0.0)
            area += (hits - before) * precision
        return area / total


class Detector:
    """A detector's detections, compared with the known faces."""

    def __init__(self, name, detections, photos):
        self.name = name
        self.curves = {"hand-made boxes": Curve(), "teacher's boxes": Curve(), "teacher's boxes, 16 px and more": Curve()}
        self.found = []  # (photo, height, is hand-made, confidence or 0) of all faces
        self.false = []  # (confidence, photo) of false positives
        self.best = []  # highest confidence in each photo, or 0
        self.errors = {"AFW": {}, "teacher": {}}  # {face: (error or None, photo, height, confidence or 0)} of frontal faces
        for photo, detected in zip(photos, detections):
            self.best.append(detected[0].confidence if detected else 0.0)
            if photo.group != "hard_negative":
                known = photo.everything()
                self.false += [(d.confidence, photo.index) for d in detected if not overlaps(d, known, OVERLAP_IOU)]
            if photo.group == "test":
                self.add_curves(photo, detected)
                self.add_faces(photo, detected)
        self.false.sort(key=lambda f: -f[0])
        self.curves = {label: curve.finish() for label, curve in self.curves.items()}
        self.pool = [p.index for p in photos if p.group != "hard_negative"]
        self.threshold = self.threshold_for([1] * len(photos))

    def add_curves(self, photo, detected):
        hand, teacher, large = self.curves.values()
        if photo.source == "facemask_ilc":
            others = photo.teacher + photo.doubtful + photo.low
            hand.add(photo, detected, photo.hand, others, MATCH_IOU, MARKED_HEIGHT)
        others = photo.doubtful + photo.low + photo.hand
        teacher.add(photo, detected, photo.teacher, others, TEACHER_IOU)
        large.add(photo, detected, [t for t in photo.teacher if height(t) >= SMALLEST],
                  others + [t for t in photo.teacher if height(t) < SMALLEST], TEACHER_IOU, SMALLEST)

    def add_faces(self, photo, detected):
        faces = photo.all_faces()
        matched = {i: d for d, i in match(detected, faces, MATCH_IOU) if i is not None}
        for i, known in enumerate(faces):
            confidence = matched[i].confidence if i in matched else 0.0
            self.found.append((photo.index, height(known), i < len(photo.hand), confidence))
        self.add_errors("AFW", photo, photo.hand, matched)
        matched = {i: d for d, i in match(detected, photo.teacher, TEACHER_IOU) if i is not None}
        self.add_errors("teacher", photo, photo.teacher, matched)

    def add_errors(self, label, photo, faces, matched):
        for i, known in enumerate(faces):
            if not known.points or eye_distance(known.points) < PROFILE * height(known):
                continue
            error, confidence = None, 0.0
            if i in matched and matched[i].points:
                error, confidence = landmark_error(matched[i].points, known.points), matched[i].confidence
            self.errors[label][photo.index, i] = (error, photo.index, height(known), confidence)

    def threshold_for(self, weights):
        """The confidence that a detection must exceed, so that there are FALSE_POSITIVES in a photo, or fewer."""
        left = FALSE_POSITIVES * sum(weights[p] for p in self.pool) + 1e-9
        for confidence, photo in self.false:
            left -= weights[photo]
            if left < 0:
                return confidence
        return 0.0

    def faces_with_points(self, label):
        """The frontal faces that are detected above the threshold."""
        return {key for key, e in self.errors[label].items() if e[3] > self.threshold and e[2] >= SMALLEST}


# Measures. Each takes weights, one for each photo, and returns {label: value, or None where there is no face}.


def average_precisions(detector):
    curves = {f"{label} ({curve.count()})": curve for label, curve in detector.curves.items()}
    return lambda weights: {label: curve.average_precision(weights) for label, curve in curves.items()}


def recalls(detector):
    classes = []
    for kind in ("all faces", "hand-made"):
        for size, low, high in SIZES:
            members = [(p, c) for p, h, by_hand, c in detector.found if low <= h < high and (by_hand or kind != "hand-made")]
            classes.append((f"{kind}, {size} ({len(members)})", members))

    def measure(weights):
        threshold = detector.threshold_for(weights)
        values = {}
        for label, members in classes:
            total = sum(weights[p] for p, _ in members)
            values[label] = sum(weights[p] for p, c in members if c > threshold) / total if total else None
        return values

    return measure


def landmark_errors(detector, faces=None):
    """`faces` limits the faces to these: {"AFW": ..., "teacher": ...}."""
    classes = []
    for label, errors in detector.errors.items():
        used = faces[label] if faces else detector.faces_with_points(label)
        for size, low, high in SIZES:
            members = {key: e for key, e in errors.items() if low <= e[2] < high}
            usable = sorted(e[:2] for key, e in members.items() if key in used)
            classes.append((label, f"{size} ({len(members)})", usable))

    def measure(weights):
        values = {}
        for label, size, usable in classes:
            drawn = [e for e, p in usable for _ in range(weights[p])]
            values[f"{label}, mean, {size}"] = statistics.fmean(drawn) if drawn else None
            values[f"{label}, median, {size}"] = statistics.median(drawn) if drawn else None
        return values

    return measure


def false_alarms(detector, photos, threshold):
    def measure(weights):
        values = {}
        for group in GROUPS[1:]:
            members = [(p.index, detector.best[p.index]) for p in photos if p.group == group]
            total = sum(weights[p] for p, _ in members)
            for label, least in [("threshold of use", threshold)] + [(f"{t}", t) for t in (0.5, 0.6, 0.7)]:
                alarms = sum(weights[p] for p, best in members if best >= least)
                values[f"{group} ({len(members)}), {label}"] = alarms / total if total else None
        return values

    return measure


# Bootstrap and tables


def draws(photos, count, seed):
    """Yields weights: how often each photo is drawn. Photos of a group are drawn among themselves."""
    rng = random.Random(seed)
    groups = [[p.index for p in photos if p.group == g] for g in GROUPS]
    for _ in range(count):
        weights = [0] * len(photos)
        for members in groups:
            for i in rng.choices(members, k=len(members)) if members else ():
                weights[i] += 1
        yield weights


def series(measure, samples):
    """Returns {label: values}, one value for each of the weights."""
    results = [measure(weights) for weights in samples]
    return {label: [r[label] for r in results] for label in results[0]}


def ratio(values, reference):
    return {k: [a / b if a is not None and b else None for a, b in zip(v, reference[k])] for k, v in values.items()}


def percentile(ordered, share):
    position = share * (len(ordered) - 1)
    i = math.floor(position)
    j = min(i + 1, len(ordered) - 1)
    return ordered[i] + (position - i) * (ordered[j] - ordered[i])


def cell(values):
    """The first value, and the interval of the others."""
    drawn = sorted(v for v in values[1:] if v is not None)
    if values[0] is None:
        return "-"
    return f"{values[0]:.3f}" + (f" [{percentile(drawn, 0.025):.3f}, {percentile(drawn, 0.975):.3f}]" if drawn else "")


def print_table(title, columns, markdown, more=()):
    """`columns`: {name: {label: values}}. `more`: rows of text, printed first."""
    labels = list(dict.fromkeys(label for c in columns.values() for label in c))
    rows = [["", *columns], *more]
    rows += [[label] + [cell(c[label]) if label in c else "-" for c in columns.values()] for label in labels]
    widths = [max(len(row[i]) for row in rows) for i in range(len(rows[0]))]
    print(f"### {title}\n" if markdown else title)
    for i, row in enumerate(rows):
        padded = [text.ljust(width) for text, width in zip(row, widths)]
        print("| " + " | ".join(padded) + " |" if markdown else "  " + "  ".join(padded).rstrip())
        if markdown and i == 0:
            print("|" + "|".join("-" * (width + 2) for width in widths) + "|")
    print()


def print_ratios(detectors, reference, measured, samples, markdown):
    columns = {}
    for d in detectors:
        if d is reference:
            continue
        columns[d.name] = {}
        for by_detector in measured:
            columns[d.name].update(ratio(by_detector[d.name], by_detector[reference.name]))
        both = {label: d.faces_with_points(label) & reference.faces_with_points(label) for label in d.errors}
        errors = [series(landmark_errors(x, both), samples) for x in (d, reference)]
        columns[d.name].update({"landmark error: " + k: v for k, v in ratio(*errors).items()})
    print_table(f"5. Ratio to {reference.name}", columns, markdown)


def compare(photos, detectors, thresholds, reference, markdown, samples):
    """Prints all tables. The first of the samples has weight 1 for each photo."""
    def columns(measure):
        return {d.name: series(measure(d), samples) for d in detectors}

    average, recall = columns(average_precisions), columns(recalls)
    print_table("1. Average precision", average, markdown)
    chosen = ["confidence above"] + [f"{d.threshold:.3f}" for d in detectors]
    print_table("2. Recall at one false positive in ten photos", recall, markdown, [chosen])
    found = [[f"{label}, faces found"] + [str(len(d.faces_with_points(label))) for d in detectors] for label in detectors[0].errors]
    print_table("3. Landmark error over the distance of the eyes", columns(landmark_errors), markdown, found)
    use = ["threshold of use"] + [f"{thresholds[d.name]:.3f}" for d in detectors]
    alarms = {d.name: series(false_alarms(d, photos, thresholds[d.name]), samples) for d in detectors}
    print_table("4. False alarms: share of pictures without a face", alarms, markdown, [use])
    if reference:
        measured = [{d: {f"{what}: {k}": v for k, v in c.items()} for d, c in table.items()}
                    for what, table in (("average precision", average), ("recall", recall))]
        print_ratios(detectors, reference, measured, samples, markdown)


def main():
    p = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    p.add_argument("data", metavar="DATA")
    p.add_argument("detections", metavar="NAME=DETECTIONS.csv", nargs="+", type=named)
    p.add_argument("--threshold", metavar="NAME=0.6", nargs="+", type=named, action="extend", default=[])
    p.add_argument("--reference", metavar="NAME")
    p.add_argument("--markdown", action="store_true", help="print Markdown")
    p.add_argument("--resamples", type=int, default=1000, help="draws of the bootstrap (default: 1000)")
    p.add_argument("--seed", type=int, default=1, help="seed of the draws (default: 1)")
    a = p.parse_args()

    names = [name for name, _ in a.detections]
    for name in [name for name, _ in a.threshold] + [a.reference] * bool(a.reference):
        if name not in names:
            p.error(f"there is no detector {name}; give its file as {name}=DETECTIONS.csv")
    try:
        thresholds = {**dict.fromkeys(names, 0.5), **{name: float(value) for name, value in a.threshold}}
    except ValueError as error:
        p.error(f"--threshold: {error}")
    by_file = read_photos(a.data)
    photos = list(by_file.values())
    detectors = [Detector(name, read_detections(path, by_file), photos) for name, path in a.detections]
    reference = next((d for d in detectors if d.name == a.reference), None)
    samples = [[1] * len(photos), *draws(photos, a.resamples, a.seed)]
    compare(photos, detectors, thresholds, reference, a.markdown, samples)


if __name__ == "__main__":
    main()
