"""Trajectories from files: an expression for every frame, as people, spreadsheets and annotated
videos have them."""

import csv
import io
import math
import re
from dataclasses import dataclass
from numbers import Real
from pathlib import Path

import numpy as np

from ..errors import InvalidExpression, Message, UnreadableFile
from ..expressions.spaces import (
    ACTION_UNITS,
    FACS,
    PAD,
    SPACES,
    VALENCE_AROUSAL,
    Expression,
    ExpressionSpace,
)
from .bounded_pickle import read_pickle

MOST_ROWS = 100_000
MOST_BYTES = 64 * 2**20
MOST_AXES = 256
BESIDE = ("time", "face_found")  # columns of curves that are no axes


@dataclass(frozen=True)
class Trajectory:
    points: list[Expression]
    frames: list[int]  # the number of each point's frame in the film, the first being 0
    notes: list[str]  # what was changed or left out, in sentences for people


@dataclass
class _Table:
    """What a file says: rows (T, D), the names of its columns if it has any, frame numbers."""

    title: str
    rows: np.ndarray
    names: list[str] | None
    frames: list[int]
    notes: list[str]


def read_trajectory(
    path: str | Path,
    space: ExpressionSpace,
    *,
    axes: ExpressionSpace | None = None,
    clip: str | None = None,
    start: int = 0,
    frames: int | None = None,
) -> Trajectory:
    """`frames` rows (all for None) of a .csv, .npy or .pkl from row `start`, for a generator of
    `space`.

    .csv: a header may name axes of `space`, of moods or of Action Units, in any order; those it
    leaves out are 0; of curves with all units and all moods, those of the nearer space count, and
    `time` and `face_found` do not. In FACS, a unit stands for both of its sides. Without a header,
    and in the other files, a row is a point of `axes`, or of `space` if that is not given. .npy:
    (T, D) numbers. .pkl: the frames of videos, as MoodGANimation keeps them, a dict of
    VIDEO_NUMBER to (D,) numbers; `clip` chooses the video.
    Values out of range are clipped, and `notes` say how many. Raises UnreadableFile and
    InvalidExpression.
    """
    path = Path(path)
    readers = {".csv": _csv, ".npy": _npy, ".pkl": lambda path: _pickle(path, clip)}
    reader = readers.get(path.suffix.lower())
    if reader is None:
        raise UnreadableFile("{}: trajectories are read from .csv, .npy and .pkl files.", path)
    if clip is not None and path.suffix.lower() != ".pkl":
        raise UnreadableFile("{} holds one clip without a name; leave out the choice of one.", path)
    try:
        size = path.stat().st_size
        if not path.is_file():  # a device may never end
            raise UnreadableFile("{} is not a file; choose a .csv, .npy or .pkl.", path)
        if size > MOST_BYTES:
            raise UnreadableFile("{} is larger than {} MB; cut it first.", path, MOST_BYTES >> 20)
        table = reader(path)
    except OSError as problem:
        raise UnreadableFile("{} cannot be read ({}).", path, problem.strerror) from None
    if len(table.rows) > MOST_ROWS:
        raise UnreadableFile("{} has more than {} rows; cut it first.", path, MOST_ROWS)
    chosen = slice(start, None if frames is None else start + frames)
    rows, numbers = table.rows[chosen], table.frames[chosen]
    if start < 0 or (frames is not None and frames < 1) or len(rows) < (frames or 1):
        asked = "one" if frames is None else frames
        raise UnreadableFile(
            "{} has {} rows, not {} from row {} on.", table.title, len(table.rows), asked, start
        )
    notes = list(table.notes)
    rows, told = _in_axes(path, rows, table.names, space, axes)
    if (told, space) == (PAD, VALENCE_AROUSAL):
        notes.append(Message("Pleasure is taken as valence; dominance is left out."))
    return Trajectory(_points(rows, told, notes), numbers, notes)


