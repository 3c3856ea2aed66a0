"""Films from files: what they are, all of their frames at an even pace, or a few by number."""

import math
import re
import subprocess
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path

import cv2
import numpy as np

from ..animation.easing import FASTEST
from ..errors import Message, UnreadableFile
from . import ffmpeg
from .images import LEAST_SIDE

LONGEST = 3600  # of a film [s]
LARGEST = 1920  # longer side of a frame [px]: larger ones are reduced
LARGEST_CHOSEN = 1280  # longer side of frames chosen by number [px]
PATIENCE = 60  # for reading a header [s]


@dataclass(frozen=True)
class Film:
    """What the header of a film says; made by `open_film`."""

    path: Path
    fps: Fraction  # of the frames that `frames` gives, 1 to FASTEST
    seconds: float | None  # of the longest stream; None where the header does not say
    sound: str | None  # name of the codec of its first sound, as "aac"
    matrix: str  # how its colors are coded: "auto" as every frame says, or a name of ffmpeg's
    notes: tuple[str, ...]  # what is changed when it is read, in sentences for people

    @property
    def count(self) -> int | None:
        """About how many frames there are to come, if that is known."""
        return None if self.seconds is None else max(1, round(self.seconds * self.fps))

    def frames(self) -> Iterator[np.ndarray]:
        """All frames, (H, W, 3) uint8 RGB with even sides, upright, one at a time; frame i shows
        what is to be seen i / fps seconds after the film (picture or sound) begins.

        Films of uneven pace are evened, sides beyond LARGEST reduced, odd sides lose a pixel. A
        damaged film ends early, and one that is longer than its header says at twice that. Raises
        UnreadableFile where not one frame can be had.
        """
        most = LONGEST if self.seconds is None else min(LONGEST, 2 * self.seconds + 1)
        share = f"min(1,{LARGEST}/max(iw*sar,ih))"
        size = f"w='max(2,round(iw*sar*{share}))':h='max(2,round(ih*{share}))'"
        filters = (
            f"fps={self.fps}:start_time=0,"
            f"scale={size}:in_color_matrix={self.matrix}:flags=bicubic+accurate_rnd+full_chroma_int,"
            "format=rgb24,crop=trunc(iw/2)*2:trunc(ih/2)*2:0:0"
        )
        arguments = ["-v", "quiet", *ffmpeg.opening(self.path), "-map", "0:V:0"]
        arguments += ["-t", str(most), "-fps_mode", "passthrough", "-vf", filters]
        decoder = ffmpeg.start(*arguments, *ffmpeg.PICTURES, stdout=subprocess.PIPE)
        shape = None
        for frame in ffmpeg.pictures(decoder):
            shape = shape or _checked(self.path, frame.shape)
            if frame.shape != shape:  # a stream may change its size on the way
                frame = cv2.resize(frame, shape[1::-1], interpolation=cv2.INTER_AREA)
            yield frame
        if shape is None:
            raise UnreadableFile(
                "Not one frame of {} can be decoded; it may be damaged, or larger than {} "
                "megapixels a frame.",
                self.path,
                ffmpeg.MOST_PIXELS // 1_000_000,
            )


def open_film(path: str | Path) -> Film:
    """The film in a file, by its header: no frame is decoded yet. Raises UnreadableFile."""
    said = _header(path)
    videos = re.findall(r"^ *Stream #0:\d+.*?: Video: (.*)$", said, re.MULTILINE)
    videos = [line for line in videos if "(attached pic)" not in line]
    if not videos:
        raise UnreadableFile(
            "{} has no moving picture that can be read; choose a video that plays.", path
        )
    sounds = re.findall(r"^ *Stream #0:\d+.*?: Audio: (\w+)", said, re.MULTILINE)
    length = re.search(r"^ *Duration: (\d+):(\d\d):(\d\d\.\d+)", said, re.MULTILINE)
    seconds = None
    if length:
        seconds = 3600 * int(length[1]) + 60 * int(length[2]) + float(length[3])
        if seconds > LONGEST:
            raise UnreadableFile(
                "{} lasts {} minutes; films may last {}, so cut it first.",
                path,
                f"{seconds / 60:.0f}",
                LONGEST // 60,
            )
    width, height = _size(videos[0])
    fps, notes = _pace(videos[0]), []
    if fps > FASTEST:
        fps = Fraction(FASTEST)
        notes.append(Message("The film is read at {} frames a second.", FASTEST))
    if max(width, height) > LARGEST:
        notes.append(
            Message(
                "The film's {} x {} pixels are reduced to {} on the longer side.",
                width,
                height,
                LARGEST,
            )
        )
    # Films that do not say it are watched as their size suggests.
    told = re.search(r"\((?:[^()]*, ?)?(?:bt|smpte|fcc|gbr)\w*[/,)]", videos[0])
    matrix = "auto" if told else "bt709" if height >= 720 else "bt601"
    return Film(Path(path), fps, seconds, sounds[0] if sounds else None, matrix, tuple(notes))


