#!/usr/bin/env python3
"""Judges quality networks by recognisers that had no part in their training, and prints the tables of weights/README.md.

  evaluate_quality.py DATA MODELS WORK --tool PROGRAM --weights NAME=FILE ...

DATA    as in docs/reproduce.md
MODELS  the files that judges.py reads
WORK    contains held.csv and lfw.csv, made by tables.py. Images, embeddings and scores are kept in WORK/quality; what exists there is used
        again, except for the scores of --weights.
--weights NAME=FILE, or NAME=FILE:VIEWS with the views of `tinyfiqa eval --tta`

Faces: CelebA's held-out people, as they are and with six degraded copies each (KINDS), and LFW's people in pairs. Judges: MobileFaceNet B
(related to A, which helped to make the labels), dlib's ResNet v1 and Intel's face-reidentification-retail-0095. LightQNet dm100 is the
peer; it helped to make the labels, too. Tables:

1. Spearman correlation of the quality with the cosine of the judge's embedding and the centre of the person's other undegraded faces. For
   dlib, which compares faces by distance, it is minus the distance from their mean.
2. The same within each kind of degradation.
3. Quality of one kind beside the others at the same mean cosine, by B and by Intel's network: a kind is divided into five groups by strength, and the mean quality of
   each is compared with a local line through the groups of the other kinds.
4. Error versus discard (`tinyfiqa verify-eval`): area to 30 %.

Intervals contain 95 % of 1,000 values for people drawn with replacement (bootstrap). Needs numpy, OpenCV, onnxruntime, dlib and
face_recognition_models.
"""
import argparse
import csv
import json
import os
import struct
import subprocess
import sys
import tempfile

import numpy as np

from arguments import named
from face_tables import read
from family_labels import unit

KINDS = ["blur", "small", "dark", "noise", "jpeg", "contrast"]
PEER = "LightQNet dm100"
RESAMPLES, GROUPS, BANDWIDTH = 1000, 5, 0.06
AREAS = ["FMR 1e-2, to 30 %", "FMR 1e-3, to 30 %", "FMR 1e-4, to 30 %"]


class Setting:
    """Where things are, and how the tool is run."""

    def __init__(self, options):
        self.data, self.models, self.tool = options.data, options.models, options.tool
        self.tables, self.work = options.work, f"{options.work}/quality"
        self.weights = dict(options.weights)
        os.makedirs(self.work, exist_ok=True)

    def run(self, *arguments):
        """Runs the tool. If it fails, its message ends this script."""
        done = subprocess.run([self.tool, *arguments], stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True)
        if done.returncode:
            sys.exit(f"{self.tool} {' '.join(arguments)}\n{done.stderr[-2000:]}")

    def outputs(self, network, name, table, images):
        """What network `network` of judges.py, or "B", gives for a table; kept in NAME_NETWORK.npy."""
        path = f"{self.work}/{name}_{network}.npy"
        if not os.path.exists(path):
            if network == "B":
                self.run("label", "--data", table, "--images", images, "--recogniser", f"{self.data}/fr/mobilefacenet_b.safetensors",
                         "--embeddings", path, "--out", f"{self.work}/{name}_b.csv")
            else:
                from judges import run_table  # here, because it needs OpenCV

                np.save(path + ".part.npy", run_table(network, table, images, self.models))
                os.replace(path + ".part.npy", path)
        return np.load(path)

    def scores(self, file, table, images):
        """The raw scores of a weight file (FILE or FILE:VIEWS) for the rows of a table, in the table's order."""
        file, _, views = file.partition(":")
        with tempfile.TemporaryDirectory() as folder:
            labelled = f"{folder}/table.csv"  # eval wants labels
            rows = read(table)
            with open(labelled, "w", newline="", encoding="utf-8") as f:
                out = csv.DictWriter(f, list(rows[0]) + ["score"], lineterminator="\n")
                out.writeheader()
                out.writerows({**r, "score": f"{i % 100 / 100}"} for i, r in enumerate(rows))
            self.run("eval", "--weights", file, "--data", labelled, "--images", images, "--out", folder, "--resamples", "1",
                     *(["--tta", views] if views else []))
            by_path = {r["path"]: float(r["score"]) for r in read(f"{folder}/scores.csv")}
        return np.array([by_path[r["path"]] for r in rows])


