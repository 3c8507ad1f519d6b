"""Hostile HEIC and AVIF images: a container that says less than its codec's data, or that asks for the same work again."""
import struct


def box(kind, *parts):
    body = b"".join(parts)
    return struct.pack(">I", 8 + len(body)) + kind + body


def full_box(kind, version, *parts, flags=0):
    return box(kind, struct.pack(">I", version << 24 | flags), *parts)


class Bits:
    """A string of zeros and ones that is read from its begin."""

    def __init__(self, data):
        self.text = "".join(f"{byte:08b}" for byte in data)
        self.at = 0

    def read(self, count):
        self.at += count
        return int(self.text[self.at - count:self.at] or "0", 2)

    def number(self):
        """ue(v) of HEVC."""
        zeros = self.text.index("1", self.at) - self.at
        return self.read(2 * zeros + 1) - 1

    def with_inserted(self, begin, text):
        """As bytes, with `text` in the place of the bits from `begin` to here."""
        bits = self.text[:begin] + text + self.text[self.at:]
        bits += "0" * (-len(bits) % 8)
        return bytes(int(bits[i:i + 8], 2) for i in range(0, len(bits), 8))


def exponential(value):
    """ue(v) of HEVC as bits."""
    bits = f"{value + 1:b}"
    return "0" * (len(bits) - 1) + bits


def escaped(unit):
    """An HEVC unit whose data contain no start code."""
    out = bytearray()
    for byte in unit:
        if byte <= 3 and out[-2:] == b"\0\0":
            out.append(3)
        out.append(byte)
    return bytes(out)


def unescaped(unit):
    return unit.replace(b"\0\0\3", b"\0\0")


def with_hevc_size(sequence, width, height):
    """A sequence parameter set with another size. (One layer, as photos have.)"""
    bits = Bits(unescaped(sequence))
    bits.read(16 + 4)
    assert bits.read(3) == 0, "one layer"
    bits.read(1 + 88 + 8)
    bits.number()
    if bits.number() == 3:  # 4:4:4
        bits.read(1)
    begin = bits.at
    bits.number()
    bits.number()
    return escaped(bits.with_inserted(begin, exponential(width) + exponential(height)))


def with_av1_size(data, width, height):
    """AV1 data whose sequence header has another size. (A still picture with a reduced header, as encoders of photos write.)"""
    at = 0
    while data[at] >> 3 & 15 != 1:  # until the sequence header
        assert data[at] & 2, "a unit with its size"
        at += 2 + data[at + 1]
    size = data[at + 1]
    assert size < 128
    bits = Bits(data[at + 2:at + 2 + size])
    bits.read(3 + 1)
    if bits.read(1):  # reduced
        bits.read(5)
    else:
        assert bits.read(1) == 0, "no timing"
        assert bits.read(1) == 0, "no delay"
        assert bits.read(5) == 0, "one operating point"
        bits.read(12)
        if bits.read(5) > 7:
            bits.read(1)
    begin = bits.at
    width_bits, height_bits = bits.read(4) + 1, bits.read(4) + 1
    bits.read(width_bits + height_bits)
    header = bits.with_inserted(begin, f"11111111{width - 1:016b}{height - 1:016b}")
    return data[:at + 1] + bytes([len(header)]) + header + data[at + 2 + size:]


def child(data, *path):
    """The body of a box inside others."""
    for kind in path:
        at = 0
        while data[at + 4:at + 8] != kind:
            at += struct.unpack(">I", data[at:at + 4])[0]
        data = data[at + 8:at + struct.unpack(">I", data[at:at + 4])[0]]
        if kind == b"meta":
            data = data[4:]
    return data


class Coded:
    """A coded image: its codec, the codec's parameters and data."""

    def __init__(self, kind, parameters, data):
        self.kind, self.parameters, self.data = kind, parameters, data

    @staticmethod
    def of(file):
        """The only image of a fixture."""
        av1 = b"av1C" in file
        properties = child(file, b"meta", b"iprp", b"ipco")
        parameters = child(properties, b"av1C" if av1 else b"hvcC")
        return Coded(b"av01" if av1 else b"hvc1", parameters, child(file, b"mdat"))

    @property
    def brand(self):
        return b"avif" if self.kind == b"av01" else b"heic"

    def property(self):
        return box(b"av1C" if self.kind == b"av01" else b"hvcC", self.parameters)

    def units(self):
        """The units of HEVC parameters: [[kind, unit...]...]"""
        at, arrays = 23, []
        for _ in range(self.parameters[22]):
            kind, count = struct.unpack(">BH", self.parameters[at:at + 3])
            at += 3
            units = []
            for _ in range(count):
                size = struct.unpack(">H", self.parameters[at:at + 2])[0]
                units.append(self.parameters[at + 2:at + 2 + size])
                at += 2 + size
            arrays.append((kind, units))
        return arrays

    def with_units(self, arrays):
        out = self.parameters[:22] + bytes([len(arrays)])
        for kind, units in arrays:
            out += struct.pack(">BH", kind, len(units)) + b"".join(struct.pack(">H", len(u)) + u for u in units)
        return Coded(self.kind, out, self.data)

    def sized(self, width, height):
        """The same data for a frame of another size."""
        if self.kind == b"av01":
            return Coded(self.kind, self.parameters, with_av1_size(self.data, width, height))
        return self.with_units([(kind, [with_hevc_size(u, width, height) for u in units] if kind & 63 == 33 else units)
                                for kind, units in self.units()])


