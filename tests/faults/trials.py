#!/usr/bin/python3
"""trials.py TOOL [WORK] [--trials N] [--only TEXT]: does to long runs what happens to them, N times (20), and checks the end.

kill -9 and full disks in trainings and in `score --out`, both continued; photos that vanish or are replaced; two trainings
in one folder; states that were edited; closed pipes. A trial survives if the end is the same, to the bit, as without the
accident, or if the accident is told. Status 1: one did not.
"""
import argparse
import collections
import filecmp
import os
import random
import resource
import shutil
import signal
import subprocess
import sys
import tempfile
import time

import hostile_tables
import limited
from hostile_case import Folder

CHECKED = ("best.safetensors", "last.safetensors")
FULL_BYTES = 400_000  # the size of the disk that is full


class Trials:
    def __init__(self, tool, work, repo, count):
        self.tool, self.work, self.repo, self.count = tool, work, repo, count
        self.faces = os.path.join(repo.root, "examples", "faces")
        self.random = random.Random(17)

    # Trainings.

    def train_command(self, out, data=None, epochs=60):
        return [self.tool, "train", "--data", data or os.path.join(self.faces, "labels.csv"), "--model", "tinyfqnet", "--epochs",
                str(epochs), "--batch", "2", "--train-share", "0.5", "--threads", "1", "--whole-image", "--out", out]

    def resume_command(self, out):
        return [self.tool, "train", "--resume", out]

    def new_folder(self, name):
        path = self.work.path(name)
        shutil.rmtree(path, ignore_errors=True)
        return path

    def whole_training(self):
        """A training without an accident, and its seconds."""
        out = self.new_folder("whole")
        outcome = limited.run(self.train_command(out))
        assert outcome.code == 0, outcome.text
        return out, outcome.wall_s

    def same_training(self, a, b):
        if not all(filecmp.cmp(os.path.join(a, f), os.path.join(b, f), shallow=False) for f in CHECKED):
            return "the weights differ from those of a training without an accident"
        logs = [[line.split(",")[0:2] for line in open(os.path.join(f, "log.csv"))] for f in (a, b)]
        return "" if logs[0] == logs[1] else "log.csv differs"

    def killed_trainings(self):
        whole, seconds = self.whole_training()
        for number in range(self.count):
            out = self.new_folder("killed")
            child = limited.start(self.train_command(out))
            kills = 1 + number % 3
            for _ in range(kills):
                time.sleep(self.random.uniform(0.0, seconds))
                child.send_signal(signal.SIGKILL)
                limited.wait(child)
                if not os.path.exists(os.path.join(out, "run.json")):
                    shutil.rmtree(out, ignore_errors=True)  # killed before it began
                    child = limited.start(self.train_command(out))
                else:
                    child = limited.start(self.resume_command(out))
            limited.wait(child)
            outcome = limited.run(self.resume_command(out))
            left = [f for f in os.listdir(out) if f.startswith(".") or ".tmp" in f]
            yield (outcome.last_line() if outcome.code else self.same_training(whole, out)) or (f"left over: {left}" if left else "")

    def full_disk_trainings(self):
        """A disk with room for a part of the files; then it gets more room, and the training goes on."""
        whole, _ = self.whole_training()
        mount = self.work.path("disk")
        os.makedirs(mount, exist_ok=True)
        mounted = False
        try:
            for number in range(self.count):
                size = FULL_BYTES // 40 * (number * 2 + 1)
                subprocess.run(["mount", "-t", "tmpfs", "-o", f"size={size}", "tmpfs", mount], check=True, capture_output=True)
                mounted = True
                out = os.path.join(mount, "out")
                # The table of that folder would be in the way of a small disk.
                first = limited.run(self.train_command(out))
                subprocess.run(["mount", "-o", "remount,size=64M", mount], check=True, capture_output=True)
                begun = os.path.exists(os.path.join(out, "run.json")) and os.path.getsize(os.path.join(out, "run.json")) > 0
                if first.code == 0:
                    wrong = "" if size > 200_000 else "a disk that is too small was not noticed"
                elif b"No space left" not in first.text and b"free space" not in first.text:
                    wrong = "the message does not name the full disk: " + first.last_line()
                else:
                    if not begun:
                        shutil.rmtree(out, ignore_errors=True)
                    again = limited.run(self.resume_command(out) if begun else self.train_command(out))
                    wrong = again.last_line() if again.code else self.same_training(whole, out)
                subprocess.run(["umount", mount], check=True)
                mounted = False
                yield wrong
        finally:
            if mounted:
                subprocess.run(["umount", mount], check=False)

    def limited_file_trainings(self):
        """As a full disk, without being root: files may not grow beyond a limit (the signal is ignored, writes fail)."""
        whole, _ = self.whole_training()
        for number in range(self.count):
            out = self.new_folder("limited")
            limit = 2_000 + 8_000 * number

            def limit_files(most=limit):
                signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
                resource.setrlimit(resource.RLIMIT_FSIZE, (most, most))
            first = subprocess.run(self.train_command(out), preexec_fn=limit_files, capture_output=True)
            size = os.path.getsize(os.path.join(whole, "state.safetensors"))
            if first.returncode < 0 or (first.returncode == 0) != (limit >= size):
                yield f"status {first.returncode} with files of at most {limit} bytes"
                continue
            begun = os.path.exists(os.path.join(out, "run.json"))
            again = limited.run(self.resume_command(out) if begun else self.train_command(out))
            yield again.last_line() if again.code else self.same_training(whole, out)

    def two_trainings(self):
        for _ in range(self.count):
            out = self.new_folder("two")
            first = limited.start(self.train_command(out, epochs=1000000))
            lock = os.path.join(out, "run.json")
            while not os.path.exists(lock):
                time.sleep(0.01)
            second = limited.run(self.resume_command(out) if self.random.random() < 0.5 else self.train_command(out))
            still = first.poll() is None
            first.send_signal(signal.SIGKILL)
            limited.wait(first)
            yield ("" if second.code > 0 and b"another run" in second.text and still
                   else f"status {second.code}: {second.last_line()}")

    def replaced_photos(self):
        """Between two runs, one photo gets other pixels and the same size."""
        folder = self.new_folder("photos")
        for number in range(self.count):
            shutil.rmtree(folder, ignore_errors=True)
            shutil.copytree(self.faces, folder)
            out = self.new_folder("replaced")
            child = limited.start(self.train_command(out, os.path.join(folder, "labels.csv"), epochs=1000000))
            while not os.path.exists(os.path.join(out, "state.safetensors")):
                time.sleep(0.01)
            child.send_signal(signal.SIGKILL)
            limited.wait(child)
            names = sorted(n for n in os.listdir(folder) if n.endswith(".jpg"))
            photo = os.path.join(folder, names[number % len(names)])
            with open(photo, "rb") as file:
                data = bytearray(file.read())
            times = os.stat(photo)
            data[len(data) // 2] ^= 1 << (number % 8)
            with open(photo, "wb") as file:
                file.write(data)
            os.utime(photo, ns=(times.st_atime_ns, times.st_mtime_ns))
            again = limited.run(self.resume_command(out))
            yield "" if again.code > 0 else "a photo that was replaced was not noticed"

    def edited_states(self):
        for name, files in hostile_tables.states(self.repo, self.work, self.tool):
            if "state.safetensors" not in files:
                continue
            backup = self.work.read("run/state.safetensors")
            self.work.write("run/state.safetensors", files["state.safetensors"])
            again = limited.run(self.resume_command(self.work.path("run")), cwd=self.work.root)
            self.work.write("run/state.safetensors", backup)
            yield "" if again.code > 0 and not again.signal else f"{name} was taken"
        healthy = limited.run(self.resume_command(self.work.path("run")), cwd=self.work.root)
        yield "" if healthy.code == 0 else "the state that was not edited was refused: " + healthy.last_line()

    # Lists of photos.

    def many_photos(self, count, folder="many"):
        path = self.new_folder(folder)
        os.makedirs(path)
        names = sorted(n for n in os.listdir(self.faces) if n.endswith(".jpg"))
        for i in range(count):
            shutil.copyfile(os.path.join(self.faces, names[i % len(names)]), os.path.join(path, f"{i:05}.jpg"))
        return path

    def score_command(self, folder, *more):
        return [self.tool, "score", "--face", "whole", folder, *more]

    def whole_table(self, folder):
        table = self.work.path("whole.csv")
        if os.path.exists(table):
            os.remove(table)
        outcome = limited.run(self.score_command(folder, "--out", table))
        assert outcome.code == 0, outcome.text
        return table, outcome.wall_s

    def killed_scores(self):
        folder = self.many_photos(1500)
        whole, seconds = self.whole_table(folder)
        table = self.work.path("killed.csv")
        for number in range(self.count):
            if os.path.exists(table):
                os.remove(table)
            for _ in range(1 + number % 3):
                child = limited.start(self.score_command(folder, "--resume", table))
                time.sleep(self.random.uniform(0.0, seconds))
                child.send_signal(signal.SIGKILL)
                limited.wait(child)
            again = limited.run(self.score_command(folder, "--resume", table))
            yield (again.last_line() if again.code else
                   "" if filecmp.cmp(whole, table, shallow=False) else "the table differs from that of one run")

    def full_disk_scores(self):
        """Files may not grow beyond a limit; then the table is continued without it."""
        folder = self.many_photos(300)
        whole, _ = self.whole_table(folder)
        table = self.work.path("full.csv")
        for number in range(self.count):
            if os.path.exists(table):
                os.remove(table)
            limit = os.path.getsize(whole) * number // self.count

            def limit_files(most=limit):
                signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
                resource.setrlimit(resource.RLIMIT_FSIZE, (most, most))
            first = subprocess.run(self.score_command(folder, "--out", table), preexec_fn=limit_files, capture_output=True)
            again = limited.run(self.score_command(folder, "--resume", table))
            yield (f"status {first.returncode} on a full disk" if first.returncode <= 0 or not first.stderr else
                   again.last_line() if again.code else
                   "" if filecmp.cmp(whole, table, shallow=False) else "the table differs from that of one run")

    def full_device(self):
        for number in range(self.count):
            command = [self.score_command(self.faces, "--format", ("csv", "jsonl", "text")[number % 3]), [self.tool, "info"],
                       [self.tool, "detect", self.faces]][number % 3 if number < 3 else 0]
            with open("/dev/full", "wb") as full:
                done = subprocess.run(command, stdout=full, stderr=subprocess.PIPE)
            yield "" if done.returncode > 0 and done.stderr else f"status {done.returncode} for {command[1]} into /dev/full"

    def vanished_photos(self):
        """20 photos are removed while the program stands still; it reads at most a few ahead of its rows."""
        count, ahead = 800, 100
        for _ in range(self.count):
            folder = self.many_photos(count, "vanishing")
            table = self.work.path("vanished.csv")
            if os.path.exists(table):
                os.remove(table)
            child = limited.start(self.score_command(folder, "--out", table))
            while not os.path.exists(table) or os.path.getsize(table) < 200:
                time.sleep(0.001)
            child.send_signal(signal.SIGSTOP)
            with open(table) as file:
                done = file.read().count("\n")
            gone = set(self.random.sample(range(done + ahead, count), 20)) if done + ahead + 20 < count else set()
            for i in gone:
                os.remove(os.path.join(folder, f"{i:05}.jpg"))
            child.send_signal(signal.SIGCONT)
            status, _, _ = limited.wait(child)
            with open(table) as file:
                rows = [row.split(",") for row in file.read().splitlines()[1:]]
            order = [os.path.basename(row[0]) for row in rows] == [f"{i:05}.jpg" for i in range(count)]
            errors = {i for i, row in enumerate(rows) if "no such file" in row[4]}
            if not gone:
                yield "the program was done before photos could be removed"
            else:
                yield "" if order and errors == gone and status == 1 else f"status {status}, {len(rows)} rows, {len(errors)} errors"

    def closed_pipes(self):
        folder = self.many_photos(300)
        for number in range(self.count):
            child = subprocess.Popen(self.score_command(folder, "--format", ("text", "csv", "jsonl")[number % 3]),
                                     stdout=subprocess.PIPE, stderr=subprocess.PIPE)
            child.stdout.read(number)
            child.stdout.close()
            late = False
            try:
                child.wait(20)
            except subprocess.TimeoutExpired:
                late = True
                child.kill()
                child.wait()
            child.stderr.close()
            yield "" if not late and child.returncode in (1, -signal.SIGPIPE) else f"status {child.returncode}"


def can_mount(work):
    """True if this process may mount a tmpfs."""
    folder = work.path("try")
    os.makedirs(folder, exist_ok=True)
    if os.geteuid() != 0 or subprocess.run(["mount", "-t", "tmpfs", "tmpfs", folder], capture_output=True).returncode != 0:
        return False
    subprocess.run(["umount", folder], check=True)
    return True


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("tool")
    parser.add_argument("work", nargs="?")
    parser.add_argument("--trials", type=int, default=20)
    parser.add_argument("--only", default="")
    options = parser.parse_args()
    kept = options.work is not None
    work = Folder(options.work if kept else tempfile.mkdtemp(prefix="tinyfiqa_trials_"))
    os.makedirs(work.root, exist_ok=True)
    repo = Folder(os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", ".."))
    trials = Trials(os.path.abspath(options.tool), work, repo, options.trials)
    kinds = {"training killed and continued": trials.killed_trainings,
             "training on a full disk": trials.full_disk_trainings if can_mount(work) else None,
             "training whose files are limited": trials.limited_file_trainings,
             "two trainings in one folder": trials.two_trainings,
             "photo replaced between runs": trials.replaced_photos,
             "state edited": trials.edited_states,
             "score killed and continued": trials.killed_scores,
             "score on a full disk": trials.full_disk_scores,
             "output into a full device": trials.full_device,
             "photos vanish during score": trials.vanished_photos,
             "output pipe closed": trials.closed_pipes}
    tried, survived = collections.Counter(), collections.Counter()
    try:
        for kind, run in kinds.items():
            if options.only not in kind:
                continue
            if run is None:
                print(f"{kind}: left out (needs root and mount)")
                continue
            for number, wrong in enumerate(run()):
                tried[kind] += 1
                survived[kind] += not wrong
                if wrong:
                    print(f"{kind}, trial {number}: {ascii(wrong)}", flush=True)
            print(f"{kind:34} {survived[kind]:4} of {tried[kind]:4} survived", flush=True)
    finally:
        if not kept:
            shutil.rmtree(work.root, ignore_errors=True)
    return 0 if survived == tried else 1


if __name__ == "__main__":
    sys.exit(main())
