#!/usr/bin/python3
"""The template experiment of P2 (tables 3 and 4) on faces of known people, with photos made worse on purpose.

  tools/template_experiment.py --tool build/run/bin/tinyfiqa --faces faces.csv --images faces/ \\
      --recogniser judge.safetensors --out experiment --quality random blur pose jpeg combined norm tinyfqnet

faces.csv has columns path, identity and landmarks. Of every person with at least two templates' worth of photos, up to
--most are drawn and dealt out to templates of --size; `tinyfiqa degrade` makes a share of them worse; `verify-eval`
lets every quality choose one photo of each template and compares them all. Everything is decided by --seed.
"""
import argparse
import csv
import os
import random
import subprocess
import sys


def deal_templates(rows, size, most, seed):
    """Rows with a template each; people, and photos of one, in an order that the seed decides."""
    people = {}
    for row in rows:
        people.setdefault(row["identity"], []).append(row)
    dealt = []
    for name in sorted(people):
        photos = sorted(people[name], key=lambda row: row["path"])
        random.Random(f"{seed} {name}").shuffle(photos)
        count = min(len(photos), most) // size
        if count < 2:
            continue
        for i, photo in enumerate(photos[: count * size]):
            dealt.append({**photo, "template": f"{name} {i // size + 1}"})
    return dealt


def run(words):
    print("$ " + " ".join(words), file=sys.stderr)
    return subprocess.run(words, check=True, stdout=subprocess.PIPE, text=True).stdout


def main():
    p = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    p.add_argument("--tool", required=True, help="the built tinyfiqa")
    p.add_argument("--faces", required=True, help="CSV of path, identity and landmarks")
    p.add_argument("--images", required=True, help="folder that the CSV's paths start from")
    p.add_argument("--recogniser", required=True, help="weights of the recogniser that judges")
    p.add_argument("--quality", nargs="+", required=True, help="as verify-eval takes them")
    p.add_argument("--exclude", help="CSV whose column path names photos to leave out")
    p.add_argument("--out", required=True, help="folder for the photos and tables; only what is missing is made")
    p.add_argument("--size", type=int, default=4, help="photos in a template (4)")
    p.add_argument("--most", type=int, default=16, help="photos of a person (16)")
    p.add_argument("--share", default="0.7", help="of the photos, made worse (0.7)")
    p.add_argument("--seed", type=int, default=1)
    a = p.parse_args()

    with open(a.faces, newline="", encoding="utf-8") as f:
        rows = list(csv.DictReader(f))
    if a.exclude:
        with open(a.exclude, newline="", encoding="utf-8") as f:
            excluded = {row["path"] for row in csv.DictReader(f)}
        rows = [row for row in rows if row["path"] not in excluded]
    dealt = deal_templates(rows, a.size, a.most, a.seed)
    if not dealt:
        sys.exit(f"{a.faces}: nobody has {2 * a.size} photos; make templates smaller with --size")
    os.makedirs(a.out, exist_ok=True)
    templates = a.out + "/templates.csv"
    with open(templates, "w", newline="", encoding="utf-8") as f:
        writer = csv.DictWriter(f, dealt[0].keys(), lineterminator="\n")
        writer.writeheader()
        writer.writerows(dealt)
    worse = a.out + "/photos"
    if not os.path.exists(worse + "/faces.csv"):
        run([a.tool, "degrade", "--data", templates, "--images", a.images, "--out", worse, "--share", a.share,
             "--kinds", "blur,small,dark,noise,jpeg", "--seed", str(a.seed)])
    print(run([a.tool, "verify-eval", "--data", worse + "/faces.csv", "--recogniser", a.recogniser,
               "--embeddings", a.out + "/embeddings.npy", "--template-column", "template", "--seed", str(a.seed),
               "--out", a.out + "/result", "--quality", *a.quality]), end="")


if __name__ == "__main__":
    main()
