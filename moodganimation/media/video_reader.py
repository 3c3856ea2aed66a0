"""Read films: their properties, all frames at a constant frame rate, or some frames by number."""

import subprocess
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from fractions import Fraction
from pathlib import Path

import cv2
import numpy as np

from ..animation.easing import MAX_FILM_SECONDS, MAX_FPS
from ..errors import Message, UnreadableFile
from . import ffmpeg
from .film_header import Header, read_header
from .frame_times import (
    UNKNOWN_FPS,
    FrameGrid,
    FrameTimes,
    choose_frame_grid,
    divided_fps,
    read_frame_times,
)
from .images import MIN_PHOTO_SIDE

MAX_SIDE = 1920  # longer side of a frame [px]; larger frames are scaled down
MAX_CHOSEN_SIDE = 1280  # the same for the single frames of `read_frames` [px]
SCALE_FLAGS = "flags=bicubic+accurate_rnd+full_chroma_int"


@dataclass(frozen=True)
class Film:
    """A film whose frames are not decoded yet; `open_film` makes it."""

    path: Path
    fps: Fraction  # of `frames`, 1 to MAX_FPS
    seconds: float | None  # of the longest stream; None: unknown
    header: Header
    offset: float  # subtracted from every time stamp [s], see `frame_times.FrameGrid`
    notes: tuple[Message, ...]  # sentences about what reading it changes

    @property
    def estimated_frames(self) -> int | None:
        """The approximate number of frames; None: unknown."""
        return None if self.seconds is None else max(1, round(self.seconds * self.fps))

    @property
    def sound(self) -> str | None:
        """Codec of the first audio stream, for instance "aac"; None: there is none."""
        return self.header.audio_codecs[0] if self.header.audio_codecs else None

    def with_max_fps(self, max_fps: int, note: Message) -> "Film":
        """The same film at a frame rate of at most `max_fps`; with this note if that changes it."""
        fps = divided_fps(self.fps, max_fps)
        return self if fps == self.fps else replace(self, fps=fps, notes=(*self.notes, note))

    def frames(self) -> Iterator[np.ndarray]:
        """All frames, (H, W, 3) uint8 RGB with even sides, upright, one at a time.

        Frame i is the one on the screen i / fps seconds after the film (video or audio) begins: in
        a film of variable frame rate, a frame is repeated until the next one begins. Frames larger
        than MAX_SIDE are scaled down and odd sides lose a pixel; `film_header` says how fields,
        colors and alpha are converted. Reading stops where the film is damaged, and after
        2 * `seconds` + 1 seconds if it is longer than its header declares. Raises UnreadableFile if
        no frame can be decoded.
        """
        declared = MAX_FILM_SECONDS if self.seconds is None else self.seconds
        max_seconds = min(MAX_FILM_SECONDS, 2 * declared + 1)
        scale = f"min(1,{MAX_SIDE}/max(iw*sar,ih))"
        size = f"w='max(2,round(iw*sar*{scale}))':h='max(2,round(ih*{scale}))':{SCALE_FLAGS}"
        filters = [
            *self.header.deinterlace_filters(),
            *([f"setpts=PTS-({self.offset:.6f})/TB"] if self.offset else []),
            f"fps={self.fps}:start_time=0",
            *self.header.color_filters(size),
            "crop=trunc(iw/2)*2:trunc(ih/2)*2:0:0",
        ]
        shape = None
        for frame in _decode(self.path, self.header, filters, "-t", str(max_seconds)):
            shape = shape or _checked_shape(self.path, frame.shape)
            if frame.shape != shape:  # a stream may change its size on the way
                frame = cv2.resize(frame, shape[1::-1], interpolation=cv2.INTER_AREA)
            yield frame
        if shape is None:
            raise UnreadableFile(
                "Not one frame of {} can be decoded; it may be damaged, or larger than {} "
                "megapixels a frame.",
                self.path,
                ffmpeg.MAX_FRAME_PIXELS // 1_000_000,
            )


def open_film(path: str | Path) -> Film:
    """Open a film by its header and its time stamps; no frame is decoded yet.

    Raises UnreadableFile.
    """
    header = read_header(path)
    seconds = header.seconds
    if seconds is None or seconds <= MAX_FILM_SECONDS:
        times = read_frame_times(path, MAX_FILM_SECONDS + 1 if seconds is None else seconds + 1)
        seconds = times.end if seconds is None and times else seconds
    if seconds is not None and seconds > MAX_FILM_SECONDS:
        raise UnreadableFile(
            "{} lasts {} minutes; videos may last at most {}: cut it first.",
            path,
            f"{seconds / 60:.0f}",
            MAX_FILM_SECONDS // 60,
        )
    grid = choose_frame_grid(times, header.average_fps, header.base_fps)
    notes = (*_frame_notes(header, times, grid), *header.notes())
    return Film(Path(path), grid.fps, seconds, header, grid.offset, notes)


