#!/usr/bin/env python3
"""Tests of bench/peers/run.py: which engines are counted, the table, and the share of the peak."""
import contextlib
import io
import os
import sys
import unittest

sys.dont_write_bytecode = True
sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "..", "bench", "peers"))
import run


def engine(median, best, difference=1e-7, **more):
    return dict({"median_us": median, "min_us": best, "difference": difference}, **more)


def table(**engines):
    out = io.StringIO()
    with contextlib.redirect_stdout(out):
        run.print_table([(("tinyfqnet", 16, 64, 64), 1, dict(engines, versions={}))])
    return out.getvalue().strip().splitlines()


class Table(unittest.TestCase):
    def test_the_fastest_peer_and_the_ratios(self):
        lines = table(tinyfiqa=engine(50, 40, 0, peak_share=0.48), a=engine(120, 90), b=engine(100, 80))
        self.assertEqual(lines[-1], "| tinyfqnet, 64x64, batch 16 | 1 | b | 100.0 / 80.0 | 50.0 / 40.0 | 2.00 | 2.00 | 48 % |")

    def test_each_ratio_is_to_the_fastest_by_that_measure(self):
        lines = table(tinyfiqa=engine(50, 40, 0, peak_share=0.48), a=engine(120, 60), b=engine(100, 80))
        self.assertEqual(lines[-1], "| tinyfqnet, 64x64, batch 16 | 1 | b / a | 100.0 / 60.0 | 50.0 / 40.0 | 2.00 | 1.50 | 48 % |")

    def test_who_computes_something_else_does_not_count(self):
        summary = {"tinyfiqa": engine(50, 40, 0), "wrong": engine(1, 1, 0.1), "right": engine(9, 9), "versions": {}}
        self.assertEqual(run.agreeing(summary), ["right"])
        self.assertEqual(len(table(tinyfiqa=engine(50, 40, 0, peak_share=0.48), wrong=engine(1, 1, 0.1))), 2)

    def test_the_share_is_of_the_highest_peak_seen(self):
        # The peaks are 50 and 100. The best time is half of its median, so the speed is twice that of the median.
        rows = [{"gmac_per_s": 20, "peak_share": 0.4, "median_us": 10, "min_us": 10},
                {"gmac_per_s": 20, "peak_share": 0.2, "median_us": 10, "min_us": 5}]
        self.assertAlmostEqual(run.peak_share(rows), 0.4)


if __name__ == "__main__":
    unittest.main()
