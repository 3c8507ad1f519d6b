#!/usr/bin/python3
"""Compares the training speed of tinyfiqa with PyTorch's. Both programs run in turn, so that a busy machine slows down both.

  train_ratio.py BENCH_TRAINING [ROUNDS [SECONDS]]
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


def main():
    bench, rounds = sys.argv[1], int(sys.argv[2]) if len(sys.argv) > 2 else 3
    seconds = sys.argv[3] if len(sys.argv) > 3 else "4"
    print("| network, batch, input | threads | tinyfiqa, images/s | PyTorch | ratio (wall) | ratio (best) | ratio (CPU) |")
    print("|---|---|---|---|---|---|---|")
    for threads in ("1", "2"):
        for name, *size in CASES:
            case = [name, *map(str, size), threads, seconds]
            ours, theirs = [], []
            for _ in range(rounds):
                ours.append(rates([bench, *case]))
                theirs.append(rates(["/usr/bin/python3", os.path.join(HERE, "train_torch.py"), *case]))
            mine, peer = ([statistics.median(r[i] for r in side) for i in range(3)] for side in (ours, theirs))
            ratio = [a / b for a, b in zip(mine, peer)]
            print(f"| {name}, {size[0]}, {size[1]}x{size[2]} | {threads} | {mine[0]:.0f} | {peer[0]:.0f} | {ratio[0]:.2f} |"
                  f" {ratio[1]:.2f} | {ratio[2]:.2f} |", flush=True)


if __name__ == "__main__":
    main()
