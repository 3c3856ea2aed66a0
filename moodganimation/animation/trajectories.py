"""Reading trajectories (one expression per frame) from .csv, .npy and .pkl files.

A file may hold several clips: tables have one for each face, .pkl files one for each video.
"""

import itertools
import math
import re
import warnings
from collections.abc import Callable, Collection, Iterator
from dataclasses import dataclass
from numbers import Real
from pathlib import Path

import numpy as np

from ..deprecation import renamed_parameters
from ..errors import Message, UnreadableFile
from ..expressions.spaces import (
    ACTION_UNITS,
    PAD,
    RANGE_TOLERANCE,
    SPACES,
    VALENCE_AROUSAL,
    Expression,
    ExpressionSpace,
)
from ..files.regular import check_regular_file
from . import tables
from .bounded_pickle import read_pickle
from .column_axes import TIME_COLUMN, assign_axes, not_accepted_error
from .face_tables import face_layout, frame_rate, read_faces

MAX_ROWS = 100_000
MAX_TABLE_BYTES = 64 * 2**20  # of a file of any format; less than `bounded_pickle` allows
MAX_AXES = 256
MAX_COLUMNS = 10_000  # of a table with a header


@dataclass(frozen=True)
class Trajectory:
    """The expressions of a file, and the frames of a film that they belong to."""

    expressions: list[Expression]  # (T,)
    frame_numbers: list[int]  # (T,) in the film, whose first frame is 0
    notes: list[Message]  # for people: what was changed or left out
    # Expressions per second: frames of the film per second only if `frame_numbers` have step 1.
    # None: the file has no times, or no rate follows from them, see `face_tables.frame_rate`.
    fps: float | None = None

    @property
    def points(self) -> list[Expression]:
        """Deprecated; use `expressions`."""
        warnings.warn("Trajectory.points is now expressions.", DeprecationWarning, stacklevel=2)
        return self.expressions

    @property
    def frames(self) -> list[int]:
        """Deprecated; use `frame_numbers`."""
        warnings.warn("Trajectory.frames is now frame_numbers.", DeprecationWarning, stacklevel=2)
        return self.frame_numbers


@dataclass
class _Table:
    """The content of a file before its columns are assigned to the axes of a space."""

    title: str  # of the table in messages
    rows: np.ndarray  # (T, D)
    names: list[str] | None  # (D,) of the columns; None: the file has no header
    frame_numbers: list[int]  # (T,) in the film, whose first frame is 0
    notes: list[Message]
    fps: float | None = None  # as in `Trajectory`


@renamed_parameters(axes="headerless_space")
def read_trajectory(
    path: str | Path,
    space: ExpressionSpace,
    *,
    headerless_space: ExpressionSpace | None = None,
    clip: str | None = None,
    start: int = 0,
    frames: int | None = None,
) -> Trajectory:
    """Read a trajectory for a generator of `space`, in `space` or another that is accepted for it.

    headerless_space: the space of rows without a header, see `column_axes.assign_axes`. clip: the
    name of a face or a video; None for the face that was found in the most rows, or for the first
    video without missing frames (the first of all if there is none). start: the first row to read.
    frames: the number of rows; None for all. The formats of files are

    * .csv (.tsv, .txt): a header may name axes of `space`, of moods or of Action Units, in any
      order. Axes of the table's space without a column are 0. For a generator of FACS, a table
      that names axes of ACTION_UNITS alone is read in ACTION_UNITS, so that the further axes of
      FACS keep their values in the photo; in other tables of FACS, AU12 sets both sides. A table
      with the columns of both ACTION_UNITS and PAD (by `write_curves`) is read in `space` if it
      has all axes of `space`, otherwise in ACTION_UNITS or PAD.
      For tables of other programs, see `face_tables`.
    * .npy: (T, D) numbers.
    * .pkl: a dict from VIDEO_NUMBER to (D,) numbers, the format of the original MoodGANimation. A
      file ending may follow, as in VIDEO_NUMBER.jpg.

    Values out of range are clipped, with a note. Raises UnreadableFile and InvalidExpression.
    """
    path = Path(path)
    read_table = _table_reader(path, space, clip)
    try:
        check_regular_file(path, UnreadableFile, "choose a .csv, .npy or .pkl file in it")
        size = path.stat().st_size
        if size > MAX_TABLE_BYTES:
            raise UnreadableFile(
                "{} is larger than {} MB; cut it first.", path, MAX_TABLE_BYTES >> 20
            )
        table = read_table(path)
    except OSError as error:
        raise UnreadableFile("{} cannot be read ({}).", path, error.strerror) from None
    if len(table.rows) > MAX_ROWS:
        raise UnreadableFile("{} has more than {} rows; cut it first.", path, MAX_ROWS)
    chosen = slice(start, None if frames is None else start + frames)
    rows, frame_numbers = table.rows[chosen], table.frame_numbers[chosen]
    required = 1 if frames is None else frames
    if start < 0 or required < 1 or len(rows) < required:
        raise UnreadableFile(
            "{} has {} rows, the first being 0; there are not {} from row {} on.",
            table.title,
            len(table.rows),
            required,
            start,
        )
    notes = list(table.notes)
    rows, row_space = assign_axes(path, rows, table.names, space, headerless_space)
    if (row_space, space) == (PAD, VALENCE_AROUSAL):
        notes.append(Message("Pleasure is taken as valence; dominance is left out."))
    return Trajectory(_expressions(rows, row_space, notes), frame_numbers, notes, table.fps)


