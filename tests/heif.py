"""HEIC files for tests: pictures coded as HEVC by ffmpeg, in boxes written here (ISO 23008-12)."""

import functools
import struct
import subprocess
from dataclasses import dataclass, field

import imageio_ffmpeg
import numpy as np

ALPHA = b"urn:mpeg:hevc:2015:auxid:1\0"
DEPTH = b"urn:mpeg:hevc:2015:auxid:2\0"


def box(kind: bytes, *data: bytes) -> bytes:
    body = b"".join(data)
    return struct.pack(">I4s", len(body) + 8, kind) + body


def full(kind: bytes, version: int, flags: int, *data: bytes) -> bytes:
    return box(kind, struct.pack(">I", version << 24 | flags), *data)


@dataclass
class Item:
    """One item of a file: a coded picture, a grid of pictures, or a block of EXIF."""

    kind: bytes
    data: bytes
    properties: list[bytes] = field(default_factory=list)
    references: list[tuple[bytes, list[int]]] = field(default_factory=list)  # kind, item numbers
    hidden: bool = False


def _parts(stream: bytes) -> list[bytes]:
    """The units of an HEVC stream."""
    parts = stream.replace(b"\0\0\0\1", b"\0\0\1").split(b"\0\0\1")[1:]
    return [part.rstrip(b"\0") for part in parts]


@functools.lru_cache(maxsize=32)
def _coded(pixels: bytes, width: int, height: int, form: str) -> tuple[bytes, bytes]:
    """(hvcC box, coded picture) of raw pixels; form: rgb24, gray or rgb48le."""
    target = {"rgb24": "yuv444p", "gray": "gray", "rgb48le": "yuv444p10le"}[form]
    command = [imageio_ffmpeg.get_ffmpeg_exe(), "-v", "error", "-f", "rawvideo"]
    command += ["-pix_fmt", form, "-s", f"{width}x{height}", "-i", "-", "-frames:v", "1"]
    command += ["-vf", "scale=out_color_matrix=bt601:out_range=pc", "-color_range", "pc"]
    command += ["-pix_fmt", target, "-c:v", "libx265", "-x265-params"]
    command += ["log-level=none:crf=4:range=full:colormatrix=bt470bg:info=0", "-f", "hevc", "-"]
    stream = subprocess.run(command, input=pixels, capture_output=True, check=True).stdout
    heads, slices = {}, []
    for part in _parts(stream):
        kind = part[0] >> 1 & 63
        if kind in (32, 33, 34):
            heads[kind] = part
        elif kind < 32:
            slices.append(struct.pack(">I", len(part)) + part)
    level = heads[33].replace(b"\0\0\3", b"\0\0")[3:15]  # profile, tier and level of the SPS
    chroma, depth = {"rgb24": (3, 0), "gray": (0, 0), "rgb48le": (3, 2)}[form]
    config = b"\1" + level + bytes([0xF0, 0, 0xFC, 0xFC | chroma, 0xF8 | depth, 0xF8 | depth])
    config += b"\0\0\x0f" + bytes([len(heads)])
    for kind, head in sorted(heads.items()):
        config += struct.pack(">BHH", 0x80 | kind, 1, len(head)) + head
    return box(b"hvcC", config), b"".join(slices)


def coded(picture: np.ndarray, *properties: bytes, **more) -> Item:
    """A picture (H, W, 3) uint8 or uint16, or (H, W) uint8, as an item."""
    form = "gray" if picture.ndim == 2 else "rgb24" if picture.dtype == np.uint8 else "rgb48le"
    height, width = picture.shape[:2]
    config, data = _coded(picture.tobytes(), width, height, form)
    bits = bytes([10 if form == "rgb48le" else 8])
    channels = 1 if form == "gray" else 3
    known = [config, size(width, height), full(b"pixi", 0, 0, bytes([channels]), bits * channels)]
    if form != "gray":
        known.append(box(b"colr", b"nclx", struct.pack(">HHHB", 1, 13, 5, 0x80)))
    return Item(b"hvc1", data, [*known, *properties], **more)


def size(width: int, height: int) -> bytes:
    return full(b"ispe", 0, 0, struct.pack(">II", width, height))


def turned(quarters: int) -> bytes:
    """To be shown turned by quarters, against the clock."""
    return box(b"irot", bytes([quarters]))


def profile(icc: bytes) -> bytes:
    return box(b"colr", b"prof", icc)


def exif(block: bytes, of: int = 1) -> Item:
    return Item(b"Exif", struct.pack(">I", 0) + block, [], [(b"cdsc", [of])])


def extra(picture: np.ndarray, kind: bytes, of: int = 1) -> Item:
    """An auxiliary picture: ALPHA or DEPTH of another item."""
    return coded(picture, full(b"auxC", 0, 0, kind), references=[(b"auxl", [of])], hidden=True)


def grid(rows: int, columns: int, width: int, height: int, tiles: list[int]) -> Item:
    data = struct.pack(">BBBBHH", 0, 0, rows - 1, columns - 1, width, height)
    return Item(b"grid", data, [size(width, height)], [(b"dimg", tiles)])


def heic(*items: Item, primary: int = 1, brand: bytes = b"heic") -> bytes:
    """A file of items, which are numbered from 1."""
    properties, links = [], b""
    for number, item in enumerate(items, 1):
        marks = b""
        for value in item.properties:
            if value not in properties:
                properties.append(value)
            essential = 0x80 if value[4:8] in (b"hvcC", b"irot") else 0
            marks += bytes([essential | properties.index(value) + 1])
        links += struct.pack(">HB", number, len(item.properties)) + marks
    entries = b"".join(
        full(b"infe", 2, int(item.hidden), struct.pack(">HH4sB", number, 0, item.kind, 0))
        for number, item in enumerate(items, 1)
    )
    references = b"".join(
        box(kind, struct.pack(f">HH{len(to)}H", number, len(to), *to))
        for number, item in enumerate(items, 1)
        for kind, to in item.references
    )

    def meta(start: int) -> bytes:
        places, at = b"", start
        for number, item in enumerate(items, 1):
            places += struct.pack(">HHHII", number, 0, 1, at, len(item.data))
            at += len(item.data)
        return full(
            b"meta",
            0,
            0,
            full(b"hdlr", 0, 0, bytes(4), b"pict", bytes(13)),
            full(b"pitm", 0, 0, struct.pack(">H", primary)),
            full(b"iloc", 0, 0, b"\x44\0", struct.pack(">H", len(items)), places),
            full(b"iinf", 0, 0, struct.pack(">H", len(items)), entries),
            box(
                b"iprp",
                box(b"ipco", *properties),
                full(b"ipma", 0, 0, struct.pack(">I", len(items)), links),
            ),
            full(b"iref", 0, 0, references) if references else b"",
        )

    head = box(b"ftyp", brand, bytes(4), b"mif1", b"heic")
    start = len(head) + len(meta(0)) + 8
    return head + meta(start) + box(b"mdat", *(item.data for item in items))
