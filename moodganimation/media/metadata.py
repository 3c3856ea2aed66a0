"""What a picture or an animation says of itself: that it was edited, and the recipe that made it.

| file | edited | recipe |
|---|---|---|
| PNG | EXIF ImageDescription | text chunk iTXt called `moodganimation` |
| JPEG, WebP | EXIF ImageDescription | EXIF UserComment |
| GIF | comment extension | its second line |
| MP4 | metadata `comment` | its second line |

All but what was filmed say the same to programs in XMP, see `provenance`: PNG in the chunk of
Adobe's name, JPEG and WebP in theirs, GIF in an application extension, MP4 in a `uuid` box (Adobe,
XMP Specification Part 3, 2020).

A recipe is a line of ASCII that begins with `{`. Reading decodes no pixel, and takes as little of a
file as holds the text. Pillow reads the headers of PNG, JPEG and GIF. Of a WebP it would read the
whole file and prepare to decode it, so its chunks are walked here, as are the boxes of an MP4.
"""

import contextlib
import os
import struct
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import BinaryIO

from PIL import Image
from PIL.PngImagePlugin import PngInfo

from ..errors import NotARecipe
from .headers import reading_header
from .provenance import xmp

KEY = "moodganimation"
KINDS = "PNG, JPEG, WebP, GIF and MP4"
_MOST_BYTES = 65_536  # of a part that is looked into
_MOST_PARTS = 100_000  # of a file that are looked at
_DESCRIPTION, _SOFTWARE, _EXIF, _USER_COMMENT = 0x010E, 0x0131, 0x8769, 0x9286
_XMP_BOX = bytes.fromhex("be7acfcb97a942e89c71999491e3afac")
_ASCII = b"ASCII\0\0\0"


def exif(description: str, recipe: str | None = None) -> Image.Exif:
    block = Image.Exif()
    block[_DESCRIPTION], block[_SOFTWARE] = description, "MoodGANimation"
    if recipe is not None:
        block.get_ifd(_EXIF)[_USER_COMMENT] = _ASCII + recipe.encode("ascii")
    return block


def text_chunks(description: str, recipe: str | None = None) -> PngInfo:
    info = PngInfo()
    if recipe is not None:
        info.add_itxt(KEY, recipe)
    if packet := xmp(description):
        info.add_itxt("XML:com.adobe.xmp", packet.decode())
    return info


def comment(description: str, recipe: str | None = None) -> str:
    return description if recipe is None else f"{description}\n{recipe}"


def mark(path: Path, description: str, recipe: str | None = None) -> None:
    """Write both into a GIF or an animated WebP that a program wrote without them, and into an MP4,
    which has them, what programs read."""
    packet = xmp(description)
    if _head(path)[4:8] == b"ftyp":
        if packet:
            with open(path, "ab") as file:
                file.write(struct.pack(">I4s", 24 + len(packet), b"uuid") + _XMP_BOX + packet)
        return
    data = path.read_bytes()
    if data[:3] == b"GIF":
        text = comment(description, recipe).encode()
        blocks = (text[i : i + 255] for i in range(0, len(text), 255))
        extension = b"".join([b"\x21\xfe", *(bytes([len(b)]) + b for b in blocks), b"\0"])
        if packet:  # what ends it lets readers of plain blocks find the end
            end = bytes([1, *range(255, -1, -1), 0])
            extension += b"\x21\xff\x0bXMP DataXMP" + packet + end
        first = 13 + _palette(data[10])  # behind the header and its palette
        path.write_bytes(data[:first] + extension + data[first:])
        return
    if data[12:16] != b"VP8X":  # one picture alone, which ffmpeg makes of frames that are all alike
        with Image.open(path) as image:
            sides = (struct.pack("<I", side - 1)[:3] for side in image.size)
        data = data[:12] + b"VP8X" + struct.pack("<II", 10, 0) + b"".join(sides) + data[12:]
    block = exif(description, recipe).tobytes()
    block += b"\0" * (len(block) % 2)
    chunk = b"EXIF" + struct.pack("<I", len(block)) + block
    flags = data[20] | 0x08  # of the VP8X chunk: there is EXIF
    if packet:
        chunk += b"XMP " + struct.pack("<I", len(packet)) + packet + b"\0" * (len(packet) % 2)
        flags |= 0x04
    size = struct.pack("<I", len(data) - 8 + len(chunk))
    path.write_bytes(b"RIFF" + size + data[8:20] + bytes([flags]) + data[21:] + chunk)


