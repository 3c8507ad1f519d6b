"""Hostile images: cut off, flipped, with sizes that lie, and bombs."""
import struct
import zlib

from hostile_case import Case, flipped
from hostile_heif import heifs

HUGE = 65500
LARGEST_MIB = 3072  # 240 megapixels at 13 bytes a pixel, as docs/faq.md says


def png(width, height, depth, colour, pixels, extra=b"", interlace=0):
    """A PNG whose zlib stream is `pixels`."""
    def chunk(kind, data):
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))
    header = struct.pack(">IIBBBBB", width, height, depth, colour, 0, 0, interlace)
    return (b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + extra + chunk(b"IDAT", pixels) + chunk(b"IEND", b""))


def zeros(count):
    """A zlib stream of that many zeros: a block of a MiB is compressed once, and repeated."""
    packer = zlib.compressobj(9)
    start = packer.compress(b"") + packer.flush(zlib.Z_FULL_FLUSH)
    block = packer.compress(bytes(1 << 20)) + packer.flush(zlib.Z_FULL_FLUSH)
    end = packer.compress(bytes(count & 0xfffff)) + packer.flush()
    checksum = struct.pack(">I", (count % 65521) << 16 | 1)
    return start + block * (count >> 20) + end[:-4] + checksum


def largest_pngs(repo):
    """Images that are what they say, of almost as many pixels as are read by default."""
    for name, depth, colour, bytes_a_pixel in (("grey", 8, 0, 1), ("rgb", 8, 2, 3), ("rgba16", 16, 6, 8)):
        width, height = 15000, 16000
        yield f"{name}.png", png(width, height, depth, colour, zeros((width * bytes_a_pixel + 1) * height)), None


def jpeg_segments(data):
    """(marker, begin, end) of each segment; that of a scan has its data."""
    at, found = 2, []
    while at + 4 <= len(data) and data[at] == 0xFF and data[at + 1] != 0xD9:
        end = at + 2 + struct.unpack(">H", data[at + 2:at + 4])[0]
        if data[at + 1] == 0xDA:
            while end + 1 < len(data) and not (data[end] == 0xFF and data[end + 1] not in (0, *range(0xD0, 0xD8))):
                end += 1
        found.append((data[at + 1], at, end))
        at = end
    return found


def with_jpeg_size(data, width, height):
    for marker, at, _ in jpeg_segments(data):
        if marker in (0xC0, 0xC1, 0xC2):
            return data[:at + 5] + struct.pack(">HH", height, width) + data[at + 9:]
    raise ValueError("no frame header")


def jpegs(repo):
    baseline = repo.read("tests/fixtures/image/jpeg_baseline.jpg")
    progressive = repo.read("tests/fixtures/image/jpeg_progressive.jpg")
    for name, data in (("baseline", baseline), ("progressive", progressive)):
        for width, height in ((HUGE, HUGE), (65535, 65535), (0, 100), (20000, 12000), (100, 65500), (65500, 8)):
            yield f"{name}_{width}x{height}.jpg", with_jpeg_size(data, width, height), True
        segments = jpeg_segments(data)
        for marker, at, end in segments:
            yield f"{name}_length_{at}.jpg", data[:at + 2] + b"\xff\xff" + data[at + 4:], None
            harmless = 0xE0 <= marker < 0xF0  # readers look for the next marker
            yield f"{name}_length0_{at}.jpg", data[:at + 2] + b"\0\0" + data[at + 4:], None if harmless else True
        for marker, kind in ((0xDB, "quantisation"), (0xC4, "huffman")):
            parts = [data[b:e] for m, b, e in segments if m != marker]
            standard = kind == "huffman" and name == "baseline"  # readers know the standard tables, as in MJPEG
            yield f"{name}_no_{kind}.jpg", data[:2] + b"".join(parts) + b"\xff\xd9", None if standard else True
    scans = [(b, e) for m, b, e in jpeg_segments(progressive) if m == 0xDA]
    begin, end = scans[-1]
    for count in (200, 5000, 100000):
        yield f"scans_{count}.jpg", progressive[:end] + progressive[begin:end] * count + b"\xff\xd9", True
    head = with_jpeg_size(progressive, 15000, 16000)
    yield "scans_large.jpg", head[:end] + head[begin:end] * 60 + b"\xff\xd9", True
    yield "markers.jpg", b"\xff\xd8" + b"\xff" * (4 << 20), True
    yield "comments.jpg", b"\xff\xd8" + b"\xff\xfe\x00\x02" * (1 << 20), True
    yield "only_start.jpg", b"\xff\xd8\xff", True


