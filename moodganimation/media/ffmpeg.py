"""ffmpeg, in a process of its own: how it is started, what it may open, how its pictures come in.

imageio-ffmpeg carries the program; nothing else in the library knows of it.
"""

import contextlib
import subprocess
from collections.abc import Iterator
from pathlib import Path

import imageio_ffmpeg
import numpy as np

CONTAINERS = "avi,matroska,webm,mov,mp4,mpeg,mpegts,gif,ogg,flv,asf"  # no playlists, no scripts
MOST_PIXELS = 8192 * 4320  # of a frame; larger ones are not decoded

PICTURES = ["-pix_fmt", "rgb24", "-c:v", "ppm", "-f", "image2pipe", "-"]  # what `pictures` reads


def start(*arguments: str, **pipes) -> subprocess.Popen:
    """`ffmpeg -y -nostdin` with these arguments; `pipes` are stdin, stdout and stderr."""
    pipes.setdefault("stdin", subprocess.DEVNULL)
    command = [imageio_ffmpeg.get_ffmpeg_exe(), "-hide_banner", "-y", "-nostdin", *arguments]
    return subprocess.Popen(command, **pipes)


def opening(path: str | Path) -> list[str]:
    """The arguments that make a file an input, and nothing but it: no network, no other file."""
    return [
        "-protocol_whitelist",
        "file,pipe",
        "-format_whitelist",
        CONTAINERS,
        "-max_pixels",
        str(MOST_PIXELS),
        "-i",
        f"file:{path}",
    ]


def pictures(decoder: subprocess.Popen) -> Iterator[np.ndarray]:
    """What a process with PICTURES for its output sends: (H, W, 3) uint8 RGB, one at a time.

    The process ends with the iterator, however that ends.
    """
    try:
        while decoder.stdout.readline() == b"P6\n":
            width, height = map(int, decoder.stdout.readline().split())
            decoder.stdout.readline()  # the largest value, 255
            data = decoder.stdout.read(3 * width * height)
            if len(data) < 3 * width * height:
                break
            yield np.frombuffer(data, np.uint8).reshape(height, width, 3)
        decoder.wait()
    finally:
        stop(decoder)


def stop(process: subprocess.Popen) -> None:
    """End a process that may still run, and close its pipes."""
    process.kill()
    process.wait()
    for pipe in (process.stdin, process.stdout, process.stderr):
        with contextlib.suppress(OSError):  # what it did not take any more
            pipe and pipe.close()


def complaint(said: bytes) -> str:
    """The last line of what ffmpeg wrote to stderr."""
    lines = said.decode(errors="replace").strip().splitlines()
    return lines[-1] if lines else ""
