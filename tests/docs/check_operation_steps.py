#!/usr/bin/env python3
"""Checks that CONTRIBUTING.md names all files in which an operation is added.

  check_operation_steps.py SOURCE_DIR

The steps of "Adding an operation" have `upsample` as their example. The files of include/, src/ and tools/ that mention
it must be those that the steps name, at most six. Step 4 leaves a choice between a file of its own and elementwise.hpp.
"""
import os
import re
import sys

EXAMPLE = "upsample"
MENTION = re.compile(r"upsample(?!d)")  # add_upsampled is another operation


def named_files(text):
    section = re.search(r"^## Adding an operation$(.*?)^A fast training kernel", text, re.M | re.S).group(1)
    steps = re.findall(r"^\d+\. `([^`]+)`(?:, or `([^`]+)`)?", section, re.M)
    return {os.path.join(os.path.dirname(path), other) if other else path for path, other in steps}


def files_with_example(root):
    found = set()
    for folder in ("include", "src", "tools"):
        for parent, _, names in os.walk(os.path.join(root, folder)):
            for name in names:
                path = os.path.join(parent, name)
                if name.endswith((".hpp", ".cpp")) and MENTION.search(open(path, encoding="utf-8").read()):
                    found.add(os.path.relpath(path, root))
    return found


def main():
    root = sys.argv[1]
    with open(os.path.join(root, "CONTRIBUTING.md"), encoding="utf-8") as file:
        named = named_files(file.read())
    found = files_with_example(root)
    for path in sorted(found - named):
        print(f"{path} has {EXAMPLE}, but no step of CONTRIBUTING.md names it")
    for path in sorted(named - found):
        print(f"CONTRIBUTING.md names {path}, which has no {EXAMPLE}")
    if len(found) > 6:
        print(f"an operation is added in {len(found)} files; at most six are promised")
    print(f"{len(found)} files: {' '.join(sorted(found))}")
    return 0 if found == named and 0 < len(found) <= 6 else 1


sys.exit(main())
