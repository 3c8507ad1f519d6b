#!/usr/bin/python3
"""Exported networks by onnx.checker and in ONNX Runtime, against PyTorch's outputs in tests/fixtures/models; the shipped 8-bit
networks against our own outputs.

  check_with_onnxruntime.py WRITE_MODELS

WRITE_MODELS is the test program of that name. Runs in the Python of bench/peers where this one has no onnxruntime; exit
code 77 (skipped) where neither has it. Prints the largest difference of each file, relative to the largest magnitude
expected (at least 1). 1e-4 is allowed, and 1e-2 for 8 bits: there a sum that is rounded the other way is another level.
"""
import glob
import os
import subprocess
import sys
import tempfile

TESTS = os.path.join(os.path.dirname(os.path.abspath(__file__)), "..")
sys.dont_write_bytecode = True
sys.path[:0] = [os.path.join(TESTS, "fixtures"), os.path.join(TESTS, "..", "bench", "peers")]
import peers_venv  # noqa: E402

try:
    import numpy as np
    import onnx
    import onnxruntime
except ImportError as error:
    python = peers_venv.python()
    if os.path.exists(python) and os.path.realpath(sys.prefix) != os.path.realpath(peers_venv.folder()):
        os.execv(python, [python] + sys.argv)
    print(f"skipped: {error} (bench/peers/run.py makes a Python that has it)")
    sys.exit(77)

from formula import numbers  # noqa: E402


def difference(path, expected_npy):
    session = onnxruntime.InferenceSession(path, providers=["CPUExecutionProvider"])
    input_npy = path[:-len("onnx")] + "input.npy"
    if os.path.exists(input_npy):
        x = np.load(input_npy)
    else:
        n, h, w = map(int, os.path.basename(path).split(".")[1].split("x"))
        x = numbers(1000, n * 3 * h * w).reshape(n, 3, h, w) * np.float32(2)
    y = session.run(None, {"image": x})[0]
    if not os.path.exists(expected_npy):
        return float(not np.isfinite(y).all())
    expected = np.load(expected_npy)
    assert y.shape == expected.shape, (path, y.shape, expected.shape)
    return float(np.abs(y - expected).max() / max(1, np.abs(expected).max()))


def main():
    print(f"onnx {onnx.__version__}, ONNX Runtime {onnxruntime.__version__}")
    worst, count = {False: 0, True: 0}, {False: 0, True: 0}  # of 8 bits?
    with tempfile.TemporaryDirectory() as folder:
        subprocess.run([sys.argv[1], folder, os.path.join(TESTS, "..", "weights", "i8")], check=True)
        for path in sorted(glob.glob(folder + "/*.onnx")):
            onnx.checker.check_model(onnx.load(path), full_check=True)
            case = os.path.basename(path)[:-len(".onnx")]
            i8 = case.endswith(".i8")
            outputs = folder if i8 else os.path.join(TESTS, "fixtures", "models")
            error = difference(path, os.path.join(outputs, case + ".output.npy"))
            print(f"{case:45} {error:.1e}")
            worst[i8] = max(worst[i8], error)
            count[i8] += 1
    print(f"{count[False]} files, largest difference {worst[False]:.1e}; {count[True]} of 8 bits, {worst[True]:.1e}")
    return 0 if count == {False: 24, True: 5} and worst[False] <= 1e-4 and worst[True] <= 1e-2 else 1


if __name__ == "__main__":
    sys.exit(main())
