"""Write frames to GIF, MP4 or WebP files, and the audio of a film to MP4."""

import contextlib
import math
import os
import subprocess
from collections.abc import Iterable, Iterator
from itertools import islice
from pathlib import Path

import numpy as np

from ..animation.easing import MAX_FPS
from ..errors import Message, Unwritable
from ..files.atomic import atomic_write, check_writable
from . import ffmpeg
from .formats import ENDINGS_WITHOUT_ALPHA
from .frame_times import divided_fps
from .metadata import add_metadata, comment_text
from .pixels import without_alpha
from .provenance import EDITED, sign, with_edit_label
from .video_reader import Film

# In all frames together, since ffmpeg's GIF encoder keeps all of them in memory.
MAX_ANIMATION_PIXELS = 400_000_000
MAX_GIF_FPS = 50  # browsers slow faster GIFs down
# Audio codecs that MP4 can hold; other audio is encoded anew.
COPIED_CODECS = ("aac", "mp3", "opus", "flac", "ac3", "eac3", "alac")

# One palette for all frames. It is computed from the first 16 frames, every eighth, those that
# differ from the one before, and the last. For that `tpad` appends 7 copies of the last frame: the
# number of one of these 8 equal frames is divisible by 8.
_PALETTE = (
    "split[a][b];[a]tpad=stop=7:stop_mode=clone,"
    "select='lt(n,16)+not(mod(n,8))+gt(scene,0.005)',palettegen=stats_mode=full[p];"
    "[b][p]paletteuse=dither=bayer:bayer_scale=4:diff_mode=rectangle"
)
_BT709 = [  # written into the file, so that players need not guess
    *("-vf", "scale=out_color_matrix=bt709:out_range=tv"),
    *("-colorspace", "bt709"),
    *("-color_primaries", "bt709"),
    *("-color_trc", "bt709"),
    *("-color_range", "tv"),
]
_CODECS = {  # ending -> codec, pixel format, further options of ffmpeg
    ".mp4": (
        "libx264",
        "yuv420p",
        [*_BT709, "-preset", "veryfast", "-crf", "18", "-movflags", "+faststart"],
    ),
    ".gif": ("gif", "pal8", ["-filter_complex", _PALETTE, "-loop", "0"]),
    ".webp": ("libwebp_anim", "yuv420p", ["-loop", "0", "-quality", "85", "-preset", "photo"]),
}
# Replacements for frames with alpha: codec (libwebp_anim drops alpha), and pixel format.
_ALPHA_CODECS = {"libwebp_anim": "libwebp"}
_ALPHA_FORMATS = {"pal8": "pal8", "yuv420p": "yuva420p"}
_WEBP_DO_NOT_BLEND = 0b10  # flag of a frame (ANMF chunk)


def write_animation(
    path: str | Path,
    frames: Iterable[np.ndarray],
    fps: float = 24,
    description: str = EDITED,
    recipe: str | None = None,
    label: bool = False,
) -> Path:
    """Write uint8 frames to a .gif, .mp4 or .webp as they come, completely or not at all.

    frames: (H, W, 3), or (H, W, 4) with alpha, which an MP4 shows over white; odd sides lose a
    pixel. description, recipe, label: as for `images.write_image`. Raises Unwritable.
    """
    path = check_animation_path(path, fps)
    with atomic_write(path, path.suffix.lower()) as temporary:
        if path.suffix.lower() in ENDINGS_WITHOUT_ALPHA:
            frames = map(without_alpha, frames)
        frames = map(with_edit_label, frames) if label else frames
        _encode(temporary, _checked_size(frames), fps, comment_text(description, recipe))
        if path.suffix.lower() == ".webp":
            _disable_blending(temporary)
        add_metadata(temporary, description, recipe)
        if description == EDITED:
            sign(temporary, path.suffix.lower())
    return path


