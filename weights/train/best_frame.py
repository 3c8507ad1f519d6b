#!/usr/bin/env python3
"""Measures what a recogniser gains if the best of five images of a person is chosen by quality.

  best_frame.py DATA MODELS CLONES WORK --weights NAME=FILE ... [--tool PROGRAM] [--sets celeba lfw clips] [--judges ...]
  best_frame.py --list          prints the repositories and commits of the clips, then ends

DATA     as in docs/reproduce.md
MODELS   the files that judges.py reads
CLONES   clones of the repositories in CLIPS, in folders as `detector_photos.py` takes them
WORK     contains held.csv and lfw.csv, made by tables.py. Everything is written to WORK/best_frame; what exists there is used again, except
         for the scores of --weights.

Sets
  celeba   held.csv: every fifth person of CelebA
  lfw      lfw.csv: people of LFW's pairs. Of both sets, people with 10 photos or more, and at most 16 photos of each.
  clips    30 frames at equal distances of each clip with one person, reduced so that the face is 110 pixels high, as in the photos.
           LEFT_OUT says which clips are not used, and why.
  A copy of each image is degraded in one of eight ways (KINDS) with random strength. Boxes and landmarks are those of the built-in
  detector. An image in which it finds no face, or another one, is no candidate.

Experiment
  Five images of a person are drawn at random, and each method chooses one. Its cosine is that of its embedding by a judge with the centre
  (the mean of the embeddings, each of length 1) of the person's reference images. "degraded": each of the five is, with a probability of
  one half, replaced by its degraded copy. References are never degraded.
  - Photos: the references are the person's photos that are not among the five.
  - Clips: neighbouring frames are nearly the same image, so a reference from the same moment would prefer the frame that resembles its
    neighbours. If a person has several clips, candidates come from one and references from the others. If there is one clip, candidates
    come from one half and references from the other; frames in the middle tenth are not used.
  gain = mean cosine of the chosen images - mean cosine of the five. The oracle chooses the largest cosine of each judge.
  share = gain / gain of the oracle: 0 for a random choice, 1 for the best one.
  All people have the same weight. Intervals contain 95 % of 2,000 shares for people drawn with replacement (bootstrap). All methods and
  judges see the same draws.

Methods: random, blur, pose and the files of --weights, as `tinyfiqa select` scores them; the detector's confidence; LightQNet. Judges:
MobileFaceNet B, dlib's ResNet and Intel's face-reidentification-retail-0095, none of which took part in training.

Photos and frames show real people. Never publish them. Needs git, numpy, OpenCV, onnxruntime, dlib and face_recognition_models.
"""
import argparse
import csv
import math
import os
import subprocess
import sys
import tempfile
from collections import namedtuple
from pathlib import Path

import cv2
import numpy as np

import judges
from arguments import named
from clones import BlobReader, find_clone, list_blobs, spread
from face_tables import LANDMARKS, write
from found_landmarks import error, points, read

FIVE = 5  # images to choose from
LEAST_PHOTOS, MOST_PHOTOS = 10, 16
FRAMES = 30  # of a clip
MIDDLE = 0.1  # of a clip is between candidates and references
LONGER_SIDE, FACE_HEIGHT = 640, 110  # pixels
SAME_FACE = 1.0  # mean distance of the landmarks in eye distances
COPIES = 1
KINDS = "blur,small,dark,noise,jpeg,motion,bright,occlusion"
DEGRADED = 0.5  # of the candidates
DRAWS = 200  # of five images, for a person or a clip
RESAMPLES = 2000
COLUMNS = ["path", "identity", "part", *LANDMARKS]
BASELINES = ["random", "blur", "pose"]
JUDGES = ["mobilefacenet_b", "dlib", "reid0095"]
LIGHTQNETS = ["lightqnet_dm025", "lightqnet_dm100"]

Clips = namedtuple("Clips", "repo commit folder people")  # people: {name: files}

