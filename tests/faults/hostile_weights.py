"""Hostile weight files: safetensors, and checkpoints of PyTorch with pickles that want to run code."""
import io
import json
import math
import pickle
import re
import struct
import sys
import types
import zipfile

from hostile_case import Case, flipped


def safetensors(header, data=b""):
    text = header if isinstance(header, bytes) else json.dumps(header).encode()
    return struct.pack("<Q", len(text)) + text + data


def tensor(begin, end, shape, dtype="F32"):
    return {"dtype": dtype, "shape": shape, "data_offsets": [begin, end]}


def headers(repo):
    yield "length_2_63", struct.pack("<Q", 1 << 63) + b"{}" + bytes(64)
    yield "length_beyond", struct.pack("<Q", 100000) + b"{}" + bytes(64)
    yield "length_0", bytes(8) + b"{" + bytes(64)
    yield "no_json", safetensors(b"{" + b"\xff" * 64)
    yield "empty_object", safetensors({})
    yield "nested", safetensors(b'{"a":' + b"[" * 1000000)
    yield "nested_objects", safetensors(b'{"a":' * 200000)
    yield "overlap", safetensors({"a": tensor(0, 16, [4]), "b": tensor(8, 24, [4])}, bytes(24))
    yield "gap", safetensors({"a": tensor(0, 16, [4]), "b": tensor(32, 48, [4])}, bytes(48))
    yield "backwards", safetensors({"a": tensor(16, 0, [4])}, bytes(16))
    yield "beyond", safetensors({"a": tensor(0, 1 << 40, [1 << 38])}, bytes(16))
    yield "end_2_63", safetensors({"a": tensor(0, (1 << 63) - 1, [4])}, bytes(16))
    yield "offset_2_64", safetensors(b'{"a":{"dtype":"F32","shape":[4],"data_offsets":[0,18446744073709551632]}}', bytes(16))
    yield "shape_overflow", safetensors({"a": tensor(0, 16, [1 << 32, 1 << 32])}, bytes(16))
    yield "shape_2_62", safetensors({"a": tensor(0, 0, [1 << 62, 4])})
    yield "shape_zero_times", safetensors({"a": tensor(0, 0, [0, 1 << 62, 1 << 62])})
    yield "negative", safetensors({"a": tensor(0, 16, [-4])}, bytes(16))
    yield "fraction", safetensors(b'{"a":{"dtype":"F32","shape":[4.0],"data_offsets":[0,16]}}', bytes(16))
    yield "rank_17", safetensors({"a": tensor(0, 4, [1] * 17)}, bytes(4))
    yield "rank_100000", safetensors({"a": tensor(0, 4, [1] * 100000)}, bytes(4))
    yield "dtype", safetensors({"a": tensor(0, 16, [4], "C64")}, bytes(16))
    yield "dtype_long", safetensors({"a": tensor(0, 16, [4], "F" * 2000000)}, bytes(16))
    yield "same_name", safetensors(b'{"a":{"dtype":"F32","shape":[4],"data_offsets":[0,16]},'
                                   b'"a":{"dtype":"F32","shape":[4],"data_offsets":[16,32]}}', bytes(32))
    yield "many_tensors", safetensors({f"t{i}": tensor(0, 0, [0]) for i in range(200000)})
    yield "metadata", safetensors({"__metadata__": {"a": "x" * (20 << 20)}, "a": tensor(0, 16, [4])}, bytes(16))
    yield "metadata_many", safetensors({"__metadata__": {f"k{i}": "" for i in range(1000000)}})
    yield "long_name", safetensors({"n" * 100000: tensor(0, 16, [4])}, bytes(16))
    yield "escapes", safetensors({"\x1b[31mPWNED\x1b]0;owned\x07": tensor(0, 16, [4])}, bytes(16))
    yield "newline", safetensors({"x\nFORGED LINE\n": tensor(0, 16, [4])}, bytes(16))
    yield "unfinished_escape", safetensors(b'{"\\u00')
    yield "trailing", safetensors({"a": tensor(0, 16, [4])}, bytes(17))


