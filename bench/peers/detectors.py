#!/usr/bin/env python3
"""Compares the speed of the detector YuNet-n with other programs: the same network, the same image, all programs in turn.

  detectors.py TINYFIQA [--weights FILE] [--opencv-model FILE] [--libfacedetection DIR]
               [--sizes 320x320 480x640] [--threads 1 2] [--rounds 3] [--seconds 1]

ONNX Runtime and ncnn run the network that `tinyfiqa export` writes from --weights (default: the built-in detector's file). Their outputs
are compared with tinyfiqa's; if they differ by more than 1e-3 of the largest output, the line says NOT COUNTED. OpenCV's FaceDetectorYN
needs the authors' ONNX file (--opencv-model), and its time includes decoding the faces. libfacedetection is compiled from a checkout of its
sources (--libfacedetection) with OpenMP and AVX-512 or AVX2. Its network and weights are its own, and its time includes decoding the faces.
All packages are installed with pip into the environment of peers_venv.py.

The programs take turns. Each line shows the median over the rounds of a program's median time, the spread of these medians ((largest -
smallest) / median), the best time, and the ratios of median and best time to tinyfiqa's.
"""
import argparse
import json
import os
import statistics
import subprocess
import sys
import tempfile

import peers_venv
from run import DEBIAN, run, time_ours, time_text

HERE = os.path.dirname(os.path.abspath(__file__))
OUTPUTS = [f"{kind}_{stride}" for stride in (8, 16, 32) for kind in ("cls", "obj", "bbox", "kps")]
LIBFACEDETECTION_MAIN = r"""
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <algorithm>
#include <vector>
#include "facedetectcnn.h"
int main(int, char** a) {
  const int h = std::atoi(a[1]), w = std::atoi(a[2]);
  const double seconds = std::atof(a[3]);
  std::vector<unsigned char> image(static_cast<std::size_t>(h) * w * 3), buffer(0x9000);
  std::FILE* f = std::fopen(a[4], "rb");
  if (!f || std::fread(image.data(), 1, image.size(), f) != image.size()) return 1;
  std::vector<double> us;
  const auto now = [] { return std::chrono::duration<double>(std::chrono::steady_clock::now().time_since_epoch()).count(); };
  for (const double start = now(); us.size() < 10 || now() - start < seconds;) {
    const double before = now();
    facedetect_cnn(buffer.data(), image.data(), w, h, w * 3);
    us.push_back((now() - before) * 1e6);
  }
  std::sort(us.begin(), us.end());
  std::printf("{\"median_us\": %f, \"min_us\": %f, \"version\": \"checkout\"}\n", us[us.size() / 2], us[0]);
}
"""


def onnxruntime(base, image, threads):
    import numpy
    import onnxruntime
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads, options.inter_op_num_threads = threads, 1
    session = onnxruntime.InferenceSession(base + ".onnx", options, providers=["CPUExecutionProvider"])
    x = numpy.ascontiguousarray(image.transpose(2, 0, 1)[None]).astype(numpy.float32)

    def once():
        once.y = session.run(OUTPUTS, {"image": x})
    return once, lambda: once.y, onnxruntime.__version__


def ncnn(base, image, threads):
    import importlib.util
    import ncnn
    import numpy
    converter = os.path.join(os.path.dirname(importlib.util.find_spec("pnnx").origin), "pnnx")
    if not os.path.exists(base + ".ncnn.param"):
        h, w = image.shape[:2]
        subprocess.run([converter, base + ".onnx", f"inputshape=[1,3,{h},{w}]", f"ncnnparam={base}.ncnn.param",
                        f"ncnnbin={base}.ncnn.bin", "fp16=0"], check=True, capture_output=True, cwd=os.path.dirname(base))
    net = ncnn.Net()
    net.opt.num_threads = threads
    net.opt.use_fp16_packed = net.opt.use_fp16_storage = net.opt.use_fp16_arithmetic = net.opt.use_bf16_storage = False
    if net.load_param(base + ".ncnn.param") or net.load_model(base + ".ncnn.bin"):
        raise RuntimeError("ncnn can't read what pnnx wrote; use matching versions of both")
    planes = numpy.ascontiguousarray(image.transpose(2, 0, 1)).astype(numpy.float32)
    x = ncnn.Mat(planes).clone()  # without clone(), it would point into an array that is freed

    def once():
        extractor = net.create_extractor()
        extractor.input("in0", x)
        once.y = [numpy.array(extractor.extract(f"out{i}")[1]) for i in range(len(OUTPUTS))]
    return once, lambda: once.y, ncnn.__version__


