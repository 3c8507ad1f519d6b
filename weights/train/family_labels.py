#!/usr/bin/env python3
"""Makes the labels on which tinyFQnet and its larger relatives are trained.

  family_labels.py WORK

WORK contains
  copies/faces.csv     the faces and degraded copies of them (`tinyfiqa degrade --copies`), with identity and five landmarks. The
                       identity begins with "unknown" if the person is not known.
  copies_a.npy, copies_edgeface.npy, copies_lightqnet.npy
                       for each row, the embeddings of recogniser A and of EdgeFace and the quality of LightQNet dm100
  test.csv, test_edgeface.npy
                       faces of the people who are kept for tests, and their embeddings
It writes
  family.csv           path, score, split, five landmarks: to train on
  cfp.csv              faces of every fifth person of CFP, for tests
  second.csv           every tenth face of the collections without names: a population for tests

1. Faces that look like a person of the tests (EdgeFace's cosine with the person's centre above 0.5) are left out, and so are all faces of
   a person whose centre does.
2. A face's label is the cosine of its embedding with the centre of the person's other faces, the mean of A's and EdgeFace's. EdgeFace's
   cosines are mapped to the distribution of A's first. Faces under 0.25 count in no centre. Those under 0.25 by both recognisers probably
   have a wrong name, so they get no label.
3. expected_labels.py learns to predict the label from what the recognisers and LightQNet see of the face alone. The score is the mean of
   label and prediction, or the prediction where there is no label.
4. The scale is stretched halfway towards equal frequencies, so that good faces, whose cosines are close together, count as much as bad
   ones. Faces that are not degraded are in the table twice.
5. Landmarks are moved at random by about as much as detectors err. An eighth of the images, those of Glint excepted, are in the table
   again as they are, without alignment, so that loose crops get sensible scores, too.

Needs numpy and PyTorch.
"""
import sys
import zlib
from dataclasses import dataclass, field

import numpy as np

from face_tables import LANDMARKS, UNKNOWN, read, write

SAME_PERSON = 0.5  # EdgeFace's cosine from which two faces are taken for one person
NOT_THE_PERSON = 0.25  # a cosine below it is suspect
FEWEST_IN_CENTRE = 3
NAMELESS = ("utkface", "aaf", "scutfbp")
LANDMARK_NOISE = (0, 0.03, 0.06)  # standard deviations in eye distances
LOOSE = 1 / 8


@dataclass
class Faces:
    """Rows of a table: the person of each ("" if not known), and the row of the undegraded face (its own, for those)."""

    people: np.ndarray
    original: np.ndarray
    originals: np.ndarray = field(init=False)  # true for undegraded faces

    def __post_init__(self):
        self.originals = self.original == np.arange(len(self.original))


def unit(x):
    return x / np.maximum(np.linalg.norm(x, axis=1, keepdims=True), 1e-9)


def centres(embeddings, people):
    """The names of the people, and the centre of each one's embeddings, of length 1."""
    names, person = np.unique(people, return_inverse=True)
    sums = np.zeros((len(names), embeddings.shape[1]), np.float32)
    np.add.at(sums, person, embeddings)
    return names, unit(sums)


def like_test_people(faces, embeddings, test_centres):
    """True for the rows to leave out (step 1). A copy goes with its original."""
    named = faces.originals & (faces.people != "")
    names, own = centres(embeddings[named], faces.people[named])
    people = set(names[(own @ test_centres.T).max(1) > SAME_PERSON])
    alike = np.zeros(len(faces.people), bool)
    for start in range(0, len(alike), 4096):
        alike[start:start + 4096] = (embeddings[start:start + 4096] @ test_centres.T).max(1) > SAME_PERSON
    return alike[faces.original] | np.isin(faces.people, list(people))


def own_cosines(faces, embeddings):
    """The cosine of each row with the centre of the person's other faces; NaN where there are too few."""
    named = faces.originals & (faces.people != "")
    names, person = np.unique(faces.people, return_inverse=True)

    def with_centre(members):
        sums = np.zeros((len(names), embeddings.shape[1]), np.float32)
        np.add.at(sums, person[members], embeddings[members])
        # Without the row itself or, for a copy, its original.
        own = members[faces.original]
        others = sums[person] - np.where(own[:, None], embeddings[faces.original], 0)
        count = np.bincount(person[members], minlength=len(names))[person] - own
        cosine = (embeddings * others).sum(1) / np.maximum(np.linalg.norm(others, axis=1), 1e-9)
        return cosine, count

    first, count = with_centre(named)
    cosine, count = with_centre(named & (count > 0) & (first > NOT_THE_PERSON))
    return np.where((faces.people != "") & (count >= FEWEST_IN_CENTRE), cosine, np.nan)


