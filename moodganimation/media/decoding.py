"""Decode pictures that Pillow does not: HEIF, and the 16 bits a channel of PNG and TIFF files.

A child process with limits on memory and time decodes them, see `decoder_process`.
"""

import contextlib
import io
import json
import os
import subprocess
import sys
import tempfile
import threading
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
from PIL import Image

from ..errors import UnreadableImage

PROGRAM = Path(__file__).with_name("decoder_process.py")
TIMEOUT = 60  # after which the process is killed [s]; its CPU time has a lower limit
MAX_HEADER_BYTES = 1_000  # of the line of JSON
MAX_METADATA_BYTES = 4_000_000  # of an ICC profile or an EXIF block
FEW_THREADS = {"OPENBLAS_NUM_THREADS": "1", "MALLOC_ARENA_MAX": "2"}  # threads reserve memory
HEIF_BRANDS = {b"heic", b"heix", b"heim", b"heis", b"hevc", b"hevx", b"mif1", b"msf1"}
AVIF_BRANDS = {b"avif", b"avis"}


def is_heif(head: bytes) -> bool:
    """Whether a file that begins with `head` is HEIF, and not AVIF in the same container."""
    if head[4:8] != b"ftyp":
        return False
    size = min(int.from_bytes(head[:4], "big"), len(head))
    brands = {head[8:12], *(head[i : i + 4] for i in range(16, size - 3, 4))}
    return not brands & AVIF_BRANDS and bool(brands & HEIF_BRANDS)


def avif_bits(head: bytes) -> int:
    """Bits a channel of an AVIF file, by its configuration box (AV1-ISOBMFF, section 2.3)."""
    box = head.find(b"av1C")
    flags = head[box + 6] if 0 <= box < len(head) - 6 else 0
    return 8 if not flags & 0x40 else 12 if flags & 0x20 else 10


def read_heif(
    source: str | Path | bytes, name: str, max_pixels: int, check: Callable[[int, int], None]
) -> Image.Image:
    """Decode the primary image, upright; its `info` has `icc_profile`, `exif` and `bits`.

    max_pixels: a larger image is not decoded. check: called with width and height before the
    pixels are read; it must raise for an image of more than `max_pixels`. Raises OSError for a
    damaged file, UnreadableImage if the decoder is not installed.
    """
    with _run_decoder(source, "heif", max_pixels) as (header, payload):
        if "missing" in header:
            raise UnreadableImage(
                "{} is a HEIC picture; install the package pi-heif to read it, or save it as JPEG.",
                name,
            )
        width, height = (int(side) for side in header["size"])
        check(width, height)
        profile, exif = (_metadata(payload, header[key]) for key in ("profile", "exif"))
        mode = header["mode"]
        channels = {"RGB": 3, "RGBA": 4, "RGBa": 4, "L": 1, "LA": 2, "La": 2}[mode]
        pixels = _array(payload, (height, width, channels), np.uint8)
    image = Image.frombuffer(mode, (width, height), pixels, "raw", mode, 0, 1)
    image = image.convert(mode.upper()) if mode.endswith("a") else image  # "a": premultiplied
    image.info = {"icc_profile": profile, "exif": exif, "bits": int(header["bits"])}
    image.format = "HEIF"
    return image


def read_16bit(source: str | Path | bytes, max_pixels: int) -> np.ndarray:
    """Decode a PNG or TIFF of 16 bits a channel: (H, W), (H, W, 3) or (H, W, 4) uint16.

    The EXIF orientation is not applied. Raises OSError.
    """
    with _run_decoder(source, "16bit", max_pixels) as (header, payload):
        if "shape" not in header:
            raise OSError("the decoder is missing")
        return _array(payload, tuple(header["shape"]), np.uint16)


@contextlib.contextmanager
def _run_decoder(
    source: str | Path | bytes, decoder: str, max_pixels: int
) -> Iterator[tuple[dict, io.BufferedReader]]:
    """The header that the child process writes, and its output, from which the payload is read.

    Raises OSError.
    """
    with contextlib.ExitStack() as stack:
        if isinstance(source, bytes):
            file = stack.enter_context(tempfile.TemporaryFile())
            file.write(source)
            file.seek(0)
        else:
            file = stack.enter_context(open(source, "rb"))
        process = subprocess.Popen(
            [sys.executable, "-I", str(PROGRAM), decoder, str(max_pixels)],
            stdin=file,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            env=os.environ | FEW_THREADS,
        )
        timer = threading.Timer(TIMEOUT, process.kill)
        stack.callback(process.wait)
        stack.enter_context(process.stdout)
        stack.callback(process.kill)
        stack.callback(timer.cancel)
        timer.daemon = True
        timer.start()
        line = process.stdout.readline(MAX_HEADER_BYTES)
        header = json.loads(line) if line.endswith(b"\n") else {"damaged": "no answer"}
        if "damaged" in header:
            raise OSError(f"the decoder has failed ({header['damaged']})")
        yield header, process.stdout


def _metadata(payload: io.BufferedReader, size: int) -> bytes:
    if not 0 <= size <= MAX_METADATA_BYTES:
        raise OSError("a block of metadata is too large")
    return _array(payload, (size,), np.uint8).tobytes()


def _array(payload: io.BufferedReader, shape: tuple[int, ...], dtype: type) -> np.ndarray:
    """Read the next bytes as an array. Raises OSError if there are too few."""
    array = np.empty(shape, dtype)
    if array.size and payload.readinto(memoryview(array).cast("B")) < array.nbytes:
        raise OSError("the decoder has stopped")
    return array
