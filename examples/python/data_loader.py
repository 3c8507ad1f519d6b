"""PyTorch: a DataLoader whose workers score faces, so that a training can weight or leave out bad photos.

    python data_loader.py examples/photos

Each worker process has its own Scorer, which uses one thread. So N workers use N cores.
"""

import pathlib
import sys

import numpy as np
import torch
from PIL import Image
from torch.utils.data import DataLoader, Dataset

import tinyfiqa


class Faces(Dataset):
    """(face [3, 112, 112] in 0..1, weight 0..1, path) of each photo in a folder. A photo without a face has weight 0."""

    def __init__(self, folder):
        self.paths = sorted(str(p) for p in pathlib.Path(folder).glob("*.jpg"))
        self.scorer = None  # made by each worker: objects of the library can't be sent to other processes

    def __len__(self):
        return len(self.paths)

    def __getitem__(self, i):
        self.scorer = self.scorer or tinyfiqa.Scorer()
        photo = Image.open(self.paths[i]).convert("RGB")
        best = self.scorer.score(photo)
        if best is None:
            return torch.zeros(3, 112, 112), 0.0, self.paths[i]
        x, y, width, height = best.face.box
        face = photo.resize((112, 112), box=within(photo, x, y, x + width, y + height))
        pixels = torch.from_numpy(np.asarray(face).copy()).permute(2, 0, 1) / 255
        return pixels, best.quality / 100, self.paths[i]


def within(photo, left, top, right, bottom):
    """The part of a box that lies in the photo."""
    return max(left, 0), max(top, 0), min(right, photo.width), min(bottom, photo.height)


def main():
    loader = DataLoader(Faces(sys.argv[1]), batch_size=2, num_workers=2)
    for faces, weights, paths in loader:
        for path, weight in zip(paths, weights):
            print(f"{path}  weight {weight:.2f}  batch {tuple(faces.shape)}")


if __name__ == "__main__":
    main()
