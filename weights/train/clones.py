"""Reads pictures of public repositories from clones of them, with git."""

import re
import subprocess
from dataclasses import dataclass

from PIL import Image

PHOTO = "photo"  # taken as it is


@dataclass(frozen=True)
class Source:
    """Pictures of one repository: those whose path fits `pattern`.

    With `limit`, that many are taken at equal distances along the sorted
    paths; `every` takes each so-manieth path first. `top_square` keeps only
    the upper square of the picture (close-ups of text from long receipts).
    """

    name: str
    repo: str
    commit: str
    pattern: str
    kind: str = PHOTO
    limit: int = 0
    every: int = 1
    top_square: bool = False

    def choose(self, paths):
        """Return the paths to take, in a fixed order."""
        fitting = sorted(p for p in paths if re.search(self.pattern, p))
        return spread(fitting[:: self.every], self.limit)


def spread(items, count):
    """Return `count` of `items` at equal distances; all of them for 0 or few."""
    if not count or len(items) <= count:
        return items
    return [items[i * len(items) // count] for i in range(count)]


def find_clone(clones, repo):
    """Return the folder git can read `repo` (OWNER/NAME) from, or None."""
    owner, name = repo.split("/")
    for folder in (f"{owner}+{name}", repo, f"{owner}-{name}", f"{owner}_{name}", name):
        for place in (folder, f"{folder}.git", f"{folder}/repo", f"{folder}/repo/.git"):
            path = clones / place
            if (path / ".git").exists() or (path / "HEAD").is_file():
                return path
    return None


def list_blobs(clone, commit):
    """Return {path: blob id} of every file of `commit`."""
    listing = subprocess.run(
        ["git", "-C", str(clone), "ls-tree", "-r", "-z", commit],
        check=True, capture_output=True,
    ).stdout
    blobs = {}
    for entry in listing.split(b"\0"):
        if entry:
            head, path = entry.split(b"\t", 1)
            _, kind, blob = head.split()
            if kind == b"blob":
                blobs[path.decode("utf-8", "replace")] = blob.decode()
    return blobs


class BlobReader:
    """Read files by blob id through one `git cat-file --batch` process."""

    def __init__(self, clone):
        self.process = subprocess.Popen(
            ["git", "-C", str(clone), "cat-file", "--batch"],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE,
        )

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.process.stdin.close()
        self.process.stdout.close()
        self.process.wait()

    def read(self, blob):
        """Return the bytes of `blob`, or None where the clone lacks it."""
        self.process.stdin.write(blob.encode() + b"\n")
        self.process.stdin.flush()
        head = self.process.stdout.readline().split()
        if len(head) != 3:
            return None
        data = self.process.stdout.read(int(head[2]))
        self.process.stdout.read(1)
        return data


def to_rgb(image):
    """Return `image` as RGB, transparent parts on white."""
    if image.mode in ("RGBA", "LA", "PA") or "transparency" in image.info:
        image = image.convert("RGBA")
        ground = Image.new("RGBA", image.size, "white")
        image = Image.alpha_composite(ground, image)
    return image.convert("RGB")
