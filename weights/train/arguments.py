"""What the command lines of the scripts share."""
import argparse


def named(text):
    """The argument NAME=VALUE as a pair."""
    name, separator, value = text.partition("=")
    if not (name and separator and value):
        raise argparse.ArgumentTypeError(f"'{text}' is not NAME=VALUE")
    return name, value
