"""Hostile tables, arrays, lists, video streams and states of a training."""
import json
import shutil
import struct
import subprocess

from hostile_case import Case, flipped


def tables():
    """CSV files that no command may accept."""
    row = "astronaut.jpg,0.5\n"
    yield "one_line", b"path,score\n" + b"a" * (32 << 20)
    yield "one_header", b"a" * (8 << 20)
    yield "quote_open", b'path,score\n"' + b"a.jpg,0.5\n" * 100000
    yield "quotes", b'path,score\n' + b'"' * (4 << 20)
    yield "quote_inside", b'path,score\na"b.jpg,0.5\n'
    yield "columns", ",".join(["path", "score", *(f"c{i}" for i in range(4095))]).encode() + b"\n" + row.encode()
    yield "commas", b"path,score\n" + b"," * (8 << 20)
    yield "fields", (b"path,score\n" + row.encode() + b"astronaut.jpg,0.5,1,2\n")
    yield "short_row", b"path,score\nastronaut.jpg\n"
    yield "nul", b"path,score\nastronaut.jpg\0,0.5\n"
    yield "nuls", bytes(1 << 20)
    yield "utf16", ("\ufeffpath,score\n" + row).encode("utf-16-le")
    yield "utf16_be", ("\ufeffpath,score\n" + row).encode("utf-16-be")
    yield "binary", bytes(range(256)) * 4096
    yield "empty", b""
    yield "header_only", b"path,score\n"
    yield "no_score", b"path\nastronaut.jpg\n"
    yield "same_column", b"path,score,score\nastronaut.jpg,0.5,0.7\n"
    for number, value in enumerate(("nan", "inf", "1e999", "0x10", "1,5", "", "0.5x", "--1", "9" * 100000, "\x1b[31m0.5")):
        yield f"score{number}", f"path,score\nastronaut.jpg,\"{value}\"\nastronaut_dark.jpg,0.1\n".encode()
    for number, value in enumerate(("/dev/zero", "../" * 2000 + "x.jpg", "a\nFORGED LINE\nb.jpg", "\x1b]0;owned\x07.jpg", "~", ".",
                                    "x" * 300000, "http://127.0.0.1:9/a.jpg", "|touch canary", "$(touch canary).jpg")):
        yield f"path{number}", f"path,score\n\"{value}\",0.5\n\"{value}\",0.6\n".encode()
    for number, box in enumerate(("1e9,0,10,10", "0,0,-5,5", "nan,0,10,10", "0,0,0,0", "0,0,inf,5", "-1e38,-1e38,3e38,3e38")):
        yield f"box{number}", f"path,score,box_x,box_y,box_w,box_h\nastronaut.jpg,0.5,{box}\nastronaut_dark.jpg,0.5,{box}\n".encode()
    yield "page", b"<!DOCTYPE html>\n<html>\n"
    yield "excel", b"PK\x03\x04" + bytes(1000)


def table_commands(tool, path, faces, out):
    images = ["--images", faces]
    return [[tool, "eval", "--data", path, *images, "--out", out],
            [tool, "train", "--data", path, *images, "--model", "tinyfqnet", "--epochs", "1", "--out", out],
            [tool, "sample", "--data", path, *images, "--fewest-images", "1", "--out", out + ".csv"]]


def arrays():
    def npy(header, data=b"", version=1, length=None):
        text = header.encode() if isinstance(header, str) else header
        size = len(text) if length is None else length
        return b"\x93NUMPY" + bytes([version, 0]) + struct.pack("<H" if version == 1 else "<I", size) + text + data

    def head(shape="(1, 3, 64, 64)", kind="<f4", order="False"):
        return f"{{'descr': '{kind}', 'fortran_order': {order}, 'shape': {shape}, }}\n"
    floats = bytes(4 * 3 * 64 * 64)
    for number, shape in enumerate(("(65535, 3, 65535, 65535)", "(1, 3, 18446744073709551616, 1)", "(-1, 3, 64, 64)", "(0, 3, 64, 64)",
                                    "(1, 3, 0, 0)", "(1, 2, 64, 64)", "(3,)", "()", "(1, 3, 64, 65)", "(4294967297, 3, 64, 64)",
                                    "(" + "1, " * 40 + ")", "((((", "(1.5, 3, 64, 64)", "'abc'", "(1, 3, 4194304, 4194304)")):
        yield f"shape{number}", npy(head(shape), floats)
    for kind in ("|O", "<f3", "<M8[ns]", ">f4", "<c8", "|S4", "<f999999999999", "", "|V8"):
        yield f"type_{kind.strip('<>|')[:3] or 'none'}", npy(head(kind=kind), floats)
    yield "header_beyond", npy(head(), floats, length=65535)
    yield "header_beyond_2", npy(head(), floats, version=2, length=0xffffffff)
    yield "version", npy(head(), floats, version=9)
    yield "header_empty", npy("", floats)
    yield "header_deep", npy("{" * 60000)
    yield "header_code", npy("__import__('os').system('touch canary')\n", floats)
    yield "cut", npy(head(), floats[:-1])
    yield "more", npy(head(), floats + b"1")
    yield "magic", b"\x93NUMPY"
    yield "nothing", b""
    yield "object", npy(head(kind="|O"), b"\x80\x02cos\nsystem\n(S'touch canary'\ntR.")


