#!/usr/bin/python3
"""heif_limits.py TOOL: HEIC and AVIF files whose codec's data are larger than the container says, or that repeat work, are
refused at once, with a reason; and files that were built in the same way without a lie are read."""
import os
import sys
import tempfile

import limited
from hostile_case import Folder
from hostile_heif import Coded, Item, box, container, heifs

MOST_CPU_S, MOST_MIB = 5, 300
LARGER = "the coded image is larger than the file says"
REASONS = {  # the begin of a file's name: why it is refused; libheif itself knows some of this in newer versions
    "frame": (LARGER, "larger than the file says, or than libheif allows"),
    "one_tile_often": (LARGER, "larger than the file says, or than libheif allows"),
    "canvas": ("larger than the file says, or than libheif allows",),
    "cropped": ("the limit is",),
    "turned_often": ("an image is rotated or cropped too often",),
    "slices": ("slices that cover each other",),
    "frames": ("an HEVC image has one frame",),
}
REPEATED = ("too many grids or overlays within each other",)


def honest(repo):
    """Files that must be read."""
    for end in ("avif", "heic"):
        coded = Coded.of(repo.read(f"tests/fixtures/photos/ramp.{end}"))
        height = 48 if end == "avif" else 64
        one = Item.coded(coded, 64, height)
        turn = box(b"irot", b"\1")
        yield f"plain.{end}", container(coded.brand, [one])
        yield f"turned.{end}", container(coded.brand, [Item.coded(coded, 64, height, turn)])
        yield f"grid.{end}", container(coded.brand, [Item.grid(256, 2 * height, 2, 4, range(2, 10))] + [one] * 8)
        yield f"overlay.{end}", container(coded.brand, [Item.overlay(64, height, [2]), one])


def run(tool, folder, name, data):
    return limited.run([tool, "score", "--face", "whole", "--threads", "1", folder.write(name, data)])


def complaints(tool, repo, folder):
    for name, data, _ in heifs(repo):
        outcome = run(tool, folder, name, data)
        stem = name.rsplit(".", 1)[0]
        reasons = REASONS.get(stem) or REASONS.get(stem.split("_")[0]) or REPEATED
        text = outcome.text.decode()
        if outcome.code <= 0:
            yield f"{name}: status {outcome.code}"
        if not any(reason in text for reason in reasons):
            yield f"{name}: {text.strip()!r} does not say {' or '.join(reasons)!r}"
        if outcome.cpu_s > MOST_CPU_S or outcome.peak_mib > MOST_MIB:
            yield f"{name}: {outcome.cpu_s:.1f} s, {outcome.peak_mib:.0f} MiB"
        print(f"{name:32} {outcome.cpu_s:6.2f} s {outcome.peak_mib:5.0f} MiB  {outcome.last_line()[-70:]}")
    for name, data in honest(repo):
        outcome = run(tool, folder, name, data)
        if outcome.code != 0:
            yield f"{name} must be read: {outcome.last_line()}"


def main():
    here = os.path.dirname(os.path.abspath(__file__))
    repo = Folder(os.path.join(here, "..", ".."))
    with tempfile.TemporaryDirectory(prefix="tinyfiqa_heif_") as work:
        folder = Folder(work)
        tool = os.path.abspath(sys.argv[1])
        first = run(tool, folder, *next(iter(honest(repo))))
        if b"was built without it" in first.text:
            print("skipped: the tool reads no HEIC and AVIF")
            return 77
        found = list(complaints(tool, repo, folder))
    print("\n".join(found))
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
