#!/usr/bin/env python3
"""Compares the inference speed of tinyfiqa with other engines: the same weights, the same ONNX files, all programs in turn.

  run.py TINYFIQA [--rounds 3] [--seconds 1] [--threads 1 2] [--engines NAME ...] [--rows N ...] [--json FILE]

TINYFIQA is the command-line tool; it writes the ONNX files (`tinyfiqa export --onnx`). ONNX Runtime, OpenVINO, ncnn and MNN are installed
with pip into an environment in $TINYFIQA_PEERS (default: the user's cache folder). PyTorch, which also makes the random weights, is
Debian's: python3-torch and python3-torchvision. "xnnpack" is PyTorch with the operators of XNNPACK. Engines that can't be installed are
listed with the reason.

Each line shows the median over the rounds of an engine's median time, its best time, and the largest difference of its output from
tinyfiqa's. Engines that differ by more than 1e-4 are not counted. The exit status is 1 if in some row no engine agrees.

The table at the end shows for each row the fastest engine (by its median time and, if that is another one, by its best time), the ratio
of its time to tinyfiqa's, and the share of the multiply-add peak that tinyfiqa's best time reaches. `tinyfiqa bench` measures the peak;
the highest of all rounds is used. The programs wait for their threads in their own way; OMP_WAIT_POLICY changes it (docs/performance.md).
"""
import argparse
import json
import os
import statistics
import subprocess
import sys
import tempfile

import peers_venv

HERE = os.path.dirname(os.path.abspath(__file__))
DEBIAN = "/usr/bin/python3"
ROWS = [("mobilenet_v3_small", 1, 600, 416), ("mobilenet_v3_small", 1, 224, 224), ("shufflenet_v2_x0_5", 1, 600, 416),
        ("shufflenet_v2_x0_5", 1, 224, 224), ("shufflenet_v2_x1_0", 1, 600, 416), ("shufflenet_v2_x1_0", 1, 224, 224),
        ("tinyfqnet", 1, 64, 64), ("tinyfqnet", 16, 64, 64)]
ENGINES = ["onnxruntime", "openvino", "ncnn", "mnn", "pytorch", "xnnpack"]


def run(command):
    r = subprocess.run(command, capture_output=True, text=True)
    if "No module named 'torch" in r.stderr:
        raise RuntimeError("PyTorch is needed to make the weights; run: apt-get install python3-torch python3-torchvision")
    if r.returncode != 0:
        raise RuntimeError((r.stderr.strip().splitlines() or [f"exit status {r.returncode}"])[-1])
    return r.stdout


def prepare(tool, name, n, h, w, folder):
    """Makes the weights, the input, the ONNX files and tinyfiqa's output of one row. Returns their common path without extension."""
    base = os.path.join(folder, f"{name}_{n}x{h}x{w}")
    run([DEBIAN, os.path.join(HERE, "weights.py"), name, str(n), str(h), str(w), base])
    export = [tool, "export", "--model", name, "--weights", base + ".pth", "--size", f"{h}x{w}"]
    run(export + ["--onnx", base + ".onnx", "--batch", str(n)])
    run(export + ["--onnx", base + ".single.onnx"])  # for engines without batches
    run([tool, "forward", "--model", name, "--weights", base + ".pth", "--input", base + ".npy", "--output",
         base + ".tinyfiqa.npy"])
    return base


def time_ours(tool, row, threads, seconds):
    name, n, h, w = row
    options = ["--model", name, "--size", f"{h}x{w}", "--batch", n, "--threads", threads, "--seconds", seconds, "--json"]
    return json.loads(run([tool, "bench"] + [str(option) for option in options]))[0]


def time_engine(engine, name, base, threads, seconds):
    python = DEBIAN if engine in ("pytorch", "xnnpack") else peers_venv.python()
    command = [python, os.path.join(HERE, "engines.py"), engine, name, base, str(threads), str(seconds)]
    return json.loads(run(command).strip().splitlines()[-1])


def outputs(base, engine):
    """The output of an engine, read by a Python that has NumPy, because this one may not have it."""
    code = "import json,sys,numpy; print(json.dumps(numpy.load(sys.argv[1]).ravel().tolist()))"
    return json.loads(run([DEBIAN, "-c", code, f"{base}.{engine}.npy"]))


def difference(base, engine):
    return max(abs(a - b) for a, b in zip(outputs(base, engine), outputs(base, "tinyfiqa")))


def peak_share(rows):
    """The share of the multiply-add peak that the best time reaches. A row of `tinyfiqa bench` has the share of its median time in the
    peak of that moment."""
    peak = max(r["gmac_per_s"] / r["peak_share"] for r in rows)
    return max(r["gmac_per_s"] * r["median_us"] / r["min_us"] for r in rows) / peak