LIVE_PORTRAIT = ["driving/d" + n for n in "0 3 6 9 10 11 12 13 14 18 19 20".split()] + ["source/s" + n for n in "18 29 32".split()]
CLIPS = [
    Clips("KwaiVGI/LivePortrait", "1986663be3b6902605d32200c01f4bfd36cda83d", "assets/examples/",
          {"liveportrait_" + name.split("/")[1]: [name + ".mp4"] for name in LIVE_PORTRAIT}),
    Clips("OpenTalker/SadTalker", "cd4c0465ae0b54a6f85af57f5c65fec9fe23e7f8", "examples/ref_video/",
          {"sadtalker_aoc": ["WDA_AlexandriaOcasioCortez_000.mp4"], "sadtalker_kh": ["WDA_KatieHill_000.mp4"]}),
    Clips("intel-iot-devkit/sample-videos", "57978890822836f2b4743852f04f62fc511757e4", "",
          {"signs_" + name: [f"asl_gestures/{sign}.mkv" for sign in signs.split()] for name, signs in (
              ("1", "again brother help no student yes"), ("2", "bird milk please sorry thanks"), ("3", "book learn school walk"),
              ("4", "eat night sister"), ("5", "hungry want"))} |
          {"pose_" + name: [f"preview/head-pose-face-detection-{name}.gif"] for name in ("female", "male")}),
]
LEFT_OUT = """KwaiVGI/LivePortrait source/s13, source/s20: look synthetic
TMElyralab/MuseTalk data/video/yongen.mp4: a drawn figure; data/video/sun.mp4: looks retouched or synthetic
CMU-Perceptual-Computing-Lab/openpose examples/media/video.avi: a crowd, no person to follow
intel-iot-devkit/sample-videos, all other clips: several people, people from behind, or no people"""


class Tool:
    """Runs the tinyfiqa program."""

    def __init__(self, program, jobs):
        self.program, self.jobs = program, str(jobs)

    def __call__(self, *arguments, some_may_fail=False):
        """Returns what the program prints. Exit status 1 says that it could not use some images."""
        command = [self.program, *map(str, arguments), "--threads", self.jobs]
        print("$ " + " ".join(command), file=sys.stderr)
        done = subprocess.run(command, stdout=subprocess.PIPE, text=True)
        if done.returncode not in ((0, 1) if some_may_fail else (0,)):
            sys.exit(f"{command[0]} {command[1]} ended with exit status {done.returncode}")
        return done.stdout


# The sets. Each writes originals.csv to its folder and returns the folder where its paths start.


def take_photos(table, data, folder):
    people = {}
    for row in read(table)[1]:
        people.setdefault(row["identity"], []).append({**row, "part": ""})
    rows = [row for photos in people.values() if len(photos) >= LEAST_PHOTOS for row in spread(photos, MOST_PHOTOS)]
    write(folder / "originals.csv", COLUMNS, rows)
    return data


def write_frames(data, file, folder, name):
    """Writes frames of the clip `data` at equal distances. Returns [(path in `folder`, place in the clip, 0 to 1)]."""
    with tempfile.NamedTemporaryFile(suffix=Path(file).suffix) as clip:
        clip.write(data)
        clip.flush()
        video, jpegs = cv2.VideoCapture(clip.name), []
        while (frame := video.read()[1]) is not None:
            scale = min(1, LONGER_SIDE / max(frame.shape))
            if scale < 1:
                frame = cv2.resize(frame, None, fx=scale, fy=scale, interpolation=cv2.INTER_AREA)
            jpegs.append(cv2.imencode(".jpg", frame, [cv2.IMWRITE_JPEG_QUALITY, 95])[1].tobytes())
    written = []
    for i in spread(range(len(jpegs)), FRAMES):
        path = f"{name}/{Path(file).stem}_{i:04}.jpg"
        (folder / path).parent.mkdir(parents=True, exist_ok=True)
        (folder / path).write_bytes(jpegs[i])
        written.append((path, i / (len(jpegs) - 1)))
    return written