def write_film(
    path: str | Path,
    frames: Iterable[np.ndarray],
    film: Film,
    description: str = EDITED,
    recipe: str | None = None,
    label: bool = False,
) -> list[str]:
    """Write uint8 frames at the frame rate of a film, completely or not at all.

    frames: (H, W, 3 or 4), one for each frame of the film. description, recipe, label: as for
    `images.write_image`.

    An .mp4 may have any number of frames: MAX_ANIMATION_PIXELS applies only to `write_animation`.
    It gets the film's audio: the first stream that can be decoded, copied if its codec is one of
    COPIED_CODECS, else encoded as AAC. A .gif or .webp is written by `write_animation`, with every
    n-th frame only if the film's rate is too high for the format.

    Returns sentences about what was changed or lost. Raises Unwritable.
    """
    path, limited = check_film_path(path, film), limit_fps_for(film, path)
    if path.suffix.lower() != ".mp4":
        frames = islice(frames, 0, None, round(film.fps / limited.fps))
        write_animation(path, frames, float(limited.fps), description, recipe, label)
        return list(limited.notes[len(film.notes) :])  # the note of `limit_fps_for`, if any
    frames = map(without_alpha, frames)
    frames = map(with_edit_label, frames) if label else frames
    comment = comment_text(description, recipe)
    with atomic_write(path, ".mp4") as temporary:
        _encode(temporary, frames, film.fps, comment)
        notes = _add_audio(temporary, film, comment)
        add_metadata(temporary, description)
        if description == EDITED:
            sign(temporary, ".mp4")
    return notes


def limit_fps_for(film: Film, path: str | Path) -> Film:
    """The film at a frame rate that a file of this ending can have, with a note if it changes."""
    limit = max_fps(path)
    note = Message(
        "A GIF has at most {} frames per second: the video is reduced to {}.",
        limit,
        f"{float(divided_fps(film.fps, limit)):.4g}",
    )
    return film.with_max_fps(limit, note)


def check_film_path(path: str | Path, film: Film) -> Path:
    """The path, if the frames of a film can be written there. Raises Unwritable."""
    path = check_animation_path(path, float(limit_fps_for(film, path).fps))
    if path.exists() and path.samefile(film.path):
        raise Unwritable("{} is the video that is read; choose another name.", path)
    return path


def max_fps(path: str | Path) -> int:
    """The highest frame rate that a file of this ending may have."""
    return MAX_GIF_FPS if Path(path).suffix.lower() == ".gif" else MAX_FPS


def check_animation_path(path: str | Path, fps: float) -> Path:
    """The path, if an animation of this frame rate can be written there. Raises Unwritable."""
    path = Path(path)
    if path.suffix.lower() not in _CODECS:
        raise Unwritable("{}: animations are written as .gif, .mp4 or .webp.", path)
    limit = max_fps(path)
    if not (math.isfinite(fps) and 1 <= fps <= limit):
        raise Unwritable("Frames per second must be from 1 to {}, got {}.", limit, fps)
    return check_writable(path)


def _checked_size(frames: Iterable[np.ndarray]) -> Iterator[np.ndarray]:
    """The frames; raises Unwritable once they have more than MAX_ANIMATION_PIXELS together."""
    pixels = 0
    for frame in frames:
        pixels += frame[..., 0].size
        if pixels > MAX_ANIMATION_PIXELS:
            raise Unwritable(
                "The animation has more than {} megapixels, all frames together: choose a smaller "
                "side or fewer frames.",
                MAX_ANIMATION_PIXELS // 1_000_000,
            )
        yield frame


