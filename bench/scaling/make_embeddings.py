#!/usr/bin/env python3
"""Generates a table of faces and their embeddings, for measurements of `label` and `verify-eval`.

  make_embeddings.py FACES PEOPLE DIMENSION DIR [--seed N]

Writes DIR/faces.csv (columns path and identity; the faces of a person follow each other) and DIR/faces.npy [FACES, DIMENSION].
An embedding is its person's direction plus noise, so that the cosine of two faces of a person is about 0.5. The same arguments
give the same files. Needs NumPy.
"""
import argparse
import pathlib

import numpy as np

BLOCK = 10000  #: faces that are in memory


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    for name in ("faces", "people", "dimension"):
        parser.add_argument(name, type=int, metavar=name.upper())
    parser.add_argument("dir", type=pathlib.Path, metavar="DIR")
    parser.add_argument("--seed", type=int, default=1)
    a = parser.parse_args()
    a.dir.mkdir(parents=True, exist_ok=True)
    rows = np.lib.format.open_memmap(a.dir / "faces.npy", "w+", np.float32, (a.faces, a.dimension))
    with open(a.dir / "faces.csv", "w") as table:
        table.write("path,identity\n")
        for first in range(0, a.faces, BLOCK):
            faces = np.arange(first, min(first + BLOCK, a.faces))
            of = faces * a.people // a.faces
            names, person = np.unique(of, return_inverse=True)
            centres = np.stack([np.random.default_rng((a.seed, name)).standard_normal(a.dimension, np.float32) for name in names])
            noise = np.random.default_rng((a.seed, a.people, first)).standard_normal((len(faces), a.dimension), np.float32)
            rows[faces] = 12 * (centres[person] + noise) / np.sqrt(2 * a.dimension)
            table.writelines(f"person{p:07}/{i:08}.jpg,person{p:07}\n" for p, i in zip(of, faces))


if __name__ == "__main__":
    main()
