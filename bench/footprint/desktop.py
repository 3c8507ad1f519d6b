"""x86-64: what it costs to compile a program with each library, its size, and its speed where it runs tinyFQnet."""
import json
import os
import re
import statistics
import sys

from costs import need, once, run

HERE = os.path.dirname(os.path.abspath(__file__))
ROOT = os.path.dirname(os.path.dirname(HERE))
sys.path.insert(0, os.path.join(ROOT, "bench", "peers"))
import peers_venv

COMPILER = ["g++", "-std=c++17"]
FAST = ["-O3", "-march=native"]
# Layers that others make at run time, besides those that the .param file names. Mat::substract_mean_normalize() makes Scale.
NCNN_HELPERS = {"Cast", "Flatten", "Packing", "Padding", "ReLU", "Scale", "Sigmoid"}


class Row:
    """A program: one source file of ours and a library."""

    def __init__(self, name, does, source, flags, link=(), weights_kb=0, library_seconds=0.0):
        self.name, self.does, self.source, self.flags, self.link = name, does, source, list(flags), list(link)
        self.weights_kb, self.library_seconds = weights_kb, library_seconds
        self.times, self.score = [], None

    def compile(self, out, times):
        """Compiles the source several times and links it. A program that times a face gets main.cpp."""
        base = os.path.join(out, "programs", re.sub(r"\W+", "_", self.name))
        os.makedirs(os.path.dirname(base), exist_ok=True)
        runs = [run(COMPILER + self.flags + ["-c", self.source, "-o", base + ".o"]) for _ in range(times)]
        self.seconds, self.peak_mb = (statistics.median(r[i] for r in runs) for i in (0, 1))
        mains = [os.path.join(HERE, "main.cpp")] if self.source.endswith("_face.cpp") else []
        self.program = base
        run(COMPILER + ["-O2", *mains, base + ".o", *self.link, "-Wl,--gc-sections", "-s", "-o", base])
        self.kb = os.path.getsize(base) / 1000

    def time(self, levels, seconds, model):
        result = json.loads(run([self.program, levels, seconds, model])[2])
        self.times.append(result["median_us"])
        self.score = result["score"]


def ours():
    include = ["-I" + os.path.join(ROOT, "include")]
    weights, all_weights = 41, 335
    face = os.path.join(HERE, "tinyfiqa_face.cpp")
    return [
        Row("tinyfiqa, `-O3 -march=native`", "tinyFQnet", face, FAST + include, weights_kb=weights),
        Row("tinyfiqa, `-O2 -march=native`", "tinyFQnet", face, ["-O2", "-march=native"] + include, weights_kb=weights),
        Row("tinyfiqa, the README's program", "reads photos, finds and scores faces",
            os.path.join(ROOT, "examples", "score_photo.cpp"), FAST + include + ["-I/usr/include/stb"], ["-l:libstb.a"], all_weights),
    ]


def stb():
    return [Row("stb_image", "decodes a photo", os.path.join(HERE, "stb_decode.cpp"), FAST)]


def rtneural(peers, out, model):
    need(peers, "RTNeural")
    folder = os.path.join(peers, "RTNeural")
    flags = ["-DRTNEURAL_USE_EIGEN=1", "-DRTNEURAL_DEFAULT_ALIGNMENT=32", "-I" + folder, "-I/usr/include/eigen3"]
    return [Row("RTNeural", "another network, see below", os.path.join(HERE, "rtneural_face.cpp"), FAST + flags, weights_kb=47)]


def ncnn_layers(sources, param):
    """Options for CMake that leave out the layers that the network does not use."""
    with open(param) as file:
        used = {line.split()[0] for line in file.read().splitlines()[2:]} | NCNN_HELPERS
    with open(os.path.join(sources, "src", "CMakeLists.txt")) as file:
        listed = re.findall(r"^ncnn_add_layer\((\w+)", file.read(), re.M)
    return [f"-DWITH_LAYER_{name.lower()}={'ON' if name in used else 'OFF'}" for name in listed]


