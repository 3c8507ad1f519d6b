#!/usr/bin/python3
"""Makes the charts of docs/performance.md from measurements on this machine.

  plots.py measure TINYFIQA BENCH_KERNELS OUT.json [--seconds 1] [--rounds 3] [--threads 1 2]
  plots.py draw TINYFIQA IN.json FOLDER          writes FOLDER/cost_growth.svg and FOLDER/roofline.svg

TINYFIQA is the command-line tool, BENCH_KERNELS the benchmark of that name. `measure` takes some minutes and needs an idle machine. It
measures all points in several rounds and keeps the best time of each. It needs Debian's python3-numpy.
"""
import argparse
import json
import os
import subprocess
import tempfile
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


def growth_charts(data):
    sizes, batches = [], []
    for t in sorted({p["threads"] for p in data}):
        threads = f"{t} thread{'s' * (t > 1)}"
        marks = "line" if t == 1 else "dashed"
        for colour, model in enumerate(list(MODELS)[:2]):
            mine = [p for p in data if p["model"] == model and p["threads"] == t]
            sizes.append({"name": f"{MODELS[model]}, {threads}", "marks": marks, "colour": colour,
                          "x": [p["height"] * p["width"] for p in mine], "y": [p["us"] * 1e-3 for p in mine]})
        tiny = [p for p in data if p["model"] == "tinyfqnet" and p["threads"] == t]
        batches.append({"name": f"tinyFQnet 64x64, {threads}", "marks": marks, "colour": 2,
                        "x": [p["batch"] for p in tiny], "y": [p["us"] / p["batch"] for p in tiny]})
    sizes.append({"name": "proportional to the pixels", "marks": "reference", "x": [4096, 998400], "y": [0.1, 0.1 * 998400 / 4096]})
    return [{"kind": "lines", "title": "One image, 64x64 to 1200x832", "x_label": "pixels of the input", "y_label": "best time, ms",
             "x_scale": "log", "y_scale": "log", "series": sizes},
            {"kind": "lines", "title": "Batches of 1 to 256", "x_label": "images in a batch", "y_label": "best time for an image, us",
             "x_scale": "log", "y_range": [0], "series": batches}]


def roof_chart(roof):
    peak, xs = roof["peak_gflop_per_s"], [2.0**(i / 8) for i in range(-20, 49)]
    series = [{"name": f"{name}: {bandwidth:.0f} GB/s", "marks": marks, "x": xs, "y": [min(peak, bandwidth * x) for x in xs]}
              for (name, bandwidth), marks in zip(roof["copy_gb_per_s"].items(), ("dotted_reference", "dashed_reference", "reference"))]
    series.append({"name": f"multiply-add peak: {peak:.0f} GFLOP/s", "marks": "reference", "x": [xs[0], xs[-1]], "y": [peak, peak]})
    for colour, kind in enumerate(("1x1", "depthwise", "vector", "first")):
        mine = [p for p in roof["layers"] if p["kind"] == kind]
        series.append({"name": KINDS[kind], "marks": "points", "colour": colour, "x": [p["flop_per_byte"] for p in mine],
                       "y": [p["gflop_per_s"] for p in mine]})
    return {"kind": "lines", "title": f"Layers of {MODELS[ROOF_MODEL]} at 600x416, one thread, {roof['isa']}", "x_scale": "log",
            "y_scale": "log", "x_label": "FLOP for each byte of maps and weights", "y_label": "GFLOP/s", "series": series}


def plot(tool, charts, path):
    """Draws charts, in the form of docs/plots.md, to an SVG file."""
    with tempfile.NamedTemporaryFile("w", suffix=".json") as file:
        json.dump(charts, file)
        file.flush()
        subprocess.run([tool, "plot", file.name, "--out", path], check=True)


def draw(args):
    with open(args.data) as file:
        data = json.load(file)
    os.makedirs(args.folder, exist_ok=True)
    plot(args.tool, {"columns": 2, "charts": growth_charts(data["points"])}, os.path.join(args.folder, "cost_growth.svg"))
    plot(args.tool, {"charts": [roof_chart(data["roof"])]}, os.path.join(args.folder, "roofline.svg"))


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
    d.add_argument("tool", metavar="TINYFIQA")
    d.add_argument("data", metavar="IN.json")
    d.add_argument("folder", metavar="FOLDER")
    d.set_defaults(run=draw)
    args = parser.parse_args()
    args.run(args)


if __name__ == "__main__":
    main()
