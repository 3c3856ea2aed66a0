"""The times of a film's frames, and the constant frame rate at which all of them are shown.

Frames are assigned to the *slots* of a frame grid: slot i lasts from i / fps to (i + 1) / fps
seconds after the grid's offset.
"""

import math
import subprocess
from dataclasses import dataclass, replace
from fractions import Fraction
from pathlib import Path

import numpy as np

from ..animation.easing import MAX_FPS
from . import ffmpeg

TIMEOUT = 60  # for reading all time stamps of a film [s]
MAX_FRAMES = 1_000_000  # with time stamps that are read: more than an hour at 240 per second
# How far a frame may be from its slot: the larger of TOLERANCE [s] and, for slow films,
# TOLERANCE_SHARE of the shortest time between frames.
TOLERANCE, TOLERANCE_SHARE = 1 / 60, 0.05
MAX_DROPPED_SHARE = 0.001  # of the frames, on a grid that counts as fitting
DEFAULT_FPS = 24.0  # of films without time stamps and without a rate in the header
# Rates in the header from this one on count as unknown: ffmpeg prints that of the time stamps if it
# finds no other, 1k tbr for milliseconds and 60k fps for DV.
UNKNOWN_FPS = 1000
COMMON_RATES = [
    *map(Fraction, (1, 2, 4, 5, 8, 10, 12, 15, 20, 24, 25, 30, 48, 50, 60)),
    *(Fraction(1000 * fps, 1001) for fps in (24, 30, 60)),  # NTSC
]


@dataclass(frozen=True)
class FrameTimes:
    """The times at which the frames of a film begin, in order, from the film's beginning."""

    starts: np.ndarray  # (T,) [s]
    end: float  # of the last frame [s]


@dataclass(frozen=True)
class FrameGrid:
    """A constant frame rate for the frames of a film."""

    fps: Fraction  # 1 to MAX_FPS
    offset: float = 0.0  # start of slot 0 [s], subtracted from every time stamp
    dropped: int = 0  # number of frames that share a slot with another one and are not shown


def read_frame_times(path: str | Path, max_seconds: float) -> FrameTimes | None:
    """Read the times of the frames in the first `max_seconds` of a film from its packets.

    No frame is decoded. None if there are no time stamps, or if reading takes longer than TIMEOUT.
    """
    arguments = ["-v", "quiet", *ffmpeg.input_arguments(path), "-map", ffmpeg.FIRST_VIDEO]
    limits = ["-c", "copy", "-copyinkf:v", "-t", f"{max_seconds:.3f}", "-frames:v", str(MAX_FRAMES)]
    reader = ffmpeg.start(*arguments, *limits, "-f", "framecrc", "-", stdout=subprocess.PIPE)
    try:
        text = reader.communicate(timeout=TIMEOUT)[0].decode("ascii", "replace")
    except subprocess.TimeoutExpired:
        return None
    finally:
        ffmpeg.stop(reader)
    time_base, packets = 1.0, []
    for line in text.splitlines():
        if line.startswith("#tb 0: "):
            time_base = float(Fraction(line[7:]))
        elif not line.startswith("#"):
            packets.append([int(part) for part in line.split(",", 4)[1:4]])
    return _frame_times(np.array(packets, np.int64).reshape(-1, 3), time_base)


def _frame_times(packets: np.ndarray, time_base: float) -> FrameTimes | None:
    """The times of frames, sorted, by those of their packets; None if no packet has a time.

    packets: (T, 3) decoding time, presentation time, duration, in units of `time_base` [s].
    """
    decoding, presentation, durations = packets.T
    unknown = np.iinfo(np.int64).min
    stamps = decoding if (presentation == unknown).any() else presentation
    # Frames presented before 0 are cut off by an edit list. Decoding may begin before 0 for frames
    # that are shown.
    kept = stamps >= 0 if stamps is presentation else stamps != unknown
    if not kept.any():
        return None
    stamps, durations = stamps[kept], durations[kept]
    order = np.argsort(stamps, kind="stable")
    starts = stamps[order] * time_base
    return FrameTimes(starts, float(starts[-1] + max(0, durations[order[-1]]) * time_base))


