"""Animations: the path between two expressions, frames to GIF, MP4 or WebP, and frames of films."""

import contextlib
import math
import os
import subprocess
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path

import imageio_ffmpeg
import numpy as np

from .errors import InvalidExpression, UnreadableFile, Unwritable
from .expressions import Expression
from .images import EDITED
from .marks import comment, mark

MOST_FRAMES = 600
FASTEST = 60  # frames a second
MOST_PIXELS = 400_000_000  # of all frames together: encoders of GIF hold them all
FILMS = "avi,matroska,webm,mov,mp4,mpeg,mpegts,gif,ogg,flv,asf"  # containers that are read
LARGEST = 1280  # longest side of a filmed frame [px]: larger ones are reduced

# What a share t in [0, 1] of the time becomes of the way.
EASINGS: dict[str, Callable[[float], float]] = {
    "linear": lambda t: t,
    "smooth": lambda t: t * t * (3 - 2 * t),
    "ease in": lambda t: t * t,
    "ease out": lambda t: 1 - (1 - t) ** 2,
    "spring": lambda t: 1 - math.exp(-6 * t) * math.cos(9 * t) * (1 - t),
}

_PALETTE = (
    "split[a][b];[a]palettegen=stats_mode=full[p];[b][p]paletteuse=dither=bayer:bayer_scale=4"
)
_CODECS = {  # ending -> codec, pixel format, further options of ffmpeg
    ".mp4": (
        "libx264",
        "yuv420p",
        ["-preset", "veryfast", "-crf", "18", "-movflags", "+faststart"],
    ),
    ".gif": ("gif", "pal8", ["-filter_complex", _PALETTE, "-loop", "0"]),
    ".webp": ("libwebp_anim", "yuv420p", ["-loop", "0", "-quality", "85", "-preset", "photo"]),
}


def interpolate(
    start: Expression,
    end: Expression,
    frames: int,
    easing: str = "smooth",
    ping_pong: bool = False,
    hold: int = 0,
) -> list[Expression]:
    """`frames` expressions from start to end, both included, held for `hold` more at the end, and
    back again if `ping_pong`. A spring may pass the end; values stay in the axes' ranges."""
    if not (isinstance(frames, int) and isinstance(hold, int) and hold >= 0):
        raise InvalidExpression(f"Frames and hold must be whole numbers, got {frames} and {hold}.")
    if easing not in EASINGS:
        raise InvalidExpression(f"{easing!r} is not an easing; choose from {', '.join(EASINGS)}.")
    total = (2 * frames - 2 if ping_pong else frames) + hold
    if not (frames >= 2 and total <= MOST_FRAMES):
        raise InvalidExpression(f"An animation has 2 to {MOST_FRAMES} frames, got {total}.")
    way = [start.towards(end, EASINGS[easing](i / (frames - 1))) for i in range(frames)]
    there = way + [way[-1]] * hold
    return there + way[-2:0:-1] if ping_pong else there