def closeness(judge, embeddings, people, original):
    """The cosine of each row with the centre of the person's other undegraded faces; for dlib, minus the distance from it."""
    embeddings = embeddings if judge == "dlib" else unit(embeddings)
    natural = original == np.arange(len(original))
    _, person = np.unique(people, return_inverse=True)
    sums = np.zeros((person.max() + 1, embeddings.shape[1]))
    np.add.at(sums, person[natural], embeddings[natural])
    others = sums[person] - embeddings[original]
    if judge == "dlib":
        return -np.linalg.norm(embeddings - others / (np.bincount(person[natural])[person] - 1)[:, None], axis=1)
    return (embeddings * others).sum(1) / np.linalg.norm(others, axis=1)


def ranks(x):
    """Ranks from 0, means for ties."""
    _, inverse, count = np.unique(x, return_inverse=True, return_counts=True)
    return (np.cumsum(count) - (count + 1) / 2)[inverse]


def spearman(a, b):
    return np.corrcoef(ranks(a), ranks(b))[0, 1]


def with_interval(a, b, people):
    """Spearman's correlation with its interval over people."""
    rng, names = np.random.default_rng(1), np.unique(people)
    rows = [np.where(people == n)[0] for n in names]
    values = []
    for _ in range(RESAMPLES):
        drawn = np.concatenate([rows[i] for i in rng.integers(0, len(rows), len(rows))])
        values.append(spearman(a[drawn], b[drawn]))
    low, high = np.quantile(values, [0.025, 0.975])
    return f"{spearman(a, b):.3f} ({low:.3f} to {high:.3f})"


def calibration(file):
    """The map from raw score to quality of a calibrated weight file."""
    with open(file, "rb") as f:
        header = json.loads(f.read(struct.unpack("<Q", f.read(8))[0]))
    raw, quality = zip(*(map(float, knot.split(":")) for knot in header["__metadata__"]["calibration"].split()))
    return lambda score: np.interp(score, raw, quality)


def beside_other_kinds(quality, cosine, kind, strength):
    """How far each kind's quality lies above that of the other kinds at the same cosine (table 3)."""
    groups = []
    for k in ["none"] + KINDS:
        rows = np.where(kind == k)[0]
        parts = [rows] if k == "none" else np.array_split(rows[np.argsort(strength[rows], kind="stable")], GROUPS)
        groups += [(k, cosine[p].mean(), quality[p].mean()) for p in parts]
    names, x, y = (np.array(v) for v in zip(*groups))
    differences = {}
    for k in ["none"] + KINDS:
        others, found = names != k, []
        for at, mean in zip(x[~others], y[~others]):
            near = np.exp(-((x[others] - at) / BANDWIDTH) ** 2 / 2)
            if near.sum() >= 0.5:  # some group is near enough to compare with
                line = np.polynomial.polynomial.polyfit(x[others] - at, y[others], 1, w=np.sqrt(near))
                found.append(mean - line[0])
        differences[k] = np.mean(found) if found else np.nan
    return differences


