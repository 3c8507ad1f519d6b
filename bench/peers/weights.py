#!/usr/bin/python3
"""Makes random weights of a network and a random input.

  weights.py MODEL BATCH HEIGHT WIDTH BASE      writes BASE.pth and BASE.npy

The batch norms get the statistics of this input. With the initial statistics, values would shrink from layer to layer until all inputs
gave the same output. Needs Debian's python3-torch and python3-torchvision (run with /usr/bin/python3).
"""
import sys

import numpy
import torch

import train_torch


def main():
    name, (n, h, w), base = sys.argv[1], map(int, sys.argv[2:5]), sys.argv[5]
    torch.manual_seed(1)
    model = train_torch.build(name).train()
    for module in model.modules():
        if isinstance(module, torch.nn.BatchNorm2d):
            module.momentum = 1.0
        if isinstance(module, torch.nn.Dropout):
            module.p = 0.0
    x = torch.randn(n, 3, h, w)
    with torch.no_grad():
        model(x)
    torch.save(model.state_dict(), base + ".pth")
    numpy.save(base + ".npy", x.numpy())


if __name__ == "__main__":
    main()
