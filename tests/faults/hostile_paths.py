"""Hostile paths: names, links, folders, pipes and devices."""
import os
import socket

from hostile_case import Case


def names(work, garbage, photo):
    """Files whose names harm, with contents that are no image."""
    folder = "paths/names"
    for number, name in enumerate((b"new\nFORGED LINE\n.jpg", b"esc\x1b[2J\x1b]0;owned\x07.jpg", b"back\x08\x08\x08.jpg", b"cr\rFORGED.jpg",
                                   b"\xff\xfe\x80.jpg", b"\xc2\x9b31m.jpg", b"-rf.jpg", b"--help", b"$(touch canary).jpg", b"`touch canary`",
                                   b"a,b\"c.jpg", b"%s%n%n.jpg", b"*?[.jpg", b" ", b"tab\t.jpg", b"\xe2\x80\xae gpj.exe", b"del\x7f.jpg")):
        path = os.path.join(work.path(folder).encode(), name)
        os.makedirs(os.path.dirname(path), exist_ok=True)
        with open(path, "wb") as file:
            file.write(garbage)
        yield f"name{number}", [os.fsdecode(path)]
    yield "folder of such names", [work.path(folder)]
    yield "pattern of such names", [work.path(folder) + "/*"]


def missing(work):
    yield "long component", [work.path("x" * 256 + ".jpg")]
    yield "long path", [work.path("d/" * 3000 + "x.jpg")]
    yield "megabyte", [work.path("x" * 100000 + ".jpg")]
    yield "parents", ["../" * 1300 + "x.jpg"]
    yield "empty", [""]
    yield "spaces", ["   "]
    yield "stars", [work.path("*" * 3000)]
    yield "many stars", [work.path("*a" * 60 + "b")]
    yield "bracket", [work.path("[" * 100)]
    yield "thousand", [work.path(f"nowhere{i}.jpg") for i in range(1000)]
    yield "slash at the end", [work.path("photo.jpg") + "/"]
    yield "nothing", [work.path("nowhere.jpg")]


def special(work, photo):
    """Links, folders, pipes and devices."""
    here = work.path("paths/special")
    os.makedirs(here, exist_ok=True)

    def at(name):
        return os.path.join(here, name)

    def link(name, target):
        if os.path.lexists(at(name)):
            os.remove(at(name))
        os.symlink(target, at(name))
        return [at(name)]
    yield "link to itself", link("self.jpg", "self.jpg")
    yield "two links in a circle", (link("one.jpg", "two.jpg"), link("two.jpg", "one.jpg"))[0]
    yield "link to nothing", link("nothing.jpg", "nowhere")
    yield "link to a device", link("zero.jpg", "/dev/zero")
    yield "link to memory", link("memory.jpg", "/proc/self/mem")
    for name in ("pipe.jpg", "pipe2.jpg"):
        if not os.path.exists(at(name)):
            os.mkfifo(at(name))
        yield name, [at(name)]
    with socket.socket(socket.AF_UNIX) as server:
        if os.path.exists(at("s.jpg")):
            os.remove(at("s.jpg"))
        try:
            server.bind(at("s.jpg"))
            yield "socket", [at("s.jpg")]
        except OSError:
            pass  # the path is too long for a socket
    for device in ("/dev/zero", "/dev/urandom", "/dev/null", "/dev/full", "/proc/self/maps"):
        yield device, [device]
    os.makedirs(at("folder.jpg"), exist_ok=True)
    yield "folder named as a photo", [at("folder.jpg")]
    deep = at("deep")
    os.makedirs(deep + "/a" * 500, exist_ok=True)
    yield "deep folders", [deep]
    os.makedirs(at("loop"), exist_ok=True)
    if not os.path.lexists(at("loop/back")):
        os.symlink("..", at("loop/back"))
    yield "folder that contains itself", [at("loop")]
    yield "pattern over links", [at("*.jpg")]


def cases(repo, work, tool):
    photo = repo.read("examples/faces/astronaut_small.jpg")
    garbage = b"\xff\xd8\xff" + bytes(100)
    work.write("photo.jpg", photo)
    every = [("names", n, p) for n, p in names(work, garbage, photo)]
    every += [("paths that do not exist", n, p) for n, p in missing(work)]
    every += [("links, pipes and devices", n, p) for n, p in special(work, photo)]
    formats = ("text", "csv", "jsonl")
    for number, (kind, name, paths) in enumerate(every):
        yield Case(kind, name, [tool, "score", "--face", "whole", "--format", formats[number % 3], "--", *paths], True,
                   forbidden=(b"FORGED LINE",))
    face = repo.path("examples/faces/astronaut_small.jpg")
    for name, path in (("/dev/zero", "/dev/zero"), ("folder", work.path("paths")), ("pipe", work.path("paths/special/pipe.jpg")),
                       ("link to itself", work.path("paths/special/self.jpg")), ("/dev/null", "/dev/null")):
        for command in (["score", "--face", "whole", face, "--weights", path], ["eval", "--data", path], ["verify-weights", path],
                        ["import", path, work.path("o.safetensors")], ["forward", "--input", path, "--output", work.path("o.npy")]):
            yield Case("special files elsewhere", f"{name} ({command[0]})", [tool, *command], True)
