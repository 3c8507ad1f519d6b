#!/usr/bin/python3
"""Makes the charts of docs/performance.md from measurements on this machine.

  plots.py measure TINYFIQA BENCH_KERNELS OUT.json [--seconds 1] [--rounds 3] [--threads 1 2]
  plots.py draw IN.json FOLDER          writes FOLDER/cost_growth.svg and FOLDER/roofline.svg

TINYFIQA is the command-line tool, BENCH_KERNELS the benchmark of that name. `measure` takes some minutes and needs an idle machine. It
measures all points in several rounds and keeps the best time of each. It needs Debian's python3-numpy; `draw` needs python3-matplotlib.
"""
import argparse
import json
import os
import subprocess
import time

SIZES = [(64, 64), (128, 96), (224, 160), (224, 224), (320, 224), (448, 312), (600, 416), (848, 588), (1200, 832)]
BATCHES = [1, 2, 4, 8, 16, 32, 64, 128, 256]
MODELS = {"mobilenet_v3_small": "MobileNetV3-Small", "shufflenet_v2_x0_5": "ShuffleNetV2 x0.5", "tinyfqnet": "tinyFQnet"}
ROOF_MODEL = "mobilenet_v3_small"
KINDS = {"first": "first convolution", "1x1": "1x1 convolutions", "depthwise": "depthwise convolutions",
         "vector": "squeeze-excite and head (1x1 maps)"}
COPIES = {"L2 (256 KiB)": 0.25, "L3 (8 MiB)": 8, "memory (256 MiB)": 256}  # MiB


def tool_json(tool, *options):
    environment = dict(os.environ, OMP_WAIT_POLICY="passive")
    r = subprocess.run([tool] + [str(o) for o in options], check=True, capture_output=True, text=True, env=environment)
    return json.loads(r.stdout)


def points(threads):
    """Yields the points to measure: (model, batch, height, width, threads)."""
    for t in threads:
        for model in list(MODELS)[:2]:
            for h, w in SIZES:
                yield model, 1, h, w, t
        for n in BATCHES:
            yield "tinyfqnet", n, 64, 64, t


def measure_points(tool, threads, rounds, seconds):
    best = {}
    for _ in range(rounds):
        for point in points(threads):
            model, n, h, w, t = point
            row = tool_json(tool, "bench", "--model", model, "--batch", n, "--size", f"{h}x{w}", "--threads", t, "--seconds",
                            seconds, "--json")[0]
            best[point] = min(best.get(point, float("inf")), row["min_us"])
    return [dict(zip(("model", "batch", "height", "width", "threads", "us"), (*p, us))) for p, us in best.items()]


def copy_bandwidth(mebibytes):
    """The best of several speeds of NumPy's copy of this many MiB, in GB/s. Both the bytes read and the bytes written are counted."""
    import numpy
    a = numpy.ones(int(mebibytes * 1048576 / 4), numpy.float32)
    b = numpy.zeros_like(a)
    repeat, best = max(1, int(256 / mebibytes)), 0
    for _ in range(20):
        start = time.perf_counter()
        for _ in range(repeat):
            numpy.copyto(b, a)
        best = max(best, 2 * a.nbytes * repeat / (time.perf_counter() - start) * 1e-9)
    return best


def layer_speeds(bench_kernels, isa, rounds):
    """Returns {layer: best GFLOP/s}, measured by bench_kernels, which runs each layer alone with its maps in the cache."""
    command = [bench_kernels, f"--benchmark_filter=/{isa}/", "--benchmark_min_time=0.1", f"--benchmark_repetitions={rounds}",
               "--benchmark_format=json"]
    text = subprocess.run(command, check=True, capture_output=True, text=True).stdout
    speeds = {}
    for row in json.loads(text[text.index("{"):])["benchmarks"]:
        if row["run_type"] == "iteration":
            speeds[row["run_name"]] = max(speeds.get(row["run_name"], 0), row["GFLOP/s"])
    return speeds


def measure_roof(tool, bench_kernels, rounds):
    """Measures the layers of one network: FLOP per byte of the input map, the output map and the weights, and the speed of each layer
    alone."""
    info = tool_json(tool, "info", "--model", ROOF_MODEL, "--json")
    speeds = layer_speeds(bench_kernels, info["isa"], rounds)
    layers = []
    for layer in info["layers"]:
        (_, h, w, cin), out = layer["input_nhwc"], layer["output_nhwc"]
        shape = f"/{h}x{w}x{cin}->{out[3]}" + ("/2" if (out[1], out[2]) != (h, w) else "")
        speed = [v for name, v in speeds.items() if name.startswith(layer["kernel"] + "/") and name.endswith(shape)]
        if not speed:
            continue  # bench_kernels has no pooling and no layers with a fused gate
        moved = 4 * (h * w * cin + out[1] * out[2] * out[3] + layer["params"])
        operation = layer["operation"]
        kind = "depthwise" if " dw" in operation else "first" if "3x3" in operation else "vector" if (h, w) == (1, 1) else "1x1"
        layers.append({"name": layer["name"], "kind": kind, "flop_per_byte": 2 * layer["macs"] / moved,
                       "gflop_per_s": max(speed)})
    row = tool_json(tool, "bench", "--model", ROOF_MODEL, "--seconds", 1, "--json")[0]
    return {"isa": info["isa"], "peak_gflop_per_s": 2 * row["gmac_per_s"] / row["peak_share"], "layers": layers,
            "copy_gb_per_s": {name: copy_bandwidth(size) for name, size in COPIES.items()}}


