"""Runs a command and measures it: exit status, processor time, peak memory, output."""
import os
import resource
import signal
import subprocess
import tempfile
import time

MOST_OUTPUT = 1 << 20


class Outcome:
    """What a command did."""

    def __init__(self, status, usage, out, err, wall_s, late):
        self.signal = -status if status < 0 else 0
        self.code = status
        self.cpu_s = usage.ru_utime + usage.ru_stime
        self.peak_mib = usage.ru_maxrss / 1024
        self.out, self.err = out, err
        self.wall_s = wall_s
        self.late = late  # ended by the wall limit

    @property
    def text(self):
        return self.out + self.err

    def last_line(self):
        lines = [x for x in self.text.decode(errors="replace").splitlines() if x.strip()]
        return lines[-1][:300] if lines else ""


def start(command, stdin=None, out=subprocess.DEVNULL, err=subprocess.DEVNULL, cwd=None):
    """Starts a command whose input is a file, a path, or nothing. It may take 60 s of processor time and 8 GiB."""
    source = open(stdin, "rb") if isinstance(stdin, str) else stdin
    child = subprocess.Popen(command, stdin=source or subprocess.DEVNULL, stdout=out, stderr=err, cwd=cwd)
    if source is not None:
        source.close()
    try:
        resource.prlimit(child.pid, resource.RLIMIT_CPU, (60, 60))
        resource.prlimit(child.pid, resource.RLIMIT_AS, (8 << 30, 8 << 30))
    except (ProcessLookupError, PermissionError):
        pass  # it has ended
    return child


def wait(child, wall_limit_s=60):
    """Waits for a child; kills it after the wall limit. Returns (status, usage, late). Usage is None if somebody waited before."""
    if child.returncode is not None:
        return child.returncode, None, False
    end = time.monotonic() + wall_limit_s
    late = False
    pause = 0.001
    while True:
        pid, status, usage = os.wait4(child.pid, os.WNOHANG)
        if pid:
            child.returncode = os.waitstatus_to_exitcode(status)
            return child.returncode, usage, late
        if time.monotonic() > end and not late:
            late = True
            os.kill(child.pid, signal.SIGKILL)
        time.sleep(pause)
        pause = min(pause * 1.5, 0.02)


def run(command, stdin=None, cwd=None, wall_limit_s=60):
    """Runs a command to its end. `stdin` is the path of a file, an open file, or None."""
    begun = time.monotonic()
    with tempfile.TemporaryFile() as out, tempfile.TemporaryFile() as err:
        child = start(command, stdin, out, err, cwd)
        status, usage, late = wait(child, wall_limit_s)
        texts = []
        for file in (out, err):
            file.seek(0)
            texts.append(file.read(MOST_OUTPUT + 1))
    return Outcome(status, usage, *texts, time.monotonic() - begun, late)