def opencv(base, image, threads):
    import cv2
    cv2.setNumThreads(threads)
    detector = cv2.FaceDetectorYN.create(base, "", (image.shape[1], image.shape[0]), 0.6, 0.3, 5000)
    return lambda: detector.detect(image), lambda: None, cv2.__version__


WORKERS = {"onnxruntime": onnxruntime, "ncnn": ncnn, "opencv": opencv}


def worker(engine, base, picture, shape, threads, seconds):
    """Runs in the environment that has the engine; prints times and the largest outputs."""
    import numpy
    from engines import measure
    image = numpy.fromfile(picture, numpy.uint8).reshape(*(int(n) for n in shape.split("x")), 3)
    once, result, version = WORKERS[engine](base, image, int(threads))
    for _ in range(3):
        once()
    summary = dict(measure(once, float(seconds)), version=str(version))
    if result() is not None:
        expected = numpy.load(base + ".npz")
        summary["difference"] = largest_difference([numpy.asarray(y) for y in result()], [expected[name] for name in OUTPUTS])
    print(json.dumps(summary))


def largest_difference(outputs, expected):
    """The largest difference, relative to the largest expected number. pnnx may change the order of the outputs, so each expected map is
    compared with the most similar one of its shape that is left."""
    worst = 0.0
    for e in expected:
        shape = e.shape[-3:]  # without the batch, which ncnn does not have
        similar = [(float(abs(y.reshape(shape) - e.reshape(shape)).max()), i) for i, y in enumerate(outputs) if y.shape[-3:] == shape]
        if not similar:
            raise ValueError(f"no output has the shape {shape}")
        difference, place = min(similar)
        worst = max(worst, difference)
        outputs.pop(place)
    return worst / max(float(abs(e).max()) for e in expected)


def compile_libfacedetection(sources, folder):
    """Compiles a checkout with the timing program above. Returns the program's path."""
    if not os.path.exists(os.path.join(sources, "src", "facedetectcnn.h")):
        sys.exit(f"detectors.py: --libfacedetection {sources}: has no src/facedetectcnn.h; give a checkout of ShiqiYu/libfacedetection")
    main = os.path.join(folder, "main.cpp")
    with open(main, "w") as f:
        f.write(LIBFACEDETECTION_MAIN)
    with open(os.path.join(folder, "facedetection_export.h"), "w") as f:
        f.write("#define FACEDETECTION_EXPORT\n")
    program = os.path.join(folder, "libfacedetection")
    files = [os.path.join(sources, "src", n) for n in os.listdir(os.path.join(sources, "src")) if n.endswith(".cpp")]
    avx = "-D_ENABLE_AVX512" if "avx512f" in open("/proc/cpuinfo").read() else "-D_ENABLE_AVX2"
    run(["g++", "-O3", "-march=native", "-fopenmp", avx, "-I" + folder, "-I" + os.path.join(sources, "src"), main, *files,
         "-o", program])
    return program


def make_inputs(args, size, folder):
    """Returns the common path of the network's files, and that of an image of random BGR levels."""
    base, picture = os.path.join(folder, size), os.path.join(folder, size + ".bgr")
    code = ("import sys,numpy; h,w=map(int,sys.argv[1].split('x')); x=numpy.random.default_rng(1).integers(0,256,(h,w,3),'uint8');"
            "x.tofile(sys.argv[2]); numpy.save(sys.argv[3], x.transpose(2,0,1)[None].astype('float32'))")
    run([DEBIAN, "-c", code, size, picture, base + ".npy"])
    network = ["--model", "yunet_n", "--weights", args.weights]
    run([args.tool, "export", *network, "--size", size, "--onnx", base + ".onnx"])
    run([args.tool, "forward", *network, "--input", base + ".npy", "--output", base + ".npz"])
    return base, picture