def edits(repo):
    """Shipped weights, changed so that their hash must tell."""
    data = repo.read("weights/tinyfqnet.safetensors")
    begin = 8 + struct.unpack("<Q", data[:8])[0]
    for number in range(12):
        yield f"tensor_flip{number}", flipped(data, begin + (len(data) - begin) * number // 12 + 1, number % 8)
    for number, percent in enumerate((0, 1, 10, 50, 90, 99)):
        yield f"cut{percent}", data[:len(data) * percent // 100 + number]
    header = json.loads(data[8:begin])
    for key in ("calibration", "input_size", "test_vector"):
        if key in header["__metadata__"]:
            changed = json.loads(json.dumps(header))
            changed["__metadata__"][key] = re.sub("[1-9]", lambda m: str(int(m[0]) % 9 + 1), header["__metadata__"][key], 1)
            yield f"edited_{key}", safetensors(changed, data[begin:])
    no_hash = {k: v for k, v in header["__metadata__"].items() if k != "tinyfiqa_hash"}
    for key, text in (("calibration", "[[0,1e999]]"), ("calibration", "[" * 100000), ("input_size", "99999999x99999999"),
                      ("input_size", "-1x4294967297"), ("test_vector", "{" * 100000)):
        yield f"hashless_{key}_{len(text)}", safetensors({**header, "__metadata__": {**no_hash, key: text}}, data[begin:])


class Runs:
    """Unpickled by Python's pickle, it calls the function."""

    def __init__(self, function, *arguments):
        self.call = (function, arguments)

    def __reduce__(self):
        return self.call


def stand_in(module, name, kind=None):
    """A global with the name that a pickle of PyTorch has."""
    if module not in sys.modules:
        sys.modules[module] = types.ModuleType(module)
    if not hasattr(sys.modules[module], name):
        made = kind or type(name, (), {"__module__": module})
        if kind:
            kind.__module__, kind.__qualname__ = module, name
        setattr(sys.modules[module], name, made)
    return getattr(sys.modules[module], name)


class Storage:
    def __init__(self, key, elements):
        self.id = ("storage", stand_in("torch", "FloatStorage"), key, "cpu", elements)


class Pickler(pickle._Pickler):
    def persistent_id(self, thing):
        return thing.id if isinstance(thing, Storage) else None

    def save_global(self, thing, name=None):  # stand-ins may be functions of another module
        super().save_global(thing, name)


def rebuild(*_):
    """Stands in for torch._utils._rebuild_tensor_v2."""


def view(key, elements, offset, shape, stride):
    function = stand_in("torch._utils", "_rebuild_tensor_v2", rebuild)
    return Runs(function, Storage(key, elements), offset, shape, stride, False, {})


def pickled(thing, protocol=2):
    out = io.BytesIO()
    Pickler(out, protocol).dump(thing)
    return out.getvalue()


def archive(program, storages=(("0", bytes(64)),), compression=zipfile.ZIP_STORED, names=()):
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", compression) as file:
        def put(name, data):
            file.writestr(zipfile.ZipInfo(name), data, compression)
        put("archive/data.pkl", program)
        for key, data in storages:
            put(f"archive/data/{key}", data)
        for name in names:
            put(name, b"x")
        put("archive/version", b"3\n")
    return out.getvalue()


def globals_that_run(canary):
    """Pickles that make a file, if anything executes them."""
    import os
    import subprocess
    touch = f"touch '{canary}'"
    python = f"open({canary!r}, 'w')"
    yield "os_system", Runs(os.system, touch)
    yield "eval", Runs(eval, python)
    yield "exec", Runs(exec, python)
    yield "popen", Runs(os.popen, touch)
    yield "subprocess", Runs(subprocess.Popen, ["touch", canary])
    yield "open", Runs(open, canary, "w")
    yield "getattr", Runs(getattr, Runs(__import__, "os"), "system")
    yield "mkdir", Runs(os.mkdir, canary)


def weights_of_a_network(repo):
    """The tensors of shipped weights, as a pickle has them, and their storages."""
    data = repo.read("weights/tinyfqnet.safetensors")
    begin = 8 + struct.unpack("<Q", data[:8])[0]
    tensors, storages = {}, []
    for name, entry in json.loads(data[8:begin]).items():
        if name == "__metadata__":
            continue
        first, last = entry["data_offsets"]
        values = struct.unpack(f"<{(last - first) // DTYPE_BYTES[entry['dtype']]}{DTYPE_CODES[entry['dtype']]}",
                               data[begin + first:begin + last])
        shape = tuple(entry["shape"])
        strides = tuple(math.prod(shape[i + 1:]) for i in range(len(shape)))
        tensors[name] = view(str(len(storages)), len(values), 0, shape, strides)
        storages.append((str(len(storages)), struct.pack(f"<{len(values)}f", *values)))
    return tensors, storages


DTYPE_BYTES, DTYPE_CODES = {"F32": 4, "F16": 2, "I64": 8}, {"F32": "f", "F16": "e", "I64": "q"}


def hostile_pickles(repo, canary):
    good, storages = weights_of_a_network(repo)
    for name, thing in globals_that_run(canary):
        for protocol in (2, 4):
            yield f"{name}_alone_{protocol}.pth", archive(pickled(thing, protocol)), True
        yield f"{name}_beside.pth", archive(pickled({"state_dict": good, "args": thing}), storages), None
        yield f"{name}_as_tensor.pth", archive(pickled({**good, next(iter(good)): thing}), storages), True
        yield f"{name}_plain.pkl", pickled(thing, 0), True


def lying_tensors():
    for name, (elements, offset, shape, stride) in {
            "offset": (16, 1 << 40, (4,), (1,)), "negative_offset": (16, -4, (4,), (1,)),
            "reach": (16, 0, (4, 5), (4, 1)), "huge_shape": (16, 0, (1 << 40, 1 << 40), (0, 0)),
            "stride0": (16, 0, (1 << 27,), (0,)), "negative_stride": (16, 15, (4,), (-1,)),
            "elements": (1 << 60, 0, (1 << 60,), (1,)), "negative_shape": (16, 0, (-4,), (1,)),
            "rank": (16, 0, (1,) * 1000, (1,) * 1000), "ranks_differ": (16, 0, (4, 4), (1,)),
            "stride_overflow": (16, 0, (3, 3), (1 << 62, 1 << 62))}.items():
        yield f"{name}.pth", archive(pickled({"a": view("0", elements, offset, shape, stride)})), True
    yield "views_1000.pth", archive(pickled({f"t{i}": view("0", 16, 0, (1 << 20,), (0,)) for i in range(1000)})), True
    yield "no_storage.pth", archive(pickled({"a": view("nowhere", 16, 0, (4,), (1,))})), True
    yield "storage_path.pth", archive(pickled({"a": view("../../../../etc/passwd", 16, 0, (4,), (1,))})), True


def pickle_bombs():
    laughs = [0] * 10
    for _ in range(40):
        laughs = [laughs] * 10
    yield "laughs", pickled({"a": laughs})
    for name, thing in (("list", []), ("dict", {})):
        thing.append(thing) if name == "list" else thing.update(a=thing)
        yield f"cycle_{name}", pickled(thing)
    two = ([], {})
    two[0].append(two)
    two[1]["b"] = two
    yield "cycle_both", pickled({"state_dict": two[1]})
    yield "deep_lists", b"\x80\x02" + b"]" * 1000000 + b"a" * 999999 + b"."
    yield "deep_tuples", b"\x80\x02)" + b"\x85" * 3000000 + b"."
    yield "marks", b"\x80\x02" + b"(" * 4000000 + b"."
    yield "pushes", b"\x80\x02" + b"N" * 8000000 + b"."
    yield "text_2_63", b"\x80\x04\x8d" + struct.pack("<Q", 1 << 63) + b"a."
    yield "text_2_31", b"\x80\x02X" + struct.pack("<I", 0xffffffff) + b"a."
    yield "bytes_2_63", b"\x80\x04\x8e" + struct.pack("<Q", (1 << 64) - 1) + b"a."
    yield "frame", b"\x80\x04\x95" + struct.pack("<Q", (1 << 64) - 1) + b"N."
    yield "long4", b"\x80\x02\x8b" + struct.pack("<i", -1) + b"."
    yield "long4_large", b"\x80\x02\x8b" + struct.pack("<i", 0x7fffffff) + bytes(64) + b"."
    yield "memo_index", b"\x80\x02Nr" + struct.pack("<I", 0xffffffff) + b"."
    yield "memo_text", b"Np99999999999999999999\n."
    yield "memo_missing", b"\x80\x02j" + struct.pack("<I", 7) + b"."
    yield "pop_empty", b"\x80\x020" * 10 + b"."
    yield "build", b"\x80\x02}}b" * 100000 + b"."
    yield "no_stop", b"\x80\x02}"
    yield "unknown", b"\x80\x02\xff."
    yield "protocol", b"\x80\xff}."
    yield "setitems_odd", b"\x80\x02}(NNNu."
    yield "extension", b"\x80\x02\x82\x01."
    yield "digits", b"L" + b"9" * 4000000 + b"L\n."


def zip_lies(repo):
    good = repo.read("tests/fixtures/models/tinyfqnet.zip.pth")
    program = pickled({"a": view("0", 1 << 26, 0, (1 << 26,), (1,))})
    yield "deflate.pth", archive(program, [("0", bytes(1 << 28))], zipfile.ZIP_DEFLATED)
    yield "deflate_program.pth", archive(b"\x80\x02" + b"N" * (1 << 28), [], zipfile.ZIP_DEFLATED)
    yield "deflate_many.pth", archive(pickled({f"t{i}": view(str(i), 1 << 22, 0, (1 << 22,), (1,)) for i in range(32)}),
                                      [(str(i), bytes(1 << 24)) for i in range(32)], zipfile.ZIP_DEFLATED)
    yield "names.pth", archive(b"N.", [], names=[f"archive/{i}" for i in range(60000)])
    yield "escape.pth", archive(b"N.", [], names=["../../canary", "/tmp/canary", "archive/../../canary"])
    end = good.rindex(b"PK\x05\x06")
    central = good.index(b"PK\x01\x02")
    for name, at, text in (("entries", end + 8, b"\xff\xff\xff\xff"), ("directory_size", end + 12, b"\xff\xff\xff\xff"),
                           ("directory_offset", end + 16, b"\xfe\xff\xff\xff"), ("size", central + 24, b"\xfe\xff\xff\x7f"),
                           ("packed_size", central + 20, b"\xfe\xff\xff\x7f"), ("method", central + 10, b"\x63\0"),
                           ("entry_offset", central + 42, b"\xfe\xff\xff\x7f"), ("checksum", central + 16, b"\1\2\3\4"),
                           ("encrypted", central + 8, b"\x01\0")):
        again = name.startswith(("entries", "directory"))  # the ZIP64 record, which counts, says it too
        yield f"zip_{name}.pth", good[:at] + text + good[at + len(text):], None if again else True
    for percent in (2, 30, 60, 90, 99):
        yield f"cut{percent}.pth", good[:len(good) * percent // 100]
    legacy = repo.read("tests/fixtures/models/tinyfqnet.legacy.pth")
    for percent in (1, 5, 20, 60, 99):
        yield f"legacy_cut{percent}.pth", legacy[:len(legacy) * percent // 100]


def strangers():
    yield "page.pth", b"<!DOCTYPE html><html>" + b"x" * 1000
    yield "lfs.pth", b"version https://git-lfs.github.com/spec/v1\noid sha256:0\nsize 9\n"
    yield "zeros.pth", bytes(1 << 20)
    yield "empty.pth", b""
    yield "one_byte.pth", b"\x80"
    yield "zip_only.pth", b"PK\x03\x04"
    yield "gzip.pth", b"\x1f\x8b\x08" + bytes(100)
    yield "elf.pth", b"\x7fELF" + bytes(100)


def reading(tool, repo, path, number):
    """The commands that read weights, by turns."""
    face = repo.path("examples/faces/astronaut_small.jpg")
    return [[tool, "import", path, path + ".out.safetensors"], [tool, "info", "--weights", path],
            [tool, "score", "--face", "whole", "--weights", path, face], [tool, "verify-weights", path],
            [tool, "calibrate", path, "--whole-image", "--data", repo.path("examples/faces/labels.csv"), "--out",
             path + ".out.safetensors"], [tool, "detect", "--detector", path, face]][number % 6]


def cases(repo, work, tool):
    def every(kind, files, one_of=None):
        for number, (name, data, *bad) in enumerate(files):
            path = work.write(f"weights/{kind.replace(' ', '_')}/{name}", data)
            must_fail = bad[0] if bad else True
            reader = number if one_of is None else one_of[number % len(one_of)]
            forbidden = (b"FORGED LINE",)
            if must_fail and name.startswith(("shape_zero_times", "escapes", "newline", "trailing", "dtype_long", "empty_object",
                                              "long_name")):
                reader = number % 2 * 2  # for import and score they are no weights of a network
            yield Case(kind, name, reading(tool, repo, path, reader), must_fail, forbidden=forbidden)
    yield from every("safetensors headers", ((f"{n}.safetensors", d, None if n in MAY_BE_IMPORTED else True)
                                             for n, d in headers(repo)))
    yield from every("weights edited or cut", ((f"{n}.safetensors", d, None if n.startswith("hashless") else True)
                                               for n, d in edits(repo)))
    yield from every("pickles that run code", hostile_pickles(repo, work.path("canary")), one_of=(0, 2, 1))
    yield from every("tensors that lie", lying_tensors(), one_of=(0, 2))
    yield from every("pickle bombs", ((f"{n}_{kind}", data, True) for n, p in pickle_bombs()
                                      for kind, data in (("zip.pth", archive(p)), ("plain.pkl", p))), one_of=(0, 1, 2))
    yield from every("zip files", zip_lies(repo), one_of=(0, 2))
    yield from every("files of another kind", strangers())


# Odd, but each tensor is what the header says; `import` may convert them.
MAY_BE_IMPORTED = {"shape_zero_times", "escapes", "newline", "empty_object", "long_name", "length_0"}