def _in_axes(path, rows, names, space, axes) -> tuple[np.ndarray, ExpressionSpace]:
    """Rows in the order of a space's axes, and that space: `space`, or one that maps to it."""
    known = [space] if space.name not in SPACES else [space, VALENCE_AROUSAL, PAD, ACTION_UNITS]
    if names is not None:
        return _in_named_axes(path, rows, names, known)
    if axes not in (None, *known):
        raise InvalidExpression(
            "{} cannot be put into {} of the checkpoint.", axes.name, space.name
        )
    width, found = rows.shape[1], axes or space
    if found == VALENCE_AROUSAL and width == len(PAD.axes):
        found = PAD
    if width != len(found.axes):
        maybe = [s.name for s in known if len(s.axes) == width]
        hint = maybe and Message(" If they are {}, say so: --axes {}.", maybe[0], maybe[0])
        raise InvalidExpression(
            "{} has {} values a row, but {} has {} axes.{}",
            path,
            width,
            found.name,
            len(found.axes),
            hint or "",
        )
    return rows, found


def _in_named_axes(path, rows, names, known) -> tuple[np.ndarray, ExpressionSpace]:
    """Rows of named columns, in the order of the axes of the known space that has them all. Of the
    17 units alone, the rows say nothing of the other axes of FACS."""
    rows, names = _columns(rows, names, lambda name: name.strip().lower() not in BESIDE)
    spaces = [ACTION_UNITS, *known] if known[0] == FACS else known
    found = next((s for s in spaces if names and all(name in s for name in names)), None)
    named = {known[0].canonical(name) for name in names}
    curves = named.issuperset((*ACTION_UNITS.keys, *PAD.keys))  # maybe with the axes of FACS
    beside = [*known, FACS] if curves and known[0].name in SPACES else known
    if found is None and all(any(name in s for s in beside) for name in names):
        found = next((s for s in (known[0], *spaces) if named.issuperset(s.keys)), None)
        rows, names = _columns(
            rows, names, lambda name: found is None or found.canonical(name) in found.keys
        )
    if found is None:
        choices = "; or ".join(", ".join(s.keys) for s in dict.fromkeys(known))
        wrong = next((name for name in names if name not in known[0]), BESIDE[0])
        raise InvalidExpression(
            "{}, line 1: {} is no axis here; columns are any of {}.",
            path,
            repr(wrong.strip()[:40]),
            choices,
        )
    return _full(path, rows, names, found), found


def _full(path, rows: np.ndarray, names: list[str], space: ExpressionSpace) -> np.ndarray:
    """Rows with a value for every axis of a space, 0 for those without a column."""
    full, named = np.zeros((len(rows), len(space.axes))), set()
    for name, column in zip(names, rows.T, strict=True):
        places = space.positions(name)
        if named.intersection(places):
            raise InvalidExpression("{}, line 1: an axis is named twice.", path)
        named.update(places)
        full[:, places] = column[:, None]
    return full


def _columns(rows, names, wanted) -> tuple[np.ndarray, list[str]]:
    kept = [i for i, name in enumerate(names) if wanted(name)]
    return rows[:, kept], [names[i] for i in kept]


def _points(rows: np.ndarray, space: ExpressionSpace, notes: list[str]) -> list[Expression]:
    low, high = np.array([(axis.low, axis.high) for axis in space.axes]).T
    outside = int(((rows < low - 1e-6) | (rows > high + 1e-6)).sum())
    if outside:
        openface = space == ACTION_UNITS and rows.max() <= 5
        note = Message(
            "{} of {} values were out of range and are clipped; OpenFace's 0 to 5 is 0 to 1 here."
            if openface
            else "{} of {} values were out of range and are clipped.",
            outside,
            rows.size,
        )
        notes.append(note)
    return [Expression.clipped(space, row) for row in rows]