def frames(repo):
    """MJPEG streams without an image that can be read."""
    photo = repo.read("examples/faces/astronaut_small.jpg")
    yield "starts", b"\xff\xd8\xff" * (4 << 20)
    yield "starts_ends", b"\xff\xd8\xff\xd9" * (1 << 20)
    yield "noise", bytes((i * i >> 3 ^ i) & 255 for i in range(1 << 20))
    yield "zeros", bytes(16 << 20)
    yield "no_end", photo[:-2] + b"\0" * (80 << 20)
    yield "cut", photo[:len(photo) // 2]
    yield "cut_often", photo[:len(photo) // 2] * 2000
    yield "empty", b""
    yield "text", b"not a video\n" * 100000
    yield "markers", b"\xff" * (16 << 20)
    yield "comment", b"\xff\xd8\xff\xfe\xff\xff" + b"\xff\xd8" * (8 << 20)


def lists():
    """Lists of files on standard input, all of whose rows are errors."""
    yield "nul", b"a.jpg\0b.jpg\0"
    yield "binary", bytes(range(256)) * 1000
    yield "one_line", b"x" * (64 << 20)
    yield "empty_lines", b"\n" * (1 << 20)
    yield "escapes", b"\x1b[31mred\x1b]0;title\x07\n\xc2\x9b31m\n\x7f\n"
    yield "carriage", b"a.jpg\rFORGED LINE\n"
    yield "photo", b"\xff\xd8\xff\xe0" + bytes(range(256)) * 100
    yield "devices", b"/dev/zero\n/dev/full\n/dev/stdin\n/dev/tty\n/proc/self/mem\n/proc/kmsg\n"
    yield "patterns", b"*" * 5000 + b"\n" + b"[" * 5000 + b"\n"


def states(repo, work, tool):
    """Folders of a training whose state or options were edited."""
    first = work.path("run")
    shutil.rmtree(first, ignore_errors=True)
    subprocess.run([tool, "train", "--data", repo.path("examples/faces/labels.csv"), "--model", "tinyfqnet", "--epochs", "2",
                    "--batch", "2", "--train-share", "0.5", "--threads", "1", "--whole-image", "--out", first],
                   check=True, capture_output=True, cwd=work.root)
    state = work.read("run/state.safetensors")
    run = json.loads(work.read("run/run.json"))
    begin = 8 + struct.unpack("<Q", state[:8])[0]
    header = json.loads(state[8:begin])

    def with_metadata(**changes):
        text = json.dumps({**header, "__metadata__": {**header["__metadata__"], **changes}}).encode()
        return struct.pack("<Q", len(text)) + text + state[begin:]
    for number in range(8):
        yield f"state_flip{number}", {"state.safetensors": flipped(state, begin + (len(state) - begin) * number // 8, number)}
    for key, value in (("epoch", "nan"), ("epoch", "1"), ("epoch", "-1"), ("epoch", "99999999999"), ("batch", "1"), ("batch", "1e300"),
                       ("loss_sum", "inf"), ("images", "5"), ("best_epoch", "7"), ("best_score", "nan"), ("optimizer_steps", "0"),
                       ("log", ""), ("log", "x" * 1000), ("fingerprint", ""), ("kind", "x"), ("state_hash", "0"),
                       ("tinyfiqa_hash", "0" * 16)):
        yield f"state_{key}_{value[:4]}", {"state.safetensors": with_metadata(**{key: value})}
    for percent in (0, 10, 60, 99):
        yield f"state_cut{percent}", {"state.safetensors": state[:len(state) * percent // 100]}
    for number, text in enumerate(('{"command_line":5,"directory":7}', "[" * 200000, "", "{}", "null", '{"command_line":[],"directory":"."}',
                                   '{"command_line":["--help"],"directory":"/tmp"}', '{"command_line":["--data",5],"directory":"/"}',
                                   json.dumps({**run, "directory": "/nowhere/\x1b[31m"}), json.dumps({**run, "command_line": ["x"] * 100000}),
                                   json.dumps({**run, "command_line": ["--epochs", "1" * 100000]}), "\x00" * 1000, '{"a":' * 100000)):
        yield f"options{number}", {"run.json": text.encode()}


def cases(repo, work, tool):
    faces = repo.path("examples/faces")
    for number, (name, data) in enumerate(tables()):
        path = work.write(f"tables/{name}.csv", data)
        no_box = name.startswith(("box", "path", "score9"))
        command = table_commands(tool, path, faces, work.path(f"tables/{name}.out"))[0 if no_box else number % 3]
        may = name in ("score3", "score9", "fields") or (command[1] == "sample" and name.startswith("score"))
        yield Case("CSV tables", f"{name} ({command[1]})", command, None if may else True, forbidden=(b"FORGED LINE",))
    for name, data in arrays():
        path = work.write(f"arrays/{name}.npy", data)
        yield Case("arrays", name, [tool, "forward", "--input", path, "--output", work.path("arrays/out.npz")],
                   None if name in ("type_f4",) else True)
    for name, data in frames(repo):
        yield Case("MJPEG streams", name, [tool, "select", "--stdin-mjpeg", "--face", "whole", "-k", "2"], True,
                   work.write(f"streams/{name}.mjpeg", data))
    for name, data in lists():
        yield Case("lists of files", name, [tool, "score", "-", "--face", "whole"], None if name == "empty_lines" else True,
                   work.write(f"lists/{name}.txt", data), (b"FORGED LINE",))
    for name, files in states(repo, work, tool):
        folder = work.path(f"states/{name}")
        shutil.rmtree(folder, ignore_errors=True)
        shutil.copytree(work.path("run"), folder)
        for file, data in files.items():
            work.write(f"states/{name}/{file}", data)
        if "run.json" not in files:  # the training is resumed in its own folder
            run = json.loads(work.read("run/run.json"))
            run["command_line"][run["command_line"].index("--out") + 1] = folder
            work.write(f"states/{name}/run.json", json.dumps(run).encode())
        yield Case("states of a training", name, [tool, "train", "--resume", folder], True)