def pngs(repo):
    good = zlib.compress(bytes(9 * 25), 9)
    yield "inflate_1x1.png", png(1, 1, 8, 2, zeros(512 << 20)), True
    yield "inflate_8x8.png", png(8, 8, 8, 2, zeros(64 << 20)), True
    for width, height in ((65535, 65535), (1 << 31, 1), (0, 8), (8, 0), (0xFFFFFFFF, 0xFFFFFFFF), (1, 70000), (15000, 15000)):
        yield f"{width}x{height}.png", png(width, height, 8, 2, good), True
    yield "16_bit_250_mp.png", png(15000, 16000, 16, 6, good), True
    yield "interlaced_large.png", png(15000, 16000, 16, 6, good, interlace=1), True
    for depth, colour in ((3, 2), (8, 1), (8, 5), (16, 3), (0, 0), (255, 255)):
        yield f"depth{depth}_colour{colour}.png", png(8, 8, depth, colour, good), True
    yield "no_palette.png", png(8, 8, 8, 3, good), True
    yield "empty_data.png", png(8, 8, 8, 2, b""), True
    yield "bad_zlib.png", png(8, 8, 8, 2, b"x\x9c" + b"\xff" * 50), True
    yield "preset_dictionary.png", png(8, 8, 8, 2, b"x\xbb\0\0\0\1" + good[2:]), True
    body = png(8, 8, 8, 2, good)
    yield "chunk_length.png", body[:33] + b"\xff\xff\xff\xff" + body[37:], True
    yield "chunk_length_7fffffff.png", body[:33] + b"\x7f\xff\xff\xff" + body[37:], True
    yield "many_chunks.png", body[:33] + (b"\0\0\0\0tEXt" + struct.pack(">I", zlib.crc32(b"tEXt"))) * 200000, True
    profile = b"p\0\0" + zeros(256 << 20)
    chunk = struct.pack(">I", len(profile)) + b"iCCP" + profile + struct.pack(">I", zlib.crc32(b"iCCP" + profile))
    yield "profile_bomb.png", png(8, 8, 8, 2, zlib.compress(bytes(8 * 25), 9), chunk), None


def gifs(repo):
    screen = b"GIF89a" + struct.pack("<HHBBB", 65535, 65535, 0x80, 0, 0) + bytes(6)
    frame = b"," + struct.pack("<HHHHB", 0, 0, 65535, 65535, 0)
    yield "huge.gif", screen + frame + b"\x02\x02\x4c\x01\x00;", True
    yield "code_size.gif", screen + frame + b"\x1d\x02\x4c\x01\x00;", True
    yield "no_frame.gif", screen + b";", True
    yield "extensions.gif", screen + b"!\xfe\x01a\x00" * 500000, True
    small = b"GIF89a" + struct.pack("<HHBBB", 8, 8, 0x80, 0, 0) + bytes(6)
    yield "outside.gif", small + b"," + struct.pack("<HHHHB", 60000, 60000, 8, 8, 0) + b"\x02\x02\x4c\x01\x00;", True
    yield "lzw.gif", small + b"," + struct.pack("<HHHHB", 0, 0, 8, 8, 0) + b"\x02\xff" + b"\xff" * 255 + b"\0;", True


def tiff(entries, tail=b"", next_directory=0):
    body = b"".join(struct.pack("<HHII", *e) for e in entries)
    return b"II*\0" + struct.pack("<IH", 8, len(entries)) + body + struct.pack("<I", next_directory) + tail


def tiffs(repo):
    def image(width, height, offset, size, samples=3, strip=None, compression=1, rows=None):
        return [(256, 4, 1, width), (257, 4, 1, height), (258, 3, 1, 8), (259, 3, 1, compression), (262, 3, 1, 2),
                (273, 4, 1, offset), (277, 3, 1, samples), (278, 4, 1, rows or height), (279, 4, 1, size)]
    yield "beyond.tif", tiff(image(8, 8, 0x7fffffff, 192)), True
    yield "huge.tif", tiff(image(0xffffffff, 0xffffffff, 8, 192)), True
    yield "wide.tif", tiff(image(65000, 65000, 8, 0xfffffff0)), True
    yield "large.tif", tiff(image(15000, 16000, 8, 100)), True
    yield "no_size.tif", tiff(image(0, 0, 8, 192)), True
    yield "samples.tif", tiff(image(8, 8, 8, 192, samples=65535)), True
    yield "directory_loop.tif", tiff([(256, 4, 1, 8)], next_directory=8), True
    yield "count.tif", tiff([(256, 4, 0xffffffff, 8), (257, 4, 0xffffffff, 8)]), True
    yield "entries.tif", b"II*\0\x08\0\0\0\xff\xff" + bytes(64), True
    for compression in (5, 7, 8, 32773, 34925, 50000):
        yield f"compression{compression}.tif", tiff(image(2000, 2000, 8, 40, compression=compression)), True


