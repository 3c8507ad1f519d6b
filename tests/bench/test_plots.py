#!/usr/bin/env python3
"""Tests that bench/plots.py draws charts of a file of measurements. TINYFIQA_TOOL names the command-line tool."""
import json
import os
import subprocess
import sys
import tempfile
import unittest

PLOTS = os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "..", "bench", "plots.py")


def point(model, batch, height, width, threads, us):
    return {"model": model, "batch": batch, "height": height, "width": width, "threads": threads, "us": us}


DATA = {"points": [point("mobilenet_v3_small", 1, 64, 64, 1, 130), point("mobilenet_v3_small", 1, 1200, 832, 1, 25000),
                   point("tinyfqnet", 1, 64, 64, 1, 47), point("tinyfqnet", 256, 64, 64, 1, 12000)],
        "roof": {"isa": "avx2", "peak_gflop_per_s": 100.0, "copy_gb_per_s": {"L2": 100, "L3": 40, "memory": 10},
                 "layers": [{"name": "a", "kind": "1x1", "flop_per_byte": 10, "gflop_per_s": 80}]}}


class Draw(unittest.TestCase):
    def test_both_charts_are_reproducible(self):
        with tempfile.TemporaryDirectory() as folder:
            data = os.path.join(folder, "data.json")
            with open(data, "w") as file:
                json.dump(DATA, file)
            charts = []
            for _ in range(2):
                subprocess.run([sys.executable, PLOTS, "draw", os.environ["TINYFIQA_TOOL"], data, folder], check=True)
                charts.append([open(os.path.join(folder, name)).read() for name in ("cost_growth.svg", "roofline.svg")])
        for text in ("MobileNetV3-Small, 1 thread", "Batches of 1 to 256"):
            self.assertIn(text, charts[0][0])
        for text in ("L3: 40 GB/s", "1x1 convolutions"):
            self.assertIn(text, charts[0][1])
        self.assertEqual(charts[0], charts[1])


if __name__ == "__main__":
    unittest.main()
