#!/usr/bin/env python3
"""Compares qualities with the opinions of people.

  opinions.py photos CLONES OUT        takes the photos of public repositories that people have scored
  opinions.py join OUT                 adds the opinions to the faces that the program found
  opinions.py bands OUT SCORES ...     prints the mean opinion of each band, with 95 % bootstrap intervals
  opinions.py --list                   prints the repositories and commits

CLONES contains clones of the repositories, in folders as `detector_photos.py` takes them. The opinions are those of FLIVE (Ying et al.
2020): mean opinion scores of whole photos, higher is better. Its photos of PASCAL VOC and COCO also lie in other repositories.

  OUT/photos/       the photos that have an opinion
  OUT/opinions.csv  path, score (the opinion), source
  OUT/found.csv     the largest face of each photo, made by `tinyfiqa detect OUT/photos --face auto --format csv`
  OUT/faces.csv     path, opinion and largest face of the photos of people: a table for `tinyfiqa eval`
  OUT/faces.txt     their paths, for `tinyfiqa score -`

SCORES are tables of `tinyfiqa score --format csv`. `opinions_people.txt` beside this script names the photos whose largest found face is a
person's. It was made by eye, because most of the photos show animals, and the detector finds faces of animals too.

The photos show real people. They are for research on your own machine: never publish them. Needs git and Pillow.
"""
import csv
import random
import re
import sys
from pathlib import Path

from clones import BlobReader, find_clone, list_blobs
from face_tables import LANDMARKS, read, write

LABELS = ("baidut/PaQ-2-PiQ", "a3ba2373a0da4e498d6e75ea2097125b5fe0fc10", "database/labels_image.csv")
PHOTOS = [
    ("voc", "mateusrafael4/Atividade_programacao_pose_estimation", "dab5c74036184926803e5edcf2082b71e0c85c86"),
    ("voc", "Cartucho/mAP", "3605865a350859e60c7b711838d09c4e0012c774"),
    ("coco", "lightly-ai/coco128_yolo", "6d6f7a059ea63efffdbe48aca2d52c04d4c510e9"),
]
# What FLIVE puts before the file names of PASCAL VOC and COCO.
PREFIX = re.compile(r"^voc_emotic_ava/(?:JPEGImages__|VOC2012__|EMOTIC__COCO_(?:train|val)2014_)")
PEOPLE = Path(__file__).with_name("opinions_people.txt")
BOX = ["box_x", "box_y", "box_w", "box_h"]
BANDS = ["reject", "poor", "fair", "good"]
RESAMPLES = 1000


def clone_of(clones, repo):
    return find_clone(clones, repo) or sys.exit(f"{clones} has no clone of {repo}; see --list")


def read_opinions(clones):
    """Returns {file name: mean opinion score} of the photos of PASCAL VOC and COCO."""
    repo, commit, path = LABELS
    clone = clone_of(clones, repo)
    with BlobReader(clone) as reader:
        text = reader.read(list_blobs(clone, commit)[path]).decode()
    rows = csv.DictReader(text.splitlines())
    return {PREFIX.sub("", r["name"]): float(r["mos"]) for r in rows if PREFIX.match(r["name"])}


def photos(clones, out):
    """Writes the photos that have an opinion, and opinions.csv."""
    opinions, rows = read_opinions(clones), {}
    (out / "photos").mkdir(parents=True, exist_ok=True)
    for source, repo, commit in PHOTOS:
        clone = clone_of(clones, repo)
        with BlobReader(clone) as reader:
            for path, blob in sorted(list_blobs(clone, commit).items()):
                name = path.rsplit("/", 1)[-1]
                data = reader.read(blob) if name in opinions and name not in rows else None
                if data:
                    (out / "photos" / name).write_bytes(data)
                    rows[name] = {"path": f"photos/{name}", "score": opinions[name], "source": source}
    write(out / "opinions.csv", ["path", "score", "source"], rows.values())


def name_of(row):
    return row["path"].rsplit("/", 1)[-1]


def join(out):
    """Writes faces.csv and faces.txt: opinion and face of each photo of a person."""
    people = set(PEOPLE.read_text(encoding="utf-8").split())
    faces = {name_of(r): r for r in read(out / "found.csv") if r["face"] == "1"}
    rows = [{**faces[name_of(r)], **r} for r in read(out / "opinions.csv") if name_of(r) in people & faces.keys()]
    write(out / "faces.csv", ["path", "score", "source"] + BOX + LANDMARKS, rows)
    (out / "faces.txt").write_text("".join(f"{out}/{r['path']}\n" for r in rows), encoding="utf-8")


def mean(values):
    return sum(values) / len(values)


def interval(values, rng):
    """The 95 % bootstrap interval of the mean."""
    means = sorted(mean(rng.choices(values, k=len(values))) for _ in range(RESAMPLES))
    return means[RESAMPLES // 40], means[-1 - RESAMPLES // 40]


def bands(out, scores):
    """Prints a table (Markdown) of the opinions by the band of SCORES."""
    opinions = {name_of(r): float(r["score"]) for r in read(out / "faces.csv")}
    rng = random.Random(1)
    print("| scores | " + " | ".join(BANDS) + " |\n" + "|---" * (1 + len(BANDS)) + "|")
    for path in scores:
        rows = [r for r in read(path) if name_of(r) in opinions]
        cells = []
        for band in BANDS:
            values = [opinions[name_of(r)] for r in rows if r["band"] == band]
            cells.append("{:.1f} ({:.1f} to {:.1f}), n = {}".format(mean(values), *interval(values, rng), len(values)) if values else "-")
        print(f"| {Path(path).stem} | " + " | ".join(cells) + " |")


def main(arguments):
    if arguments == ["--list"]:
        for source in [LABELS[:2]] + [p[1:] for p in PHOTOS]:
            print(*source)
    elif len(arguments) == 3 and arguments[0] == "photos":
        photos(Path(arguments[1]), Path(arguments[2]))
    elif len(arguments) == 2 and arguments[0] == "join":
        join(Path(arguments[1]))
    elif len(arguments) > 2 and arguments[0] == "bands":
        bands(Path(arguments[1]), arguments[2:])
    else:
        sys.exit(__doc__)


if __name__ == "__main__":
    main(sys.argv[1:])
