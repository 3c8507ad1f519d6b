#!/usr/bin/env python3
"""What tinyfiqa and other libraries cost: time and memory to compile a program, its size, its speed, and on a Cortex-M7 flash and RAM.

  measure.py TINYFIQA --peers DIR [--out DIR] [--compiles 3] [--rounds 5] [--seconds 1] [--parts desktop cortex-m] [--peer-rows NAME ...]

TINYFIQA is the command-line tool. DIR has the sources of the others, each in a folder with the name of its GitHub repository:

  jatinchowdhury18/RTNeural, Tencent/ncnn (with submodules or without), tensorflow/tflite-micro; and for the last one, in the versions that
  its tensorflow/lite/micro/tools/make names: ARM-software/CMSIS-NN, ARM-software/CMSIS_6, google/flatbuffers (with the patch
  flatbuffers.patch of that folder), google/gemmlowp, google/ruy

Debian: g++ cmake libstb-dev libeigen3-dev, and for the Cortex-M7 the packages of examples/bare_metal/build.sh. The Python packages
onnx, onnxruntime, pnnx and tensorflow-cpu are installed with pip into the environment of bench/peers. A library that is missing or does
not compile is left out, and stderr says why.

Desktop: seconds are processor seconds of the compiler in user mode, MB its peak memory, both medians, for one source file of this
folder. The library's own build comes before, once. KB are those of the stripped program, with the library linked statically and the C and C++
libraries dynamically. All programs that run tinyFQnet get the same 64x64 pixels, take turns, and use one thread; their scores must agree
within 1e-4.

Cortex-M7: instructions of one face and stack are counted as in examples/bare_metal. RAM is all static memory and the stack that was used. The
arena of TFLite Micro is as small as it can be. Libraries that an earlier run built in --out are not built again.
"""
import argparse
import os
import statistics
import struct
import sys

import cortex_m
import desktop
import peers_venv
from costs import Failed, commit, run


def left_out(what, error):
    print(f"left out: {what}: {error}", file=sys.stderr)


def attempt(what, make):
    """What make() returns, or an empty list with a word on stderr."""
    try:
        return make()
    except (Failed, OSError) as error:
        left_out(what, error)
        return []


def export(tool, out, side):
    """Writes tinyFQnet with its built-in weights as ONNX. Returns the path without extension."""
    base = os.path.join(out, f"tinyfqnet_{side}")
    run([tool, "export", "--onnx", base + ".onnx", "--model", "tinyfqnet", "--size", f"{side}x{side}", "--batch", "1"])
    return base


