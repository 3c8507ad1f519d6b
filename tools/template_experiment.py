#!/usr/bin/python3
"""The template experiment of Peng et al. (tables 3 and 4), on faces of known people and degraded images.

  tools/template_experiment.py --tool build/run/bin/tinyfiqa --faces faces.csv --images faces/ \\
      --recogniser judge.safetensors --out experiment --quality random blur pose jpeg combined norm tinyfqnet

faces.csv has the columns path, identity and landmarks. People with enough images for two templates take part. Up to
--most images of each person are drawn and divided into templates of --size images. `tinyfiqa degrade` degrades a share
of the images. `tinyfiqa verify-eval` compares the quality methods: each method chooses one image of each template.
The result depends only on the input and --seed.
"""
import argparse
import csv
import os
import random
import subprocess
import sys


def deal_templates(rows, size, most, seed):
    """Returns rows with a column template. People are sorted by name; the seed decides the order of their images."""
    people = {}
    for row in rows:
        people.setdefault(row["identity"], []).append(row)
    dealt = []
    for name in sorted(people):
        images = sorted(people[name], key=lambda row: row["path"])
        random.Random(f"{seed} {name}").shuffle(images)
        count = min(len(images), most) // size
        if count < 2:
            continue
        for i, image in enumerate(images[: count * size]):
            dealt.append({**image, "template": f"{name} {i // size + 1}"})
    return dealt


def run(command):
    """Prints the command to standard error, runs it, and returns its output."""
    print("$ " + " ".join(command), file=sys.stderr)
    return subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True).stdout


def main():
    p = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    p.add_argument("--tool", required=True, help="run this tinyfiqa program")
    p.add_argument("--faces", required=True, help="read this CSV with columns path, identity and landmarks")
    p.add_argument("--images", required=True, help="resolve relative paths of the CSV from this folder")
    p.add_argument("--recogniser", required=True, help="judge with these weights of a face recogniser")
    p.add_argument("--quality", nargs="+", required=True, help="compare these methods, as in verify-eval --quality")
    p.add_argument("--exclude", help="leave out the images in the column path of this CSV")
    p.add_argument("--out", required=True, help="write images and tables to this folder; existing images are reused")
    p.add_argument("--size", type=int, default=4, help="images in a template (default: 4)")
    p.add_argument("--most", type=int, default=16, help="largest number of images of a person (default: 16)")
    p.add_argument("--share", default="0.7", help="share of the images to degrade, 0 to 1 (default: 0.7)")
    p.add_argument("--seed", type=int, default=1, help="seed of all random choices (default: 1)")
    a = p.parse_args()

    with open(a.faces, newline="", encoding="utf-8") as f:
        rows = list(csv.DictReader(f))
    if a.exclude:
        with open(a.exclude, newline="", encoding="utf-8") as f:
            excluded = {row["path"] for row in csv.DictReader(f)}
        rows = [row for row in rows if row["path"] not in excluded]
    dealt = deal_templates(rows, a.size, a.most, a.seed)
    if not dealt:
        sys.exit(f"{a.faces}: no person has {2 * a.size} images; make templates smaller with --size")
    os.makedirs(a.out, exist_ok=True)
    templates = a.out + "/templates.csv"
    with open(templates, "w", newline="", encoding="utf-8") as f:
        writer = csv.DictWriter(f, dealt[0].keys(), lineterminator="\n")
        writer.writeheader()
        writer.writerows(dealt)
    degraded = a.out + "/photos"
    if not os.path.exists(degraded + "/faces.csv"):
        run([a.tool, "degrade", "--data", templates, "--images", a.images, "--out", degraded, "--share", a.share,
             "--kinds", "blur,small,dark,noise,jpeg", "--seed", str(a.seed)])
    print(run([a.tool, "verify-eval", "--data", degraded + "/faces.csv", "--recogniser", a.recogniser,
               "--embeddings", a.out + "/embeddings.npy", "--template-column", "template", "--seed", str(a.seed),
               "--out", a.out + "/result", "--quality", *a.quality]), end="")


if __name__ == "__main__":
    main()
