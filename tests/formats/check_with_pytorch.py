#!/usr/bin/python3
"""Loads weights that the library converted or exported into PyTorch, and compares them there.

    check_with_pytorch.py path/to/convert_weights [reference folder]

The exit code is 77 (skipped) without PyTorch and torchvision.
"""
import json
import os
import struct
import subprocess
import sys
import tempfile

try:
    import numpy as np
    import torch
    import torchvision
except ImportError as error:
    print("skipped:", error)
    sys.exit(77)

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "fixtures"))
sys.dont_write_bytecode = True
from megvii_shufflenet import MegviiShuffleNet, randomise  # noqa: E402

CONVERT = sys.argv[1]
FOLDER = tempfile.mkdtemp()
TYPES = {"F32": torch.float32, "F16": torch.float16}


def load_safetensors(path):
    """Reads a safetensors file without the safetensors package."""
    raw = open(path, "rb").read()
    size = struct.unpack("<Q", raw[:8])[0]
    assert size % 8 == 0
    header = json.loads(raw[8:8 + size])
    assert header.pop("__metadata__", {}).get("format", "pt") == "pt"
    data = bytearray(raw[8 + size:])
    out, cursor = {}, 0
    for key, value in header.items():
        begin, end = value["data_offsets"]
        assert begin == cursor
        cursor = end
        flat = torch.frombuffer(data[begin:end], dtype=TYPES[value["dtype"]]) if end > begin else torch.zeros(0)
        out[key] = flat.reshape(value["shape"])
    assert cursor == len(data)
    return out


def convert(kind, source):
    out = os.path.join(FOLDER, "out.safetensors")
    subprocess.run([CONVERT, kind, source, out], check=True)
    return load_safetensors(out)


def torchvision_trunk(net, x):
    return net.stage4(net.stage3(net.stage2(net.maxpool(net.conv1(x)))))


def relative(a, b):
    return ((a - b).abs().max() / b.abs().max()).item()


def same_up_to_order(a, b):
    """The largest relative difference after matching each channel of `a` to its nearest in `b`, one to one."""
    a, b = a.transpose(0, 1).flatten(1).double(), b.transpose(0, 1).flatten(1).double()
    distance = torch.stack([(row - b).abs().amax(1) for row in a])
    worst = 0.0
    for row in range(len(a)):
        nearest = distance[row].argmin()
        worst = max(worst, distance[row, nearest].item())
        distance[:, nearest] = float("inf")
    return worst / b.abs().max().item()


def check_megvii(name, widths, last):
    meg = randomise(MegviiShuffleNet(24, widths, last, 1000), 11)
    image = torch.randn(2, 3, 96, 128, generator=torch.Generator().manual_seed(12))
    path = os.path.join(FOLDER, "megvii.pth")
    torch.save(meg.state_dict(), path)
    net = getattr(torchvision.models, "shufflenet_v2_" + name)().eval()
    missing, unexpected = net.load_state_dict(convert("any", path), strict=False)
    assert not unexpected and all(k.endswith("num_batches_tracked") for k in missing), (missing, unexpected)
    with torch.no_grad():
        a, b = torchvision_trunk(net, image), meg.trunk(image)
        errors = same_up_to_order(a, b), relative(net.conv5(a), meg.conv_last(b)), relative(net(image), meg(image))
    print("megvii %s: stage4 %.1e (up to order), conv5 %.1e, classifier %.1e" % ((name,) + errors))
    assert max(errors) < 1e-5


def check_published_trunk(path):
    state = torch.load(path, map_location="cpu")
    meg = MegviiShuffleNet(24, (48, 96, 192), 1024, 1000).eval()
    first = {"stage2": 0, "stage3": 4, "stage4": 12}
    flat = {}
    for key, value in state.items():
        head, _, rest = key.partition(".")
        if head in first:
            unit, _, rest = rest.partition(".")
            key = "features.%d.%s" % (first[head] + int(unit), rest)
        flat[key] = value
    missing, unexpected = meg.load_state_dict(flat, strict=False)
    assert not unexpected and all(k.startswith(("conv_last", "classifier")) for k in missing)
    net = torchvision.models.shufflenet_v2_x0_5().eval()
    _, unexpected = net.load_state_dict(convert("any", path), strict=False)
    assert not unexpected
    image = torch.randn(2, 3, 224, 224, generator=torch.Generator().manual_seed(13))
    with torch.no_grad():
        error = same_up_to_order(torchvision_trunk(net, image), meg.trunk(image))
    print("published trunk: stage4 %.1e (up to order)" % error)
    assert error < 1e-5


def check_round_trip(network, path):
    want = torch.load(path, map_location="cpu")
    got = convert(network, path)
    for key, value in want.items():
        if not key.endswith("num_batches_tracked"):
            assert torch.equal(got.pop(key), value.float()), key
    assert not got
    print("%s: every tensor is bit by bit the same" % network)


check_megvii("x0_5", (48, 96, 192), 1024)
check_megvii("x1_0", (116, 232, 464), 1024)
check_megvii("x1_5", (176, 352, 704), 1024)
check_megvii("x2_0", (244, 488, 976), 2048)
reference = sys.argv[2] if len(sys.argv) > 2 else os.environ.get("TINYFIQA_REFERENCE_DIR", "")
if reference:
    check_published_trunk(os.path.join(reference, "data/imagenet/shufflenetv2_x0.5_trunk_megvii.pth"))
    for model in ("mobilenet_v3_small", "shufflenet_v2_x0_5", "tinyfqnet"):
        check_round_trip(model, os.path.join(reference, "golden", model + ".pth"))
