"""Predicts the label of a face from the outputs of teachers, for family_labels.py.

The teachers are recogniser A, EdgeFace and LightQNet dm100. The label of a face depends on the person's other photos too, and is not known
where there are none. The prediction depends on the face alone: on the length of A's embedding, on LightQNet's quality, on how far the
embeddings moved from those of the undegraded face, and on the embeddings themselves. Two networks of three linear layers learn it, one
without the embeddings themselves; their mean is taken. They are trained four times, each time without the labels of a quarter of the
people. The prediction for a face with a label is that of the networks that did not see the person; for others it is the mean of all.
"""
import numpy as np
import torch
from torch import nn

from family_labels import unit

FOLDS, HIDDEN, BATCH, LEARNING_RATE = 4, 96, 512, 1e-3
EPOCHS = {False: 5, True: 6}  # without and with the embeddings


def features(faces, a, edgeface, lightqnet):
    """What the networks see: [rows, 11] of mean 0 and variance 1, and the embeddings [rows, 640]."""
    length, quality = np.linalg.norm(a, axis=1) / 10, 4 * lightqnet - 3
    a, edgeface, of = unit(a), unit(edgeface), faces.original
    moved_a, moved_edgeface = (a * a[of]).sum(1), (edgeface * edgeface[of]).sum(1)
    few = np.stack([length, quality, length ** 2, quality ** 2, length * quality, moved_a, moved_edgeface, moved_a * moved_edgeface,
                    faces.originals, length[of], quality[of]], 1)
    few = (few - few.mean(0)) / few.std(0)
    return torch.from_numpy(few.astype(np.float32)), torch.from_numpy(3 * np.concatenate([a, edgeface], 1).astype(np.float32))


class Predictor(nn.Module):
    def __init__(self, few, many):
        super().__init__()
        self.layers = nn.Sequential(nn.Dropout(0.2), nn.Linear(few + many, HIDDEN), nn.ReLU(), nn.Dropout(0.2), nn.Linear(HIDDEN, HIDDEN),
                                    nn.ReLU(), nn.Linear(HIDDEN, 1))
        self.with_embeddings = many > 0

    def forward(self, few, many):
        return self.layers(torch.cat([few, many], 1) if self.with_embeddings else few)[:, 0]


def train(few, many, label, weight, rows, with_embeddings, rng):
    """A network trained on these rows."""
    net = Predictor(few.shape[1], many.shape[1] if with_embeddings else 0)
    optimiser = torch.optim.AdamW(net.parameters(), LEARNING_RATE, weight_decay=1e-3)
    for epoch in range(EPOCHS[with_embeddings]):
        optimiser.param_groups[0]["lr"] = LEARNING_RATE * (1 - epoch / EPOCHS[with_embeddings])
        rows = rng.permutation(rows)
        for start in range(0, len(rows), BATCH):
            batch = rows[start:start + BATCH]
            loss = (weight[batch] * (net(few[batch], many[batch]) - label[batch]) ** 2).mean()
            optimiser.zero_grad()
            loss.backward()
            optimiser.step()
    return net.eval()


def expected_labels(faces, a, edgeface, lightqnet, labels):
    """The prediction for every row; `labels` are NaN where none is known."""
    torch.manual_seed(0)
    rng = np.random.default_rng(1)
    few, many = features(faces, a, edgeface, lightqnet)
    label, known = torch.from_numpy(labels.astype(np.float32)), ~np.isnan(labels)
    weight = torch.from_numpy(np.where(faces.originals, 2, 1).astype(np.float32))
    names, person = np.unique(faces.people, return_inverse=True)
    fold = rng.integers(0, FOLDS, len(names))[person]
    predictions = np.zeros((FOLDS, len(labels)), np.float32)
    for k in range(FOLDS):
        for with_embeddings in EPOCHS:
            net = train(few, many, label, weight, np.where(known & (fold != k))[0], with_embeddings, rng)
            with torch.no_grad():
                predictions[k] += torch.cat([net(f, m) for f, m in zip(few.split(8192), many.split(8192))]).numpy() / 2
    return np.where(known, predictions[fold, np.arange(len(labels))], predictions.mean(0))
