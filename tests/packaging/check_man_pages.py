#!/usr/bin/env python3
"""check_man_pages.py TOOL FOLDER: the man pages in FOLDER are of TOOL's commands, and have every option of the help.

mandoc and man look for mistakes in them, where they are installed.
"""
import glob
import os
import re
import shutil
import subprocess
import sys


def help_of(tool, *command):
    return subprocess.run([tool, *command, "--help"], capture_output=True, text=True, check=True).stdout


def commands_of(help_text):
    """Names below "Subcommands:"."""
    return re.findall(r"^  ([a-z][a-z-]*)  ", help_text.split("Subcommands:\n", 1)[1], re.M)


def options_of(help_text):
    return re.findall(r"^  (?:-\w,)?(--[a-z][a-z-]*)", help_text, re.M)


def plain(page):
    """A page without roff's escapes and requests."""
    text = re.sub(r"^\.[A-Z]{2} ?", "", open(page).read(), flags=re.M)
    return re.sub(r"\\f[BIR]|\\&", "", text).replace("\\-", "-").replace("\\e", "\\")


def problems(page):
    """What the checkers say about a page."""
    found = ""
    if shutil.which("mandoc"):
        r = subprocess.run(["mandoc", "-T", "lint", "-W", "style", page], capture_output=True, text=True)
        # It looks for the pages of SEE ALSO in the system's folders.
        found += "".join(line + "\n" for line in r.stdout.splitlines() if "referenced manual not found" not in line)
    if shutil.which("man"):
        r = subprocess.run(["man", "--warnings", "-E", "UTF-8", "-l", "-Tutf8", "-Z", page], capture_output=True, text=True,
                           env={**os.environ, "LC_ALL": "C.UTF-8", "MANROFFSEQ": "", "MANWIDTH": "80"})
        found += r.stderr
    return found


def main(tool, folder):
    pages = {os.path.basename(p): p for p in glob.glob(os.path.join(folder, "man", "man1", "*.1"))}
    program = help_of(tool)
    commands = commands_of(program)
    expected = {"tinyfiqa.1"} | {f"tinyfiqa-{c}.1" for c in commands}
    errors = []
    if set(pages) != expected or len(commands) < 5:
        errors.append(f"pages {sorted(pages)}, commands {commands}")
    options = 0
    for command in ["", *commands]:
        page = pages["tinyfiqa-" + command + ".1" if command else "tinyfiqa.1"]
        text = plain(page)
        for option in options_of(help_of(tool, *command.split())):
            options += 1
            if not re.search(rf"^(?:-\w, )?{re.escape(option)}\b", text, re.M):
                errors.append(f"{page} lacks {option}")
        errors += [problems(page)] if problems(page) else []
    for error in errors:
        print(error)
    print(f"{len(pages)} pages, {options} options, {len(errors)} wrong")
    return 1 if errors or options == 0 else 0


if __name__ == "__main__":
    sys.exit(main(os.path.abspath(sys.argv[1]), sys.argv[2]))