def _table_reader(path: Path, space: ExpressionSpace, clip: str | None) -> Callable[[Path], _Table]:
    """Return the function that reads a file with this ending. Raises UnreadableFile."""
    match path.suffix.lower():
        case ending if ending in tables.ENDINGS:
            return lambda path: _read_text(path, space, clip)
        case ".pkl":
            return lambda path: _read_pickle(path, clip)
        case ".npy" if clip is None:
            return _read_npy
        case ".npy":
            raise tables.single_clip_error(path)
    raise UnreadableFile("{}: trajectories are read from .csv, .npy and .pkl files.", path)


def _expressions(
    rows: np.ndarray, space: ExpressionSpace, notes: list[Message]
) -> list[Expression]:
    """Return rows as expressions, clipped to the axes' ranges; add a note if any was clipped."""
    low, high = np.array([(axis.low, axis.high) for axis in space.axes]).T
    outside = int(((rows < low - RANGE_TOLERANCE) | (rows > high + RANGE_TOLERANCE)).sum())
    if outside:
        openface = space == ACTION_UNITS and rows.max() <= 5
        note = Message(
            "{} of {} values were out of range and are clipped. They look like OpenFace's 0 to 5: "
            "divide them by 5."
            if openface
            else "{} of {} values were out of range and are clipped.",
            outside,
            rows.size,
        )
        notes.append(note)
    return [Expression.clipped(space, row) for row in rows]


def _read_text(path: Path, space: ExpressionSpace, clip: str | None) -> _Table:
    """Read a .csv, .tsv or .txt file. Raises UnreadableFile and InvalidExpression."""
    try:
        lines = tables.read_cells(path)
        line, first = next(lines, (0, []))
        names = None
        if first and all(tables.parse_number(cell) is None for cell in first):
            names = [cell[:100] for cell in first]
        else:
            lines = itertools.chain([(line, first)] if first else [], lines)
        max_columns = MAX_COLUMNS if names else MAX_AXES
        if len(first) > max_columns:
            raise UnreadableFile(
                "{}: a row of {} values; at most {} are read.",
                f"{path}, line {line}",
                len(first),
                max_columns,
            )
        if names and (layout := face_layout(names, space)):
            if not layout.axes and space.name not in SPACES:
                raise not_accepted_error(path, [space])
            faces = read_faces(path, layout, len(names), lines, clip)
            return _Table(
                str(path), faces.rows, faces.names, faces.frame_numbers, faces.notes, faces.fps
            )
        if clip is not None:
            raise tables.single_clip_error(path)
        rows = _parse_rows(path, lines, len(first))
    except tables.NotATable as error:
        raise UnreadableFile("{} is not a table of comma-separated values.", path) from error
    return _Table(
        str(path), np.array(rows), names, list(range(len(rows))), [], _frame_rate(rows, names)
    )


def _parse_rows(
    path: Path, lines: Iterator[tuple[int, list[str]]], width: int
) -> list[list[float]]:
    """Return rows of `width` finite numbers. Raises UnreadableFile for any other row."""
    rows = []
    for line, cells in itertools.islice(lines, MAX_ROWS + 1):
        where = f"{path}, line {line}"
        if len(cells) != width:
            raise UnreadableFile("{}: {} values instead of {}.", where, len(cells), width)
        rows.append([tables.parse_number(cell) for cell in cells])
        for cell, number in zip(cells, rows[-1], strict=True):
            if number is None or not math.isfinite(number):
                raise UnreadableFile("{}: {} is not a number.", where, repr(cell.strip()[:40]))
    return rows


