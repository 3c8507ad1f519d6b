#!/usr/bin/env python3
"""Checks weights/train/family_labels.py with embeddings in the plane, whose cosines are known. Exits with 77 where NumPy is missing.

  check_family_labels.py FOLDER_OF_THE_SCRIPT
"""
import sys

try:
    import numpy as np
except ImportError:
    print("skipped: NumPy is missing")
    sys.exit(77)


def directions(degrees):
    angle = np.radians(degrees)
    return np.stack([np.cos(angle), np.sin(angle)], 1).astype(np.float32)


def main(folder):
    sys.path.insert(0, folder)
    import family_labels as f

    # Person a has five faces: four at 0 degrees and one at 60; a copy of the last lies at 90. Person b has one face.
    people = np.array(["a", "a", "a", "a", "a", "a", "b", ""])
    faces = f.Faces(people, original=np.array([0, 1, 2, 3, 4, 4, 6, 7]))
    embeddings = directions([0, 0, 0, 0, 60, 90, 200, 0])
    cosine = f.own_cosines(faces, embeddings)
    assert np.allclose(cosine[4:6], [0.5, 0], atol=1e-6), cosine  # with the centre of the four others
    others = directions([0, 0, 0, 60]).sum(0)
    assert np.allclose(cosine[0], others[0] / np.linalg.norm(others)), cosine
    assert np.isnan(cosine[6:]).all(), "a label for one face alone, or for nobody's"

    # At 100 degrees the fifth face is under 0.25: it counts in no centre, and by both recognisers it gets no label.
    embeddings = directions([0, 0, 0, 0, 100, 90, 200, 0])
    assert np.allclose(f.own_cosines(faces, embeddings)[:4], 1)
    label = f.labels(faces, embeddings, embeddings)
    assert np.allclose(label[:4], 1) and np.isnan(label[4:]).all(), label

    # A test person at 20 degrees: cosine 0.94 with a's centre, so all of a goes, the copy too; b at 200 degrees stays.
    left_out = f.like_test_people(faces, directions([0, 0, 0, 0, 90, 90, 200, 300]), directions([20]))
    assert left_out.tolist() == [True] * 6 + [False, False], left_out

    # Of the frequent scores three of four lie below 0.7.
    assert f.stretched(np.array([0.7]), np.array([0.1, 0.2, 0.3, 0.9]))[0] == (0.7 + 0.75) / 2
    row = dict.fromkeys(f.LANDMARKS, "5") | {"image_right_eye_x": "45"}
    assert {float(v) for v in f.moved(row, 0, np.random.default_rng(1)).values()} == {5, 45}
    shifted = [float(f.moved(row, 0.03, np.random.default_rng(i))["nose_x"]) - 5 for i in range(300)]
    assert 1.0 < np.std(shifted) < 1.4, np.std(shifted)  # 0.03 of 40 pixels
    print("labels as documented")


if __name__ == "__main__":
    main(sys.argv[1])