def ncnn_processor():
    """Options for CMake for a library for this processor alone: AVX-512 or AVX2, without the extensions for other numbers."""
    with open("/proc/cpuinfo") as file:
        avx512 = "avx512vl" in file.read()
    others = ("XOP", "AVXVNNI", "AVXVNNIINT8", "AVXVNNIINT16", "AVXNECONVERT", "AVX512VNNI", "AVX512BF16", "AVX512FP16")
    return ["-DNCNN_RUNTIME_CPU=OFF", f"-DNCNN_AVX512={'ON' if avx512 else 'OFF'}", *(f"-DNCNN_{name}=OFF" for name in others)]


def build_ncnn(sources, folder, options):
    """Returns the processor seconds."""
    run(["cmake", "-S", sources, "-B", folder, "-DCMAKE_BUILD_TYPE=Release", "-DNCNN_BUILD_TOOLS=OFF", "-DNCNN_BUILD_EXAMPLES=OFF",
         "-DNCNN_BUILD_BENCHMARK=OFF", *options])
    return run(["cmake", "--build", folder, "-j", os.cpu_count(), "--target", "ncnn"])[0]


def ncnn(peers, out, model, name, options, link=()):
    need(peers, "ncnn")
    sources, folder = os.path.join(peers, "ncnn"), os.path.join(out, re.sub(r"\W+", "_", name))
    seconds = once(folder + ".seconds", lambda: build_ncnn(sources, folder, options))
    flags = FAST + ["-I" + os.path.join(sources, "src"), "-I" + os.path.join(folder, "src")]
    link = [os.path.join(folder, "src", "libncnn.a"), *link]
    return [Row(name, "tinyFQnet", os.path.join(HERE, "ncnn_face.cpp"), flags, link, os.path.getsize(model + ".ncnn.bin") / 1000, seconds)]


def ncnn_whole(peers, out, model):
    """All layers and numbers, with threads. ncnn's default is to have them for other instruction sets as well: twice the files."""
    convert_for_ncnn(model)
    return ncnn(peers, out, model, "ncnn, all layers", ncnn_processor(), ["-fopenmp"])


def ncnn_small(peers, out, model):
    """For this network alone, without threads."""
    need(peers, "ncnn")
    convert_for_ncnn(model)
    options = ["-DNCNN_OPENMP=OFF", "-DNCNN_THREADS=OFF", "-DNCNN_INT8=OFF", "-DNCNN_BF16=OFF", "-DNCNN_C_API=OFF",
               "-DNCNN_PIXEL_ROTATE=OFF", "-DNCNN_PIXEL_AFFINE=OFF", "-DNCNN_PIXEL_DRAWING=OFF"]
    layers = ncnn_layers(os.path.join(peers, "ncnn"), model + ".ncnn.param")
    return ncnn(peers, out, model, "ncnn, the layers of tinyFQnet", options + ncnn_processor() + layers)


PEERS = {"RTNeural": rtneural, "ncnn-small": ncnn_small, "ncnn-all": ncnn_whole}


def convert_for_ncnn(model):
    program = run([peers_venv.python(), "-c", "import importlib.util; print(importlib.util.find_spec('pnnx').origin)"])[2].strip()
    run([os.path.join(os.path.dirname(program), "pnnx"), model + ".onnx", "inputshape=[1,3,64,64]", f"ncnnparam={model}.ncnn.param",
         f"ncnnbin={model}.ncnn.bin", "fp16=0"], folder=os.path.dirname(model))


class OnnxRuntime:
    """ONNX Runtime's wheel: no program of ours is compiled."""
    name, does = "ONNX Runtime, its wheel", "tinyFQnet"

    def __init__(self):
        self.times = []

    def time(self, levels, seconds, model):
        script = os.path.join(HERE, "onnxruntime_session.py")
        result = json.loads(run([peers_venv.python(), "-B", script, levels, seconds, model])[2].strip().splitlines()[-1])
        self.times.append(result["median_us"])
        self.score, self.version, self.kb = result["score"], result["version"], result["library_kb"]
        self.start_ms, self.memory_mb = result["start_ms"], result["memory_mb"]
