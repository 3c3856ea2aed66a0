"""Reading trajectories (one expression per frame) from .csv, .npy and .pkl files."""

import itertools
import math
import re
import warnings
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from numbers import Real
from pathlib import Path

import numpy as np

from ..errors import InvalidExpression, Message, UnreadableFile
from ..expressions.spaces import (
    ACTION_UNITS,
    FACS,
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
from .face_tables import face_layout, frame_rate, read_faces

MAX_ROWS = 100_000
MAX_TABLE_BYTES = 64 * 2**20  # of a file of any kind; so read_pickle's own limit is never reached
MAX_AXES = 256
MAX_COLUMNS = 10_000  # of a table with a header
TIME_COLUMN = "time"  # [s]
OTHER_COLUMNS = (TIME_COLUMN, "face_found")  # columns of `write_curves` that are no axes


@dataclass(frozen=True)
class Trajectory:
    """The expressions of a file, and the frames of a film that they belong to."""

    expressions: list[Expression]  # (T,)
    frame_numbers: list[int]  # (T,) in the film, the first being 0
    notes: list[Message]  # for people: what was changed or left out
    fps: float | None = None  # if the file has times

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
    """The content of a file before it is converted to a space."""

    title: str  # for messages
    rows: np.ndarray  # (T, D)
    names: list[str] | None  # (D,) of the columns, if there is a header
    frame_numbers: list[int]  # (T,) in the film, the first being 0
    notes: list[str]
    fps: float | None = None


def read_trajectory(
    path: str | Path,
    space: ExpressionSpace,
    *,
    axes: ExpressionSpace | None = None,
    clip: str | None = None,
    start: int = 0,
    frames: int | None = None,
) -> Trajectory:
    """Read a trajectory for a generator of `space`, from row `start` on.

    frames: number of rows, None for all. The formats of files are

    * .csv (.tsv, .txt): a header may name axes of `space`, of moods or of Action Units, in any
      order. Missing axes are 0. A unit without a side sets both sides. A table with the columns of
      both ACTION_UNITS and PAD (by `write_curves`) is read in `space` if it has all of its axes.
      Tables of other programs: see `face_tables`; `clip` names the face.
    * .npy: (T, D) numbers.
    * .pkl: a dict from VIDEO_NUMBER to (D,) numbers, the format of MoodGANimation; `clip` names the
      video.

    axes: the space of rows without a header, `space` by default. Values out of range are clipped,
    with a note. Raises UnreadableFile and InvalidExpression.
    """
    path = Path(path)
    reader = _reader(path, space, clip)
    try:
        check_regular_file(path, UnreadableFile, "choose a .csv, .npy or .pkl file in it")
        size = path.stat().st_size
        if size > MAX_TABLE_BYTES:
            raise UnreadableFile(
                "{} is larger than {} MB; cut it first.", path, MAX_TABLE_BYTES >> 20
            )
        table = reader(path)
    except OSError as error:
        raise UnreadableFile("{} cannot be read ({}).", path, error.strerror) from None
    if len(table.rows) > MAX_ROWS:
        raise UnreadableFile("{} has more than {} rows; cut it first.", path, MAX_ROWS)
    chosen = slice(start, None if frames is None else start + frames)
    rows, frame_numbers = table.rows[chosen], table.frame_numbers[chosen]
    wanted = 1 if frames is None else frames
    if start < 0 or wanted < 1 or len(rows) < wanted:
        raise UnreadableFile(
            "{} has {} rows, the first being 0; there are not {} from row {} on.",
            table.title,
            len(table.rows),
            wanted,
            start,
        )
    notes = list(table.notes)
    rows, row_space = _in_axes(path, rows, table.names, space, axes)
    if (row_space, space) == (PAD, VALENCE_AROUSAL):
        notes.append(Message("Pleasure is taken as valence; dominance is left out."))
    return Trajectory(_expressions(rows, row_space, notes), frame_numbers, notes, table.fps)


def _reader(path: Path, space: ExpressionSpace, clip: str | None) -> Callable[[Path], _Table]:
    """Return the function that reads a file of this ending. Raises UnreadableFile."""
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


def _in_axes(path, rows, names, space, headerless_space) -> tuple[np.ndarray, ExpressionSpace]:
    """Return rows in the order of a space's axes, and that space.

    It is `space`, or one that can be converted to it.
    """
    known = [space] if space.name not in SPACES else [space, VALENCE_AROUSAL, PAD, ACTION_UNITS]
    if names is not None:
        return _in_named_axes(path, rows, names, known)
    if headerless_space not in (None, *known):
        raise _not_convertible(headerless_space.name, space)
    width, found = rows.shape[1], headerless_space or space
    if found == VALENCE_AROUSAL and width == len(PAD.axes):
        found = PAD
    if width != len(found.axes):
        fitting = [s.name for s in known if len(s.axes) == width]
        hint = fitting and Message(" If they are {}, say so: --axes {}.", *fitting[:1] * 2)
        raise InvalidExpression(
            "{} has {} values a row, but {} has {} axes.{}",
            path,
            width,
            found.name,
            len(found.axes),
            hint or "",
        )
    return rows, found


def _not_convertible(what: object, space: ExpressionSpace) -> InvalidExpression:
    return InvalidExpression(
        "{} cannot be converted to {}, which this model takes: give values of the model's "
        "own axes.",
        what,
        space.name,
    )


def _in_named_axes(path, rows, names, known) -> tuple[np.ndarray, ExpressionSpace]:
    """Return rows in the order of a space's axes, and that space, from columns with names.

    known: the generator's space, then those that can be converted to it. The space is

    1. the first that has every column, but ACTION_UNITS before FACS: rows of the 17 units leave the
       other axes of FACS open;
    2. otherwise, if every column is an axis of some space, the first whose axes are all columns;
       the other columns are left out. Tables of `write_curves`, with more columns than any one
       space, may have those of FACS for every generator whose axes have a meaning.

    Raises InvalidExpression if there is none.
    """
    rows, names = _columns(rows, names, lambda name: name.strip().lower() not in OTHER_COLUMNS)
    spaces = [ACTION_UNITS, *known] if known[0] == FACS else known
    found = next((s for s in spaces if names and all(name in s for name in names)), None)
    keys = {known[0].canonical(name) for name in names}
    is_curves = keys.issuperset((*ACTION_UNITS.keys, *PAD.keys))  # maybe with the axes of FACS
    allowed = [*known, FACS] if is_curves and known[0].name in SPACES else known
    if found is None and all(any(name in s for s in allowed) for name in names):
        found = next((s for s in (known[0], *spaces) if keys.issuperset(s.keys)), None)
        rows, names = _columns(
            rows, names, lambda name: found is None or found.canonical(name) in found.keys
        )
    if found is None:
        choices = "; or ".join(", ".join(s.keys) for s in dict.fromkeys(known))
        if not names:
            raise InvalidExpression(
                "{}, line 1: no column is an axis; columns are any of {}.", path, choices
            )
        wrong = next(name for name in names if name not in known[0])
        raise InvalidExpression(
            "{}, line 1: {} is no axis here; columns are any of {}.",
            path,
            repr(wrong.strip()[:40]),
            choices,
        )
    return _all_axes(path, rows, names, found), found


def _all_axes(path, rows: np.ndarray, names: list[str], space: ExpressionSpace) -> np.ndarray:
    """Return rows with a value for every axis of a space, 0 for those without a column."""
    full, named = np.zeros((len(rows), len(space.axes))), set()
    for name, column in zip(names, rows.T, strict=True):
        indices = space.indices(name)
        if named.intersection(indices):
            raise InvalidExpression("{}, line 1: an axis is named twice.", path)
        named.update(indices)
        full[:, indices] = column[:, None]
    return full


def _columns(rows, names, keep) -> tuple[np.ndarray, list[str]]:
    """Return the rows and names of the columns for whose name `keep` is true."""
    kept = [i for i, name in enumerate(names) if keep(name)]
    return rows[:, kept], [names[i] for i in kept]


def _expressions(rows: np.ndarray, space: ExpressionSpace, notes: list[str]) -> list[Expression]:
    """Return rows as expressions, clipped to the ranges of the axes, with a note of it."""
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
    try:
        lines = tables.read_cells(path)
        line, first = next(lines, (0, []))
        names = None
        if first and all(tables.parse_number(cell) is None for cell in first):
            names = [cell[:100] for cell in first]
        else:
            lines = itertools.chain([(line, first)] if first else [], lines)
        most = MAX_COLUMNS if names else MAX_AXES
        if len(first) > most:
            raise UnreadableFile(
                "{}: a row of {} values; at most {} are read.",
                f"{path}, line {line}",
                len(first),
                most,
            )
        if names and (layout := face_layout(names, space)):
            if not layout.axes and space.name not in SPACES:
                raise _not_convertible(path, space)
            faces = read_faces(path, layout, len(names), lines, clip)
            return _Table(
                str(path), faces.rows, faces.names, faces.frame_numbers, faces.notes, faces.fps
            )
        if clip is not None:
            raise tables.single_clip_error(path)
        rows = _numbers(path, lines, len(first))
    except tables.NotATable as error:
        raise UnreadableFile("{} is not a table of comma-separated values.", path) from error
    return _Table(
        str(path), np.array(rows), names, list(range(len(rows))), [], _frame_rate(rows, names)
    )


def _numbers(path: Path, lines: Iterator[tuple[int, list[str]]], width: int) -> list[list[float]]:
    """Return rows of `width` numbers. Raises UnreadableFile for any others."""
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
    """Return the frames per second of rows, if they have a column of times."""
    lowered = [name.strip().lower() for name in names or ()]
    if TIME_COLUMN not in lowered:
        return None
    return frame_rate([row[lowered.index(TIME_COLUMN)] for row in rows], len(rows))


def _read_npy(path: Path) -> _Table:
    try:  # memory-mapped, so that nothing is allocated that a header only declares
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
    """Read the frames of the video `clip`, or by default of the first one without gaps."""
    videos = _videos(path)
    notes, name = [], clip
    if clip is None:
        without_gaps = [name for name, video in videos.items() if not _gaps(video)]
        name = next(iter(without_gaps or videos), "")
    tables.check_clip(path, name, videos)
    if clip is None and len(videos) > 1:
        notes.append(
            Message(
                "{} holds {} videos; {} is taken, as no clip was chosen.", path, len(videos), name
            )
        )
    frame_numbers = sorted(videos[name])
    missing = _gaps(frame_numbers)
    if missing:
        notes.append(
            Message("{} frames of {} are missing: the animation skips them.", missing, name)
        )
    rows = [videos[name][number] for number in frame_numbers]
    if len({len(row) for row in rows}) > 1:
        raise UnreadableFile("{}: not all frames of {} have as many values.", path, repr(name))
    return _Table(f"{name} of {path}", np.array(rows), None, frame_numbers, notes)


def _videos(path: Path) -> dict[str, dict[int, np.ndarray]]:
    """Read a pickle of videos: name -> frame number -> values (D,). Raises UnreadableFile."""
    videos: dict[str, dict[int, np.ndarray]] = {}
    for key, values in read_pickle(path).items():
        name = key if isinstance(key, str) else ""
        match = re.fullmatch(r"(.*)_([0-9]{1,9})(\.\w{1,5})?", name, re.DOTALL)
        if match is None:
            raise UnreadableFile("{}: the name {} does not end in _NUMBER.", path, repr(name[:60]))
        video, number = videos.setdefault(match[1], {}), int(match[2])
        if number in video:
            raise UnreadableFile(
                "{}: frame {} of {} is there twice.", path, number, repr(match[1][:60])
            )
        video[number] = _vector(path, key, values)
    return videos


def _gaps(frames) -> int:
    """Return how many frame numbers are missing between the first and the last."""
    return max(frames) - min(frames) + 1 - len(frames)


def _vector(path: Path, key: str, values) -> np.ndarray:
    """Return the values of a frame: (D,) float64. Raises UnreadableFile."""
    plain = isinstance(values, np.ndarray | Real) or (
        isinstance(values, list | tuple) and all(isinstance(v, Real) for v in values)
    )
    row = np.ravel(values) if plain else np.empty(0)
    if row.dtype.kind not in "fiu" or not (0 < len(row) <= MAX_AXES and np.isfinite(row).all()):
        raise UnreadableFile(
            "{}: {} is no list of up to {} numbers.", path, repr(key[:60]), MAX_AXES
        )
    return row.astype(np.float64)
