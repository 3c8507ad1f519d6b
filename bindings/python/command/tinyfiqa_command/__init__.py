"""The command tinyfiqa, with the exit codes and signals of a program of its own."""

import os
import sys


def main() -> None:
    program = os.path.join(os.path.dirname(os.path.abspath(__file__)), "bin", "tinyfiqa")
    os.execv(program, ["tinyfiqa", *sys.argv[1:]])
