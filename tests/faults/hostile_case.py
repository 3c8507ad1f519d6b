"""One hostile file and the command that reads it."""
import os


class Case:
    """`bad`: True if the file must be refused, None if it may be read."""

    def __init__(self, kind, name, command, bad=True, stdin=None, forbidden=(), most_mib=1024):
        self.kind, self.name, self.command, self.bad, self.stdin = kind, name, command, bad, stdin
        self.forbidden = forbidden  # lines that a name must not forge
        self.most_mib = most_mib


def flipped(data, at, bit=3):
    """`data` with one other bit."""
    return data[:at] + bytes([data[at] ^ (1 << bit)]) + data[at + 1:]


class Folder:
    """Reads and writes files below one folder."""

    def __init__(self, root):
        self.root = os.path.abspath(root)

    def path(self, name):
        return os.path.join(self.root, name)

    def read(self, name):
        with open(self.path(name), "rb") as file:
            return file.read()

    def write(self, name, data):
        path = self.path(name)
        os.makedirs(os.path.dirname(path), exist_ok=True)
        with open(path, "wb") as file:
            file.write(data)
        return path