def arguments():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("tool", metavar="TINYFIQA")
    parser.add_argument("--weights", metavar="FILE", default=os.path.join(HERE, "../../weights/detector.safetensors"),
                        help="YuNet-n's weights (default: the built-in detector's)")
    parser.add_argument("--opencv-model", metavar="FILE", help="also time OpenCV with this ONNX file of YuNet's authors")
    parser.add_argument("--libfacedetection", metavar="DIR", help="also compile and time this checkout of ShiqiYu/libfacedetection")
    parser.add_argument("--sizes", nargs="+", default=["320x320", "480x640"], help="height first (default: 320x320 480x640)")
    parser.add_argument("--threads", type=int, nargs="+", default=[1, 2], help="(default: 1 2)")
    parser.add_argument("--rounds", type=int, default=3, help="turns of each program (default: 3)")
    parser.add_argument("--seconds", type=float, default=1, help="time of each turn (default: 1)")
    return parser.parse_args()


def main():
    if sys.argv[1:2] == ["--worker"]:
        return worker(*sys.argv[2:8])
    args = arguments()
    missing = peers_venv.make(["opencv-python-headless"])
    with tempfile.TemporaryDirectory() as folder:
        library = compile_libfacedetection(args.libfacedetection, folder) if args.libfacedetection else None
        for size in args.sizes:
            base, picture = make_inputs(args, size, folder)
            h, w = (int(n) for n in size.split("x"))
            for threads in args.threads:
                environment = dict(os.environ, OMP_NUM_THREADS=str(threads))

                def peer(engine, network):
                    command = [peers_venv.python(), os.path.abspath(__file__), "--worker", engine, network, picture, size, str(threads),
                               str(args.seconds)]
                    return json.loads(run(command).strip().splitlines()[-1])

                programs = {"tinyfiqa": lambda: time_ours(args.tool, ("yunet_n", 1, h, w), threads, args.seconds),
                            "onnxruntime": lambda: peer("onnxruntime", base), "ncnn": lambda: peer("ncnn", base)}
                if args.opencv_model:
                    programs["opencv"] = lambda: peer("opencv", args.opencv_model)
                if library:
                    programs["libfacedetection"] = lambda: json.loads(subprocess.run(
                        [library, str(h), str(w), str(args.seconds), picture], env=environment, check=True, capture_output=True, text=True).stdout)
                report(size, threads, programs, args.rounds)
    for name, reason in missing.items():
        print(f"not installed: {name}: {reason}")
    return 0


def report(size, threads, programs, rounds):
    """Runs all programs in turn, `rounds` times, and prints a line for each with its ratio to tinyfiqa."""
    runs = {name: [] for name in programs}
    for _ in range(rounds):
        for name, program in programs.items():
            try:
                runs[name].append(program())
            except (RuntimeError, ValueError, subprocess.CalledProcessError) as error:
                print(f"{size} {threads}  {name}: {error}")
    ours = runs["tinyfiqa"]
    for name, several in runs.items():
        if not several:
            continue
        medians = [r["median_us"] for r in several]
        median, best = statistics.median(medians), min(r["min_us"] for r in several)
        spread = (max(medians) - min(medians)) / median
        ratio = median / statistics.median(r["median_us"] for r in ours), best / min(r["min_us"] for r in ours)
        differences = [r["difference"] for r in several if "difference" in r]
        compared = f"difference {max(differences):.1e}" if differences else "outputs not compared"
        counted = "" if max(differences, default=0) <= 1e-3 else "  NOT COUNTED: other outputs"
        print(f"{size:8} {threads} thread{'s' * (threads > 1):1}  {name:16} median {time_text(median):>7} us  spread {spread:4.0%}  best {time_text(best):>7} us"
              f"  ratio {ratio[0]:.2f} / {ratio[1]:.2f}  {compared}{counted}", flush=True)


if __name__ == "__main__":
    sys.exit(main())