def measure(args):
    data = {"points": measure_points(args.tool, args.threads, args.rounds, args.seconds),
            "roof": measure_roof(args.tool, args.bench_kernels, args.rounds)}
    with open(args.out, "w") as file:
        json.dump(data, file, indent=1)


def draw_growth(plt, data, path):
    figure, (left, right) = plt.subplots(1, 2, figsize=(10, 4.2))
    threads = sorted({p["threads"] for p in data})
    for t in threads:
        style = "-" if t == threads[0] else "--"
        for model, colour in zip(list(MODELS)[:2], ("C0", "C1")):
            mine = [p for p in data if p["model"] == model and p["threads"] == t]
            left.plot([p["height"] * p["width"] for p in mine], [p["us"] * 1e-3 for p in mine], colour + style + "o", markersize=3,
                      label=f"{MODELS[model]}, {t} thread{'s' * (t > 1)}")
        tiny = [p for p in data if p["model"] == "tinyfqnet" and p["threads"] == t]
        right.plot([p["batch"] for p in tiny], [p["us"] / p["batch"] for p in tiny], "C2" + style + "o", markersize=3,
                   label=f"tinyFQnet 64x64, {t} thread{'s' * (t > 1)}")
    left.plot([4096, 998400], [0.1, 0.1 * 998400 / 4096], color="0.6", linewidth=0.8, label="proportional to the pixels")
    left.set(xscale="log", yscale="log", xlabel="pixels of the input", ylabel="best time, ms", title="One image, 64x64 to 1200x832")
    right.set(xlabel="images in a batch", ylabel="best time for an image, us", title="Batches of 1 to 256", ylim=(0, None))
    right.set_xscale("log", base=2)
    right.set_xticks(BATCHES, [str(n) for n in BATCHES])
    for axes in (left, right):
        axes.grid(alpha=0.3)
        axes.legend(fontsize=8)
    figure.tight_layout()
    figure.savefig(path, metadata={"Date": None})


def draw_roof(plt, roof, path):
    figure, axes = plt.subplots(figsize=(8, 5))
    peak, xs = roof["peak_gflop_per_s"], [2.0**(i / 8) for i in range(-20, 49)]
    for (name, bandwidth), style in zip(roof["copy_gb_per_s"].items(), (":", "-.", "--")):
        axes.plot(xs, [min(peak, bandwidth * x) for x in xs], "k" + style, linewidth=1, label=f"{name}: {bandwidth:.0f} GB/s")
    axes.axhline(peak, color="k", linewidth=1, label=f"multiply-add peak: {peak:.0f} GFLOP/s")
    for kind, colour in (("first", "C3"), ("1x1", "C0"), ("depthwise", "C1"), ("vector", "C2")):
        mine = [p for p in roof["layers"] if p["kind"] == kind]
        axes.plot([p["flop_per_byte"] for p in mine], [p["gflop_per_s"] for p in mine], colour + "o", markersize=4,
                  label=KINDS[kind])
    axes.set(xscale="log", yscale="log", xlim=(xs[0], xs[-1]), ylim=(3, 1.5 * peak), ylabel="GFLOP/s",
             xlabel="FLOP for each byte of maps and weights",
             title=f"Layers of {MODELS[ROOF_MODEL]} at 600x416, one thread, {roof['isa']}")
    axes.grid(alpha=0.3)
    axes.legend(fontsize=8, loc="lower right")
    figure.tight_layout()
    figure.savefig(path, metadata={"Date": None})


def draw(args):
    import matplotlib
    matplotlib.use("svg")
    import matplotlib.pyplot as plt
    plt.rcParams["svg.hashsalt"] = "tinyfiqa"  # makes the file reproducible
    plt.rcParams["svg.fonttype"] = "none"  # write text as text, not as outlines
    with open(args.data) as file:
        data = json.load(file)
    os.makedirs(args.folder, exist_ok=True)
    draw_growth(plt, data["points"], os.path.join(args.folder, "cost_growth.svg"))
    draw_roof(plt, data["roof"], os.path.join(args.folder, "roofline.svg"))


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    commands = parser.add_subparsers(required=True)
    m = commands.add_parser("measure")
    m.add_argument("tool", metavar="TINYFIQA")
    m.add_argument("bench_kernels", metavar="BENCH_KERNELS")
    m.add_argument("out", metavar="OUT.json")
    m.add_argument("--seconds", type=float, default=1, help="time of a point in a round [1]")
    m.add_argument("--rounds", type=int, default=3)
    m.add_argument("--threads", type=int, nargs="+", default=[1, 2])
    m.set_defaults(run=measure)
    d = commands.add_parser("draw")
    d.add_argument("data", metavar="IN.json")
    d.add_argument("folder", metavar="FOLDER")
    d.set_defaults(run=draw)
    args = parser.parse_args()
    args.run(args)


if __name__ == "__main__":
    main()
