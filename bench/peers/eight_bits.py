#!/usr/bin/env python3
"""Compares the speed of 8-bit networks with ONNX Runtime and OpenVINO: the same networks, all programs in turn.

  eight_bits.py TINYFIQA BENCH_EIGHT_BITS [--rounds 3] [--seconds 1] [--threads 1 2] [--isa auto]

TINYFIQA is the command-line tool; it writes the ONNX files of the shipped weights. ONNX Runtime's own tool quantises them: 8-bit maps and
weights, a scale for each output channel, ranges by the least and largest value on noise (speed does not depend on them). Both engines run
that file (i8), the one in floats (f32), and the file that TINYFIQA writes of the shipped 8-bit weights (qdq). BENCH_EIGHT_BITS is the
benchmark of this library. The engines are installed as run.py does it.

Prints a row for each network and size: microseconds, medians over the rounds; and how many times as fast as the fastest of the others'
8-bit networks (i8), and of all others but qdq, tinyfiqa's 8-bit network is.
"""
import argparse
import json
import os
import re
import statistics
import subprocess
import sys
import tempfile

import peers_venv

HERE = os.path.dirname(os.path.abspath(__file__))
PACKAGES = ["numpy", "onnx", "onnxruntime", "openvino", "sympy"]
ENGINES = ["onnxruntime", "openvino"]
FILES = {"f32": "", "i8": "_i8", "qdq": "_qdq"}  # what follows the base of a file's name
I8_WEIGHTS = os.path.join(HERE, "..", "..", "weights", "i8")
QUANTISE = """
import sys
import numpy
from onnxruntime.quantization import CalibrationDataReader, QuantType, quantize_static
from onnxruntime.quantization.shape_inference import quant_pre_process
base, h, w = sys.argv[1], int(sys.argv[2]), int(sys.argv[3])
noise = numpy.random.default_rng(1).uniform(-2, 2, (4, 1, 3, h, w)).astype(numpy.float32)
for file in "", "_i8", "_qdq":
    numpy.save(base + file + ".npy", noise[0])
class Reader(CalibrationDataReader):
    images = iter({"image": x} for x in noise)
    def get_next(self):
        return next(self.images, None)
quant_pre_process(base + ".onnx", base + "_ready.onnx")
quantize_static(base + "_ready.onnx", base + "_i8.onnx", Reader(), per_channel=True, activation_type=QuantType.QUInt8,
                weight_type=QuantType.QInt8)
"""


def run(command):
    r = subprocess.run([str(word) for word in command], capture_output=True, text=True)
    if r.returncode != 0:
        raise RuntimeError((r.stderr.strip().splitlines() or [f"exit status {r.returncode}"])[-1])
    return r.stdout


def our_times(program, isa, threads):
    """{(network, height, width): (float32, 8 bits)} in microseconds, as the benchmark prints them."""
    times = {}
    for name, h, w, floats, whole in re.findall(r"\| (\w+), (\d+)x(\d+) \| (\d+) us \| (\d+) us", run([program, isa, threads])):
        times[name, int(h), int(w)] = float(floats), float(whole)
    return times


def prepare(tool, rows, folder):
    """Writes and quantises the ONNX files. Returns {row: path without extension}."""
    bases = {}
    for name, h, w in rows:
        base = os.path.join(folder, f"{name}_{h}x{w}")
        size = ["--size", f"{h}x{w}", "--onnx"]
        run([tool, "export", "--model", name, *size, base + ".onnx"])
        run([tool, "export", "--weights", os.path.join(I8_WEIGHTS, name + ".safetensors"), *size, base + "_qdq.onnx"])
        run([peers_venv.python(), "-c", QUANTISE, base, h, w])
        bases[name, h, w] = base
    return bases


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("tool")
    parser.add_argument("program")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--seconds", type=float, default=1)
    parser.add_argument("--threads", type=int, nargs="+", default=[1, 2])
    parser.add_argument("--isa", default="auto")
    a = parser.parse_args()
    for package, reason in peers_venv.make(packages=PACKAGES).items():
        print(f"not installed: {package}: {reason}", file=sys.stderr)
    with tempfile.TemporaryDirectory() as folder:
        bases = prepare(a.tool, our_times(a.program, a.isa, 1), folder)
        for threads in a.threads:
            times = {}  # (row, engine, "f32" or "i8"): one a round
            for _ in range(a.rounds):
                for row, both in our_times(a.program, a.isa, threads).items():
                    for precision, us in zip(("f32", "i8"), both):
                        times.setdefault((row, "tinyfiqa", precision), []).append(us)
                for row, base in bases.items():
                    for engine in ENGINES:
                        for precision, suffix in FILES.items():
                            out = run([peers_venv.python(), os.path.join(HERE, "engines.py"), engine, row[0], base + suffix,
                                       threads, a.seconds])
                            times.setdefault((row, engine, precision), []).append(json.loads(out)["median_us"])
            print_table(bases, threads, {key: statistics.median(all_times) for key, all_times in times.items()})


def print_table(rows, threads, times):
    print(f"\nthreads: {threads}; microseconds\n")
    columns = [("tinyfiqa", "f32"), ("tinyfiqa", "i8"), *((engine, precision) for engine in ENGINES for precision in FILES)]
    print("| network |", " | ".join(f"{engine} {precision}" for engine, precision in columns), "| i8 to i8 | i8 to all |")
    print("|---" * (len(columns) + 3) + "|")
    for row in rows:
        ours = times[row, "tinyfiqa", "i8"]
        others = {p: min(times[row, engine, p] for engine in ENGINES) for p in ("f32", "i8")}
        cells = " | ".join(f"{times[row, engine, precision]:.0f}" for engine, precision in columns)
        print(f"| {row[0]}, {row[1]}x{row[2]} | {cells} | {others['i8'] / ours:.2f} | {min(others.values()) / ours:.2f} |", flush=True)


if __name__ == "__main__":
    main()