def _head(path: Path) -> bytes:
    with open(path, "rb") as file:
        return file.read(12)


def recipe_in(path: str | Path) -> str | None:
    """The line that `recipe` was when the file was written; None if there is none.

    Raises NotARecipe for other files and where the line cannot be taken out of a damaged one, and
    OSError.
    """
    with open(path, "rb") as file:
        read = _reader(file.read(12))
        if read is None:
            raise NotARecipe(
                "{} is not one of the files that hold recipes: {}, .json.", path, KINDS
            )
        try:
            text = read(file)
        except Exception as problem:  # whatever a damaged file makes of a reader or a parser
            raise NotARecipe("{} is damaged: no recipe can be read from it.", path) from problem
    return text if text and text.startswith("{") else None


def _reader(head: bytes) -> Callable[[BinaryIO], str | None] | None:
    if head.startswith((b"\x89PNG\r\n\x1a\n", b"\xff\xd8\xff", b"GIF87a", b"GIF89a")):
        return _in_header
    if head[:4] == b"RIFF" and head[8:] == b"WEBP":
        return _in_webp
    return _in_mp4 if head[4:8] == b"ftyp" else None


def _in_header(file: BinaryIO) -> str | None:
    """Of a PNG, a JPEG or a GIF."""
    with reading_header(file.name, ("PNG", "JPEG", "GIF")) as (image, _):
        if image.format == "PNG":
            return image.info.get(KEY, "").encode("ascii").decode()
        if image.format == "GIF":
            return _second_line(image.info.get("comment", b""))
        with _without_warnings():
            return _user_comment(image.getexif())


def _in_webp(file: BinaryIO) -> str | None:
    file.seek(12)
    for _ in range(_MOST_PARTS):
        head = file.read(8)
        if len(head) < 8:
            return None
        kind, size = struct.unpack("<4sI", head)
        if kind == b"EXIF" and size <= _MOST_BYTES:
            block = Image.Exif()
            with _without_warnings():
                block.load(_exactly(file, size))
                return _user_comment(block)
        file.seek(size + size % 2, os.SEEK_CUR)
    return None


def _in_mp4(file: BinaryIO) -> str | None:
    """The boxes that lead to the comment, one in the other."""
    file.seek(0)
    end = os.fstat(file.fileno()).st_size
    for wanted in (b"moov", b"udta", b"meta", b"ilst", b"\xa9cmt", b"data"):
        for _ in range(_MOST_PARTS):
            start = file.tell()
            if end - start < 8:
                return None
            size, kind = struct.unpack(">I4s", _exactly(file, 8))
            if size == 1:
                size = struct.unpack(">Q", _exactly(file, 8))[0]
            stop = start + size if size else end
            if not file.tell() <= stop <= end:
                raise ValueError("a box is longer than what it is in")
            if kind == wanted:
                end = stop
                break
            file.seek(stop)
        else:
            return None
        file.seek({b"meta": 4, b"data": 8}.get(wanted, 0), os.SEEK_CUR)  # version, kind, language
    return _second_line(_exactly(file, min(end - file.tell(), _MOST_BYTES)))


def _user_comment(block: Image.Exif) -> str | None:
    said = block.get_ifd(_EXIF).get(_USER_COMMENT)
    if not (isinstance(said, bytes) and said.startswith(_ASCII)):
        return None
    return said[len(_ASCII) :].decode("ascii")


@contextlib.contextmanager
def _without_warnings():
    """Pillow warns of damaged blocks."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", UserWarning)
        yield


def _second_line(text: bytes) -> str | None:
    """Of the comment that `comment` makes; a GIF's further comments are further lines."""
    lines = text.decode().split("\n")
    return lines[1] if len(lines) > 1 else None


def _palette(flags: int) -> int:
    """Bytes of a GIF's palette, by the flags of its header."""
    return 3 << ((flags & 7) + 1) if flags & 0x80 else 0


def _exactly(file: BinaryIO, size: int) -> bytes:
    data = file.read(size) if 0 <= size <= _MOST_BYTES else b""
    if len(data) < size or size < 0:
        raise EOFError("the file ends too early, or a part is too large")
    return data
