#!/usr/bin/env python3
"""Compares two files of benchmark results and lists what became slower.

  compare.py OLD.json NEW.json [--limit PERCENT]

The files are written by Google Benchmark (bench_models, bench_kernels: --benchmark_out=FILE --benchmark_out_format=json) or printed by
`tinyfiqa bench --json`. The best times are compared: the best of all repetitions for Google Benchmark, min_us for tinyfiqa. Differences
up to the limit (5 % by default) are noise. Exit status: 0 if nothing became slower, 1 if something did or is missing in NEW, 2 if a file
can't be read or no row is in both files.
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
    """Returns {name: best time in microseconds}. Raises ValueError with the file's name and the problem."""
    try:
        with open(path) as file:
            data = json.load(file)
        return google_times(data) if isinstance(data, dict) else tinyfiqa_times(data)
    except OSError as error:
        raise ValueError(f"{path}: {error.strerror}; check the path") from error
    except (json.JSONDecodeError, KeyError, TypeError, AttributeError) as error:
        raise ValueError(f"{path}: neither JSON of Google Benchmark nor of 'tinyfiqa bench --json' ({error!r}); measure again") from error


def compare(old, new, limit):
    """Returns the lines to print, and the number of rows that are missing or became slower by more than `limit` (0.05 is 5 %)."""
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
        print(f"compare.py: no row of {args.old} is in {args.new}; run the same benchmark twice", file=sys.stderr)
        return 2
    lines, worse = compare(old, new, args.limit / 100)
    print("\n".join(lines))
    return 1 if worse else 0


if __name__ == "__main__":
    sys.exit(main())
