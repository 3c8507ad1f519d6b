#!/usr/bin/python3
"""Compares the training speed of tinyfiqa with PyTorch's. Both programs run in turn, so that a busy machine slows down both.

  train_ratio.py BENCH_TRAINING [ROUNDS [SECONDS [PYTHON...]]]

PYTHON: interpreters with torch and torchvision, of several versions of PyTorch; default /usr/bin/python3.
"""
import os
import re
import statistics
import subprocess
import sys

HERE = os.path.dirname(os.path.abspath(__file__))
CASES = [("mobilenet_v3_small", 16, 224, 224), ("shufflenet_v2_x0_5", 16, 224, 224), ("mobilenet_v3_small", 4, 600, 416),
         ("shufflenet_v2_x0_5", 4, 600, 416), ("tinyfqnet", 256, 64, 64)]


def rates(command):
    environment = dict(os.environ)
    text = subprocess.run(command, check=True, capture_output=True, text=True, env=environment).stdout
    return [float(v) for v in re.search(r"([\d.]+) images/s \(best +([\d.]+), +([\d.]+) per CPU", text).groups()]


def torch_version(python):
    command = [python, "-c", "import torch; print(torch.__version__.split('+')[0])"]
    return subprocess.run(command, check=True, capture_output=True, text=True).stdout.strip()


def main():
    bench, rounds = sys.argv[1], int(sys.argv[2]) if len(sys.argv) > 2 else 3
    seconds = sys.argv[3] if len(sys.argv) > 3 else "4"
    pythons = sys.argv[4:] or ["/usr/bin/python3"]
    versions = [torch_version(p) for p in pythons]
    print("| network, batch, input | threads | tinyfiqa, images/s | PyTorch | images/s | ratio (wall) | ratio (best) | ratio (CPU) |")
    print("|---|---|---|---|---|---|---|---|")
    for threads in ("1", "2"):
        for name, *size in CASES:
            case = [name, *map(str, size), threads, seconds]
            ours, theirs = [], [[] for _ in pythons]
            for _ in range(rounds):
                ours.append(rates([bench, *case]))
                for python, results in zip(pythons, theirs):
                    results.append(rates([python, os.path.join(HERE, "train_torch.py"), *case]))
            mine = medians(ours)
            for version, results in zip(versions, theirs):
                peer = medians(results)
                ratio = [a / b for a, b in zip(mine, peer)]
                print(f"| {name}, {size[0]}, {size[1]}x{size[2]} | {threads} | {mine[0]:.0f} | {version} | {peer[0]:.0f} |"
                      f" {ratio[0]:.2f} | {ratio[1]:.2f} | {ratio[2]:.2f} |", flush=True)


def medians(rows):
    return [statistics.median(row[i] for row in rows) for i in range(3)]


if __name__ == "__main__":
    main()
