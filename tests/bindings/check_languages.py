"""check_languages.py TOOL BUILD SOURCE SCRATCH: installs libtinyfiqa from a build folder. The example programs in C (with the
shared and the static library), Rust and Go, built as their first lines say, give the scores of the tool, to the bit. A
language whose compiler is missing is left out, with a word."""

import glob
import hashlib
import json
import os
import re
import shutil
import struct
import subprocess
import sys

tool, build_folder, source, scratch = map(os.path.abspath, sys.argv[1:5])
photos = sorted(
    os.path.join(folder, name)
    for folder in (source + "/examples/photos", source + "/examples/faces")
    for name in os.listdir(folder)
    if name.endswith(".jpg")
)
environment = dict(os.environ, GO111MODULE="off")


def run(*command, accepted=(0,), **options):
    done = subprocess.run(command, capture_output=True, text=True, env=environment, **options)
    if done.returncode not in accepted:
        sys.exit(f"{' '.join(command)}\n{done.stdout}{done.stderr}")
    return done.stdout


def bits(number):
    return struct.pack("f", float(number))


def scores_of_tool():
    """path -> quality, band and the bits of the raw score of each face."""
    rows = run(tool, "score", "--face", "all", "--format", "jsonl", *photos, accepted=(0, 1))  # 1: one has no face
    scores = {photo: [] for photo in photos}
    for row in map(json.loads, rows.splitlines()):
        if "score" in row:
            scores[row["path"]].append((row["quality"], row["band"], bits(row["score"])))
    return scores


def scores_of(program):
    scores = {photo: [] for photo in photos}
    for line in run(program, *photos).splitlines():
        match = re.fullmatch(r"(.+): face \d+: (\d+) ([a-z]+), raw (\S+)", line)
        if match:
            scores[match[1]].append((int(match[2]), match[3], bits(match[4])))
        elif not line.endswith(": no face"):
            sys.exit(f"{program}: unexpected output: {line}")
    return scores


def install():
    """Returns the folder of the installed libraries."""
    prefix = scratch + "/prefix"
    shutil.rmtree(prefix, ignore_errors=True)
    for component in ("c", "c_development"):
        run("cmake", "--install", build_folder, "--component", component, "--prefix", prefix)
    (pkg_config,) = glob.glob(prefix + "/**/tinyfiqa.pc", recursive=True)
    environment["PKG_CONFIG_PATH"] = os.path.dirname(pkg_config)
    return os.path.dirname(os.path.dirname(pkg_config))


def pkg_config(*options):
    return run("pkg-config", *options, "tinyfiqa").split()


def compilers(library):
    """name -> the command that makes the program of that name."""
    example = source + "/examples/"
    c = [os.environ.get("CC", "cc"), "-std=c99", "-Wall", "-Wextra", "-Werror", example + "c/score_photo.c"]
    static = [library + "/libtinyfiqa.a"] + [x for x in pkg_config("--static", "--libs") if x != "-ltinyfiqa"]
    rust = ["rustc", "-O", "-D", "warnings", "-L", "native=" + library, example + "rust/score_photo.rs"]
    return {
        "c": c + pkg_config("--cflags", "--libs"),
        "c_static": c + pkg_config("--cflags") + static,
        "rust": rust,
        "go": ["go", "build", example + "go/score_photo.go"],
    }


def build(name, command, library):
    program = os.path.join(scratch, name)
    output = ["-o", program]
    if name == "go":  # options come before files
        # Go keeps what it built for the same sources and flags, and would keep it when the library changes.
        digest = hashlib.sha256(open(library + "/libtinyfiqa.so", "rb").read()).hexdigest()
        environment["CGO_CFLAGS"] = " ".join(pkg_config("--cflags")) + " -DLIBRARY_" + digest
        environment["CGO_LDFLAGS"] = " ".join(pkg_config("--libs"))
        run(*command[:-1], *output, command[-1], cwd=scratch)
    else:
        run(*command, *output, cwd=scratch)
    return program


def main():
    if shutil.which("pkg-config") is None:
        print("pkg-config is missing")
        sys.exit(77)
    os.makedirs(scratch, exist_ok=True)
    library = install()
    environment["LD_LIBRARY_PATH"] = library
    expected = scores_of_tool()
    faces = sum(map(len, expected.values()))
    if faces < len(photos) / 2:
        sys.exit(f"the tool found {faces} faces in {len(photos)} photos")
    failed = False
    for name, command in compilers(library).items():
        if shutil.which(command[0]) is None:
            print(f"{name}: left out, there is no {command[0]}")
            continue
        same = scores_of(build(name, command, library)) == expected
        failed = failed or not same
        print(f"{name}: {faces} faces, {'the same bits' if same else 'OTHER SCORES'}")
    sys.exit(failed)


main()