def held_out(s):
    """Tables 1 to 3."""
    table, images = f"{s.work}/held6/faces.csv", f"{s.work}/held6"
    if not os.path.exists(table):
        s.run("degrade", "--data", f"{s.tables}/held.csv", "--images", s.data, "--copies", "6", "--kinds", ",".join(KINDS), "--seed", "21",
              "--out", images)
    rows = read(table)
    at = {r["path"]: i for i, r in enumerate(rows)}
    original = np.array([at[r["original"] or r["path"]] for r in rows])
    people, natural = np.array([r["identity"] for r in rows]), original == np.arange(len(rows))
    kind, strength = zip(*((r["degradation"] + " 0").split()[:2] for r in rows))
    kind, strength = np.array(kind), np.array([float(x) for x in strength])
    judged = {j: closeness(j, s.outputs(j, "held6", table, images), people, original) for j in ("B", "dlib", "reid0095")}
    methods = {PEER: s.outputs("lightqnet_dm100", "held6", table, images)[:, 0]}
    methods.update({name: s.scores(file, table, images) for name, file in s.weights.items()})

    print(f"\n{natural.sum()} faces of {len(set(people))} people, natural | and six degraded copies of each\n")
    print("| method | " + " | ".join(f"{j}, {what}" for what in ("natural", "with copies") for j in judged) + " |")
    print("|---" * (1 + 2 * len(judged)) + "|")
    for name, score in methods.items():
        print(f"| {name} | " + " | ".join(with_interval(score[m], c[m], people[m]) for m in (natural, natural | True)
                                          for c in judged.values()) + " |", flush=True)
    print("\n| method, B within a kind | " + " | ".join(KINDS) + " |\n" + "|---" * (1 + len(KINDS)) + "|")
    for name, score in methods.items():
        print(f"| {name} | " + " | ".join(f"{spearman(score[kind == k], judged['B'][kind == k]):.2f}" for k in KINDS) + " |")
    print("\n| quality beside other kinds at the same cosine | judge | none | " + " | ".join(KINDS) + " | mean size |")
    print("|---" * (4 + len(KINDS)) + "|")
    for name, file in s.weights.items():
        quality = calibration(file.partition(":")[0])(methods[name])
        for j in ("B", "reid0095"):
            d = beside_other_kinds(quality, judged[j], kind, strength)
            print(f"| {name} | {j} | " + " | ".join(f"{v:+.1f}" for v in d.values()) + f" | {np.nanmean(np.abs(list(d.values()))):.1f} |")


def discard(s, name, table, judge, pairs):
    """Table 4 for one set and judge."""
    s.outputs(judge, name, table, s.data)
    methods = [f"{PEER}={s.work}/{name}_peer.csv"]
    columns = {PEER: s.outputs("lightqnet_dm100", name, table, s.data)[:, 0]}
    columns.update({n: s.scores(f, table, s.data) for n, f in s.weights.items()})
    for n, values in columns.items():
        path = f"{s.work}/{name}_scores_{n.replace(' ', '_')}.csv"
        with open(path, "w", encoding="utf-8") as f:
            f.write("path,score\n" + "".join(f"{r['path']},{v:.7f}\n" for r, v in zip(read(table), values)))
        methods.append(f"{n}={path}")
    s.run("verify-eval", "--data", table, "--images", s.data, "--recogniser", f"{s.data}/fr/mobilefacenet_b.safetensors", "--embeddings",
          f"{s.work}/{name}_{judge}.npy", "--quality", "random", *methods[1:], "--out", f"{s.work}/verify_{name}_{judge}", *pairs)
    lines = [line.strip("| \n").split(" | ") for line in open(f"{s.work}/verify_{name}_{judge}/verification.md", encoding="utf-8")
             if line.startswith("|")]
    head = next(line for line in lines if AREAS[0] in line)
    at = [head.index(a) for a in AREAS if a in head]
    print(f"\n| {name}, judge {judge} | " + " | ".join(head[i] for i in at) + " |\n" + "|---" * (1 + len(at)) + "|")
    for line in lines[lines.index(head) + 1:]:
        if len(line) == len(head) and not line[0].startswith("-"):
            print(f"| {line[0]} | " + " | ".join(line[i] for i in at) + " |")


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("data")
    parser.add_argument("models")
    parser.add_argument("work")
    parser.add_argument("--tool", required=True, help="run this tinyfiqa program")
    parser.add_argument("--weights", nargs="+", type=named, required=True, metavar="NAME=FILE[:VIEWS]", help="judge these calibrated weights")
    s = Setting(parser.parse_args())
    held_out(s)
    for judge in ("B", "reid0095"):
        discard(s, "held", f"{s.tables}/held.csv", judge, [])
        discard(s, "lfw", f"{s.tables}/lfw.csv", judge, ["--pairs", f"{s.data}/lfw_pairs.txt", "--pairs-root", "lfw/"])


if __name__ == "__main__":
    main()
