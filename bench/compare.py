#!/usr/bin/env python3
"""Compares two files of benchmark results and names what became slower.

  compare.py OLD.json NEW.json [--limit PERCENT]

Both are what Google Benchmark writes (bench_models, bench_kernels: --benchmark_out=FILE --benchmark_out_format=json) or what
`tinyfiqa bench --json` prints. Best times are compared: of all repetitions with Google Benchmark, min_us with tinyfiqa.
The limit of noise is 5 % by default. Exit status: 0 nothing became slower, 1 something did (or is missing in NEW), 2 a file can't
be read or no row is in both.
"""
import argparse
import json
import sys

UNITS_US = {"ns": 1e-3, "us": 1.0, "ms": 1e3, "s": 1e6}


def google_times(data):
    times = {}
    for row in data["benchmarks"]:
        if row.get("run_type", "iteration") != "iteration" or row.get("error_occurred"):
            continue
        name = row.get("run_name", row["name"])
        times[name] = min(times.get(name, float("inf")), row["real_time"] * UNITS_US[row["time_unit"]])
    return times


def tinyfiqa_times(rows):
    return {f"{r['model']}/{r['batch']}x{r['size']}/{r['isa']}/threads:{r['threads']}": r["min_us"] for r in rows}


def read_times(path):
    """{name: best time in microseconds}. Raises ValueError that names the file and what is wrong."""
    try:
        with open(path) as file:
            data = json.load(file)
        return google_times(data) if isinstance(data, dict) else tinyfiqa_times(data)
    except OSError as error:
        raise ValueError(f"{path}: {error.strerror}") from error
    except (json.JSONDecodeError, KeyError, TypeError, AttributeError) as error:
        raise ValueError(f"{path}: is neither Google Benchmark's JSON nor that of 'tinyfiqa bench --json' ({error!r})") from error


def compare(old, new, limit):
    """Lines to print, and how many rows became slower by more than `limit` (a share)."""
    lines, slower, faster = [], 0, 0
    for name in sorted(set(old) & set(new), key=lambda n: old[n] / new[n]):
        ratio = new[name] / old[name]
        if 1 / (1 + limit) <= ratio <= 1 + limit:
            continue
        slower, faster = slower + (ratio > 1), faster + (ratio < 1)
        lines.append(f"{'SLOWER' if ratio > 1 else 'faster'}  {name}: {old[name]:.1f} -> {new[name]:.1f} us"
                     f" ({100 * (ratio - 1):+.0f} %)")
    missing = sorted(set(old) - set(new))
    lines += [f"MISSING {name}" for name in missing]
    lines.append(f"{len(set(old) & set(new))} compared: {slower} slower, {faster} faster, the rest within"
                 f" {100 * limit:.0f} %; {len(missing)} missing, {len(set(new) - set(old))} new")
    return lines, slower + len(missing)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("old", metavar="OLD.json")
    parser.add_argument("new", metavar="NEW.json")
    parser.add_argument("--limit", type=float, default=5, metavar="PERCENT", help="differences up to this are noise [5]")
    args = parser.parse_args()
    try:
        old, new = read_times(args.old), read_times(args.new)
    except ValueError as error:
        print(f"compare.py: {error}", file=sys.stderr)
        return 2
    if not set(old) & set(new):
        print(f"compare.py: no row of {args.old} is in {args.new}", file=sys.stderr)
        return 2
    lines, worse = compare(old, new, args.limit / 100)
    print("\n".join(lines))
    return 1 if worse else 0


if __name__ == "__main__":
    sys.exit(main())
