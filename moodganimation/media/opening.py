"""Open picture files with Pillow, and limit the work that hostile files can cause."""

import contextlib
import io
import warnings
from collections.abc import Iterator
from pathlib import Path

from PIL import Image

from .formats import PILLOW_FORMATS
from .jpeg import parse_segments

# Calls of read() until the header of a file is parsed. Pillow calls it a few times per segment,
# chunk or directory entry, of which photos have some tens.
MAX_HEADER_READS = 5_000
MAX_READS = 1_000_000  # calls of read() while its pixels are decoded
# Entries of an EXIF block may overlap: even this many bytes can expand to 200 MB.
MAX_EXIF_BYTES = 100_000


@contextlib.contextmanager
def open_bounded(
    source: str | Path | bytes, formats: tuple[str, ...] = PILLOW_FORMATS
) -> Iterator[Image.Image]:
    """Open a picture whose decoding takes a bounded time; its pixels are not decoded yet.

    Raises OSError for a JPEG of too many segments or scans, for a PPM with its numbers as text, and
    beyond the limits of `_BoundedReader`; else what Pillow raises.
    """
    with open_lazily(source, formats) as (image, file):
        position, slow = file.tell(), any(tile[0] == "ppm_plain" for tile in image.tile)
        if image.format in ("JPEG", "MPO"):
            file.seek(0)
            slow = parse_segments(file.read()).too_complex
            file.seek(position)
        if slow:
            raise OSError("decoding it would take too long")
        file.reads_left = MAX_READS
        yield image


@contextlib.contextmanager
def open_lazily(
    source: str | Path | bytes, formats: tuple[str, ...]
) -> Iterator[tuple[Image.Image, "_BoundedReader"]]:
    """Open a picture without decoding its pixels; also yields its file, whose reads are limited.

    Raises what Pillow raises.
    """
    raw = io.BytesIO(source) if isinstance(source, bytes) else io.FileIO(source)
    with warnings.catch_warnings(), raw, _BoundedReader(raw) as file:
        warnings.simplefilter("ignore", Image.DecompressionBombWarning)
        warnings.simplefilter("ignore", UserWarning)  # of damaged metadata
        with Image.open(file, formats=formats) as image:
            yield image, file


class _BoundedReader(io.BufferedReader):
    """A file with limits on calls of read(), bytes in all, and bytes of EXIF segments.

    Entries of a TIFF or an EXIF block may all refer to the same bytes, so that a small file can
    make a parser read endlessly. `read` raises OSError beyond a limit.
    """

    reads_left, exif_bytes_left = MAX_HEADER_READS, MAX_EXIF_BYTES

    def __init__(self, raw):
        super().__init__(raw)
        self.bytes_left = 4 * self.seek(0, io.SEEK_END) + 2**20  # decoders read some bytes twice
        self.seek(0)

    def read(self, size=-1, /):
        data = super().read(size)
        self.reads_left -= 1
        self.bytes_left -= len(data)
        if data.startswith(b"Exif\0\0"):  # a segment of a JPEG
            self.exif_bytes_left -= len(data)
        if min(self.reads_left, self.bytes_left, self.exif_bytes_left) < 0:
            raise OSError("reading it takes too many calls or bytes")
        return data