def write_animation(
    path: str | Path,
    frames: Iterable[np.ndarray],
    fps: float = 24,
    description: str = EDITED,
    recipe: str | None = None,
) -> Path:
    """Stream (H, W, 3) uint8 frames to .gif, .mp4 or .webp; whole or not at all, marked as edited.

    recipe: `Recipe.text()`, kept inside. Odd sides lose a pixel, as video wants even ones. Raises
    Unwritable.
    """
    path, frames = check_animation(path, fps), iter(frames)
    part = path.with_name(f".{path.stem[:80]}.part{path.suffix.lower()}")
    encoder = None
    try:
        for count, frame in enumerate(frames):
            frame = frame[: len(frame) // 2 * 2, : frame.shape[1] // 2 * 2]
            if (count + 1) * frame[..., 0].size > MOST_PIXELS:
                raise Unwritable(
                    "The animation is too large: choose a smaller side or fewer frames."
                )
            if encoder is None:
                size = f"{frame.shape[1]}x{frame.shape[0]}"
                encoder = _start(part, size, fps, comment(description, recipe))
            encoder.stdin.write(np.ascontiguousarray(frame).data)
        if encoder is None:
            raise Unwritable("There are no frames to write.")
        _, said = encoder.communicate()
        if encoder.returncode:
            raise Unwritable(f"{path} could not be written ({_last(said)}).")
        if path.suffix.lower() in (".gif", ".webp"):
            mark(part, description, recipe)
        os.replace(part, path)
    except OSError as problem:
        said = encoder.communicate()[1] if encoder else b""
        reason = _last(said) or problem.strerror or problem
        raise Unwritable(f"{path} could not be written ({reason}).") from problem
    finally:
        if encoder is not None and encoder.poll() is None:
            encoder.kill()
            encoder.wait()
        with contextlib.suppress(OSError):
            part.unlink(missing_ok=True)
    return path


def read_frames(path: str | Path, numbers: Iterable[int]) -> Iterator[tuple[int, np.ndarray]]:
    """The frames of a film that have these numbers, 0 being its first, in order: number and
    (H, W, 3) uint8 RGB, one at a time. Numbers beyond its end are left out.

    ffmpeg reads the file in a process of its own and nothing else: no network, no other file.
    Raises UnreadableFile.
    """
    path, wanted = Path(path), set(numbers)
    first, last = min(wanted), max(wanted)
    if not path.is_file():
        raise UnreadableFile(f"There is no video {path}.")
    share = f"min(1,{LARGEST}/max(iw,ih))"
    command = [imageio_ffmpeg.get_ffmpeg_exe(), "-v", "quiet", "-nostdin"]
    command += ["-protocol_whitelist", "file", "-format_whitelist", FILMS, "-i", f"file:{path}"]
    command += ["-map", "0:v:0", "-frames:v", str(last - first + 1), "-fps_mode", "passthrough"]
    command += ["-vf", f"select='gte(n,{first})',scale='max(1,iw*{share})':'max(1,ih*{share})'"]
    command += ["-c:v", "ppm", "-f", "image2pipe", "-"]
    decoder = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE)
    number = first
    try:
        while decoder.stdout.readline() == b"P6\n":
            width, height = map(int, decoder.stdout.readline().split())
            decoder.stdout.readline()  # the largest value, 255
            data = decoder.stdout.read(3 * width * height)
            if len(data) < 3 * width * height:
                break
            if number in wanted:
                yield number, np.frombuffer(data, np.uint8).reshape(height, width, 3)
            number += 1
        if number == first:
            beyond = decoder.wait() == 0
            raise UnreadableFile(
                f"{path} has no frame {first}, counted from 0, nor any later one."
                if beyond
                else f"{path} is not a video that can be read ({FILMS.replace(',', ', ')})."
            )
    finally:
        decoder.kill()
        decoder.communicate()


def check_animation(path: str | Path, fps: float) -> Path:
    """The path of an animation that could be written at this speed. Raises Unwritable."""
    path = Path(path)
    if path.suffix.lower() not in _CODECS:
        raise Unwritable(f"{path}: animations are written as .gif, .mp4 or .webp.")
    fastest = 50 if path.suffix.lower() == ".gif" else FASTEST  # browsers slow faster GIFs down
    if not (math.isfinite(fps) and 1 <= fps <= fastest):
        raise Unwritable(f"Frames per second must be from 1 to {fastest}, got {fps}.")
    if not path.parent.is_dir():
        raise Unwritable(f"There is no folder {path.parent}.")
    return path


def _start(path: Path, size: str, fps: float, said: str) -> subprocess.Popen:
    codec, pixels, options = _CODECS[path.suffix]
    command = [imageio_ffmpeg.get_ffmpeg_exe(), "-y", "-v", "error", "-f", "rawvideo"]
    command += ["-pix_fmt", "rgb24", "-s", size, "-r", f"{fps:g}", "-i", "pipe:0", "-an"]
    command += ["-c:v", codec, *options, "-pix_fmt", pixels]
    command += ["-metadata", f"comment={said}", str(path)]
    return subprocess.Popen(command, stdin=subprocess.PIPE, stderr=subprocess.PIPE)


def _last(said: bytes) -> str:
    """The last line of what ffmpeg complained of."""
    lines = said.decode(errors="replace").strip().splitlines()
    return lines[-1] if lines else ""
