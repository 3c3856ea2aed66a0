"""JPEG files: how much work decoding one is, and which rows of a truncated one are missing.

A decoder fills missing rows with grey and reports nothing. They are found by decoding twice, with
different bytes where the data ends: the rows that differ depend on missing data. Segments, scans
and markers are those of ITU-T T.81, annexes B and E.
"""

import io
import re
from collections.abc import Iterator
from dataclasses import dataclass, field

import numpy as np
from PIL import Image

MAX_SCANS = 50  # of a progressive JPEG; cameras and programs write about ten
MAX_SEGMENTS = 5_000
SEGMENT_START = re.compile(rb"\xff[\xc0-\xcf\xd9-\xdd\xe0-\xef\xfe]")  # or the end of the image
END_OF_IMAGE = b"\xff\xd9"
START_OF_SCAN = 0xDA
# Start of frame: the segment with the size and the number of channels.
SOF_MARKERS = {0xC0, 0xC1, 0xC2, 0xC3, 0xC5, 0xC6, 0xC7, 0xC9, 0xCA, 0xCB, 0xCD, 0xCE, 0xCF}
COEFFICIENTS = range(64)  # of a block of the cosine transform
MAX_MISSING_SHARE = 0.1  # of the rows; a picture that lacks more is refused
STRIP_ROWS = 512  # rows compared at once


@dataclass
class JpegSegments:
    """The contents of the segments of a JPEG, up to the end of its first image."""

    too_complex: bool = False  # more scans or segments than allowed: decoding may take very long
    end: int | None = None  # position of END_OF_IMAGE; None: it is missing
    channels: int = 0
    scans: list[bytes] = field(default_factory=list)  # headers of the scans

    @property
    def lacks_scans(self) -> bool:
        """Whether some coefficients of some channel are in no scan, or not with all their bits."""
        coefficients: dict[int, set[int]] = {}  # channel -> those with all their bits
        for header in self.scans:
            count = header[0] if header else 0  # of the channels in the scan
            if len(header) < 2 * count + 4:
                continue
            first, last, bits = header[2 * count + 1 : 2 * count + 4]
            if bits & 15 == 0:  # successive approximation down to bit 0
                for channel in header[1 : 2 * count + 1 : 2]:
                    coefficients.setdefault(channel, set()).update(range(first, last + 1))
        complete = sum(known >= set(COEFFICIENTS) for known in coefficients.values())
        return complete < self.channels


def parse_segments(jpeg: bytes) -> JpegSegments:
    """Walk over the segments of a JPEG, up to the end of its first image.

    Phones append videos and further images, which are not looked at.
    """
    segments, position, count = JpegSegments(), 0, 0
    while marker := SEGMENT_START.search(jpeg, position):
        if marker[0] == END_OF_IMAGE:
            segments.end = marker.start()
            break
        position = marker.end()
        size = max(2, int.from_bytes(jpeg[position : position + 2], "big"))  # counts its own bytes
        code, body = marker[0][1], jpeg[position + 2 : position + min(size, 1000)]
        if code == START_OF_SCAN:
            segments.scans.append(body)
        elif code in SOF_MARKERS and len(body) > 5:
            segments.channels = body[5]
        position, count = position + size, count + 1
        if len(segments.scans) > MAX_SCANS or count > MAX_SEGMENTS:
            segments.too_complex = True
            break
    return segments


def append_missing_end(jpeg: bytes) -> bytes | None:
    """Append the missing end to a truncated JPEG.

    None if the file is complete, is no JPEG, or has no scans or too many scans or segments.

    Trailing bytes 0 and 0xFF are removed: an interrupted download leaves zeros in a file of the
    full size, and 0xFF may be the first half of a marker.
    """
    if not jpeg.startswith(b"\xff\xd8\xff"):
        return None
    segments = parse_segments(jpeg)
    if segments.too_complex or segments.end is not None or not segments.scans:
        return None
    return jpeg.rstrip(b"\0\xff") + END_OF_IMAGE


def missing_share(jpeg: bytes, image: Image.Image, truncated: bool) -> float | None:
    """The share of a decoded image's rows, from the bottom up, that the file lacks: 0 to 1.

    None if the file has only a coarse version of the image.

    truncated: whether `append_missing_end` has added the end. Raises what Pillow raises.
    """
    segments = parse_segments(jpeg)
    if truncated and segments.lacks_scans:
        return None
    # Without an end of the image there is no place where other data could be inserted.
    if segments.end is None or not (truncated or _ends_in_one_color(image)):
        return 0.0
    noisy = jpeg[: segments.end] + _noise() + END_OF_IMAGE
    with Image.open(io.BytesIO(noisy), formats=("JPEG",)) as other:
        other.load()
        height = image.size[1]
        for row, (strip, noisy_strip) in zip(
            range(0, height, STRIP_ROWS),
            zip(_strips(image), _strips(other), strict=True),
            strict=True,
        ):
            differs = (strip != noisy_strip).reshape(len(strip), -1).any(1)
            if differs.any():
                return 1 - (row + int(differs.argmax())) / height
    return 0.0


def _strips(image: Image.Image) -> Iterator[np.ndarray]:
    """The rows of a picture, STRIP_ROWS at a time: (h, W[, C]) uint8."""
    width, height = image.size
    for row in range(0, height, STRIP_ROWS):
        yield np.asarray(image.crop((0, row, width, min(row + STRIP_ROWS, height))))


def _ends_in_one_color(image: Image.Image) -> bool:
    """Whether the lowest row is of one color, as a decoder leaves rows without data."""
    width, height = image.size
    row = np.asarray(image.crop((0, height - 1, width, height)))
    return bool((row == row[:, :1]).all())


def _noise() -> bytes:
    """Random entropy-coded data with all restart markers, at which a decoder resumes.

    It need not fill the picture: only the first row that it changes is looked for.
    """
    random = np.random.default_rng(0).integers(0, 255, (64, 256), np.uint8)  # none of them is 255
    return b"".join(part.tobytes() + bytes([0xFF, 0xD0 + i % 8]) for i, part in enumerate(random))
