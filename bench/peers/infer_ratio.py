#!/usr/bin/python3
"""Inference speed of tinyfiqa over ONNX Runtime's: one network, one weight file, both programs in turns.

  infer_ratio.py TINYFIQA [ROUNDS [SECONDS]]

TINYFIQA is the command-line tool. Needs Debian's python3-torch and python3-torchvision (run with /usr/bin/python3; they
make the weights and the ONNX files), and a Python with onnxruntime, named by the environment variable ORT_PYTHON
(default: the python3 of the path). Prints one row for each network and thread count: medians over the rounds of each
program's median and best time, their ratios, and the largest difference between the two outputs.
"""
import json
import os
import statistics
import subprocess
import sys
import tempfile

HERE = os.path.dirname(os.path.abspath(__file__))
CASES = [("mobilenet_v3_small", 1, 600, 416), ("mobilenet_v3_small", 1, 224, 224), ("shufflenet_v2_x0_5", 1, 600, 416),
         ("shufflenet_v2_x0_5", 1, 224, 224), ("shufflenet_v2_x1_0", 1, 600, 416), ("tinyfqnet", 1, 64, 64),
         ("tinyfqnet", 16, 64, 64)]
ORT = """
import json, sys, time
import numpy, onnxruntime
model, x, y, threads, seconds = sys.argv[1], numpy.load(sys.argv[2]), sys.argv[3], int(sys.argv[4]), float(sys.argv[5])
options = onnxruntime.SessionOptions()
options.intra_op_num_threads, options.inter_op_num_threads = threads, 1
session = onnxruntime.InferenceSession(model, options, providers=["CPUExecutionProvider"])
name, times, start = session.get_inputs()[0].name, [], time.perf_counter()
numpy.save(y, session.run(None, {name: x})[0])
while len(times) < 10 or time.perf_counter() - start < seconds:
    before = time.perf_counter()
    session.run(None, {name: x})
    times.append((time.perf_counter() - before) * 1e6)
times.sort()
print(json.dumps({"median_us": times[len(times) // 2], "min_us": times[0]}))
"""


def export(name, n, h, w, folder):
    """Weights, ONNX file and input of one case. Batch norm has the statistics of the input, so that values keep their size."""
    import numpy
    import torch
    sys.path.insert(0, HERE)
    import train_torch
    torch.manual_seed(1)
    model = train_torch.build(name).train()
    base = os.path.join(folder, f"{name}.{n}x{h}x{w}")
    x = torch.randn(n, 3, h, w)
    for module in model.modules():
        if isinstance(module, torch.nn.BatchNorm2d):
            module.momentum = 1.0
    with torch.no_grad():
        model(x)
    model.eval()
    torch.save(model.state_dict(), base + ".pth")
    torch.onnx.export(model, x, base + ".onnx", opset_version=13)
    numpy.save(base + ".npy", x.numpy())
    return base


def run(command):
    return subprocess.run(command, check=True, capture_output=True, text=True).stdout


def main():
    import numpy
    tool, rounds = sys.argv[1], int(sys.argv[2]) if len(sys.argv) > 2 else 3
    seconds = sys.argv[3] if len(sys.argv) > 3 else "2"
    python = os.environ.get("ORT_PYTHON", "python3")
    print("| network, batch, input | threads | tinyfiqa, us | ONNX Runtime, us | ratio (median) | ratio (best) | difference |")
    print("|---|---|---|---|---|---|---|")
    with tempfile.TemporaryDirectory() as folder:
        for name, n, h, w in CASES:
            base = export(name, n, h, w, folder)
            for threads in ("1", "2"):
                ours, theirs = [], []
                for _ in range(rounds):
                    ours.append(json.loads(run([tool, "bench", "--model", name, "--size", f"{h}x{w}", "--batch", str(n), "--threads",
                                                threads, "--seconds", seconds, "--json"]))[0])
                    theirs.append(json.loads(run([python, "-c", ORT, base + ".onnx", base + ".npy", base + ".theirs.npy", threads,
                                                  seconds])))
                run([tool, "forward", "--model", name, "--weights", base + ".pth", "--input", base + ".npy", "--output",
                     base + ".ours.npy"])
                difference = numpy.abs(numpy.load(base + ".ours.npy") - numpy.load(base + ".theirs.npy")).max()
                median, best = ([statistics.median(r[key] for r in side) for side in (ours, theirs)]
                                for key in ("median_us", "min_us"))
                print(f"| {name}, {n}, {h}x{w} | {threads} | {median[0]:.1f} | {median[1]:.1f} | {median[1] / median[0]:.2f} |"
                      f" {best[1] / best[0]:.2f} | {difference:.1e} |", flush=True)


if __name__ == "__main__":
    main()
