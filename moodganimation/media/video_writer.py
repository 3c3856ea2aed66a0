"""Frames to GIF, MP4 or WebP files, with the sound of a film."""

import contextlib
import math
import os
import subprocess
from collections.abc import Iterable, Iterator
from pathlib import Path

import numpy as np

from ..animation.easing import FASTEST
from ..errors import Message, Unwritable
from . import ffmpeg
from .images import EDITED
from .metadata import comment, mark
from .provenance import labelled, sign
from .video_reader import Film

MOST_PIXELS = 400_000_000  # of all frames together: encoders of GIF hold them all
COPIED = ("aac", "mp3", "opus", "flac", "ac3", "eac3", "alac")  # sound that MP4 takes as it is

_PALETTE = (  # one for all: of the first frames, every eighth, those that differ, and the last
    "split[a][b];[a]tpad=stop=7:stop_mode=clone,"
    "select='lt(n,16)+not(mod(n,8))+gt(scene,0.005)',palettegen=stats_mode=full[p];"
    "[b][p]paletteuse=dither=bayer:bayer_scale=4:diff_mode=rectangle"
)
_BT709 = [
    "-vf",
    "scale=out_color_matrix=bt709:out_range=tv",
    "-colorspace",
    "bt709",
    "-color_primaries",
    "bt709",
    "-color_trc",
    "bt709",
    "-color_range",
    "tv",
]  # said in the file, so that players need not guess
_CODECS = {  # ending -> codec, pixel format, further options of ffmpeg
    ".mp4": (
        "libx264",
        "yuv420p",
        [*_BT709, "-preset", "veryfast", "-crf", "18", "-movflags", "+faststart"],
    ),
    ".gif": ("gif", "pal8", ["-filter_complex", _PALETTE, "-loop", "0"]),
    ".webp": ("libwebp_anim", "yuv420p", ["-loop", "0", "-quality", "85", "-preset", "photo"]),
}


def write_animation(
    path: str | Path,
    frames: Iterable[np.ndarray],
    fps: float = 24,
    description: str = EDITED,
    recipe: str | None = None,
    label: bool = False,
) -> Path:
    """Stream (H, W, 3) uint8 frames to .gif, .mp4 or .webp; whole or not at all, marked as edited.

    recipe: `Recipe.text()`, kept inside. label: says in a corner, too, that it was edited. Odd
    sides lose a pixel, as video wants even ones. Raises Unwritable.
    """
    path = check_animation(path, fps)
    with _parts(path) as (part,):
        frames = map(labelled, frames) if label else frames
        _encode(part, _few(frames), fps, comment(description, recipe))
        mark(part, description, recipe)
        if description == EDITED:
            sign(part, path.suffix.lower())
        os.replace(part, path)
    return path


def write_film(
    path: str | Path,
    frames: Iterable[np.ndarray],
    film: Film,
    description: str = EDITED,
    recipe: str | None = None,
    label: bool = False,
) -> list[str]:
    """Stream (H, W, 3) uint8 frames at the pace of a film: to an .mp4, however many, with the
    film's sound, or to a .gif or .webp as `write_animation` does; whole or not at all.

    The sound is copied as it is where MP4 and browsers take it, else coded as AAC; sentences say
    if it could not be kept. recipe, label: as for `write_animation`. Raises Unwritable.
    """
    path = check_film(path, film)
    if path.suffix.lower() != ".mp4":
        write_animation(path, frames, float(film.fps), description, recipe, label)
        return []
    frames = map(labelled, frames) if label else frames
    said = comment(description, recipe)
    with _parts(path, ".picture", "") as (picture, part):
        _encode(picture, frames, film.fps, said)
        codecs = ("copy", "aac") if film.sound in COPIED else ("aac",)
        joined = film.sound and any(
            _join(part, picture, film.path, codec, said) for codec in codecs
        )
        made = part if joined else picture
        mark(made, description)
        if description == EDITED:
            sign(made, ".mp4")
        os.replace(made, path)
    return [Message("The film's sound could not be kept.")] if film.sound and not joined else []


