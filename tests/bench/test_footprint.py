#!/usr/bin/env python3
"""Tests of bench/footprint: what is left out, what is built once, and which layers ncnn is built with."""
import contextlib
import io
import os
import sys
import tempfile
import unittest

sys.dont_write_bytecode = True
sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "..", "bench", "footprint"))
import costs
import desktop
import measure


class Footprint(unittest.TestCase):
    def setUp(self):
        self.folder = tempfile.TemporaryDirectory()
        self.addCleanup(self.folder.cleanup)

    def write(self, name, text):
        path = os.path.join(self.folder.name, name)
        os.makedirs(os.path.dirname(path), exist_ok=True)
        with open(path, "w") as file:
            file.write(text)
        return path

    def test_a_missing_peer_is_left_out_with_a_word(self):
        out = io.StringIO()
        with contextlib.redirect_stderr(out):
            rows = measure.attempt("ncnn-small", lambda: desktop.ncnn_small(self.folder.name, self.folder.name, "model"))
        self.assertEqual(rows, [])
        self.assertEqual(out.getvalue(), f"left out: ncnn-small: no folder ncnn in {self.folder.name}\n")

    def test_a_library_is_built_once_and_its_seconds_are_kept(self):
        record, builds = os.path.join(self.folder.name, "x.seconds"), []
        for _ in range(2):
            self.assertEqual(costs.once(record, lambda: builds.append(1) or 12.5), 12.5)
        self.assertEqual(len(builds), 1)

    def test_a_failed_command_is_an_error_with_its_output(self):
        with self.assertRaisesRegex(costs.Failed, "no such thing"):
            costs.run(["sh", "-c", "echo no such thing; exit 1"])

    def test_layers_that_the_network_does_not_use_are_left_out(self):
        self.write("src/CMakeLists.txt", "ncnn_add_layer(AbsVal)\nncnn_add_layer(Convolution)\nncnn_add_layer(ArgMax OFF)\n")
        param = self.write("x.param", "7767517\n2 2\nInput in0 0 1 in0\nConvolution c 1 1 in0 out0 0=11\n")
        self.assertEqual(desktop.ncnn_layers(self.folder.name, param),
                         ["-DWITH_LAYER_absval=OFF", "-DWITH_LAYER_convolution=ON", "-DWITH_LAYER_argmax=OFF"])

    def test_a_score_is_read_from_its_bits(self):
        self.assertEqual(measure.score_text("3e800000"), "0.2500")


if __name__ == "__main__":
    unittest.main()