def _encode(path: Path, frames: Iterable[np.ndarray], fps: float, comment: str) -> None:
    """Encode frames by the file's ending; odd sides lose a pixel. Raises Unwritable and OSError."""
    codec, pixel_format, options = _CODECS[path.suffix.lower()]
    encoder = None
    try:
        for frame in frames:
            frame = frame[: len(frame) // 2 * 2, : frame.shape[1] // 2 * 2]
            if encoder is None:
                input_format = "rgb24"
                if frame.shape[2] == 4:
                    input_format, pixel_format = "rgba", _ALPHA_FORMATS[pixel_format]
                    codec = _ALPHA_CODECS.get(codec, codec)
                encoder = ffmpeg.start(
                    *("-v", "error", "-f", "rawvideo", "-pix_fmt", input_format),
                    *("-s", f"{frame.shape[1]}x{frame.shape[0]}", "-r", f"{float(fps):.9g}"),
                    *("-i", "pipe:0", "-an", "-c:v", codec, *options, "-pix_fmt", pixel_format),
                    *("-metadata", f"comment={comment}", f"file:{path}"),
                    stdin=subprocess.PIPE,
                    stderr=subprocess.PIPE,
                )
            encoder.stdin.write(np.ascontiguousarray(frame).data)
        if encoder is None:
            raise Unwritable("There are no frames to write.")
        _, stderr = encoder.communicate()
        if encoder.returncode:
            raise OSError(ffmpeg.last_line(stderr))
    except BrokenPipeError:
        stderr = encoder.communicate()[1]
        raise OSError(ffmpeg.last_line(stderr)) from None
    finally:
        if encoder is not None and encoder.poll() is None:
            ffmpeg.stop(encoder)


def _disable_blending(path: Path) -> None:
    """Make every frame of an animated WebP replace the one before it.

    Blended over it, translucent edges would add up (WebP Container Specification, "Animation").
    """
    data = bytearray(path.read_bytes())
    position = 12  # after RIFF, its size and WEBP
    while position + 8 <= len(data):
        size = int.from_bytes(data[position + 4 : position + 8], "little")
        if data[position : position + 4] == b"ANMF" and size >= 16:
            data[position + 8 + 15] |= _WEBP_DO_NOT_BLEND  # flags follow offset, size and duration
        position += 8 + size + size % 2
    path.write_bytes(data)


def _add_audio(path: Path, film: Film, comment: str) -> list[Message]:
    """Add the first audio stream of a film that can be decoded to an MP4 of its frames.

    Returns a sentence if it is not the film's first audio stream, or if none could be added.
    """
    streams = film.header.audio_codecs
    for number, source_codec in enumerate(streams):
        codecs = ("copy", "aac") if source_codec in COPIED_CODECS else ("aac",)
        if _is_decodable(film.path, number) and any(
            _merge_audio(path, film.path, number, codec, comment) for codec in codecs
        ):
            note = Message(
                "Audio track {} of {} is kept: those before it cannot be decoded.",
                number + 1,
                len(streams),
            )
            return [note] if number else []
    return [Message("The sound of the video could not be kept.")] if streams else []


def _is_decodable(film_path: Path, number: int) -> bool:
    """Whether ffmpeg decodes at least one sample of an audio stream."""
    decoder = ffmpeg.start(
        *("-v", "quiet", *ffmpeg.input_arguments(film_path), "-map", f"0:a:{number}"),
        *("-frames:a", "1", "-f", "s16le", "-"),
        stdout=subprocess.PIPE,
    )
    try:
        return bool(decoder.stdout.read(1))
    finally:
        ffmpeg.stop(decoder)


def _merge_audio(path: Path, film_path: Path, number: int, codec: str, comment: str) -> bool:
    """Add an audio stream of a film to the MP4 at `path`; return whether that succeeded."""
    merged = path.with_name(f"{path.stem}.sound{path.suffix}")
    merger = ffmpeg.start(
        *("-v", "error", "-i", f"file:{path}", *ffmpeg.input_arguments(film_path)),
        *("-map", "0:v:0", "-map", f"1:a:{number}", "-c:v", "copy", "-c:a", codec),
        *("-map_metadata", "0", "-map_chapters", "-1", "-movflags", "+faststart"),
        *("-metadata", f"comment={comment}", f"file:{merged}"),
        stderr=subprocess.PIPE,
    )
    try:
        merger.communicate()
        if merger.returncode == 0:
            os.replace(merged, path)
        return merger.returncode == 0
    finally:
        ffmpeg.stop(merger)
        with contextlib.suppress(OSError):
            merged.unlink(missing_ok=True)
