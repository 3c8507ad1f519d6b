"""The virtual environment of Python with the other engines. It is in the folder TINYFIQA_PEERS, or else in the user's cache folder."""
import os
import subprocess
import sys

PACKAGES = ["numpy", "onnx", "onnxruntime", "openvino", "ncnn", "pnnx", "MNN"]
WITHOUT_DEPENDENCIES = ["pnnx"]  # only the converter of ncnn is needed, not 6 GB of PyTorch


def folder():
    cache = os.environ.get("XDG_CACHE_HOME", os.path.expanduser("~/.cache"))
    return os.environ.get("TINYFIQA_PEERS", os.path.join(cache, "tinyfiqa", "peers"))


def python():
    return os.path.join(folder(), "bin", "python")


def make(more=(), packages=PACKAGES):
    """Makes the environment if it does not exist, with `packages` and `more`. Returns {package: reason} for those that can't be installed."""
    if not os.path.exists(python()):
        print(f"peers: making {folder()}", file=sys.stderr)
        subprocess.run([sys.executable, "-m", "venv", folder()], check=True)
    missing = {}
    for package in [*packages, *more]:
        if subprocess.run([python(), "-m", "pip", "-q", "show", package], capture_output=True).returncode == 0:
            continue
        print(f"peers: installing {package}", file=sys.stderr)
        alone = ["--no-deps"] if package in WITHOUT_DEPENDENCIES else []
        r = subprocess.run([python(), "-m", "pip", "install", "-q", *alone, package], capture_output=True, text=True)
        if r.returncode != 0:
            missing[package] = (r.stderr.strip().splitlines() or ["pip failed"])[-1]
    return missing
