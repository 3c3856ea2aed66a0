"""Opening picture files with Pillow, within bounds: hostile headers cannot keep a reader busy."""

import contextlib
import io
import re
import warnings
from collections.abc import Iterator
from pathlib import Path

from PIL import Image

FORMATS = ("JPEG", "PNG", "WEBP", "BMP", "TIFF", "GIF", "PPM")
PIECES = 5_000, 1_000_000  # that a file may be in before its pixels, and with them
MOST_EXIF = 100_000  # bytes; its entries may overlap, so that it unfolds to up to 200 MB
MOST_PASSES = 50  # over all pixels of a JPEG; cameras and programs store about ten
SEGMENT = re.compile(rb"\xff[\xc0-\xcf\xd9-\xdd\xe0-\xef\xfe]")  # of a JPEG, or its end


@contextlib.contextmanager
def opening(
    source: str | Path | bytes, formats: tuple[str, ...] = FORMATS
) -> Iterator[Image.Image]:
    """A picture of which the header is read, and that cannot keep its readers busy for long: no
    endless headers, passes or numbers spelled out. Raises what Pillow raises."""
    with reading_header(source, formats) as (image, file):
        at, slow = file.tell(), any(tile[0] == "ppm_plain" for tile in image.tile)
        if image.format in ("JPEG", "MPO"):
            file.seek(0)
            slow = many_passes(file.read())
            file.seek(at)
        if slow:
            raise OSError("it would take very long")
        file.left = PIECES[1]
        yield image


@contextlib.contextmanager
def reading_header(
    source: str | Path | bytes, formats: tuple[str, ...]
) -> Iterator[tuple[Image.Image, "_Pieces"]]:
    """A picture of which the header is read, and its file, from which little more can be read.
    Raises what Pillow raises."""
    raw = io.BytesIO(source) if isinstance(source, bytes) else io.FileIO(source)
    with warnings.catch_warnings(), raw, _Pieces(raw) as file:
        warnings.simplefilter("ignore", Image.DecompressionBombWarning)
        with Image.open(file, formats=formats) as image:
            yield image, file


def many_passes(jpeg: bytes) -> bool:
    """Whether a decoder would go over the pixels of a JPEG too often, or meet too many segments.

    It skips what a segment holds and ends where the picture does: phones append films.
    """
    at = passes = segments = 0
    while (marker := SEGMENT.search(jpeg, at)) and marker[0] != b"\xff\xd9":
        passes += marker[0] == b"\xff\xda"
        segments += 1
        if passes > MOST_PASSES or segments > PIECES[0]:
            return True
        at = marker.end()
        at += max(2, int.from_bytes(jpeg[at : at + 2], "big"))  # its length counts itself
    return False


class _Pieces(io.BufferedReader):
    """A file that can be read a number of times, however little is taken, and a few times as much
    as it holds: entries of a TIFF or an EXIF block may all name the same bytes."""

    left, exif = PIECES[0], MOST_EXIF

    def __init__(self, raw):
        super().__init__(raw)
        self.bytes = 4 * self.seek(0, io.SEEK_END) + 2**20
        self.seek(0)

    def read(self, size=-1, /):
        data = super().read(size)
        self.left -= 1
        self.bytes -= len(data)
        self.exif -= len(data) if data.startswith(b"Exif\0\0") else 0  # a segment of a JPEG
        if min(self.left, self.bytes, self.exif) < 0:
            raise OSError("it is in too many pieces")
        return data