def part_of(place, file, files):
    """The part of a frame's person that the frame belongs to; None in the middle of a clip."""
    if len(files) > 1:
        return file
    return "first" if place < 0.5 - MIDDLE / 2 else "second" if place > 0.5 + MIDDLE / 2 else None


def all_frames(clones, folder):
    """Yields a row for each frame that is used."""
    for source in CLIPS:
        clone = find_clone(clones, source.repo)
        if clone is None:
            sys.exit(f"{clones} has no clone of {source.repo}; see --list")
        blobs = list_blobs(clone, source.commit)
        with BlobReader(clone) as reader:
            for name, files in source.people.items():
                for file in files:
                    data = reader.read(blobs[source.folder + file])
                    if data is None:
                        sys.exit(f"the clone of {source.repo} lacks {source.folder + file}")
                    for path, place in write_frames(data, file, folder, name):
                        part = part_of(place, file, files)
                        if part:
                            yield {"path": path, "identity": name, "part": part}


def take_clips(clones, folder, tool):
    large, small = folder / "large", folder / "frames"
    write(folder / "large.csv", COLUMNS[:3], all_frames(clones, large))
    text = tool("detect", "--data", folder / "large.csv", "--images", large, "--face", "auto", "--format", "csv", some_may_fail=True)
    rows = [row for row in csv.DictReader(text.splitlines()) if points(row)]
    heights = {}
    for row in rows:
        heights.setdefault((row["identity"], row["part"]), []).append(float(row["box_h"]))
    for row in rows:
        scale = min(1, FACE_HEIGHT / np.median(heights[row["identity"], row["part"]]))
        image = cv2.resize(cv2.imread(str(large / row["path"])), None, fx=scale, fy=scale, interpolation=cv2.INTER_AREA)
        (small / row["path"]).parent.mkdir(parents=True, exist_ok=True)
        cv2.imwrite(str(small / row["path"]), image, [cv2.IMWRITE_JPEG_QUALITY, 95])
        row.update({name: scale * float(row[name]) for name in LANDMARKS})
    write(folder / "originals.csv", COLUMNS, rows)
    return small


def find_faces(folder, tool):
    """Writes faces.csv: the images and degraded copies in which the detector finds the face."""
    given = read(folder / "images" / "faces.csv")[1]
    text = tool("detect", "--data", folder / "images" / "faces.csv", "--face", "auto", "--format", "csv", some_may_fail=True)
    found = list(csv.DictReader(text.splitlines()))
    kept = [there for here, there in zip(given, found, strict=True) if points(there) and error(points(there), points(here)) <= SAME_FACE]
    print(f"{folder.name}: the face is found in {len(kept)} of {len(given)} images", file=sys.stderr)
    write(folder / "faces.csv", [*COLUMNS, "original", "degradation", "confidence"], kept)


def prepare(name, a, tool):
    """Makes faces.csv of a set. Returns its folder."""
    folder = Path(a.work) / "best_frame" / name
    folder.mkdir(parents=True, exist_ok=True)
    if not (folder / "faces.csv").exists():
        if name == "clips":
            images = take_clips(Path(a.clones), folder, tool)
        else:
            images = take_photos(Path(a.work) / {"celeba": "held.csv", "lfw": "lfw.csv"}[name], a.data, folder)
        tool("degrade", "--data", folder / "originals.csv", "--images", images, "--copies", COPIES, "--kinds", KINDS, "--out", folder / "images")
        find_faces(folder, tool)
    return folder


# Embeddings and scores


def outside(name, folder, a):
    """The output of one of the networks of judges.py for each face [n, outputs]."""
    path = folder / f"{name}.npy"
    if not path.exists():
        values = judges.run_table(name, folder / "faces.csv", folder / "images", a.models, jobs=a.jobs)
        np.save(f"{path}.part.npy", values)
        os.replace(f"{path}.part.npy", path)
    return np.load(path)


