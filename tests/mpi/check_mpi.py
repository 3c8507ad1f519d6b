#!/usr/bin/env python3
"""check_mpi.py MPIRUN TOOL [PLAIN]: trains in several processes. TOOL is the command with MPI, PLAIN without."""
import csv
import os
import pathlib
import random
import signal
import subprocess
import sys
import tempfile
import time

MPIRUN, TOOL, *PLAIN = sys.argv[1:]
ENVIRONMENT = dict(
    os.environ,
    OMPI_ALLOW_RUN_AS_ROOT="1",
    OMPI_ALLOW_RUN_AS_ROOT_CONFIRM="1",
    OMPI_MCA_rmaps_base_oversubscribe="1",
    OMPI_MCA_odls_base_sigkill_timeout="5",
)


def fail(text):
    raise SystemExit(f"check_mpi.py: {text}")


def check(condition, text):
    if not condition:
        fail(text)


def start(ranks, arguments, tool=TOOL):
    command = [tool, "train", *map(str, arguments)]
    if ranks > 0:
        command = [MPIRUN, "-n", str(ranks), "--bind-to", "none", *command]
    return subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=ENVIRONMENT)


def run(ranks, arguments, code=0):
    process = start(ranks, arguments)
    out, err = process.communicate(timeout=120)
    check(process.returncode == code, f"{ranks} ranks {arguments}: exit code {process.returncode}\n{out}{err}")
    return out, err


def make_photos(folder, count):
    source = random.Random(1)
    lines = ["path,score"]
    for i in range(count):
        (folder / f"{i}.ppm").write_bytes(b"P6\n32 32\n255\n" + source.randbytes(32 * 32 * 3))
        lines.append(f"{i}.ppm,{source.random():.4f}")
    (folder / "labels.csv").write_text("\n".join(lines) + "\n")


def losses(folder):
    with open(folder / "log.csv", newline="") as file:
        return [float(row["loss"]) for row in csv.DictReader(file)]


def options(photos, out, epochs, batch=16):
    fixed = f"--whole-image --model tinyfqnet --size 32x32 --batch {batch} --lr 0.01 --threads 1 --hflip 0.5"
    return ["--data", photos / "labels.csv", *fixed.split(), "--epochs", epochs, "--out", out]


def check_equality(photos, out):
    run(0, options(photos, out / "one", 3))
    one = losses(out / "one")
    for ranks in (2, 4):
        printed, _ = run(ranks, options(photos, out / f"a{ranks}", 3))
        run(ranks, options(photos, out / f"b{ranks}", 3))
        weights = [(out / name / "last.safetensors").read_bytes() for name in (f"a{ranks}", f"b{ranks}")]
        check(weights[0] == weights[1], f"{ranks} ranks: two runs give different weights")
        many = losses(out / f"a{ranks}")
        # Ranks add in another order. That can switch a ReLU on or off, which grows from step to step.
        near = all(abs(a - b) <= limit * a for a, b, limit in zip(one, many, (1e-5, 2e-3, 2e-2)))
        check(len(many) == 3 and near, f"{ranks} ranks: losses {many}, those of one process {one}")
        check(printed.count("epoch   3/3") == 1, f"{ranks} ranks print more than once:\n{printed}")
        check(f"{ranks} processes of 1 thread: each sends" in printed, f"no traffic in\n{printed}")


def children(process):
    found = []
    for entry in pathlib.Path("/proc").glob("[0-9]*/stat"):
        try:
            number, rest = entry.read_text().split(" (", 1)
        except OSError:  # it has just ended
            continue
        if int(rest.rsplit(") ", 1)[1].split()[1]) == process.pid:
            found.append(int(number))
    return sorted(found)


def wait_for_state(process, folder):
    for _ in range(600):
        if (folder / "state.safetensors").exists():
            return
        if process.poll() is not None:
            fail(f"ended too early: {process.communicate()}")
        time.sleep(0.1)
    fail("no state after a minute")


def check_lost_rank(photos, out):
    """A rank dies: all end, with a message, and the state is whole; another number of ranks goes on."""
    process = start(2, options(photos, out, 4000))
    wait_for_state(process, out)
    os.kill(children(process)[1], signal.SIGKILL)
    _, err = process.communicate(timeout=60)
    check(process.returncode != 0 and "signal 9" in err, f"a lost rank: {process.returncode}\n{err}")
    return out


def check_stop(folder):
    """Goes on with three ranks, and is stopped by a signal to one of them; then one process goes on."""
    process = start(3, ["--resume", folder])
    before = (folder / "state.safetensors").stat().st_mtime_ns
    while (folder / "state.safetensors").stat().st_mtime_ns == before and process.poll() is None:
        time.sleep(0.1)
    os.kill(children(process)[2], signal.SIGTERM)
    _, err = process.communicate(timeout=60)
    note = "trained by 2 processes of 1 thread so far, goes on with 3 processes of 1 thread"
    check(err.count(note) == 1, f"no note of another number of ranks, or several:\n{err}")
    check(err.count("stopped in epoch") == 1 and process.returncode == 128 + signal.SIGTERM, f"not stopped:\n{err}")
    process = start(0, ["--resume", folder])
    time.sleep(1)
    process.send_signal(signal.SIGINT)
    _, err = process.communicate(timeout=60)
    check("goes on with 1 process of 1 thread" in err and process.returncode == 130, f"one process:\n{err}")


def check_errors(photos, out):
    _, err = run(2, ["--data", photos / "none.csv", "--out", out / "x"], code=2)
    check(err.count("none.csv: no such file") == 1, f"an error of all ranks is printed once:\n{err}")
    _, err = run(3, options(photos, out / "y", 1, batch=2), code=2)
    check("can't be shared by 3 processes" in err, err)
    (photos / "7.ppm").write_bytes(b"P6\n32 32\n255\ncut")
    _, err = run(2, options(photos, out / "z", 1), code=2)
    check(err.count("7.ppm") == 1 and "--skip-bad" in err, f"a damaged image:\n{err}")
    run(2, options(photos, out / "z", 1) + ["--skip-bad"])
    _, err = run(2, options(photos, out / "w", 1)[:2] + ["--recipe", "detector", "--out", out / "w"], code=2)
    check("--recipe detector trains in one process" in err, err)
    for tool in PLAIN:
        process = start(2, options(photos, out / "v", 1), tool=tool)
        _, err = process.communicate(timeout=60)
        check("built without MPI" in err and process.returncode == 2, f"without MPI:\n{err}")


def main():
    with tempfile.TemporaryDirectory(prefix="tinyfiqa-mpi-") as folder:
        folder = pathlib.Path(folder)
        photos = folder / "photos"
        photos.mkdir()
        make_photos(photos, 60)
        check_equality(photos, folder)
        check_stop(check_lost_rank(photos, folder / "lost"))
        check_errors(photos, folder)


main()