class Item:
    """An item of a container: its type, data, size as stated, further properties, and the items it is made of."""

    def __init__(self, kind, data, width, height, properties=(), made_of=()):
        self.kind, self.data, self.made_of = kind, data, made_of
        self.properties = [full_box(b"ispe", 0, struct.pack(">II", width, height)), *properties]

    @staticmethod
    def coded(coded, width, height, *properties):
        return Item(coded.kind, coded.data, width, height, [coded.property(), *properties])

    @staticmethod
    def grid(width, height, rows, columns, tiles, stated=None):
        data = struct.pack(">BBBBII", 0, 1, rows - 1, columns - 1, width, height)
        pixels = full_box(b"pixi", 0, b"\3\x08\x08\x08")
        return Item(b"grid", data, *(stated or (width, height)), [pixels], tiles)

    @staticmethod
    def overlay(width, height, layers):
        data = struct.pack(">BB4HII", 0, 1, 0, 0, 0, 0xFFFF, width, height) + bytes(8 * len(layers))
        return Item(b"iovl", data, width, height, [full_box(b"pixi", 0, b"\3\x08\x08\x08")], layers)


def container(brand, items):
    """A file. Items are counted from 1; the first is the photo."""
    properties, associations = [], b""
    for number, item in enumerate(items, 1):
        first = len(properties) + 1
        properties += item.properties
        associations += struct.pack(">HB", number, len(item.properties))
        associations += b"".join(struct.pack(">H", 0x8000 | first + i) for i in range(len(item.properties)))
    entries = [full_box(b"infe", 2, struct.pack(">HH", number, 0), item.kind, b"\0") for number, item in enumerate(items, 1)]
    references = [box(b"dimg", struct.pack(">HH", number, len(item.made_of)),
                      b"".join(struct.pack(">H", other) for other in item.made_of))
                  for number, item in enumerate(items, 1) if item.made_of]

    def meta(begin):
        places = b""
        for number, item in enumerate(items, 1):
            places += struct.pack(">HHHII", number, 0, 1, begin, len(item.data))
            begin += len(item.data)
        return full_box(
            b"meta", 0, full_box(b"hdlr", 0, bytes(4), b"pict", bytes(13)), full_box(b"pitm", 0, b"\0\1"),
            full_box(b"iloc", 0, b"\x44\0", struct.pack(">H", len(items)), places),
            full_box(b"iinf", 0, struct.pack(">H", len(items)), *entries),
            box(b"iprp", box(b"ipco", *properties),
                full_box(b"ipma", 0, struct.pack(">I", len(items)), associations, flags=1)),
            full_box(b"iref", 0, *references) if references else b"")

    head = box(b"ftyp", brand, bytes(4), b"mif1", brand)
    return head + meta(len(head) + len(meta(0)) + 8) + box(b"mdat", *(item.data for item in items))


BLOCK = 32  # pixels of a block of ramp.heic


def over_each_other(coded, side, count):
    """HEVC data of one frame and of slices that each claim to begin at its second block and to go on to the end."""
    frame = coded.sized(side, side)
    first = frame.data[4:]
    bits = Bits(unescaped(first)[2:]).text
    blocks = (side // BLOCK) ** 2
    text = "0" + bits[1:3] + f"{1:0{(blocks - 1).bit_length()}b}" + bits[3:]  # flags, the parameters' number, the address
    text = text[:10 * 8]
    further = escaped(first[:2] + bytes(int(text[i:i + 8], 2) for i in range(0, len(text), 8)))
    units = [first] + [further] * count
    return Coded(frame.kind, frame.parameters, b"".join(struct.pack(">I", len(unit)) + unit for unit in units))


def structures(coded, one):
    """Containers that ask for the same work again and again. `one` is an ordinary image of `coded`."""
    tiny = Item.coded(coded, 1, 1)
    many = 240 * 240
    yield "tile_of_itself", [Item.grid(64, 64, 1, 1, [1])]
    yield "tiles_of_each_other", [Item.grid(64, 64, 1, 1, [2]), Item.grid(64, 64, 1, 1, [1])]
    yield "grid_of_grids", [Item.grid(4000, 4000, 240, 240, [2] * many), Item.grid(4000, 4000, 1, 1, [3], (1, 1)), one]
    yield "one_tile_often", [Item.grid(4000, 4000, 240, 240, [2] * many), tiny]
    yield "canvas", [Item.grid(32700, 32700, 1, 1, [2], (64, 64)), one]
    yield "empty_overlays", [Item.overlay(4000, 4000, [2] * 2000), Item.overlay(4000, 4000, [])]
    yield "overlays_in_overlays", [Item.overlay(64, 64, [i + 1] * 2) for i in range(1, 30)] + [one]
    crop = box(b"clap", struct.pack(">8I", 1, 1, 1, 1, 0, 1, 0, 1))
    yield "cropped", [Item.coded(coded.sized(16384, 16384), 32700, 32700, crop)]
    turn = box(b"irot", b"\1")
    yield "turned_often", [Item.coded(coded, 64, 64, *[turn] * 200)]


def heifs(repo):
    for end in ("avif", "heic"):
        coded = Coded.of(repo.read(f"tests/fixtures/photos/ramp.{end}"))
        height = 48 if end == "avif" else 64  # as it is coded
        for side in (2560, 16384, 65528):
            yield f"frame_{side}.{end}", container(coded.brand, [Item.coded(coded.sized(side, side), 64, height)]), True
        for name, items in structures(coded, Item.coded(coded, 64, height)):
            yield f"{name}.{end}", container(coded.brand, items), True
    heic = Coded.of(repo.read("tests/fixtures/photos/ramp.heic"))
    for side, count in ((256, 2000), (1024, 270)):
        yield f"slices_{side}.heic", container(b"heic", [Item.coded(over_each_other(heic, side, count), side, side)]), True
    frames = Coded(heic.kind, heic.parameters, heic.data * 3000)
    yield "frames.heic", container(b"heic", [Item.coded(frames, 64, 64)]), True