def labels(faces, a, edgeface):
    """The label of each row (step 2); NaN for none."""
    by_a, by_edgeface = own_cosines(faces, a), own_cosines(faces, edgeface)
    wrong = faces.originals & (by_a < NOT_THE_PERSON) & (by_edgeface < NOT_THE_PERSON)
    known = ~np.isnan(by_a) & ~np.isnan(by_edgeface) & ~wrong[faces.original]
    shares = np.linspace(0, 1, 200)
    mapped = np.interp(by_edgeface, np.quantile(by_edgeface[known], shares), np.quantile(by_a[known], shares))
    return np.where(known, (by_a + mapped) / 2, np.nan)


def stretched(scores, frequent):
    """Step 4: the mean of the scores and of their ranks (0..1) among `frequent`."""
    order = np.sort(frequent)
    return (scores + np.searchsorted(order, scores) / len(order)) / 2


def moved(row, noise, rng):
    """The row with landmarks moved by `noise` eye distances."""
    points = np.array([float(row[c]) for c in LANDMARKS]).reshape(5, 2)
    points += rng.normal(size=(5, 2)) * noise * np.linalg.norm(points[0] - points[1])
    return {**row, **{c: f"{v:.2f}" for c, v in zip(LANDMARKS, points.ravel())}}


def main(work):
    from expected_labels import expected_labels  # here, so that the rest of this file needs no PyTorch

    rows = read(f"{work}/copies/faces.csv")
    at = {r["path"]: i for i, r in enumerate(rows)}
    people = np.array(["" if r["identity"].startswith(UNKNOWN) else r["identity"] for r in rows])
    faces = Faces(people=people, original=np.array([at[r["original"] or r["path"]] for r in rows]))
    source = np.array([r["source"] for r in rows])
    a, edgeface = (np.load(f"{work}/copies_{name}.npy") for name in ("a", "edgeface"))
    lightqnet = np.load(f"{work}/copies_lightqnet.npy")[:, 0]

    test = read(f"{work}/test.csv")
    _, test_centres = centres(unit(np.load(f"{work}/test_edgeface.npy")), [r["identity"] for r in test])
    left_out = like_test_people(faces, unit(edgeface), test_centres)
    known = np.where(left_out, np.nan, labels(faces, unit(a), unit(edgeface)))
    expected = expected_labels(faces, a, edgeface, lightqnet, known)
    scores = np.clip(np.where(np.isnan(known), expected, (known + expected) / 2), 0, 1)

    cfp = sorted({p for p, s in zip(faces.people, source) if s == "cfp"})
    for_test = np.isin(faces.people, cfp[::5])
    nameless = faces.originals & np.isin(source, NAMELESS)
    second = nameless & (np.cumsum(nameless) % 10 == 0)
    used = ~(left_out | for_test | second[faces.original])
    twice = used & faces.originals
    scores = stretched(scores, np.concatenate([scores[used], scores[twice]]))

    rng, family = np.random.default_rng(3), []
    for i in np.where(used)[0]:
        # A fiftieth of the people validates.
        validates = zlib.crc32((faces.people[i] or rows[faces.original[i]]["path"]).encode()) % 50 == 0
        row = {**rows[i], "score": f"{scores[i]:.4f}", "split": "val" if validates else "train"}
        for _ in range(2 if twice[i] and not validates else 1):
            family.append(moved(row, rng.choice(LANDMARK_NOISE), rng))
        if not validates and source[i] != "glint" and rng.random() < LOOSE:
            family.append({**row, **dict.fromkeys(LANDMARKS, ""), "note": "whole image"})
    write(f"{work}/cfp.csv", ["path", "identity"] + LANDMARKS, [rows[i] for i in np.where(for_test & faces.originals & ~left_out)[0]])
    write(f"{work}/second.csv", ["path", "source"] + LANDMARKS, [rows[i] for i in np.where(second & ~left_out)[0]])
    write(f"{work}/family.csv", ["path", "score", "split"] + LANDMARKS + ["note"], family)
    print(f"{(used & faces.originals).sum()} faces, {(used & faces.originals & ~np.isnan(known)).sum()} of them with a label; "
          f"{(left_out & faces.originals).sum()} left out")


if __name__ == "__main__":
    if len(sys.argv) != 2:
        sys.exit(__doc__)
    main(sys.argv[1])