def check_film(path: str | Path, film: Film) -> Path:
    """The path of an animation that could be written at the pace of a film. Raises Unwritable."""
    path = check_animation(path, float(film.fps))
    if path.exists() and path.samefile(film.path):
        raise Unwritable("{} is the film that is read; choose another name.", path)
    return path


def check_animation(path: str | Path, fps: float) -> Path:
    """The path of an animation that could be written at this speed. Raises Unwritable."""
    path = Path(path)
    if path.suffix.lower() not in _CODECS:
        raise Unwritable("{}: animations are written as .gif, .mp4 or .webp.", path)
    fastest = 50 if path.suffix.lower() == ".gif" else FASTEST  # browsers slow faster GIFs down
    if not (math.isfinite(fps) and 1 <= fps <= fastest):
        raise Unwritable("Frames per second must be from 1 to {}, got {}.", fastest, fps)
    if not path.parent.is_dir():
        raise Unwritable("There is no folder {}.", path.parent)
    return path


@contextlib.contextmanager
def _parts(path: Path, *kinds: str) -> Iterator[list[Path]]:
    """Hidden names beside `path` to write to, whose files are gone in the end; an OSError on the
    way is Unwritable."""
    ending = path.suffix.lower()
    parts = [path.with_name(f".{path.stem[:80]}.part{k}{ending}") for k in kinds or ("",)]
    try:
        yield parts
    except OSError as problem:
        reason = problem.strerror or str(problem)
        raise Unwritable("{} could not be written ({}).", path, reason) from problem
    finally:
        for part in parts:
            with contextlib.suppress(OSError):
                part.unlink(missing_ok=True)


def _few(frames: Iterable[np.ndarray]) -> Iterator[np.ndarray]:
    """The frames, as long as they are no more than MOST_PIXELS together."""
    pixels = 0
    for frame in frames:
        pixels += frame[..., 0].size
        if pixels > MOST_PIXELS:
            raise Unwritable("The animation is too large: choose a smaller side or fewer frames.")
        yield frame


def _encode(path: Path, frames: Iterable[np.ndarray], fps: float, description: str) -> None:
    """Stream frames to a file by its ending; odd sides lose a pixel. Raises Unwritable."""
    codec, pixels, options = _CODECS[path.suffix]
    encoder = None
    try:
        for frame in frames:
            frame = frame[: len(frame) // 2 * 2, : frame.shape[1] // 2 * 2]
            if encoder is None:
                encoder = ffmpeg.start(
                    *("-v", "error", "-f", "rawvideo", "-pix_fmt", "rgb24"),
                    *("-s", f"{frame.shape[1]}x{frame.shape[0]}", "-r", f"{float(fps):.9g}"),
                    *("-i", "pipe:0", "-an", "-c:v", codec, *options, "-pix_fmt", pixels),
                    *("-metadata", f"comment={description}", f"file:{path}"),
                    stdin=subprocess.PIPE,
                    stderr=subprocess.PIPE,
                )
            encoder.stdin.write(np.ascontiguousarray(frame).data)
        if encoder is None:
            raise Unwritable("There are no frames to write.")
        _, said = encoder.communicate()
        if encoder.returncode:
            raise OSError(ffmpeg.complaint(said))
    except BrokenPipeError:
        said = encoder.communicate()[1]
        raise OSError(ffmpeg.complaint(said)) from None
    finally:
        if encoder is not None and encoder.poll() is None:
            ffmpeg.stop(encoder)


def _join(path: Path, picture: Path, sound: Path, codec: str, description: str) -> bool:
    """The pictures of one file and the first sound of another as a third; whether that went."""
    joiner = ffmpeg.start(
        *("-v", "error", "-i", f"file:{picture}", *ffmpeg.opening(sound)),
        *("-map", "0:v:0", "-map", "1:a:0", "-c:v", "copy", "-c:a", codec),
        *("-map_metadata", "0", "-map_chapters", "-1", "-movflags", "+faststart"),
        *("-metadata", f"comment={description}", f"file:{path}"),
        stderr=subprocess.PIPE,
    )
    try:
        joiner.communicate()
    finally:
        ffmpeg.stop(joiner)
    return joiner.returncode == 0
