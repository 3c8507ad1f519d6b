#!/usr/bin/python3
"""long_run.py TOOL [N] [--minutes M]: scores a list of N rows (default 1,000,000) of small face images from a pipe.

Measures time and peak memory when 10,000, 100,000 and N rows are written, and compares the order of the rows with that of
the list. Status 1: rows are missing, out of order or errors, or memory grows by more than 64 MiB after 10,000 rows. With
--minutes, the list ends after that time.
"""
import argparse
import os
import subprocess
import sys
import tempfile
import threading
import time

MOST_GROWTH_MIB = 64


def images(repo):
    """20 paths to the images of examples/faces, all different."""
    folder = os.path.join(repo, "examples", "faces")
    names = sorted(n for n in os.listdir(folder) if n.endswith(".jpg"))
    return [os.path.join(folder, *["."] * (i // len(names)), names[i % len(names)]) for i in range(20)]


def peak_mib(pid):
    with open(f"/proc/{pid}/status") as file:
        for line in file:
            if line.startswith("VmHWM:"):
                return int(line.split()[1]) / 1024
    return 0.0


def feed(pipe, paths, rows, end, written):
    """Writes the list, in parts of 1000 rows, until it has all rows or the time is over."""
    try:
        for begin in range(0, rows, 1000):
            if time.monotonic() > end:
                break
            part = range(begin, min(begin + 1000, rows))
            pipe.write("".join(paths[i % len(paths)] + "\n" for i in part).encode())
            written[0] = part[-1] + 1
        pipe.close()
    except BrokenPipeError:
        pass


def follow(child, table, milestones):
    """Reads the growing table until the program ends. Yields (rows, seconds, MiB) at each milestone."""
    begun, rows, peak = time.monotonic(), -1, 0.0  # the header is no row
    with open(table, "rb") as file:
        while True:
            ended = child.poll() is not None
            if not ended:
                try:
                    peak = peak_mib(child.pid) or peak
                except OSError:
                    pass
            while part := file.read(1 << 20):
                rows += part.count(b"\n")
            while milestones and rows >= milestones[0]:
                yield milestones.pop(0), time.monotonic() - begun, peak
            if ended:
                yield rows, time.monotonic() - begun, peak
                return
            time.sleep(0.05)


def check_order(table, paths, count):
    """Returns what is wrong with the rows, or an empty text."""
    with open(table, encoding="utf-8") as file:
        header = next(file).rstrip("\n").split(",")
        error = header.index("error")
        rows = 0
        for rows, line in enumerate(file, 1):
            fields = line.rstrip("\n").split(",")
            if fields[0] != paths[(rows - 1) % len(paths)]:
                return f"row {rows} is {fields[0]}, expected {paths[(rows - 1) % len(paths)]}"
            if fields[error]:
                return f"row {rows}: {fields[error]}"
    return "" if rows == count else f"{rows} rows for {count} lines of the list"


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("tool")
    parser.add_argument("rows", nargs="?", type=int, default=1_000_000)
    parser.add_argument("--minutes", type=float, default=float("inf"))
    options = parser.parse_args()
    paths = images(os.path.normpath(os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "..")))
    with tempfile.TemporaryDirectory(prefix="tinyfiqa_long_") as work:
        table = os.path.join(work, "rows.csv")
        open(table, "w").close()
        child = subprocess.Popen([os.path.abspath(options.tool), "score", "-", "--face", "whole", "--out", table],
                                 stdin=subprocess.PIPE)
        written = [0]
        end = time.monotonic() + options.minutes * 60
        threading.Thread(target=feed, args=(child.stdin, paths, options.rows, end, written), daemon=True).start()
        milestones = sorted({m for m in (10_000, 100_000, options.rows) if m <= options.rows})
        peaks = []
        for rows, seconds, peak in follow(child, table, milestones):
            print(f"{rows:10} rows  {seconds:8.1f} s  {rows / max(seconds, 1e-9):8.0f} rows/s  peak {peak:6.1f} MiB", flush=True)
            peaks.append(peak)
        wrong = check_order(table, paths, written[0])
    if child.returncode != 0:
        wrong = wrong or f"the program ended with status {child.returncode}"
    if peaks[-1] - peaks[0] > MOST_GROWTH_MIB:
        wrong = wrong or f"memory grew from {peaks[0]:.0f} to {peaks[-1]:.0f} MiB"
    print(wrong or f"{written[0]} rows in order")
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
