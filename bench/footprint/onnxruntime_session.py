"""ONNX Runtime from Python: what a session costs, and the time of a run. Prints JSON.

  onnxruntime_session.py LEVELS SECONDS BASE      BASE.onnx is the network; LEVELS as for main.cpp
"""
import json
import os
import sys
import time

import numpy

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "peers"))
import engines


def memory_mb():
    with open("/proc/self/statm") as file:
        return int(file.read().split()[1]) * os.sysconf("SC_PAGE_SIZE") / 1e6


def main():
    levels, seconds, base = sys.argv[1:4]
    x = (numpy.fromfile(levels, numpy.uint8).reshape(1, 64, 64, 3).transpose(0, 3, 1, 2) - numpy.float32(127.5)) / numpy.float32(128)
    x = numpy.ascontiguousarray(x)
    memory, start = memory_mb(), time.perf_counter()
    run, result, version = engines.onnxruntime("tinyfqnet", base, x, 1)
    run()
    costs = {"start_ms": (time.perf_counter() - start) * 1e3, "memory_mb": memory_mb() - memory}
    import onnxruntime
    folder = os.path.join(os.path.dirname(onnxruntime.__file__), "capi")
    library = max(os.path.getsize(os.path.join(folder, f)) for f in os.listdir(folder) if f.startswith("libonnxruntime.so"))
    print(json.dumps(dict(engines.measure(run, float(seconds)), score=float(result()[0, 0]), version=version,
                          library_kb=library / 1000, **costs)))


if __name__ == "__main__":
    main()
