#!/usr/bin/env python3
"""Tests of bench/compare.py with small files of both kinds."""
import json
import os
import subprocess
import sys
import tempfile
import unittest

COMPARE = os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "..", "bench", "compare.py")


def google(times_ms, repetitions=1):
    rows = [{"name": name, "run_name": name, "run_type": "iteration", "real_time": ms * (1 + i), "time_unit": "ms"}
            for name, ms in times_ms.items() for i in reversed(range(repetitions))]
    rows += [{"name": name + "_mean", "run_name": name, "run_type": "aggregate", "real_time": 0.001, "time_unit": "ms"}
             for name in times_ms]
    return {"context": {}, "benchmarks": rows}


def bench(times_us):
    return [{"model": name, "size": "64x64", "batch": 1, "threads": 1, "isa": "avx2", "median_us": 9 * us, "min_us": us}
            for name, us in times_us.items()]


class Compare(unittest.TestCase):
    def run_on(self, old, new, *options):
        with tempfile.TemporaryDirectory() as folder:
            paths = [os.path.join(folder, name) for name in ("old.json", "new.json")]
            for path, data in zip(paths, (old, new)):
                with open(path, "w") as file:
                    file.write(data if isinstance(data, str) else json.dumps(data))
            r = subprocess.run([sys.executable, COMPARE, *paths, *options], capture_output=True, text=True)
        return r.returncode, r.stdout, r.stderr

    def test_the_same_times_are_fine(self):
        code, out, _ = self.run_on(google({"a": 1, "b": 2}), google({"a": 1.04, "b": 1.93}))
        self.assertEqual(code, 0)
        self.assertIn("2 compared: 0 slower, 0 faster", out)

    def test_what_became_slower_is_named_first(self):
        code, out, _ = self.run_on(google({"a": 1, "b": 2, "c": 3}), google({"a": 1.2, "b": 1, "c": 4.5}))
        self.assertEqual(code, 1)
        lines = out.splitlines()
        self.assertEqual(lines[0], "SLOWER  c: 3000.0 -> 4500.0 us (+50 %)")
        self.assertEqual(lines[1], "SLOWER  a: 1000.0 -> 1200.0 us (+20 %)")
        self.assertEqual(lines[2], "faster  b: 2000.0 -> 1000.0 us (-50 %)")

    def test_the_limit_is_an_option(self):
        self.assertEqual(self.run_on(google({"a": 1}), google({"a": 1.2}), "--limit", "25")[0], 0)
        self.assertEqual(self.run_on(google({"a": 1}), google({"a": 1.02}), "--limit", "1")[0], 1)

    def test_the_best_repetition_counts_and_aggregates_do_not(self):
        self.assertEqual(self.run_on(google({"a": 1}), google({"a": 1}, repetitions=3))[0], 0)

    def test_rows_of_tinyfiqa_bench(self):
        code, out, _ = self.run_on(bench({"x": 100, "y": 50}), bench({"x": 150, "y": 50}))
        self.assertEqual(code, 1)
        self.assertIn("SLOWER  x/1x64x64/avx2/threads:1: 100.0 -> 150.0 us (+50 %)", out)

    def test_missing_rows_are_told(self):
        code, out, _ = self.run_on(google({"a": 1, "b": 1}), google({"a": 1, "c": 1}))
        self.assertEqual(code, 1)
        self.assertIn("MISSING b", out)
        self.assertIn("1 missing, 1 new", out)

    def test_files_that_are_something_else(self):
        for text in ("{}", "nonsense", '[{"model": 1}]', "[1]", '"a"'):
            code, _, err = self.run_on(google({"a": 1}), text)
            self.assertEqual(code, 2)
            self.assertIn("new.json", err)
        self.assertEqual(self.run_on(google({"a": 1}), google({"b": 1}))[0], 2)


if __name__ == "__main__":
    unittest.main()
