#!/usr/bin/python3
"""check_docs.py SOURCE_DIR TOOL [--write]: the snippets in the Markdown files are true.

- A ```cpp, ```c, ```rust or ```go block is, word for word, part of a file of examples/.
- In a ```console block, each "$ tools/run WORDS" (or "$ tinyfiqa WORDS") exits with status 0 in the source folder, and
  prints the lines below it. A line "..." stands for any lines.
- A relative link leads to a file. (check_links.py also checks anchors.)

With --write, the printed lines replace those below each command, unless one of them is "...": for new default weights.
"""
import glob
import os
import re
import subprocess
import sys


def blocks(text, kind):
    return re.findall(r"^```" + kind + r"\n(.*?)^```", text, re.S | re.M)


def matches(expected, printed):
    pattern = "".join(r"(?:.*\n)*" if line.strip() == "..." else re.escape(line) + r"\n" for line in expected)
    return re.fullmatch(pattern, printed) is not None


def check_console(block, source, tool, write=None):
    errors, ran = [], 0
    for part in re.split(r"^\$ ", block, flags=re.M)[1:]:
        command, *expected = part.rstrip("\n").split("\n")
        runnable = re.sub(r"^(tools/run|tinyfiqa) (?!test|bench)", tool + " ", command)
        if runnable == command:
            continue
        r = subprocess.run(runnable, shell=True, cwd=source, capture_output=True, text=True)
        ran += 1
        if r.returncode != 0:
            errors.append(f"$ {command}\n  exit status {r.returncode}: {r.stderr.strip()}")
        elif expected and not matches(expected, r.stdout):
            if write and "..." not in expected:
                write("\n".join([command, *expected, ""]), command + "\n" + r.stdout)
                continue
            errors.append(f"$ {command}\n  prints\n{r.stdout}")
    return errors, ran


# Kind of block -> ending of the files that have it.
LANGUAGES = {"cpp": "cpp", "c": "c", "rust": "rs", "go": "go"}


def example_code(source, ending):
    return "\n".join(open(f).read() for f in sorted(glob.glob(f"{source}/examples/**/*.{ending}", recursive=True)))


def check_links(path, text):
    here = os.path.dirname(path)
    for target in re.findall(r"\]\(([^)#]+)(?:#[^)]*)?\)", text):
        if "://" not in target and not os.path.exists(os.path.join(here, target)):
            yield f"a link to {target}, which does not exist; correct the link"


def main(source, tool, write):
    examples = {kind: example_code(source, ending) for kind, ending in LANGUAGES.items()}
    failed = programs = commands = 0
    for path in sorted(glob.glob(source + "/*.md") + glob.glob(source + "/*/*.md") + glob.glob(source + "/examples/*/*.md")):
        text = open(path).read()
        changes = []
        errors = list(check_links(path, text))
        for kind, code in examples.items():
            for block in blocks(text, kind):
                programs += 1
                if block.strip() not in code:
                    errors.append(f"a {kind} snippet is in no file of examples/; copy it from there:\n" + block)
        for block in blocks(text, "console"):
            found, ran = check_console(block, source, tool, write and (lambda *change: changes.append(change)))
            errors += found
            commands += ran
        for old, new in changes:
            text = text.replace(old, new)
        if changes:
            open(path, "w").write(text)
        for error in errors:
            print(f"{os.path.relpath(path, source)}: {error}")
        failed += len(errors)
    print(f"{programs} programs and {commands} commands, {failed} wrong")
    return 1 if failed or programs == 0 or commands == 0 else 0


if __name__ == "__main__":
    sys.exit(main(os.path.abspath(sys.argv[1]), os.path.abspath(sys.argv[2]), "--write" in sys.argv[3:]))
