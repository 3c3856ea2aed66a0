"""Animations: the path between two expressions, and frames to GIF, MP4 or WebP."""

import math
import os
import subprocess
from collections.abc import Callable, Iterable
from pathlib import Path

import imageio_ffmpeg
import numpy as np

from .errors import InvalidExpression, Unwritable
from .expressions import Expression
from .images import EDITED

MOST_FRAMES = 600

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
    total = (2 if ping_pong else 1) * frames + hold
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
) -> Path:
    """Stream (H, W, 3) uint8 frames to .gif, .mp4 or .webp; whole or not at all.

    Odd sides lose a pixel, as video wants even ones. Raises Unwritable.
    """
    path = Path(path)
    if path.suffix.lower() not in _CODECS:
        raise Unwritable(f"{path}: animations are written as .gif, .mp4 or .webp.")
    if not (math.isfinite(fps) and 1 <= fps <= 60):
        raise Unwritable(f"Frames per second must be from 1 to 60, got {fps}.")
    if not path.parent.is_dir():
        raise Unwritable(f"There is no folder {path.parent}.")
    codec, pixels, options = _CODECS[path.suffix.lower()]
    part = path.with_name(f".{path.stem}.part{path.suffix.lower()}")
    writer = None
    try:
        for frame in frames:
            frame = frame[: len(frame) // 2 * 2, : frame.shape[1] // 2 * 2]
            if writer is None:
                size = frame.shape[1], frame.shape[0]
                writer = imageio_ffmpeg.write_frames(
                    str(part),
                    size,
                    fps=fps,
                    codec=codec,
                    pix_fmt_out=pixels,
                    quality=None,
                    macro_block_size=2,
                    ffmpeg_log_level="error",
                    output_params=[*options, "-metadata", f"comment={description}"],
                )
                writer.send(None)
            writer.send(np.ascontiguousarray(frame))
        if writer is None:
            raise Unwritable("There are no frames to write.")
        writer.close()
        os.replace(part, path)
    except (OSError, subprocess.SubprocessError) as problem:
        raise Unwritable(f"{path} could not be written ({problem}).") from problem
    finally:
        if writer is not None:
            writer.close()
        part.unlink(missing_ok=True)
    return path