def write_levels(path, side=64):
    with open(path, "wb") as file:
        file.write(bytes((x * x // 20 + y * 3 + x * y // 16 + c * 40) % 256 for y in range(side) for x in range(side) for c in range(3)))


def compiled(rows, out, compiles):
    """The rows that compile."""
    return [row for row in rows if attempt(row.name, lambda: [row.compile(out, compiles)])]


def time_in_turns(rows, levels, model, args):
    """Times the rows that run tinyFQnet. Those that can't run keep no times."""
    for _ in range(args.rounds):
        rows = [row for row in rows if row.does == "tinyFQnet" and attempt(row.name, lambda: [row.time(levels, args.seconds, model)])]
    for row in rows:
        if abs(row.score - rows[0].score) > 1e-4:
            raise Failed(f"{row.name} gives the score {row.score}, and {rows[0].name} {rows[0].score}")


def speed_text(row):
    if not row.times:
        return ""
    median = statistics.median(row.times)
    return f"{median:.1f} ({100 * (max(row.times) - min(row.times)) / median:.0f} %)"


def desktop_table(args):
    model, levels = export(args.tool, args.out, 64), os.path.join(args.out, "levels")
    write_levels(levels)
    rows = desktop.ours() + desktop.stb()
    for name in args.peer_rows:
        rows += attempt(name, lambda: desktop.PEERS[name](args.peers, args.out, model))
    rows = compiled(rows, args.out, args.compiles)
    wheel = desktop.OnnxRuntime()
    time_in_turns(rows + [wheel], levels, model, args)
    print("| program | does | to compile, s | compiler, MB | library first, s | program, KB | weights, KB | a face, us (spread) |")
    print("|---|---|---|---|---|---|---|---|")
    for row in rows:
        first = f"{row.library_seconds:.0f}" if row.library_seconds else "0"
        print(f"| {row.name} | {row.does} | {row.seconds:.1f} | {row.peak_mb:.0f} | {first} | {row.kb:.0f} | {row.weights_kb:.0f} |"
              f" {speed_text(row)} |")
    print(f"| {wheel.name} {wheel.version} | {wheel.does} | | | | {wheel.kb:.0f} | {os.path.getsize(model + '.onnx') / 1000:.0f} |"
          f" {speed_text(wheel)} |")
    print(f"\nONNX Runtime: import, session and first run {wheel.start_ms:.0f} ms and {wheel.memory_mb:.0f} MB\n", flush=True)


def score_text(bits):
    return f"{struct.unpack('>f', bytes.fromhex(bits))[0]:.4f}"


def print_board_row(name, side, first_s, row):
    flash, weights, ram, arena, stack, instructions, bits = row
    cells = [name, f"{side}x{side}", flash, weights, ram, arena, stack, f"{instructions / 1e6:.2f}", first_s, score_text(bits)]
    print("| " + " | ".join(map(str, cells)) + " |", flush=True)


def tflm_rows(args):
    """Prints the rows of TFLite Micro."""
    tflm = cortex_m.TfliteMicro(args.peers, args.out)
    script = os.path.join(cortex_m.HERE, "tflite_model.py")
    models = {side: export(args.tool, args.out, side) for side in cortex_m.SIDES}
    for base in models.values():
        run([peers_venv.python(), "-B", script, base + ".onnx", base])
    core, core_s = tflm.build_core()
    for kind in ("int8", "float32"):
        for level in ("-Os", "-O2"):
            kernels, seconds = tflm.build(kind, level)
            for side, base in models.items():
                row = cortex_m.measure_tflm(tflm, [kernels, core], f"{base}.{kind}.tflite", kind, side)
                with_nn = " with CMSIS-NN" if kind == "int8" else ""
                print_board_row(f"TFLite Micro{with_nn}, {kind}, kernels `{level}`", side, f"{core_s + seconds:.0f}", row)
    return [True]


def cortex_m_table(args):
    ours = attempt("tinyfiqa on a Cortex-M7", lambda: cortex_m.measure_ours(args.tool, args.out))
    print("| program | input | flash, bytes | of it weights | RAM, bytes | of it arena | stack | instructions, millions |"
          " library first, s | score |")
    print("|---|---|---|---|---|---|---|---|---|---|")
    for kind, side in ours:
        print_board_row(f"tinyfiqa, {kind}", side, 0, ours[kind, side])
    attempt("TFLite Micro", lambda: tflm_rows(args))
    print(flush=True)


def print_versions(peers):
    for name in sorted(os.listdir(peers)):
        if os.path.isdir(os.path.join(peers, name, ".git")) or os.path.exists(os.path.join(peers, name, "VERSION")):
            print(f"{name} {commit(os.path.join(peers, name))}")


PARTS = {"desktop": desktop_table, "cortex-m": cortex_m_table}
PACKAGES = {"desktop": ["numpy", "onnx", "onnxruntime", "pnnx"], "cortex-m": ["numpy", "onnx", "tensorflow-cpu"]}


def arguments():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("tool", metavar="TINYFIQA")
    parser.add_argument("--peers", required=True, metavar="DIR", help="the other libraries' sources")
    parser.add_argument("--out", default="/tmp/footprint", metavar="DIR", help="for what is built [/tmp/footprint]")
    parser.add_argument("--compiles", type=int, default=3, help="how often a program is compiled [3]")
    parser.add_argument("--rounds", type=int, default=5, help="of timing [5]")
    parser.add_argument("--seconds", type=float, default=1, help="time of a program in a round [1]")
    parser.add_argument("--peer-rows", nargs="*", default=list(desktop.PEERS), choices=desktop.PEERS,
                        help="the peers that are compiled for the desktop; ncnn-all takes long to build [all]")
    parser.add_argument("--parts", nargs="+", default=list(PARTS), choices=PARTS)
    args = parser.parse_args()
    args.tool, args.peers, args.out = map(os.path.abspath, (args.tool, args.peers, args.out))
    return args


def main():
    args = arguments()
    os.makedirs(args.out, exist_ok=True)
    for part in args.parts:
        for package, reason in peers_venv.make(packages=PACKAGES[part]).items():
            left_out(package, reason)
        PARTS[part](args)
    print_versions(args.peers)


if __name__ == "__main__":
    main()
