"""`python -m tinyfiqa` is the command, or says how to get it."""

import importlib.util
import json
import pathlib
import subprocess
import sys

import tinyfiqa

ROOT = pathlib.Path(__file__).resolve().parents[2]
PHOTOS = ROOT / "examples/photos"
HAS_COMMAND = importlib.util.find_spec("tinyfiqa_command") is not None


def run(*arguments):
    return subprocess.run([sys.executable, "-m", "tinyfiqa", *arguments], capture_output=True, text=True, timeout=60)


def test_the_command_scores_as_the_package_does_and_has_its_exit_codes():
    done = run("score", "--format", "jsonl", PHOTOS / "astronaut.jpg", "no_such.jpg")
    if not HAS_COMMAND:
        assert done.returncode == 1 and "pip install bindings/python/command" in done.stderr
        return
    best = tinyfiqa.score(PHOTOS / "astronaut.jpg")
    assert json.loads(done.stdout.splitlines()[0])["score"] == best.raw
    assert done.returncode == 1 and "no_such.jpg" in done.stdout.splitlines()[1]
    assert run("score", "--wrong").returncode == 2
    assert tinyfiqa.__version__ in run("--version").stdout


def test_the_command_decodes_in_a_process_of_its_own_and_finds_its_weights():
    if not HAS_COMMAND:
        return
    isolated = run("score", "--isolate", "--format", "jsonl", PHOTOS / "astronaut.jpg")
    assert json.loads(isolated.stdout)["score"] == tinyfiqa.score(PHOTOS / "astronaut.jpg").raw
    other = run("score", "--model", "tinyfqnet", "--format", "jsonl", PHOTOS / "astronaut.jpg")
    weights = ROOT / "weights/tinyfqnet.safetensors"
    assert json.loads(other.stdout)["score"] == tinyfiqa.Scorer(weights).score(PHOTOS / "astronaut.jpg").raw


def test_pip_installs_the_command_beside_python():
    if not HAS_COMMAND:
        return
    program = pathlib.Path(sys.executable).parent / "tinyfiqa"
    assert subprocess.run([program, "--version"], capture_output=True).returncode == 0