def _frame_rate(rows: list[list[float]], names: list[str] | None) -> float | None:
    """Return the rows per second by their column of times; None if no rate follows from it."""
    lowered = [name.strip().lower() for name in names or ()]
    if TIME_COLUMN not in lowered:
        return None
    return frame_rate([row[lowered.index(TIME_COLUMN)] for row in rows], len(rows))


def _read_npy(path: Path) -> _Table:
    """Read a .npy file of numbers (T, D). Raises UnreadableFile and OSError."""
    try:  # memory-mapped, so that a damaged header cannot make numpy allocate memory
        rows = np.lib.format.open_memmap(path, mode="r")
    except OSError:
        raise
    except Exception as error:  # a damaged header may raise anything in Python's parser
        raise UnreadableFile("{} is not a readable .npy array of numbers.", path) from error
    if rows.ndim != 2 or rows.dtype.kind not in "fiu" or not 0 < rows.shape[1] <= MAX_AXES:
        raise UnreadableFile(
            "{} must hold numbers (T, D), a row a frame; got {} {}.", path, rows.dtype, rows.shape
        )
    rows = np.array(rows[: MAX_ROWS + 1], np.float64)
    bad = np.argwhere(~np.isfinite(rows))
    if len(bad):
        raise UnreadableFile(
            "{}, row {} (the first is 0): a value is not a number.", path, bad[0, 0]
        )
    return _Table(str(path), rows, None, list(range(len(rows))), [])


def _read_pickle(path: Path, clip: str | None) -> _Table:
    """Read the frames of the video `clip`; None for the first one without missing frames."""
    videos = _read_videos(path)
    notes, name = [], clip
    if clip is None:
        complete = [name for name, video in videos.items() if not _count_missing(video)]
        name = next(iter(complete or videos), "")
    if not videos:
        raise UnreadableFile("{} holds no frames.", path)
    tables.check_clip(path, name, videos)
    if clip is None and len(videos) > 1:
        notes.append(
            Message(
                "{} holds {} videos; {} is taken, as no clip was chosen.", path, len(videos), name
            )
        )
    frame_numbers = sorted(videos[name])
    missing = _count_missing(frame_numbers)
    if missing:
        notes.append(
            Message("{} frames of {} are missing: the animation skips them.", missing, name)
        )
    rows = [videos[name][number] for number in frame_numbers]
    if len({len(row) for row in rows}) > 1:
        raise UnreadableFile("{}: not all frames of {} have as many values.", path, repr(name))
    return _Table(f"{name} of {path}", np.array(rows), None, frame_numbers, notes)


def _read_videos(path: Path) -> dict[str, dict[int, np.ndarray]]:
    """Read a pickle of videos as name -> frame number -> values (D,). Raises UnreadableFile.

    Its keys are VIDEO_NUMBER, or that with a file ending.
    """
    videos: dict[str, dict[int, np.ndarray]] = {}
    for key, values in read_pickle(path).items():
        name = key if isinstance(key, str) else ""
        match = re.fullmatch(r"(.*)_([0-9]{1,9})(\.\w{1,5})?", name, re.DOTALL)
        if match is None:
            raise UnreadableFile("{}: the name {} does not end in _NUMBER.", path, repr(name[:60]))
        video, number = videos.setdefault(match[1], {}), int(match[2])
        if number in video:
            raise UnreadableFile(
                "{}: frame {} of {} appears twice.", path, number, repr(match[1][:60])
            )
        video[number] = _to_vector(path, key, values)
    return videos


def _count_missing(frame_numbers: Collection[int]) -> int:
    """Return how many frame numbers are missing between the lowest and the highest."""
    return max(frame_numbers) - min(frame_numbers) + 1 - len(frame_numbers)


def _to_vector(path: Path, key: str, values: object) -> np.ndarray:
    """Return the values of a frame: (D,) float64. Raises UnreadableFile."""
    is_numeric = isinstance(values, np.ndarray | Real) or (
        isinstance(values, list | tuple) and all(isinstance(v, Real) for v in values)
    )
    row = np.ravel(values) if is_numeric else np.empty(0)
    if row.dtype.kind not in "fiu" or not (0 < len(row) <= MAX_AXES and np.isfinite(row).all()):
        raise UnreadableFile(
            "{}: {} is not a list of up to {} numbers.", path, repr(key[:60]), MAX_AXES
        )
    return row.astype(np.float64)