def choose_frame_grid(times: FrameTimes | None, average_fps: float, base_fps: float) -> FrameGrid:
    """The grid on which (nearly) every frame is shown, within the tolerance of its time.

    average_fps, base_fps: those of the header, 0 if unknown.

    Without times, or with a single frame, the rate is the first that is known of: the average rate,
    1 / the frame's duration, the base rate, DEFAULT_FPS. Otherwise it is the one of the average
    rate (if unknown, that of the times) and the base rate which fits best, or else the lowest of
    COMMON_RATES that fits. Rates above MAX_FPS are divided. If none fits, it is MAX_FPS, which
    drops frames.
    """
    average_fps, base_fps = (
        fps if 0 < fps < UNKNOWN_FPS else 0.0 for fps in (average_fps, base_fps)
    )
    if times is None or len(times.starts) == 1:
        duration = times.end - times.starts[0] if times else 0
        fps = average_fps or (1 / duration if duration > 0 else base_fps) or DEFAULT_FPS
        return FrameGrid(divided_fps(exact_fps(fps), MAX_FPS))
    average_fps = average_fps or (len(times.starts) - 1) / max(float(np.ptp(times.starts)), 1e-6)
    rates = [exact_fps(average_fps)]
    rates += [exact_fps(base_fps)] if 0 < base_fps <= MAX_FPS else []
    if fitting := _fitting_grids(times, rates):
        # Rounded to 0.01 s; the average rate is the first, so it wins if the two are equal.
        best = min(fitting, key=lambda grid: round(_distances(times, grid).mean(), 2))
        fps = divided_fps(best.fps, MAX_FPS)
        # Frames that are left out because the rate is divided do not count as dropped.
        return best if fps == best.fps else replace(_grid(times, fps), dropped=0)
    # The lowest rate; of two such as 29.97 and 30, the one with the frames nearer to its slots.
    return min(
        _fitting_grids(times, COMMON_RATES),
        key=lambda grid: (math.ceil(grid.fps), round(_distances(times, grid).mean(), 6)),
        default=_grid(times, Fraction(MAX_FPS)),
    )


def exact_fps(fps: float) -> Fraction:
    """The rate that a header's rounded number stands for: 30000/1001 for 29.97; at least 1."""
    fps = max(1.0, fps)
    if not float(fps).is_integer() and abs(fps - math.ceil(fps) / 1.001) < 0.006:
        return Fraction(1000 * math.ceil(fps), 1001)
    return Fraction(fps).limit_denominator(1000)


def divided_fps(fps: Fraction, max_fps: int) -> Fraction:
    """`fps` divided by the smallest integer that makes it at most `max_fps`."""
    return fps / max(1, math.ceil(fps / max_fps))


def _fitting_grids(times: FrameTimes, rates: list[Fraction]) -> list[FrameGrid]:
    """The grids of rates that drop hardly any frame and move none by more than the tolerance."""
    tolerance = max(TOLERANCE, TOLERANCE_SHARE * float(np.diff(times.starts).min()))
    max_dropped = MAX_DROPPED_SHARE * len(times.starts)
    return [
        grid
        for grid in (_grid(times, fps) for fps in rates)
        if grid.dropped <= max_dropped and _distances(times, grid).max() <= tolerance
    ]


def _grid(times: FrameTimes, fps: Fraction) -> FrameGrid:
    """The grid of a rate with the offset at which the first frame begins exactly with a slot."""
    first = float(times.starts[0])
    grid = FrameGrid(fps, first - round(first * fps) / float(fps))
    return replace(grid, dropped=int((np.diff(_slots(times, grid)) == 0).sum()))


def _slots(times: FrameTimes, grid: FrameGrid) -> np.ndarray:
    """(T,) The slot that is nearest to each frame's start."""
    return np.floor((times.starts - grid.offset) * float(grid.fps) + 0.5)


def _distances(times: FrameTimes, grid: FrameGrid) -> np.ndarray:
    """(T,) Time between each frame's start and its slot's [s]."""
    return np.abs(times.starts - grid.offset - _slots(times, grid) / float(grid.fps))
