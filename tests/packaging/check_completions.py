#!/usr/bin/env python3
"""check_completions.py FOLDER: the completions of bash, zsh and fish in FOLDER, asked for in these shells.

Shells that are missing are named and left out. Exits with 77 if all are.
"""
import os
import pty
import select
import shlex
import shutil
import subprocess
import sys
import tempfile
import time

# What is typed, and what is offered for its last word: all of these, and none of those.
CASES = [
    ("tinyfiqa sc", ["score"], ["detect"]),
    ("tinyfiqa --v", ["--version"], ["score"]),
    ("tinyfiqa score --form", ["--format"], ["--model"]),
    ("tinyfiqa score --format ", ["text", "csv", "jsonl"], ["score", "photo.jpg"]),
    ("tinyfiqa score --format=j", ["jsonl"], ["csv"]),
    ("tinyfiqa score --model tinyfqnet_", ["tinyfqnet_m", "tinyfqnet_l"], ["ensemble"]),
    ("tinyfiqa score ph", ["photo.jpg", "photos 1"], ["table.csv"]),
    ("tinyfiqa score --draw ph", ["photos 1"], ["photo.jpg"]),
    ("tinyfiqa score --data ta", ["table.csv"], ["photo.jpg"]),
    ("tinyfiqa score photo.jpg --so", ["--sort"], ["--format"]),
    ("tinyfiqa score --threads ", [], ["photo.jpg", "score"]),
    ("tinyfiqa verify-weights --add", ["--add-hash"], []),
]
# For zsh: what is typed before the tabulator, and the words that the command then gets.
ZSH_CASES = [
    ("tinyfiqa sc\t", ["score"]),
    ("tinyfiqa score --form\tj\t", ["score", "--format=jsonl"]),
    ("tinyfiqa score --format j\t", ["score", "--format", "jsonl"]),
    ("tinyfiqa score --model ens\t", ["score", "--model", "ensemble"]),
    ("tinyfiqa score photo.\t", ["score", "photo.jpg"]),
    ("tinyfiqa score --draw ph\t", ["score", "--draw", "photos 1"]),
    ("tinyfiqa score photo.jpg --sor\t", ["score", "photo.jpg", "--sort"]),
    ("tinyfiqa verify-weights --add\t", ["verify-weights", "--add-hash"]),
]


def run(command, folder):
    r = subprocess.run(command, cwd=folder, capture_output=True, text=True, timeout=60)
    if r.returncode != 0 or r.stderr:
        raise RuntimeError(f"{command[0]}: exit status {r.returncode}: {r.stderr}")
    return r.stdout.splitlines()


def bash_offers(script, typed, folder):
    """Bash splits words at = too, as its default COMP_WORDBREAKS says."""
    words = typed.replace("=", " = ").split(" ")
    line = f"""source {shlex.quote(script)}
COMP_WORDS=({' '.join(shlex.quote(w) for w in words)}); COMP_CWORD={len(words) - 1}
{{ complete -p tinyfiqa | grep -q -- '-F _tinyfiqa '; }} || exit 1
_tinyfiqa tinyfiqa; printf '%s\\n' "${{COMPREPLY[@]}}\""""
    return [w for w in run(["bash", "--norc", "-c", line], folder) if w]


def fish_offers(script, typed, folder):
    lines = run(["fish", "--no-config", "-c", f"source {shlex.quote(script)}; complete -C {shlex.quote(typed)}"], folder)
    # A word and its description; folders end in /, and --format=V is offered whole.
    words = [line.split("\t")[0].rstrip("/").replace("\\ ", " ") for line in lines]
    return [w.split("=", 1)[1] if w.startswith("--") and "=" in w else w for w in words]


def check_offers(shell, offers, script, folder):
    failed = 0
    for typed, expected, unexpected in CASES:
        found = offers(script, typed, folder)
        missing, wrong = set(expected) - set(found), set(unexpected) & set(found)
        if missing or wrong:
            print(f"{shell}: {typed!r} offers {found}; missing: {sorted(missing)}, wrong: {sorted(wrong)}")
            failed += 1
    return failed


class Terminal:
    """A shell in a terminal of its own."""

    def __init__(self, command, folder, environment):
        self.process, self.fd = pty.fork()
        if self.process == 0:
            os.chdir(folder)
            os.execvpe(command[0], command, environment)

    def type(self, text):
        os.write(self.fd, text.encode())

    def read_until(self, end, seconds):
        text, until = "", time.monotonic() + seconds
        while end not in text:
            if not select.select([self.fd], [], [], max(0, until - time.monotonic()))[0]:
                raise RuntimeError(f"zsh: no {end!r} within {seconds} s in {text!r}")
            text += os.read(self.fd, 4096).decode(errors="replace")
        return text

    def close(self):
        os.close(self.fd)
        os.waitpid(self.process, 0)


def check_zsh(script, folder):
    """Types into a real line editor. A function in place of the command prints the words that it gets."""
    failed = 0
    environment = {"PATH": os.environ["PATH"], "TERM": "dumb", "HOME": folder, "COLUMNS": "200"}
    shell = Terminal(["zsh", "-f", "-i"], folder, environment)
    shell.type("PS1='' PROMPT_EOL_MARK=''; unsetopt zle_bracketed_paste 2>/dev/null\n"
               f"fpath=({shlex.quote(os.path.dirname(script))} $fpath); autoload -Uz compinit; compinit -u -D\n"
               "tinyfiqa() { print -r -- \"<<${(j:|:)@}>>\" }; print RE\"\"ADY\n")
    shell.read_until("READY", 30)
    for typed, expected in ZSH_CASES:
        for key in typed:
            shell.type(key)
            if key == "\t":
                time.sleep(0.3)  # what is typed while it completes would be lost
        shell.type("\n")
        found = shell.read_until(">>", 20).rsplit("<<", 1)[1].split(">>")[0].split("|")
        if found != expected:
            print(f"zsh: {typed!r} gives {found}, not {expected}")
            failed += 1
    shell.close()
    return failed


def main(documents):
    completions = os.path.join(os.path.abspath(documents), "completions")
    checks = {
        "bash": lambda folder: check_offers("bash", bash_offers, completions + "/tinyfiqa", folder),
        "fish": lambda folder: check_offers("fish", fish_offers, completions + "/tinyfiqa.fish", folder),
        "zsh": lambda folder: check_zsh(completions + "/_tinyfiqa", folder),
    }
    failed, ran = 0, []
    with tempfile.TemporaryDirectory() as folder:
        for name in ("photo.jpg", "table.csv"):
            open(os.path.join(folder, name), "w").close()
        os.mkdir(os.path.join(folder, "photos 1"))
        for shell, check in checks.items():
            if shutil.which(shell) is None:
                print(f"{shell} is missing")
                continue
            failed += check(folder)
            ran.append(shell)
    print(f"completions of {', '.join(ran) or 'no shell'}: {failed} wrong")
    return 77 if not ran else 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1]))
