"""Write PNG of 16 bits per channel, which Pillow cannot write, and compressed TIFF of 8 or 16 bits.

Pixels are compressed by zlib in strips of STRIP_ROWS rows. PNG: W3C, PNG Specification, 3rd ed.,
2025. TIFF: Adobe, TIFF Revision 6.0, 1992, with the compression of its Supplement 2.
"""

import io
import struct
import zlib
from collections.abc import Iterator, Mapping
from pathlib import Path

import numpy as np
from PIL import Image
from PIL.ExifTags import IFD
from PIL.ExifTags import Base as Tag
from PIL.TiffTags import ASCII, LONG, RATIONAL, SHORT, UNDEFINED

ZLIB_LEVEL = 1  # a large photo takes one second instead of three
STRIP_ROWS = 256
PNG_COLOR_TYPES = {3: ("RGB", 2), 4: ("RGBA", 6)}  # channels -> Pillow's mode, PNG's number
SUB = 1  # PNG's filter type: differences to the pixel on the left
DEFLATE, HORIZONTAL_DIFFERENCES = 8, 2  # values of TIFF's Compression and Predictor
RGB, INTERLEAVED, UNASSOCIATED_ALPHA, INCH = 2, 1, 2, 2  # values of further TIFF tags


def write_png_16bit(path: Path, picture: np.ndarray, **options) -> None:
    """Write a picture (H, W, 3 or 4) uint16; options: those of Pillow's PNG writer.

    Pillow writes a PNG of one pixel; its header and its pixels are then replaced.
    """
    height, width, channels = picture.shape
    mode, color_type = PNG_COLOR_TYPES[channels]
    one_pixel = io.BytesIO()
    Image.new(mode, (1, 1)).save(one_pixel, "PNG", **options)
    with open(path, "wb") as file:
        file.write(one_pixel.getvalue()[:8])  # signature
        for name, data in _png_chunks(one_pixel.getvalue()):
            if name == b"IHDR":
                data = struct.pack(">IIBBBBB", width, height, 16, color_type, 0, 0, 0)
            for part in _png_data(picture) if name == b"IDAT" else [data]:
                checksum = struct.pack(">I", zlib.crc32(name + part))
                file.write(struct.pack(">I", len(part)) + name + part + checksum)


def _png_chunks(png: bytes) -> Iterator[tuple[bytes, bytes]]:
    """Name and data of every chunk."""
    position = 8
    while position < len(png):
        size, name = struct.unpack(">I4s", png[position : position + 8])
        yield name, png[position + 8 : position + 8 + size]
        position += size + 12


def _png_data(picture: np.ndarray) -> Iterator[bytes]:
    """Compressed rows in PNG's filter SUB, big-endian."""
    compressor = zlib.compressobj(ZLIB_LEVEL)
    pixel = 2 * picture.shape[2]  # bytes
    for row in range(0, len(picture), STRIP_ROWS):
        lines = picture[row : row + STRIP_ROWS].astype(">u2")
        lines = lines.view(np.uint8).reshape(len(lines), -1)
        filtered = np.empty((len(lines), lines.shape[1] + 1), np.uint8)
        filtered[:, 0] = SUB
        filtered[:, 1 : 1 + pixel] = lines[:, :pixel]
        np.subtract(lines[:, pixel:], lines[:, :-pixel], out=filtered[:, 1 + pixel :])
        if data := compressor.compress(filtered.data):
            yield data
    yield compressor.flush()


