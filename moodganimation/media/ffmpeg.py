"""Run ffmpeg in a process of its own: start and stop it, limit what it opens, read its frames.

The package imageio-ffmpeg contains the program; only this module uses it.
"""

import contextlib
import subprocess
from collections.abc import Iterator
from pathlib import Path

import imageio_ffmpeg
import numpy as np

# Name in messages -> ffmpeg's demuxers. Playlists and scripts are left out: they name other files.
CONTAINERS = {
    "MP4": "mp4",
    "MOV": "mov",
    "MKV": "matroska",
    "WebM": "webm",
    "AVI": "avi",
    "MPEG": "mpeg,mpegts",
    "DV": "dv",
    "Ogg": "ogg",
    "FLV": "flv",
    "WMV": "asf",
    "GIF": "gif",
    "animated WebP": "webp_anim",
    "animated PNG": "apng",
}
MAX_FRAME_PIXELS = 8192 * 4320  # larger frames are not decoded
FIRST_VIDEO = "0:V:0"  # for -map; "0:v:0" may be a cover picture
# Options that write frames to stdout, where `decoded_frames` reads them.
PPM_OUTPUT = [*("-pix_fmt", "rgb24"), *("-c:v", "ppm"), *("-f", "image2pipe"), "-"]


def start(*arguments: str, **pipes) -> subprocess.Popen:
    """Start `ffmpeg -y -nostdin` with these arguments; end it with `stop`.

    pipes: stdin, stdout and stderr, as for Popen. The process has a session of its own, so that
    Ctrl-C does not reach it.
    """
    options = {"stdin": subprocess.DEVNULL, "start_new_session": True} | pipes
    command = [imageio_ffmpeg.get_ffmpeg_exe(), "-hide_banner", "-y", "-nostdin", *arguments]
    return subprocess.Popen(command, **options)


def input_arguments(path: str | Path) -> list[str]:
    """The arguments that open a file as input, and keep ffmpeg from other files and the network."""
    return [
        "-protocol_whitelist",
        "file,pipe",
        "-format_whitelist",
        ",".join(CONTAINERS.values()),
        "-max_pixels",
        str(MAX_FRAME_PIXELS),
        "-i",
        f"file:{path}",
    ]


def decoded_frames(decoder: subprocess.Popen) -> Iterator[np.ndarray]:
    """Read the frames that a process with PPM_OUTPUT writes: (H, W, 3) uint8 RGB, one at a time.

    The process is stopped when the iterator ends, or is closed after its first frame was requested.
    """
    try:
        while decoder.stdout.readline() == b"P6\n":
            width, height = map(int, decoder.stdout.readline().split())
            decoder.stdout.readline()  # the maximum value, 255
            data = decoder.stdout.read(3 * width * height)
            if len(data) < 3 * width * height:
                break
            yield np.frombuffer(data, np.uint8).reshape(height, width, 3)
        decoder.wait()
    finally:
        stop(decoder)


def stop(process: subprocess.Popen) -> None:
    """Kill a process if it still runs, and close its pipes."""
    process.kill()
    process.wait()
    for pipe in (process.stdin, process.stdout, process.stderr):
        with contextlib.suppress(OSError):  # buffered input that the process has not read
            pipe and pipe.close()


def last_line(stderr: bytes) -> str:
    """The last line that ffmpeg wrote to stderr: its error message; "" if there is none."""
    lines = stderr.decode(errors="replace").strip().splitlines()
    return lines[-1] if lines else ""