def read_frames(path: str | Path, numbers: Iterable[int]) -> Iterator[tuple[int, np.ndarray]]:
    """The frames of a film that have these numbers, 0 being its first, in order: number and
    (H, W, 3) uint8 RGB, one at a time, as they are in the file, whatever their pace. Numbers
    beyond its end are left out. Raises UnreadableFile.
    """
    path, wanted = Path(path), set(numbers)
    first, last = min(wanted), max(wanted)
    _exists(path)
    share = f"min(1,{LARGEST_CHOSEN}/max(iw,ih))"
    arguments = ["-v", "quiet", *ffmpeg.opening(path), "-map", "0:v:0"]
    arguments += ["-frames:v", str(last - first + 1), "-fps_mode", "passthrough"]
    arguments += ["-vf", f"select='gte(n,{first})',scale='max(1,iw*{share})':'max(1,ih*{share})'"]
    decoder = ffmpeg.start(*arguments, *ffmpeg.PICTURES, stdout=subprocess.PIPE)
    number = None
    for number, frame in enumerate(ffmpeg.pictures(decoder), first):
        if number in wanted:
            yield number, frame
    if number is None and decoder.returncode:
        raise UnreadableFile(_no_film(path))
    if number is None:
        raise UnreadableFile("{} has no frame {}, counted from 0, nor any later one.", path, first)


def _header(path: str | Path) -> str:
    """What ffmpeg says of a file that it can open."""
    _exists(path)
    prober = ffmpeg.start("-v", "info", *ffmpeg.opening(path), stderr=subprocess.PIPE)
    try:
        said = prober.communicate(timeout=PATIENCE)[1].decode(errors="replace")
    except subprocess.TimeoutExpired:
        raise UnreadableFile(_no_film(path)) from None
    finally:
        ffmpeg.stop(prober)
    if not said.startswith("Input #0") and "\nInput #0" not in said:
        raise UnreadableFile(_no_film(path))
    return said


def _exists(path: str | Path) -> None:
    if not Path(path).is_file():
        raise UnreadableFile("There is no video {}.", path)


def _no_film(path: str | Path) -> Message:
    return Message(
        "{} is not a video that can be read ({}); it may be damaged or another kind of file.",
        path,
        ffmpeg.CONTAINERS.replace(",", ", "),
    )


def _size(stream: str) -> tuple[int, int]:
    """Width and height [px] as coded, 0 where the header does not say."""
    found = re.search(r", (\d{1,5})x(\d{1,5})\b", stream)
    return (int(found[1]), int(found[2])) if found else (0, 0)


def _pace(stream: str) -> Fraction:
    """Frames a second of a film, at least 1: its mean pace, or the steady one just above it that
    its uneven frames keep missing."""
    pace, grid = (
        float(found[1]) * (1000 if found[2] else 1) if found else 0.0
        for found in (re.search(rf", ([\d.]+)(k?) {unit}\b", stream) for unit in ("fps", "tbr"))
    )
    if not pace or pace < grid < 1.25 * pace:
        pace = grid
    if not 0 < pace < 1000:
        pace = 30.0
    if not pace.is_integer() and abs(pace - math.ceil(pace) / 1.001) < 0.006:
        return Fraction(1000 * math.ceil(pace), 1001)  # 23.98, 29.97, 59.94
    return Fraction(max(1.0, pace)).limit_denominator(1000)


def _checked(path: Path, shape: tuple[int, ...]) -> tuple[int, ...]:
    if min(shape[:2]) < LEAST_SIDE:
        raise UnreadableFile(
            "{} is {} x {} pixels, too small to hold a face; use a film of at least {} pixels a "
            "side.",
            path,
            shape[1],
            shape[0],
            LEAST_SIDE,
        )
    return shape