def write_tiff(
    path: Path,
    picture: np.ndarray,
    exif: Image.Exif,
    dpi: tuple[float, float] | None = None,
    profile: bytes | None = None,
    xmp: bytes | None = None,
) -> None:
    """Write a picture (H, W, 3 or 4) uint8 or uint16.

    exif: its texts are copied. dpi: horizontal and vertical. profile: ICC. xmp: an XMP packet.
    """
    offsets, sizes = [], []
    with open(path, "wb") as file:
        file.write(bytes(8))  # the header, which is written last
        for row in range(0, len(picture), STRIP_ROWS):
            strip = picture[row : row + STRIP_ROWS].astype(picture.dtype.newbyteorder("<"))
            strip[:, 1:] -= picture[row : row + STRIP_ROWS, :-1]
            data = zlib.compress(strip.data, ZLIB_LEVEL)
            offsets.append(file.tell())
            sizes.append(len(data))
            file.write(data + bytes(len(data) % 2))
        entries = _layout(picture) | _text_entries(exif)
        entries |= {Tag.StripOffsets: (LONG, offsets), Tag.StripByteCounts: (LONG, sizes)}
        if dpi:
            entries |= {
                Tag.XResolution: (RATIONAL, dpi[:1]),
                Tag.YResolution: (RATIONAL, dpi[1:]),
                Tag.ResolutionUnit: (SHORT, [INCH]),
            }
        entries |= {Tag.XMLPacket: (UNDEFINED, xmp)} if xmp else {}
        entries |= {Tag.InterColorProfile: (UNDEFINED, profile)} if profile else {}
        if exif_entries := _text_entries(exif.get_ifd(IFD.Exif)):
            entries[IFD.Exif] = LONG, [file.tell()]
            file.write(_directory(exif_entries, file.tell()))
        start = file.tell()
        file.write(_directory(entries, start))
        file.seek(0)
        file.write(b"II*\0" + struct.pack("<I", start))


def _layout(picture: np.ndarray) -> dict[int, tuple]:
    """The entries that say how the pixels are stored: {tag: (type, values)}."""
    height, width, channels = picture.shape
    layout = {
        Tag.ImageWidth: (LONG, [width]),
        Tag.ImageLength: (LONG, [height]),
        Tag.BitsPerSample: (SHORT, [8 * picture.itemsize] * channels),
        Tag.Compression: (SHORT, [DEFLATE]),
        Tag.PhotometricInterpretation: (SHORT, [RGB]),
        Tag.SamplesPerPixel: (SHORT, [channels]),
        Tag.RowsPerStrip: (LONG, [STRIP_ROWS]),
        Tag.PlanarConfiguration: (SHORT, [INTERLEAVED]),
        Tag.Predictor: (SHORT, [HORIZONTAL_DIFFERENCES]),
    }
    return layout | ({Tag.ExtraSamples: (SHORT, [UNASSOCIATED_ALPHA])} if channels == 4 else {})


def _text_entries(exif: Mapping[int, object]) -> dict[int, tuple]:
    """The texts of an EXIF block as TIFF entries: {tag: (type, bytes)}.

    str becomes ASCII; bytes (text in another encoding) are copied, UserComment without a final 0.
    """
    texts = {}
    for tag, value in exif.items():
        if isinstance(value, str):
            texts[tag] = ASCII, value.encode("ascii", "replace") + b"\0"
        elif isinstance(value, bytes):
            is_comment = tag == Tag.UserComment
            texts[tag] = (UNDEFINED, value) if is_comment else (ASCII, value + b"\0")
    return texts


def _directory(entries: dict[int, tuple], start: int) -> bytes:
    """A directory at position `start` of the file, followed by the values longer than 4 bytes."""
    table, body, body_start = b"", b"", start + 2 + 12 * len(entries) + 4
    for tag, (field_type, values) in sorted(entries.items()):
        if field_type in (ASCII, UNDEFINED):
            data, count = bytes(values), len(values)
        elif field_type == RATIONAL:
            pairs = [number for v in values for number in (round(v * 10_000), 10_000)]
            data, count = struct.pack(f"<{len(pairs)}I", *pairs), len(values)
        else:
            code = "H" if field_type == SHORT else "I"
            data, count = struct.pack(f"<{len(values)}{code}", *values), len(values)
        if len(data) > 4:
            position, data = body_start + len(body), data + bytes(len(data) % 2)
            body, data = body + data, struct.pack("<I", position)
        table += struct.pack("<HHI", tag, field_type, count) + data.ljust(4, b"\0")
    return struct.pack("<H", len(entries)) + table + bytes(4) + body
