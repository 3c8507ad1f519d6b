#!/usr/bin/python3
"""Measures the speed of training steps (forward, MSE, backward, Adam) in PyTorch, in images/s. The faster memory format counts.

  train_torch.py MODEL BATCH HEIGHT WIDTH THREADS [SECONDS]

Needs torch and torchvision, such as Debian's python3-torch and python3-torchvision (run with /usr/bin/python3).
"""
import os
import resource
import sys
import time

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "..", "tests", "fixtures"))
import torch

import make_model_fixtures as fixtures


def build(name):
    if name == "tinyfqnet":
        return fixtures.TinyFQnet()
    if name == "mobilenet_v3_small":
        return fixtures.mobilenet(1)[0]
    return fixtures.shufflenet(name[-4:], 1)[0]


def measure(name, n, h, w, seconds, memory_format):
    torch.manual_seed(1)
    model = build(name).train().to(memory_format=memory_format)
    x = torch.randn(n, 3, h, w).contiguous(memory_format=memory_format)
    label = torch.rand(n, 1)
    optimizer = torch.optim.Adam(model.parameters(), 1e-3)
    wall, cpu = [], []
    start = time.perf_counter()
    while len(wall) < 5 or time.perf_counter() - start < seconds:
        a, b = time.perf_counter(), time.process_time()
        optimizer.zero_grad()
        ((model(x) - label) ** 2).mean().backward()
        optimizer.step()
        wall.append(time.perf_counter() - a)
        cpu.append(time.process_time() - b)
    wall, cpu = sorted(wall[1:]), sorted(cpu[1:])
    return n / wall[len(wall) // 2], n / wall[0], n / cpu[len(cpu) // 2]


def main():
    name, (n, h, w, threads) = sys.argv[1], map(int, sys.argv[2:6])
    seconds = float(sys.argv[6]) if len(sys.argv) > 6 else 3
    torch.set_num_threads(threads)
    rates = [measure(name, n, h, w, seconds / 2, f) for f in (torch.contiguous_format, torch.channels_last)]
    median, best, cpu = max(rates)
    rss = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    print(f"{name:20} {n:4}x{h}x{w} threads {threads}  {median:9.1f} images/s (best {best:9.1f}, {cpu:9.1f} per CPU second)"
          f"  peak {rss:7.1f} MiB")


if __name__ == "__main__":
    main()
