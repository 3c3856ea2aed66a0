"""Metadata in pictures and animations: that they were edited, and the recipe that made them.

| file | description | recipe |
|---|---|---|
| PNG | EXIF ImageDescription | text chunk iTXt called `moodganimation` |
| JPEG, WebP, TIFF | EXIF ImageDescription | EXIF UserComment |
| GIF | comment extension | second line of the comment |
| MP4 | metadata `comment` | second line of the comment |

Edits also carry an XMP packet, see `provenance`: PNG in a text chunk called
`XML:com.adobe.xmp`, JPEG in an APP1 segment, WebP in the chunk `XMP `, TIFF in the tag XMLPacket,
GIF in an application extension, MP4 in a `uuid` box (Adobe, XMP Specification Part 3, 2020).

A recipe is a line of ASCII that begins with `{`. Reading it decodes no pixels and reads only the
parts of the file that lead to it. Pillow reads the headers of PNG, JPEG, TIFF and GIF. It would
read a WebP as a whole, so the chunks of WebP and the boxes of MP4 are walked here.
"""

import contextlib
import os
import struct
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import BinaryIO

from PIL import Image
from PIL.ExifTags import IFD
from PIL.ExifTags import Base as Tag
from PIL.PngImagePlugin import PngInfo

from ..errors import NotARecipe
from .opening import open_lazily
from .photo_metadata import PhotoMetadata
from .provenance import xmp_packet

RECIPE_KEY = "moodganimation"  # of the text chunk in a PNG
FILES_WITH_RECIPES = "PNG, JPEG, WebP, TIFF, GIF and MP4"
_MAX_PART_BYTES = 65_536  # of a chunk or box whose content is read
_MAX_PARTS = 100_000  # chunks or boxes that are walked over
_XMP_BOX = bytes.fromhex("be7acfcb97a942e89c71999491e3afac")  # UUID of the box in an MP4
_ASCII_PREFIX = b"ASCII\0\0\0"  # of a UserComment: its character code (Exif 2.3)
_VP8X_EXIF, _VP8X_XMP = 0x08, 0x04  # flags of a WebP's VP8X chunk


def exif_block(
    description: str, recipe: str | None = None, photo_metadata: PhotoMetadata | None = None
) -> Image.Exif:
    """The EXIF block of a file. photo_metadata: that of the edited photo, which is kept."""
    exif = Image.Exif()
    if photo_metadata:
        photo_metadata.write(exif)
    exif[Tag.ImageDescription], exif[Tag.Software] = description, "MoodGANimation"
    if recipe is not None:
        exif.get_ifd(IFD.Exif)[Tag.UserComment] = _ASCII_PREFIX + recipe.encode("ascii")
    return exif


def png_text(description: str, recipe: str | None = None) -> PngInfo:
    """The text chunks of a PNG, for Pillow: recipe and XMP packet."""
    info = PngInfo()
    if recipe is not None:
        info.add_itxt(RECIPE_KEY, recipe)
    if packet := xmp_packet(description):
        info.add_itxt("XML:com.adobe.xmp", packet.decode())
    return info


def comment_text(description: str, recipe: str | None = None) -> str:
    """The comment of a GIF or an MP4: the description, and the recipe as its second line."""
    return description if recipe is None else f"{description}\n{recipe}"


def add_metadata(path: Path, description: str, recipe: str | None = None) -> None:
    """Add what ffmpeg has not written: to an MP4 the XMP packet, to a GIF or an animated WebP the
    description, the recipe and the XMP packet."""
    packet = xmp_packet(description)
    with open(path, "rb") as file:
        head = file.read(12)
    if head[4:8] == b"ftyp":
        if packet:
            with open(path, "ab") as file:
                file.write(struct.pack(">I4s", 24 + len(packet), b"uuid") + _XMP_BOX + packet)
    elif head[:3] == b"GIF":
        _add_to_gif(path, comment_text(description, recipe).encode(), packet)
    else:
        _add_to_webp(path, exif_block(description, recipe).tobytes(), packet)


def _add_to_gif(path: Path, text: bytes, packet: bytes | None) -> None:
    """Insert a comment extension and the XMP packet behind the header and its palette."""
    data = path.read_bytes()
    blocks = (text[i : i + 255] for i in range(0, len(text), 255))
    extensions = b"".join([b"\x21\xfe", *(bytes([len(b)]) + b for b in blocks), b"\0"])
    if packet:
        # XMP is stored without block sizes. A reader that takes its bytes for sizes ends up
        # somewhere in this "magic trailer", every byte of which leads to the trailer's end.
        trailer = bytes([1, *range(255, -1, -1), 0])
        extensions += b"\x21\xff\x0bXMP DataXMP" + packet + trailer
    header_size = 13 + _palette_size(data[10])
    path.write_bytes(data[:header_size] + extensions + data[header_size:])


