#!/usr/bin/env python3
"""Photos per second of tinyfiqa.ray and tinyfiqa.spark, as a share of the command's on the same cores.

  make_photos.py 20000 /tmp/photos
  measure.py TOOL /tmp/photos [--engines ray,spark] [--workers 2,4] [--rows 500]

TOOL is the command. It scores the files with one thread for each core; the engines score the Parquet table with N worker
processes of one thread each. All scores must be the same to the bit. Prints a table in Markdown:

  photos/s      of the whole call: workers start, score and write
  steady        between the first and the last part that a worker finished: what a long job has
  share         of the command's photos/s, for both
  start         seconds until the engine is there, which are in none of the figures

Needs a Python with tinyfiqa, and with Ray or Spark (and Java). Results are written below /tmp and removed.
"""
import argparse
import json
import os
import pathlib
import subprocess
import sys
import tempfile
import time

import pyarrow.parquet as pq


def start_ray(workers):
    import ray

    os.environ.setdefault("RAY_worker_niceness", "0")  # as the command
    ray.init(num_cpus=workers, include_dashboard=False, log_to_driver=False, logging_level="ERROR")
    import tinyfiqa.ray

    return lambda *arguments, **options: tinyfiqa.ray.score_table(*arguments, workers=workers, **options)


def start_spark(workers):
    os.environ["PYSPARK_PYTHON"] = sys.executable
    os.environ.setdefault("SPARK_LOCAL_IP", "127.0.0.1")
    from pyspark.sql import SparkSession

    builder = SparkSession.builder.master(f"local[{workers},4]").config("spark.ui.enabled", "false")
    session = builder.getOrCreate()
    session.sparkContext.setLogLevel("OFF")
    import tinyfiqa.spark

    return lambda *arguments, **options: tinyfiqa.spark.score_table(session, *arguments, **options)


def run_engine(engine, workers, table, out, rows):
    """In a process of its own: prints the seconds as JSON."""
    begin = time.time()
    score_table = {"ray": start_ray, "spark": start_spark}[engine](workers)
    started = time.time()
    done = score_table(table, out, rows=rows)
    print(json.dumps({"start": started - begin, "seconds": time.time() - started, "rows": done.rows}))


def steady_rate(out):
    """Rows per second behind the first part."""
    parts = sorted((path.stat().st_mtime, pq.read_metadata(path).num_rows) for path in out.glob("part-*.parquet"))
    return sum(rows for _, rows in parts[1:]) / (parts[-1][0] - parts[0][0])


def scores_of_engine(out):
    table = pq.read_table(out, columns=["id", "score"])
    return dict(zip(table.column("id").to_pylist(), table.column("score").to_pylist()))


def measure_tool(tool, photos, scratch, cores):
    rows = scratch / "tool.jsonl"
    begin = time.time()
    subprocess.run([tool, "score", photos, "--threads", str(cores), "--out", rows], stderr=subprocess.DEVNULL)
    seconds = time.time() - begin
    found = map(json.loads, rows.read_text().splitlines())
    return seconds, {int(pathlib.Path(row["path"]).stem): row.get("score") for row in found}


def measure_engine(engine, workers, arguments, scratch, expected):
    out = scratch / f"{engine}{workers}"
    command = [sys.executable, __file__, arguments.tool, arguments.dir, "--rows", str(arguments.rows)]
    command += ["--run", engine, "--workers", str(workers), "--out", out]
    ended = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    if ended.returncode != 0:
        raise SystemExit(f"measure.py: {engine} failed:\n{ended.stderr[-3000:]}")
    times = json.loads(ended.stdout.splitlines()[-1])
    if scores_of_engine(out) != expected:
        raise SystemExit(f"measure.py: {engine}: scores are not those of the command")
    return times["rows"] / times["seconds"], steady_rate(out), times["start"]


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("tool", metavar="TOOL")
    parser.add_argument("dir", type=pathlib.Path, metavar="DIR", help="of make_photos.py")
    parser.add_argument("--engines", default="ray,spark")
    parser.add_argument("--workers", default="2,4")
    parser.add_argument("--rows", type=int, default=500, help="of a part")
    parser.add_argument("--run", help=argparse.SUPPRESS)
    parser.add_argument("--out", help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    table = arguments.dir / "photos.parquet"
    if arguments.run:
        return run_engine(arguments.run, int(arguments.workers), table, arguments.out, arguments.rows)

    cores = len(os.sched_getaffinity(0))
    with tempfile.TemporaryDirectory(prefix="tinyfiqa-scaling-") as folder:
        scratch = pathlib.Path(folder)
        seconds, expected = measure_tool(arguments.tool, arguments.dir / "photos", scratch, cores)
        base = len(expected) / seconds
        print(f"{len(expected)} photos, {cores} cores\n")
        print("| | photos/s | share | steady | share | start, s |\n|---|---|---|---|---|---|")
        print(f"| command, {cores} threads | {base:.0f} | 1 | | | |", flush=True)
        for engine in arguments.engines.split(","):
            for workers in map(int, arguments.workers.split(",")):
                whole, steady, start = measure_engine(engine, workers, arguments, scratch, expected)
                print(
                    f"| {engine}, {workers} workers | {whole:.0f} | {whole / base:.2f} | {steady:.0f} "
                    f"| {steady / base:.2f} | {start:.1f} |",
                    flush=True,
                )


if __name__ == "__main__":
    main()
