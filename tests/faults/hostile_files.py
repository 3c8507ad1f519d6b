#!/usr/bin/python3
"""hostile_files.py TOOL [WORK] [--quick] [--verbose]: gives hundreds of hostile files to the commands that read them.

The files are made here, the same in each run, from the repository's fixtures. No command may be ended by a signal, take
more than 5 s of processor time or 1 GiB of memory (images of the largest size: 13 bytes a pixel), accept a file that must
be refused, refuse one without a word, or print control characters; and no file may run its code, which would make a file
named "canary". --quick takes every fourth file of each kind. Status 1: something was found; it is printed with the
command that repeats it.
"""
import argparse
import collections
import multiprocessing
import os
import shlex
import shutil
import sys
import tempfile

import hostile_images
import hostile_paths
import hostile_tables
import hostile_weights
import limited
from hostile_case import Folder

MOST_CPU_S, WALL_LIMIT_S = 5, 60
ALLOWED_CONTROL = b"\n\t"


class Row:
    """A line of the table of kinds."""

    def __init__(self):
        self.tried = self.refused = self.read = self.failed = 0
        self.cpu_s = self.peak_mib = 0.0


def control_characters(text):
    """True if a terminal would act on something in it: C0, DEL, or C1 as UTF-8."""
    if any((c < 0x20 and c not in ALLOWED_CONTROL) or c == 0x7F for c in text):
        return True
    return any(text[at + 1:at + 2] < b"\xa0" for at in range(len(text) - 1) if text[at] == 0xC2)


def findings(case, outcome, canary):
    if outcome.late:
        yield f"still running after {WALL_LIMIT_S} s"
    elif outcome.signal:
        yield f"ended by signal {outcome.signal}"
    if outcome.cpu_s > MOST_CPU_S:
        yield f"{outcome.cpu_s:.1f} s of processor time"
    if outcome.peak_mib > case.most_mib:
        yield f"{outcome.peak_mib:.0f} MiB of memory"
    if case.bad and outcome.code == 0:
        yield "a file that must be refused was read"
    if outcome.code > 0 and not outcome.text.strip():
        yield "refused without a word"
    if len(outcome.text) > limited.MOST_OUTPUT:
        yield "more than 1 MiB of messages"
    exact = "csv" in case.command or "jsonl" in case.command  # their fields are the names to the byte
    if control_characters(outcome.err if exact else outcome.text):
        yield "control characters in the output"
    if not exact and any(line in outcome.text.splitlines() for line in case.forbidden):
        yield "a name forges a line of the output"
    if os.path.exists(canary):
        os.remove(canary)
        yield "the file ran its code"


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("tool")
    parser.add_argument("work", nargs="?")
    parser.add_argument("--quick", action="store_true")
    parser.add_argument("--verbose", action="store_true", help="print what each command said")
    parser.add_argument("--only", default="", help="only kinds that contain this text")
    options = parser.parse_args()
    tool = os.path.abspath(options.tool)
    kept = options.work is not None
    work = Folder(options.work if kept else tempfile.mkdtemp(prefix="tinyfiqa_hostile_"))
    repo = Folder(os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", ".."))
    try:
        status = try_all(options, repo, work, tool)
    finally:
        if not kept:
            shutil.rmtree(work.root, ignore_errors=True)
    return status


def all_cases(options, repo, work, tool):
    """The cases of the chosen kinds; those of a quick run. Their files are made."""
    seen, chosen = collections.Counter(), []
    for maker in (hostile_images, hostile_weights, hostile_tables, hostile_paths):
        for case in maker.cases(repo, work, tool):
            seen[case.kind] += 1
            if options.only in case.kind and (not options.quick or seen[case.kind] % 4 == 1):
                chosen.append(case)
    return chosen


def try_all(options, repo, work, tool):
    os.makedirs(work.root, exist_ok=True)
    canary = work.path("canary")
    table, failed = collections.defaultdict(Row), 0
    # In a process of its own: the peak memory of a child begins with that of this process.
    with multiprocessing.get_context("fork").Pool(1) as maker:
        cases = maker.apply(all_cases, (options, repo, work, tool))
    for case in cases:
        outcome = limited.run(case.command, case.stdin, work.root, WALL_LIMIT_S)
        row = table[case.kind]
        row.tried += 1
        row.read += outcome.code == 0
        row.refused += outcome.code > 0
        row.cpu_s, row.peak_mib = max(row.cpu_s, outcome.cpu_s), max(row.peak_mib, outcome.peak_mib)
        found = list(findings(case, outcome, canary))
        row.failed += bool(found)
        failed += bool(found)
        if options.verbose or found:
            print(f"{case.kind}: {case.name}: {'; '.join(found) or f'status {outcome.code}'}\n"
                  f"    {shlex.join(case.command)[:400]}{f' < {case.stdin}' if case.stdin else ''}\n"
                  f"    {ascii(outcome.last_line())}", flush=True)
    print(f"{'kind':32} {'tried':>6} {'refused':>8} {'read':>6} {'findings':>9} {'worst s':>8} {'worst MiB':>10}")
    for kind, row in table.items():
        print(f"{kind:32} {row.tried:6} {row.refused:8} {row.read:6} {row.failed:9} {row.cpu_s:8.2f} {row.peak_mib:10.0f}")
    print(f"{'all':32} {sum(r.tried for r in table.values()):6}   findings: {failed}")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