def embeddings(name, folder, a, tool):
    """The judge's embeddings, each of length 1."""
    if name == "mobilefacenet_b":
        path = folder / f"{name}.npy"
        tool("label", "--data", folder / "faces.csv", "--images", folder / "images", "--recogniser", Path(a.data) / "fr" / f"{name}.safetensors",
             "--embeddings", path, some_may_fail=True)
        values = np.load(path)
    else:
        values = outside(name, folder, a)
    return values / np.linalg.norm(values, axis=1, keepdims=True)


def tool_scores(rows, folder, tool, *model):
    """Each row's raw score, as `tinyfiqa select` orders images; the lowest where there is none."""
    text = tool("select", "--data", folder / "faces.csv", "--images", folder / "images", "--template-column", "identity", "-k", 100000,
                "--format", "csv", *model, some_may_fail=True)
    raw = {row["path"]: float(row["raw"]) for row in csv.DictReader(text.splitlines())}
    return np.array([raw.get(row["path"], -math.inf) for row in rows])


def all_scores(rows, folder, a, tool):
    scores = {name: tool_scores(rows, folder, tool, "--model", name) for name in BASELINES}
    scores["confidence of the detector"] = np.array([float(row["confidence"]) for row in rows])
    for name in LIGHTQNETS:
        scores[name] = outside(name, folder, a)[:, 0]
    for name, file in a.weights:
        scores[name] = tool_scores(rows, folder, tool, "--weights", file)
    return scores


# The experiment


class Part:
    """The images of a person from which candidates are drawn together: all photos, a clip, or half of one."""

    def __init__(self, indices, copies, references):
        self.indices, self.copies, self.references = indices, copies, references

    def draw(self, random, share):
        """Returns the candidates [DRAWS, FIVE] and the originals of the same images, as indices of rows."""
        originals = np.array([random.choice(self.indices, FIVE, replace=False) for _ in range(DRAWS)])
        candidates = originals.copy()
        for place in np.argwhere(random.random(originals.shape) < share):
            copies = self.copies.get(originals[tuple(place)])
            if copies:
                candidates[tuple(place)] = random.choice(copies)
        return candidates, originals

    def centres(self, embedded, originals):
        """The centre of the references of each draw [DRAWS, dimension]."""
        if self.references is not None:
            sums = np.broadcast_to(embedded[self.references].sum(0), (len(originals), embedded.shape[1]))
        else:
            sums = embedded[self.indices].sum(0) - embedded[originals].sum(1)
        return sums / np.linalg.norm(sums, axis=1, keepdims=True)


def parts_of_people(rows):
    """{person: parts} of everybody with enough images."""
    index = {row["path"]: i for i, row in enumerate(rows)}
    people, copies = {}, {}
    for i, row in enumerate(rows):
        if row["original"]:
            if row["original"] in index:
                copies.setdefault(index[row["original"]], []).append(i)
        else:
            people.setdefault(row["identity"], {}).setdefault(row["part"], []).append(i)
    result = {}
    for person, parts in people.items():
        for part, indices in parts.items():
            others = [i for name, more in parts.items() if name != part for i in more] if part else None
            if len(indices) >= (FIVE if part else LEAST_PHOTOS) and (others is None or len(others) >= FIVE):
                result.setdefault(person, []).append(Part(indices, copies, others))
    return result


def measure(people, share, judge, scores, seed):
    """Returns {method: mean cosine of its choice for each person}, with "the five" and "oracle", and the candidates' spread."""
    random = np.random.default_rng(seed)
    table, spreads = {}, []
    for parts in people.values():
        person = {}
        for part in parts:
            candidates, originals = part.draw(random, share)
            cosines = np.einsum("dfn,dn->df", judge[candidates], part.centres(judge, originals))
            person.setdefault("the five", []).append(cosines.mean())
            person.setdefault("oracle", []).append(cosines.max(1).mean())
            spreads.append(cosines.std(1).mean())
            for name, values in scores.items():
                chosen = values[candidates].argmax(1)
                person.setdefault(name, []).append(cosines[np.arange(len(cosines)), chosen].mean())
        for name, values in person.items():
            table.setdefault(name, []).append(np.mean(values))
    return {name: np.array(values) for name, values in table.items()}, np.mean(spreads)


