#!/usr/bin/env python3
"""How training in several processes would scale on nodes that are not here: a model, from figures measured on one machine.

  model_training.py --images-per-s 1000 --batch 1024 --gradient-bytes 52000 --norm-bytes 2000 --norms 12 [--no-sync-norms]
                    [--latency-us 5] [--gigabits 100] [--overlap 0.5]

Of a step on N nodes, with a batch of --batch images for all of them:

  compute   (batch / N) / images_per_s
  gradient  2 (N - 1) latency + 2 (N - 1) / N gradient_bytes / bandwidth     each node sends a part to each other one, twice
  norms     2 norms ((N - 1) latency + (N - 1) norm_bytes / bandwidth)       the sums of each norm, forward and backward
  step      compute + max(0, gradient - overlap compute) + norms

`latency` is that of one message with all that software does; `overlap` the share of compute during which gradients are
sent already. Prints a table in Markdown: images/s, and the share of N times one node.
"""
import argparse


def step_seconds(nodes, a):
    bandwidth = a.gigabits * 1e9 / 8
    latency = a.latency_us * 1e-6
    compute = a.batch / nodes / a.images_per_s
    others = nodes - 1
    gradient = 2 * others * latency + 2 * others / nodes * a.gradient_bytes / bandwidth
    norms = 2 * a.norms * (others * latency + others * a.norm_bytes / bandwidth)
    return compute + max(0, gradient - a.overlap * compute) + (0 if a.no_sync_norms else norms)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--images-per-s", type=float, required=True, help="of one node")
    parser.add_argument("--batch", type=int, required=True, help="images of a step on all nodes")
    parser.add_argument("--gradient-bytes", type=float, required=True)
    parser.add_argument("--norms", type=int, required=True, help="batch norms of the network")
    parser.add_argument("--norm-bytes", type=float, required=True, help="of the sums of a norm, on average")
    parser.add_argument("--no-sync-norms", action="store_true")
    parser.add_argument("--latency-us", type=float, default=5)
    parser.add_argument("--gigabits", type=float, default=100)
    parser.add_argument("--overlap", type=float, default=0.5)
    parser.add_argument("--nodes", default="1,8,16,32,64")
    a = parser.parse_args()
    print("| nodes | step, ms | images/s | share |\n|---|---|---|---|")
    for nodes in map(int, a.nodes.split(",")):
        step = step_seconds(nodes, a)
        rate = a.batch / step
        print(f"| {nodes} | {1000 * step:.2f} | {rate:.0f} | {rate / (nodes * a.images_per_s):.2f} |")


main()
