"""What a command costs, and what a program weighs."""
import concurrent.futures
import os
import subprocess


class Failed(Exception):
    """A command failed; the text says which and why."""


def run(command, folder=None):
    """Runs a command. Returns its processor seconds in user mode, the peak memory of its largest process in MB, and its output."""
    command = [str(word) for word in command]
    process = subprocess.Popen(command, cwd=folder, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
    with process.stdout:
        output = process.stdout.read()
    _, status, usage = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode != 0:
        raise Failed(f"{' '.join(command[:8])} ... failed: {output.strip()[-1500:]}")
    return usage.ru_utime, usage.ru_maxrss / 1024, output


def compile_all(commands):
    """Runs compilers side by side. Returns the sum of their processor seconds."""
    with concurrent.futures.ThreadPoolExecutor(os.cpu_count()) as pool:
        return sum(seconds for seconds, _, _ in pool.map(run, commands))


def once(record, build):
    """Calls build(), which returns processor seconds, unless an earlier run wrote them to the file `record`. Some libraries take long."""
    if not os.path.exists(record):
        seconds = build()
        with open(record, "w") as file:
            file.write(str(seconds))
    with open(record) as file:
        return float(file.read())


def need(peers, *names):
    for name in names:
        if not os.path.isdir(os.path.join(peers, name)):
            raise Failed(f"no folder {name} in {peers}")


def commit(folder):
    """The commit of a checkout, or the text of a file VERSION in a folder without git."""
    version = os.path.join(folder, "VERSION")
    if os.path.exists(version):
        with open(version) as file:
            return file.read().strip()
    return run(["git", "-C", folder, "describe", "--tags", "--always"])[2].strip()