def _frame_notes(header: Header, times: FrameTimes | None, grid: FrameGrid) -> list[Message]:
    """Sentences about frames that are left out or scaled down."""
    notes = []
    if grid.dropped:
        counts = grid.dropped, len(times.starts)
        note = Message(
            "{} of {} frames are left out: they follow the frame before too closely.", *counts
        )
        if grid.fps == MAX_FPS:
            note = Message(
                "{} of {} frames are left out: there are more than {} per second.", *counts, MAX_FPS
            )
        notes.append(note)
    elif UNKNOWN_FPS > header.average_fps > MAX_FPS and (times is None or len(times.starts) > 1):
        rates = f"{header.average_fps:.4g}", f"{float(grid.fps):.4g}", MAX_FPS
        notes.append(
            Message(
                "The video has {} frames per second; {} are read, as at most {} are allowed.",
                *rates,
            )
        )
    if max(header.width, header.height) > MAX_SIDE:
        notes.append(
            Message(
                "The {} x {} pixels of the video are reduced to {} on the longer side.",
                header.width,
                header.height,
                MAX_SIDE,
            )
        )
    return notes


def read_frames(path: str | Path, numbers: Iterable[int]) -> Iterator[tuple[int, np.ndarray]]:
    """Read the frames of a film with these numbers, counted from 0.

    Yields number and frame, (H, W, 3) uint8 RGB, in order.

    Frames are counted as they are stored, independent of their times. Those larger than
    MAX_CHOSEN_SIDE are scaled down. Unlike in `Film.frames`, pixels that are not square stay so,
    and odd sides stay odd. Numbers beyond the end are skipped. Raises UnreadableFile, also if all
    numbers are beyond the end.
    """
    requested = set(numbers)
    first, last = min(requested), max(requested)
    number, limit = None, ("-frames:v", str(last - first + 1))
    frames = _select(path, f"gte(n,{first})", MAX_CHOSEN_SIDE, *limit)
    for number, frame in enumerate(frames, first):
        if number in requested:
            yield number, frame
    if number is None:
        raise UnreadableFile("{} has no frame {}, counted from 0, nor any later one.", path, first)


def read_every(path: str | Path, step: int) -> Iterator[tuple[int, np.ndarray]]:
    """Read the frames 0, step, 2 * step, ... of a film, as `read_frames`, but up to MAX_SIDE.

    Yields number and frame. Raises UnreadableFile.
    """
    for count, frame in enumerate(_select(path, f"not(mod(n,{step}))", MAX_SIDE)):
        yield count * step, frame


def _select(path: str | Path, condition: str, max_side: int, *limits: str) -> Iterator[np.ndarray]:
    """The frames for which a condition of ffmpeg's filter `select` holds.

    limits: further options of ffmpeg for its output.
    """
    header = read_header(path)
    scale = f"min(1,{max_side}/max(iw,ih))"
    size = f"w='max(1,iw*{scale})':h='max(1,ih*{scale})'"
    filters = [*header.deinterlace_filters(), f"select='{condition}'", *header.color_filters(size)]
    return _decode(path, header, filters, *limits)


def _decode(path: Path, header: Header, filters: list[str], *limits: str) -> Iterator[np.ndarray]:
    """The frames of a film after these filters.

    ffmpeg runs at once. Closing the iterator stops it only after a frame was requested.
    """
    decoder = ["-c:v", header.decoder] if header.decoder else []
    arguments = ["-v", "quiet", *decoder, *ffmpeg.input_arguments(path)]
    arguments += ["-map", ffmpeg.FIRST_VIDEO, *limits]
    arguments += ["-fps_mode", "passthrough", "-vf", ",".join(filters)]
    process = ffmpeg.start(*arguments, *ffmpeg.PPM_OUTPUT, stdout=subprocess.PIPE)
    return ffmpeg.decoded_frames(process)


def _checked_shape(path: Path, shape: tuple[int, ...]) -> tuple[int, ...]:
    """Return the shape of a frame; raise UnreadableFile if it is too small."""
    if min(shape[:2]) < MIN_PHOTO_SIDE:
        raise UnreadableFile(
            "{} is {} x {} pixels, too small to hold a face; use a video of at least {} pixels a "
            "side.",
            path,
            shape[1],
            shape[0],
            MIN_PHOTO_SIDE,
        )
    return shape
