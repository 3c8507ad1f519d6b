#!/usr/bin/env python3
"""plain_weights.py STATE WEIGHTS OUT: the plain weights of a training that was stopped, not their moving average.

STATE is the training's state.safetensors, WEIGHTS any weight file of the same training (it has the names and shapes), OUT
the file to write. In the state, all trainable parameters lie one after the other in the order of the weight file, and the
running statistics behind them.
"""
import json
import struct
import sys


def read(path):
    with open(path, "rb") as file:
        data = file.read()
    length = struct.unpack("<Q", data[:8])[0]
    header = json.loads(data[8:8 + length])
    metadata = header.pop("__metadata__", {})
    return metadata, header, data[8 + length:]


def main(state, weights, out):
    _, entries, content = read(state)
    first, last = entries["params"]["data_offsets"]
    block = content[first:last]
    metadata, shapes, _ = read(weights)
    sizes = {name: entry["data_offsets"][1] - entry["data_offsets"][0] for name, entry in shapes.items()}
    if any(entry["dtype"] != "F32" for entry in shapes.values()) or sum(sizes.values()) != len(block):
        sys.exit(f"{weights}: not 32-bit weights of the training in {state}")
    running = [name for name in shapes if "running_" in name]
    tensors, at = {}, 0
    for name in [name for name in shapes if name not in running] + running:
        tensors[name] = block[at:at + sizes[name]]
        at += sizes[name]
    header, at = {"__metadata__": {"model": metadata["model"], "format": "pt"}}, 0
    for name, data in tensors.items():
        header[name] = {"dtype": "F32", "shape": shapes[name]["shape"], "data_offsets": [at, at + len(data)]}
        at += len(data)
    text = json.dumps(header).encode()
    text += b" " * (-len(text) % 8)
    with open(out, "wb") as file:
        file.write(struct.pack("<Q", len(text)) + text + b"".join(tensors.values()))


if __name__ == "__main__":
    if len(sys.argv) != 4:
        sys.exit(__doc__)
    main(*sys.argv[1:])