def bmps(repo):
    def bmp(width, height, bits, compression=0, colours=0, offset=54, data=b""):
        return (b"BM" + struct.pack("<IHHI", 54 + len(data), 0, 0, offset) +
                struct.pack("<IiiHHIIiiII", 40, width, height, 1, bits, compression, 0, 0, 0, colours, 0) + data)
    for width, height in ((0x7fffffff, 0x7fffffff), (15000, 16000), (1, -0x80000000), (-1, 8), (0, 8), (70000, 1)):
        yield f"{width}x{height}.bmp", bmp(width, height, 24, data=bytes(100)), True
    yield "offset.bmp", bmp(8, 8, 24, offset=0xffffffff, data=bytes(192)), True
    yield "colours.bmp", bmp(8, 8, 8, colours=0xffffffff, data=bytes(2000)), None  # colours that are missing are black
    yield "bits.bmp", bmp(8, 8, 65535, data=bytes(2000)), True
    yield "runs_large.bmp", bmp(15000, 16000, 8, 1, 2, 62, bytes(8) + b"\0\1"), None  # all pixels skipped: black
    yield "runs_cut.bmp", bmp(800, 800, 8, 1, 2, 62, bytes(8) + b"\xff\1" * 50), True
    yield "jpeg_inside.bmp", bmp(8, 8, 24, 4, data=bytes(400)), True


def webps(repo):
    def riff(chunks, size=None):
        return b"RIFF" + struct.pack("<I", len(chunks) + 4 if size is None else size) + b"WEBP" + chunks
    canvas = b"VP8X" + struct.pack("<II", 10, 0) + b"\xff\x3f\0\xff\x3f\0"
    yield "canvas_only.webp", riff(canvas), True
    yield "size.webp", riff(canvas, 0xfffffff0), True
    yield "lossless_bits.webp", riff(b"VP8L" + struct.pack("<I", 8) + b"\x2f\xff\xff\xff\x0f\xff\xff\xff"), True
    yield "lossy_bits.webp", riff(b"VP8 " + struct.pack("<I", 12) + b"\x10\0\0\x9d\x01\x2a\xff\x3f\xff\x3f\0\0"), True
    yield "frames.webp", riff(canvas + (b"ANMF" + struct.pack("<I", 16) + bytes(16)) * 20000), True
    yield "empty.webp", riff(b""), True


def pnms(repo):
    for name, text in (("count", b"P6 99999999999 1 255\n"), ("missing", b"P6 9000 9000 255\n"), ("zero", b"P6 0 0 255\n"),
                       ("levels", b"P6 8 8 99999\n" + bytes(400)), ("negative", b"P6 -8 8 255\n"),
                       ("text", b"P3 2 2 255\n1 2"), ("comment", b"P6 #" + b"x" * (4 << 20)),
                       ("digits", b"P5 " + b"1" * (4 << 20))):
        yield f"{name}.ppm", text, True


DAMAGED = (  # (file, every bit matters: a checksum covers it)
    ("examples/faces/astronaut_small.jpg", False), ("tests/fixtures/image/jpeg_progressive.jpg", False),
    ("tests/fixtures/image/face.png", True), ("tests/fixtures/image/picture.gif", False),
    ("tests/fixtures/image/picture.webp", False), ("tests/fixtures/photos/lossless.webp", False),
    ("tests/fixtures/image/rgb.bmp", False), ("tests/fixtures/photos/lzw.tif", False),
    ("tests/fixtures/photos/ramp.heic", False), ("tests/fixtures/photos/ramp.avif", False),
    ("tests/fixtures/image/rgb.ppm", False))


def damaged(repo):
    for path, every_bit in DAMAGED:
        data, (stem, end) = repo.read(path), path.rsplit("/", 1)[1].rsplit(".", 1)
        for percent in (1, 30, 60):
            yield f"{stem}_cut{percent}.{end}", data[:len(data) * percent // 100], True
        for share in range(1, 6):
            at = max(8, len(data) * share // 6)
            yield f"{stem}_flip{share}.{end}", flipped(data, at), True if every_bit else None


def cases(repo, work, tool):
    kinds = (("JPEG made to harm", jpegs), ("PNG made to harm", pngs), ("PNG of 240 megapixels", largest_pngs),
             ("GIF made to harm", gifs),
             ("TIFF made to harm", tiffs), ("BMP made to harm", bmps), ("WebP made to harm", webps),
             ("HEIC and AVIF made to harm", heifs), ("PNM made to harm", pnms), ("images cut or flipped", damaged))
    for kind, make in kinds:
        for number, (name, data, bad) in enumerate(make(repo)):
            path = work.write(f"images/{name}", data)
            command = [tool, "detect"] if number % 7 == 6 else [tool, "score", "--face", "whole"]
            command += ["--isolate"] if number % 5 == 4 else []
            most_mib = LARGEST_MIB if make is largest_pngs else 1024
            yield Case(kind, name, [*command, "--threads", "1", path], bad, most_mib=most_mib)