def _add_to_webp(path: Path, exif: bytes, packet: bytes | None) -> None:
    """Append the EXIF block and the XMP packet; a plain WebP becomes an extended one."""
    data = path.read_bytes()
    if data[12:16] != b"VP8X":  # ffmpeg writes frames that are all alike as a still picture
        with Image.open(path) as image:
            sides = (struct.pack("<I", side - 1)[:3] for side in image.size)
        data = data[:12] + b"VP8X" + struct.pack("<II", 10, 0) + b"".join(sides) + data[12:]
    exif += b"\0" * (len(exif) % 2)
    chunks = b"EXIF" + struct.pack("<I", len(exif)) + exif
    flags = data[20] | _VP8X_EXIF
    if packet:
        chunks += b"XMP " + struct.pack("<I", len(packet)) + packet + b"\0" * (len(packet) % 2)
        flags |= _VP8X_XMP
    size = struct.pack("<I", len(data) - 8 + len(chunks))
    path.write_bytes(b"RIFF" + size + data[8:20] + bytes([flags]) + data[21:] + chunks)


def read_recipe_text(path: str | Path) -> str | None:
    """Read the recipe's line from a file; None if the file has none.

    Raises NotARecipe for other formats and for a damaged file, and OSError.
    """
    with open(path, "rb") as file:
        read = _reader(file.read(12))
        if read is None:
            raise NotARecipe(
                "{} is not one of the files that hold recipes: {}, .json.",
                path,
                FILES_WITH_RECIPES,
            )
        try:
            text = read(file)
        except Exception as problem:  # a damaged file can make a parser raise anything
            raise NotARecipe("{} is damaged: no recipe can be read from it.", path) from problem
    return text if text and text.startswith("{") else None


def _reader(head: bytes) -> Callable[[BinaryIO], str | None] | None:
    """The function that reads the recipe of a file that begins so; None for other formats."""
    if head.startswith((b"\x89PNG\r\n\x1a\n", b"\xff\xd8\xff", b"GIF87a", b"GIF89a", b"II*\0")):
        return _recipe_in_header
    if head[:4] == b"RIFF" and head[8:] == b"WEBP":
        return _recipe_in_webp
    return _recipe_in_mp4 if head[4:8] == b"ftyp" else None


def _recipe_in_header(file: BinaryIO) -> str | None:
    """The recipe of a PNG, JPEG, TIFF or GIF."""
    with open_lazily(file.name, ("PNG", "JPEG", "TIFF", "GIF")) as (image, _):
        if image.format == "PNG":
            return image.info.get(RECIPE_KEY, "").encode("ascii").decode()
        if image.format == "GIF":
            return _second_line(image.info.get("comment", b""))
        with _without_warnings():
            return _user_comment(image.getexif())


def _recipe_in_webp(file: BinaryIO) -> str | None:
    """The recipe of a WebP; passes over the chunks before the EXIF block."""
    file.seek(12)
    for _ in range(_MAX_PARTS):
        head = file.read(8)
        if len(head) < 8:
            return None
        name, size = struct.unpack("<4sI", head)
        if name == b"EXIF" and size <= _MAX_PART_BYTES:
            exif = Image.Exif()
            with _without_warnings():
                exif.load(_read_exactly(file, size))
                return _user_comment(exif)
        file.seek(size + size % 2, os.SEEK_CUR)
    return None


def _recipe_in_mp4(file: BinaryIO) -> str | None:
    """The recipe of an MP4; goes down the nested boxes that lead to the comment."""
    file.seek(0)
    end = os.fstat(file.fileno()).st_size
    for box in (b"moov", b"udta", b"meta", b"ilst", b"\xa9cmt", b"data"):
        for _ in range(_MAX_PARTS):
            start = file.tell()
            if end - start < 8:
                return None
            size, name = struct.unpack(">I4s", _read_exactly(file, 8))
            if size == 1:
                size = struct.unpack(">Q", _read_exactly(file, 8))[0]
            stop = start + size if size else end
            if not file.tell() <= stop <= end:
                raise ValueError("a box is longer than the box around it")
            if name == box:
                end = stop
                break
            file.seek(stop)
        else:
            return None
        # Bytes before the content of a box: its version; the content's type and language.
        content_offsets = {b"meta": 4, b"data": 8}
        file.seek(content_offsets.get(box, 0), os.SEEK_CUR)
    return _second_line(_read_exactly(file, min(end - file.tell(), _MAX_PART_BYTES)))


def _user_comment(exif: Image.Exif) -> str | None:
    """The text of UserComment; None if it is missing or not in ASCII."""
    text = exif.get_ifd(IFD.Exif).get(Tag.UserComment)
    if not (isinstance(text, bytes) and text.startswith(_ASCII_PREFIX)):
        return None
    try:
        return text[len(_ASCII_PREFIX) :].decode("ascii")
    except UnicodeDecodeError:
        return None


@contextlib.contextmanager
def _without_warnings():
    """Suppress Pillow's warnings of damaged blocks."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", UserWarning)
        yield


def _second_line(text: bytes) -> str | None:
    """The second line of a `comment_text`; other programs' comments in a GIF are further lines."""
    lines = text.decode(errors="replace").split("\n")
    return lines[1] if len(lines) > 1 else None


def _palette_size(flags: int) -> int:
    """Bytes of a GIF's palette, by the flags of its header."""
    return 3 << ((flags & 7) + 1) if flags & 0x80 else 0


def _read_exactly(file: BinaryIO, size: int) -> bytes:
    """The next `size` bytes, at most _MAX_PART_BYTES. Raises EOFError."""
    data = file.read(size) if 0 <= size <= _MAX_PART_BYTES else b""
    if len(data) < size or size < 0:
        raise EOFError("the file ends too early, or a part is too large")
    return data
