"""`python -m tinyfiqa` is the command, which the package tinyfiqa-command brings."""

import sys

NO_COMMAND = """\
tinyfiqa: the command is a package of its own, tinyfiqa-command. From the folder of the sources:
  pip install bindings/python/command\
"""


def main() -> None:
    try:
        import tinyfiqa_command  # type: ignore[import-not-found,import-untyped]
    except ModuleNotFoundError:
        sys.exit(NO_COMMAND)
    tinyfiqa_command.main()


if __name__ == "__main__":
    main()
