"""`python -m tinyfiqa` is the command, with the exit codes and signals of a program of its own."""

import os
import sys

NO_COMMAND = """\
tinyfiqa: this installation has the package without the command, which takes minutes to build. To have it, install again:
  pip install . -C cmake.define.TINYFIQA_PYTHON_COMMAND=ON\
"""


def main() -> None:
    command = os.path.join(os.path.dirname(os.path.abspath(__file__)), "bin", "tinyfiqa")
    if not os.path.exists(command):
        sys.exit(NO_COMMAND)
    os.execv(command, ["tinyfiqa", *sys.argv[1:]])


if __name__ == "__main__":
    main()