def interval(values, decimals=2):
    return f"{values[0]:.{decimals}f} ({np.quantile(values[1:], 0.025):.{decimals}f} to {np.quantile(values[1:], 0.975):.{decimals}f})"


def shares(measured, seed):
    """{method: share, and the shares of people drawn with replacement}."""
    count = len(measured["oracle"])
    drawn = np.random.default_rng(seed).integers(0, count, (RESAMPLES, count))
    weights = np.vstack([np.ones(count), *(np.bincount(d, minlength=count) for d in drawn)])
    gains = {name: weights @ (values - measured["the five"]) for name, values in measured.items() if name != "the five"}
    return {name: gain / gains["oracle"] for name, gain in gains.items() if name != "oracle"}


def print_table(head, rows):
    for row in (head, ["---"] * len(head), *rows):
        print("| " + " | ".join(row) + " |")
    print()


def report(name, rows, embedded, scores, first, seed):
    people = parts_of_people(rows)
    for title, share in (("as they are", 0.0), ("degraded", DEGRADED)):
        results = {judge: measure(people, share, values, scores, seed) for judge, values in embedded.items()}
        by_judge = {judge: shares(measured, seed) for judge, (measured, _) in results.items()}
        print(f"### {name}, {title}: {len(people)} people, {sum(map(len, people.values()))} sources of five images\n")
        print_table(["share of the oracle's gain", *embedded], [[m, *(interval(by_judge[j][m]) for j in embedded)] for m in scores])
        print_table(["cosine", *embedded],
                    [[label, *(f"{results[j][0][label].mean():.3f}" for j in embedded)] for label in ("the five", first, "oracle")] +
                    [["standard deviation of the five", *(f"{results[j][1]:.3f}" for j in embedded)]])
        print_table([f"share of {first} minus share of", *embedded],
                    [[m, *(interval(by_judge[j][first] - by_judge[j][m]) for j in embedded)] for m in scores if m != first])


def main():
    if sys.argv[1:] == ["--list"]:
        for source in CLIPS:
            print(f"{source.repo} @ {source.commit}")
        return print("\nLeft out\n" + LEFT_OUT)
    p = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    p.add_argument("data", metavar="DATA")
    p.add_argument("models", metavar="MODELS")
    p.add_argument("clones", metavar="CLONES")
    p.add_argument("work", metavar="WORK")
    p.add_argument("--weights", metavar="NAME=FILE", nargs="+", type=named, action="extend", required=True,
                   help="weight files to compare; the others are compared with the first")
    p.add_argument("--tool", default="tools/run", help="run this tinyfiqa program (default: tools/run)")
    p.add_argument("--sets", nargs="+", choices=["celeba", "lfw", "clips"], default=["celeba", "lfw", "clips"])
    p.add_argument("--judges", nargs="+", choices=JUDGES, default=JUDGES)
    p.add_argument("--jobs", type=int, default=2, help="processes or threads (default: 2)")
    p.add_argument("--seed", type=int, default=1, help="seed of the draws (default: 1)")
    a = p.parse_args()

    cv2.setNumThreads(1)  # OpenCV's threads would block the processes of judges.py
    tool = Tool(a.tool, a.jobs)
    for name in a.sets:
        folder = prepare(name, a, tool)
        rows = read(folder / "faces.csv")[1]
        embedded = {judge: embeddings(judge, folder, a, tool) for judge in a.judges}
        report(name, rows, embedded, all_scores(rows, folder, a, tool), a.weights[0][0], a.seed)


if __name__ == "__main__":
    main()
