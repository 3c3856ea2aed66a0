"""Decode what Pillow cannot: HEIF files, and PNG and TIFF files with 16 bits per channel.

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

DECODER_PROGRAM = Path(__file__).with_name("decoder_process.py")
TIMEOUT = 60  # until the process is killed [s]; `decoder_process` limits its CPU time to less
MAX_HEADER_BYTES = 1_000  # of the line of JSON that comes before the pixels
MAX_METADATA_BYTES = 4_000_000  # of an ICC profile or an EXIF block
# Environment variables. Each thread reserves address space, which is limited.
MEMORY_SETTINGS = {"OPENBLAS_NUM_THREADS": "1", "MALLOC_ARENA_MAX": "2"}
HEIF_BRANDS = {b"heic", b"heix", b"heim", b"heis", b"hevc", b"hevx", b"mif1", b"msf1"}
AVIF_BRANDS = {b"avif", b"avis"}


def is_heif(head: bytes) -> bool:
    """Whether a file that begins with `head` is HEIF, and not AVIF in the same container."""
    if head[4:8] != b"ftyp":
        return False
    size = min(int.from_bytes(head[:4], "big"), len(head))
    brands = {head[8:12], *(head[i : i + 4] for i in range(16, size - 3, 4))}
    return not brands & AVIF_BRANDS and bool(brands & HEIF_BRANDS)


def avif_bit_depth(head: bytes) -> int:
    """Bits per channel of an AVIF file, by its configuration box (AV1-ISOBMFF, section 2.3).

    head: the beginning of the file, with that box; without it, 8.
    """
    box = head.find(b"av1C")
    flags = head[box + 6] if 0 <= box < len(head) - 6 else 0
    return 8 if not flags & 0x40 else 12 if flags & 0x20 else 10


def read_heif(
    source: str | Path | bytes, name: str, max_pixels: int, check: Callable[[int, int], None]
) -> Image.Image:
    """Decode the primary image of a HEIF file, upright: mode L, LA, RGB or RGBA in 8 bits.

    Its `info` has `icc_profile`, `exif` and `bits` (per channel, in the file). name: of the file,
    for messages. max_pixels: a larger image is not decoded. check: called with width and height
    before the pixels are read; it must raise for an image of more than `max_pixels`. Raises OSError
    for a damaged file, UnreadableImage if the decoder is not installed.
    """
    with _run_decoder(source, "heif", max_pixels) as (header, payload):
        if "missing" in header:
            raise UnreadableImage(
                "{} is a HEIC picture; install the package pi-heif to read it, or save it as JPEG.",
                name,
            )
        width, height = (int(side) for side in header["size"])
        check(width, height)
        profile, exif = (_read_metadata(payload, header[key]) for key in ("profile", "exif"))
        mode = header["mode"]
        channels = {"RGB": 3, "RGBA": 4, "RGBa": 4, "L": 1, "LA": 2, "La": 2}[mode]
        pixels = _read_array(payload, (height, width, channels), np.uint8)
    image = Image.frombuffer(mode, (width, height), pixels, "raw", mode, 0, 1)
    if mode in ("RGBa", "La"):  # with colors that are multiplied by alpha
        image = image.convert(mode.upper())
    image.info = {"icc_profile": profile, "exif": exif, "bits": int(header["bits"])}
    image.format = "HEIF"
    return image


def read_16bit(source: str | Path | bytes, max_pixels: int) -> np.ndarray:
    """Decode a PNG or TIFF of 16 bits per channel: (H, W), (H, W, 3) or (H, W, 4) uint16.

    max_pixels: a picture of more than 4 * max_pixels numbers is not decoded. The EXIF orientation
    is not applied. Raises OSError.
    """
    with _run_decoder(source, "16bit", max_pixels) as (header, payload):
        if "shape" not in header:
            raise OSError("the decoder is missing")
        return _read_array(payload, tuple(header["shape"]), np.uint16)


@contextlib.contextmanager
def _run_decoder(
    source: str | Path | bytes, decoder: str, max_pixels: int
) -> Iterator[tuple[dict, io.BufferedReader]]:
    """Run the child process; yield its header, and its output, from which the payload is read.

    decoder, max_pixels: arguments of `decoder_process`. Raises OSError.
    """
    with contextlib.ExitStack() as stack:
        if isinstance(source, bytes):
            file = stack.enter_context(tempfile.TemporaryFile())
            file.write(source)
            file.seek(0)
        else:
            file = stack.enter_context(open(source, "rb"))
        process = subprocess.Popen(
            [sys.executable, "-I", str(DECODER_PROGRAM), decoder, str(max_pixels)],
            stdin=file,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            env=os.environ | MEMORY_SETTINGS,
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


def _read_metadata(payload: io.BufferedReader, size: int) -> bytes:
    """Read a block of metadata. Raises OSError if it is larger than MAX_METADATA_BYTES."""
    if not 0 <= size <= MAX_METADATA_BYTES:
        raise OSError("a block of metadata is too large")
    return _read_array(payload, (size,), np.uint8).tobytes()


def _read_array(payload: io.BufferedReader, shape: tuple[int, ...], dtype: type) -> np.ndarray:
    """Read the next bytes as an array. Raises OSError if there are too few."""
    array = np.empty(shape, dtype)
    if array.size and payload.readinto(memoryview(array).cast("B")) < array.nbytes:
        raise OSError("the decoder has stopped")
    return array
