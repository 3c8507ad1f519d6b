#!/usr/bin/python3
"""numerics.py TOOL: compares the numbers of the same images across runs, threads, order, batches and instruction sets.

Prints the largest difference of each kind. Status 1: one is beyond what docs/numerics.md promises.
"""
import json
import os
import re
import struct
import subprocess
import sys
import tempfile

NETWORKS = ("tinyfqnet_m", "tinyfqnet", "tinyfqnet_l", "mobilenet_v3_small", "shufflenet_v2_x0_5")
PHOTOS = 8
# The promises of docs/numerics.md: the largest difference of raw scores, which are in 0..1.
MOST_BETWEEN_BATCHES = 1e-6
MOST_BETWEEN_SETS = 1e-5


def output_of(command, **options):
    done = subprocess.run(command, capture_output=True, **options)
    if done.returncode != 0:
        raise SystemExit(f"{command}: {done.stderr.decode(errors='replace')}")
    return done.stdout


def instruction_sets(tool):
    """The compiled ones that this machine can run, fastest first."""
    return re.search(r"this machine runs: ([a-z0-9 ]+)", output_of([tool, "--version"]).decode())[1].split()


def input_size(tool, network):
    text = output_of([tool, "info", "--model", network]).decode()
    found = re.search(r"^input +1 x (\d+)x(\d+)x3", text, re.M)
    return int(found[1]), int(found[2])


def noise(count, seed):
    """Floats in -2..2 from a linear congruence."""
    values = []
    for _ in range(count):
        seed = (seed * 1664525 + 1013904223) & 0xffffffff
        values.append(seed / 2 ** 30 - 2)
    return values


def write_npy(path, shape, values):
    header = f"{{'descr': '<f4', 'fortran_order': False, 'shape': {shape}, }}"
    header += " " * ((54 - len(header)) % 64) + "\n"
    with open(path, "wb") as file:
        file.write(b"\x93NUMPY\1\0" + struct.pack("<H", len(header)) + header.encode() + struct.pack(f"<{len(values)}f", *values))


def read_npy(path):
    with open(path, "rb") as file:
        data = file.read()
    begin = 10 + struct.unpack("<H", data[8:10])[0]
    return struct.unpack(f"<{(len(data) - begin) // 4}f", data[begin:])


def largest_difference(a, b):
    assert len(a) == len(b), (len(a), len(b))
    return max(abs(x - y) for x, y in zip(a, b))


class Forward:
    """Outputs of `tinyfiqa forward` for images of noise."""

    def __init__(self, tool, network, work):
        self.tool, self.network, self.work = tool, network, work
        self.size = input_size(tool, network)
        self.pixels = 3 * self.size[0] * self.size[1]
        self.images = [noise(self.pixels, 7 + i) for i in range(PHOTOS)]

    def run(self, isa, images, threads=1):
        x, y = os.path.join(self.work, "x.npy"), os.path.join(self.work, "y.npy")
        write_npy(x, (len(images), 3, *self.size), [v for image in images for v in image])
        output_of([self.tool, "forward", "--model", self.network, "--isa", isa, "--input", x, "--output", y, "--threads", str(threads)])
        return read_npy(y)


def scores(tool, network, isa, paths, *more):
    text = output_of([tool, "score", "--raw", "--face", "whole", "--format", "jsonl", "--model", network, "--isa", isa, *more, *paths])
    return {row["path"]: row["score"] for row in map(json.loads, text.splitlines())}


def differences(tool, repo, work):
    """Yields (kind, network and set, difference, the most that is promised)."""
    sets = instruction_sets(tool)
    folder = os.path.join(repo, "examples", "faces")
    paths = sorted(os.path.join(folder, n) for n in os.listdir(folder) if n.endswith(".jpg")) * 4

    def between(a, b):
        return largest_difference([a[p] for p in paths], [b[p] for p in paths])
    for network in NETWORKS:
        forward = Forward(tool, network, work)
        outputs, photos = {}, {}
        for isa in sets:
            name = f"{network}, {isa}"
            outputs[isa] = forward.run(isa, forward.images)
            one_by_one = [y for image in forward.images for y in forward.run(isa, [image])]
            yield "batch of 8 and 8 batches of 1", name, largest_difference(outputs[isa], one_by_one), MOST_BETWEEN_BATCHES
            yield "forward, 1 and 2 threads", name, largest_difference(outputs[isa], forward.run(isa, forward.images, 2)), 0
            backwards = forward.run(isa, forward.images[::-1])
            width = len(backwards) // PHOTOS
            turned = [v for i in range(PHOTOS)[::-1] for v in backwards[i * width:(i + 1) * width]]
            yield "order in the batch", name, largest_difference(outputs[isa], turned), 0
            photos[isa] = scores(tool, network, isa, paths, "--threads", "1")
            yield "score, run again", name, between(photos[isa], scores(tool, network, isa, paths, "--threads", "1")), 0
            yield "score, 1 and 2 threads", name, between(photos[isa], scores(tool, network, isa, paths, "--threads", "2")), 0
            yield "score, order of images", name, between(photos[isa], scores(tool, network, isa, paths[::-1])), 0
        for isa in sets[1:]:
            name = f"{network}, {sets[0]} and {isa}"
            yield "sets, images of noise", name, largest_difference(outputs[sets[0]], outputs[isa]), MOST_BETWEEN_SETS
            yield "sets, examples/faces", name, between(photos[sets[0]], photos[isa]), MOST_BETWEEN_SETS


def main(tool):
    repo = os.path.normpath(os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", ".."))
    failed = 0
    with tempfile.TemporaryDirectory(prefix="tinyfiqa_numerics_") as work:
        for kind, name, difference, most in differences(os.path.abspath(tool), repo, work):
            good = difference <= most
            failed += not good
            print(f"{kind:30} {name:32} {difference:9.2g}{'' if good else f'  but at most {most:g} is promised'}")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1]))