def measure_row(tool, row, base, threads, args, failed):
    """Returns {engine: summary}. Engines that can't run this row are added to `failed` with the reason."""
    runs, broken = {}, set()
    for _ in range(args.rounds):
        runs.setdefault("tinyfiqa", []).append(time_ours(tool, row, threads, args.seconds))
        for engine in args.engines:
            if engine in broken:
                continue
            try:
                runs.setdefault(engine, []).append(time_engine(engine, row[0], base, threads, args.seconds))
            except (RuntimeError, ValueError) as error:
                failed[f"{engine}, {row_text(row)}"] = str(error)
                broken.add(engine)
                runs.pop(engine, None)
    summary = {}
    for engine, several in runs.items():
        summary[engine] = {"median_us": statistics.median(r["median_us"] for r in several),
                           "min_us": min(r["min_us"] for r in several)}
        summary[engine]["difference"] = 0.0 if engine == "tinyfiqa" else difference(base, engine)
        if summary[engine]["difference"] > 1e-4:
            failed[f"{engine}, {row_text(row)}"] = f"gives other outputs (by {summary[engine]['difference']:.1e})"
    summary["tinyfiqa"]["peak_share"] = peak_share(runs["tinyfiqa"])
    summary["versions"] = {engine: several[0].get("version") for engine, several in runs.items()}
    return summary


def agreeing(summary):
    """The other engines whose outputs agree with tinyfiqa's."""
    return [e for e, r in summary.items() if e not in ("tinyfiqa", "versions") and r["difference"] <= 1e-4]


def row_text(row):
    name, n, h, w = row
    return f"{name}, {h}x{w}" + (f", batch {n}" if n > 1 else "")


def time_text(us):
    return f"{us:.0f}" if us >= 1000 else f"{us:.1f}"


def print_engines(row, threads, summary):
    for engine, r in summary.items():
        if engine != "versions":
            print(f"{row_text(row):35} {threads} thread{'s' * (threads > 1)}  {engine:12} median {time_text(r['median_us']):>7} us"
                  f"  best {time_text(r['min_us']):>7} us  difference {r['difference']:.1e}", flush=True)


def print_table(results):
    print("\n| network, input | threads | fastest peer | its median / best, us | ours | ratio of medians | of best times"
          " | our share of peak |")
    print("|---|---|---|---|---|---|---|---|")
    for row, threads, summary in results:
        ours = summary["tinyfiqa"]
        peers = agreeing(summary)
        if not peers:
            continue
        fastest = {key: min(peers, key=lambda e: summary[e][key]) for key in ("median_us", "min_us")}
        theirs = {key: summary[e][key] for key, e in fastest.items()}
        ratio = {key: theirs[key] / ours[key] for key in theirs}
        print(f"| {row_text(row)} | {threads} | {' / '.join(dict.fromkeys(fastest.values()))} |"
              f" {time_text(theirs['median_us'])} / {time_text(theirs['min_us'])} |"
              f" {time_text(ours['median_us'])} / {time_text(ours['min_us'])} |"
              f" {ratio['median_us']:.2f} | {ratio['min_us']:.2f} | {100 * ours['peak_share']:.0f} % |")


def arguments():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("tool", metavar="TINYFIQA")
    parser.add_argument("--rounds", type=int, default=3, help="rounds, in each of which all engines run [3]")
    parser.add_argument("--seconds", type=float, default=1, help="time of an engine in a round [1]")
    parser.add_argument("--threads", type=int, nargs="+", default=[1, 2])
    parser.add_argument("--engines", nargs="+", default=ENGINES, choices=ENGINES)
    parser.add_argument("--rows", type=int, nargs="+", default=range(len(ROWS)), metavar="N",
                        help="rows by number: " + "; ".join(f"{i} {row_text(r)}" for i, r in enumerate(ROWS)))
    parser.add_argument("--json", metavar="FILE", help="all numbers, for other programs")
    args = parser.parse_args()
    if args.rounds < 1:
        parser.error("--rounds: at least 1")
    return args


def main():
    args = arguments()
    missing = peers_venv.make()
    failed, results = {}, []
    with tempfile.TemporaryDirectory() as folder:
        for row in (ROWS[i] for i in args.rows):
            base = prepare(args.tool, *row, folder)
            for threads in args.threads:
                summary = measure_row(args.tool, row, base, threads, args, failed)
                print_engines(row, threads, summary)
                results.append((row, threads, summary))
    print_table(results)
    print()
    for name, reason in list(missing.items()) + list(failed.items()):
        print(f"not counted: {name}: {reason}")
    if args.json:
        with open(args.json, "w") as file:
            json.dump([{"row": row_text(row), "threads": threads, **summary} for row, threads, summary in results], file, indent=1)
    disputed = [row_text(row) for row, _, summary in results if not agreeing(summary)]
    if disputed:
        print("no other engine agrees with the output of tinyfiqa: " + "; ".join(disputed))
    return 1 if disputed else 0


if __name__ == "__main__":
    sys.exit(main())