def _csv(path: Path) -> _Table:
    names, rows = None, []
    try:
        text = path.read_bytes().decode("utf-8-sig").rstrip()
        lines = csv.reader(io.StringIO(text, newline=""), strict=True)
        for cells in lines:
            where = f"{path}, line {lines.line_num}"
            numbers = [_number(cell) for cell in cells]
            if names is None and not rows and cells and all(n is None for n in numbers):
                names = [cell[:100] for cell in cells]
                continue
            width = len(names or (rows[0] if rows else cells))
            if len(cells) != width or not 0 < width <= MOST_AXES:
                raise UnreadableFile(
                    "{}: {} values instead of {}.", where, len(cells), width or "some"
                )
            for cell, number in zip(cells, numbers, strict=True):
                if number is None or not math.isfinite(number):
                    raise UnreadableFile("{}: {} is not a number.", where, repr(cell.strip()[:40]))
            rows.append(numbers)
            if len(rows) > MOST_ROWS:
                break
    except (UnicodeDecodeError, csv.Error) as problem:
        raise UnreadableFile("{} is not a table of comma-separated values.", path) from problem
    return _Table(str(path), np.array(rows), names, list(range(len(rows))), [])


def _number(cell: str) -> float | None:
    try:
        return float(cell.replace("_", "x"))  # Python's own 1_000 is no number to others
    except ValueError:
        return None


def _npy(path: Path) -> _Table:
    try:  # mapped, so that a header cannot claim more than the file holds
        rows = np.lib.format.open_memmap(path, mode="r")
    except OSError:
        raise
    except Exception as problem:  # whatever a damaged header makes of Python's own parser
        raise UnreadableFile("{} is not a readable .npy array of numbers.", path) from problem
    if rows.ndim != 2 or rows.dtype.kind not in "fiu" or not 0 < rows.shape[1] <= MOST_AXES:
        raise UnreadableFile(
            "{} must hold numbers (T, D), a row a frame; got {} {}.", path, rows.dtype, rows.shape
        )
    rows = np.array(rows[: MOST_ROWS + 1], np.float64)
    bad = np.argwhere(~np.isfinite(rows))
    if len(bad):
        raise UnreadableFile("{}, row {}: a value is not a number.", path, bad[0, 0])
    return _Table(str(path), rows, None, list(range(len(rows))), [])


def _pickle(path: Path, clip: str | None) -> _Table:
    """One video of the pickle, in the order of its frames' numbers."""
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
    whole = [name for name, video in videos.items() if not _gaps(video)]
    notes, name = [], clip if clip is not None else next(iter(whole or videos), None)
    if name not in videos:
        raise UnreadableFile(
            "{} has no video {}; it has {}{}.",
            path,
            repr(str(name)[:60]),
            ", ".join([*videos][:5]) or "none",
            " and others" if len(videos) > 5 else "",
        )
    if clip is None and len(videos) > 1:
        notes.append(
            Message(
                "{} holds {} videos; {} is taken, as no clip was chosen.", path, len(videos), name
            )
        )
    frames = sorted(videos[name])
    if _gaps(frames):
        notes.append(
            Message(
                "Frames missing in {}: {}; their neighbors follow each other.", name, _gaps(frames)
            )
        )
    rows = [videos[name][number] for number in frames]
    if len({len(row) for row in rows}) > 1:
        raise UnreadableFile("{}: not all frames of {} have as many values.", path, repr(name))
    return _Table(f"{name} of {path}", np.array(rows), None, frames, notes)


def _gaps(frames) -> int:
    """How many frame numbers are missing between the first and the last."""
    return max(frames) - min(frames) + 1 - len(frames)


def _vector(path: Path, key: str, values) -> np.ndarray:
    plain = isinstance(values, np.ndarray | Real) or (
        isinstance(values, list | tuple) and all(isinstance(v, Real) for v in values)
    )
    row = np.ravel(values) if plain else np.empty(0)
    if row.dtype.kind not in "fiu" or not (0 < len(row) <= MOST_AXES and np.isfinite(row).all()):
        raise UnreadableFile(
            "{}: {} is no list of up to {} numbers.", path, repr(key[:60]), MOST_AXES
        )
    return row.astype(np.float64)
