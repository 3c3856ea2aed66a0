"""Reading tables that other programs write about the faces in a video.

Action Units are columns `AU12_r` from 0 to 5 of OpenFace 2 (Baltrusaitis et al. 2018),
`au_12_intensity` from 0 to 5 of LibreFace (Chang et al. 2024), and `AU12` from 0 to 1 of py-feat
(Cheong et al. 2023). Other columns hold the frame, the time, the face, and whether it was found.

The parameter `clip` is the option --clip: here the name of a face.
"""

import math
import re
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from ..errors import Message, UnreadableFile
from ..expressions.sides import GAZE_AND_HEAD
from ..expressions.spaces import (
    ACTION_UNITS,
    FACS,
    PAD,
    SPACES,
    VALENCE_AROUSAL,
    ExpressionSpace,
)
from .tables import check_clip, parse_number, single_clip_error

MAX_INTENSITY = 5.0  # of OpenFace and LibreFace
MAX_TABLE_FRAMES = 100_000  # rows of a table; frames of a face, from its first to its last
MAX_TIME_ERROR = 0.0015  # [s] of the time from the first row to the last, by rounding
_INTENSITY = re.compile(r"(AU)(\d{1,2})_r|(au)_(\d{1,2})_intensity", re.IGNORECASE)
_UNIT = re.compile(r"AU\d{1,2}", re.IGNORECASE)
# Axes that only tables in FACS have: sides, action descriptors, gaze and head. Units such as AU24,
# which ACTION_UNITS lacks too, are not among them, since py-feat's tables have some.
_ONLY_IN_FACS_TABLES = {
    a.key for a in FACS.axes if a.region in GAZE_AND_HEAD or not _UNIT.fullmatch(a.key)
}
# Names of other columns: frame, time (with its units per second), face, and face found.
_FRAME_COLUMNS = ("frame", "frame_idx", "frame_number", "frame_id")
_TIME_COLUMNS = {"timestamp": 1, "time": 1, "frame_time_in_ms": 1000, "approx_time": 1}
_FACE_COLUMNS = ("face_id", "identity", "person_id", "track_id", "face")
_FOUND_COLUMNS = ("success",)
_READ_COLUMNS = {*_FRAME_COLUMNS, *_TIME_COLUMNS, *_FACE_COLUMNS, *_FOUND_COLUMNS}
# Columns that show that another program wrote the table: those above, but "time", which
# `write_curves` has too, and some that are not read. The empty name is that of pandas' index.
_FOREIGN_COLUMNS = (_READ_COLUMNS - {"time"}) | {
    *("input", "confidence", "facescore", "facerectx", "filename", "file", "image", "")
}


@dataclass(frozen=True)
class ColumnLayout:
    """What the columns of a table mean. Columns are indices, None if there is no such column."""

    axes: dict[int, str]  # column -> its axis, in any spelling; all are of one space
    divisor: float  # of the values in these columns
    unused_units: list[str]  # Action Units whose columns are not read
    unused_columns: list[str]  # names of all other columns that are not read
    first_number: int  # that the program gives to the first frame: 1 for OpenFace, 0 for others
    frame_column: int | None  # of frame numbers
    time_column: int | None
    time_units_per_second: int
    face_column: int | None  # of the names of faces
    found_column: int | None  # whether a face was found


@dataclass
class FaceRows:
    """The rows of one face, in the order of the file."""

    values: list[list[float]] = field(default_factory=list)  # (T, D); NaN: no face was found
    frame_numbers: list[int] = field(default_factory=list)  # (T,)
    times: list[float] = field(default_factory=list)  # (T,) [s]; NaN if unknown
    duplicates: int = 0  # number of further rows of the same frames, which are left out

    @property
    def valid_count(self) -> int:
        return sum(not math.isnan(row[0]) for row in self.values)


@dataclass
class FaceTable:
    """The table of one face: rows at a constant step of frames, without gaps."""

    rows: np.ndarray  # (T, D)
    names: list[str]  # (D,) of the axes, see `ColumnLayout.axes`
    frame_numbers: list[int]  # (T,) in the video, whose first frame is 0
    # Rows per second: frames of the video only if the step is 1. None: see `frame_rate`.
    fps: float | None
    notes: list[Message]


def face_layout(names: list[str], space: ExpressionSpace) -> ColumnLayout | None:
    """Return the layout of a table with these column names, for a generator of `space`.

    Returns None for a table without a column that marks another program's: an intensity, a unit
    that FACS lacks, or one of _FOREIGN_COLUMNS.
    """
    names = [name.strip() for name in names]
    lowered = [name.lower() for name in names]
    intensities = {
        i: f"AU{m[2] or m[4]}" for i, n in enumerate(names) if (m := _INTENSITY.fullmatch(n))
    }
    spaces = _accepted_spaces(space)
    known_spaces = (*spaces, FACS)  # FACS: tables of `write_curves` may have its axes, too
    unknown_units = [
        n for n in names if _UNIT.fullmatch(n) and not any(n in s for s in known_spaces)
    ]
    if not (intensities or unknown_units or _FOREIGN_COLUMNS & {*lowered}):
        return None
    axes = intensities or {i: n for i, n in enumerate(names) if any(n in s for s in spaces)}
    chosen = _choose_space(space, spaces, axes.values())
    kept = {i: name for i, name in axes.items() if name in chosen}
    ignored = _READ_COLUMNS | {""}
    unused = [i for i in range(len(names)) if i not in kept and lowered[i] not in ignored]
    is_openface = bool(intensities) and any(name.endswith("_r") for name in lowered)
    time = _first_column(lowered, _TIME_COLUMNS)
    return ColumnLayout(
        axes=kept,
        divisor=MAX_INTENSITY if intensities else 1.0,
        unused_units=[name for i in unused if _UNIT.fullmatch(name := axes.get(i, names[i]))],
        unused_columns=[names[i] for i in unused if not _UNIT.fullmatch(axes.get(i, names[i]))],
        first_number=int(is_openface),
        frame_column=_first_column(lowered, _FRAME_COLUMNS),
        time_column=time,
        time_units_per_second=1 if time is None else _TIME_COLUMNS[lowered[time]],
        face_column=_first_column(lowered, _FACE_COLUMNS),
        found_column=_first_column(lowered, _FOUND_COLUMNS),
    )


def read_faces(
    path: Path, layout: ColumnLayout, width: int, lines: Iterator, clip: str | None
) -> FaceTable:
    """Read the table of one face.

    width: number of columns of the header. lines: the rows below it, see `tables.read_cells`. clip:
    the name of the face; None for the face that was found in the most rows. Frames in which it was
    not found, or that have no row, are interpolated. Raises UnreadableFile.
    """
    if clip is not None and layout.face_column is None:
        raise single_clip_error(path)
    if not layout.axes:
        raise UnreadableFile(
            "{} has no column of an Action Unit or a mood; OpenFace writes them with -aus.", path
        )
    faces = _rows_by_face(path, layout, width, lines)
    notes = _column_notes(path, layout)
    name = _choose_face(path, faces, clip, notes)
    rows = faces.get(name, FaceRows())
    if not rows.valid_count:
        raise UnreadableFile("{} has no row in which a face was found.", path)
    if rows.duplicates:
        notes.append(Message("{}: {} further rows of a frame are left out.", path, rows.duplicates))
    values, numbers = _interpolate(path, rows, notes)
    fps = frame_rate(rows.times, len(numbers))
    # A cut table may count from 0 though its program counts from 1, but no number may be negative.
    first = min(layout.first_number, numbers[0])
    numbers = [number - first for number in numbers]
    return FaceTable(values / layout.divisor, [*layout.axes.values()], numbers, fps, notes)


def frame_rate(times: list[float], row_count: int) -> float | None:
    """Return the rows per second of rows at these times [s]; None if it cannot be computed.

    row_count: number of rows from the first to the last, missing ones included. Tables round times
    to thousandths, so the nearest standard rate, such as 25 or 29.97, is taken if it fits them.
    """
    if row_count < 2 or len(times) < 2 or not np.isfinite(times).all():
        return None
    span = max(times) - min(times)
    if span <= 0:
        return None
    fps = (row_count - 1) / span
    for standard in (round(fps), math.ceil(fps) * 1000 / 1001):
        if standard > 0 and abs((row_count - 1) / standard - span) < MAX_TIME_ERROR:
            return float(standard)
    return fps


def _accepted_spaces(space: ExpressionSpace) -> list[ExpressionSpace]:
    """Return the spaces of tables for a generator of `space`, in the order in which they are tried.

    They are those of `column_axes.assign_axes`.
    """
    others = [ACTION_UNITS, VALENCE_AROUSAL, PAD]
    return [space, *others] if space.name in SPACES else [space]


def _choose_space(space: ExpressionSpace, spaces: list[ExpressionSpace], names) -> ExpressionSpace:
    """Return the space in which a table with these axes is read.

    It is the generator's `space` if the table has all its axes, or, for FACS, one of
    _ONLY_IN_FACS_TABLES. Otherwise it is the first of the other spaces of which the table has an
    axis, or `space` if there is none.
    """
    named = {space.canonical(name) for name in names}
    if named.issuperset(space.keys) or (space == FACS and named & _ONLY_IN_FACS_TABLES):
        return space
    return next((s for s in spaces[1:] if any(name in s for name in named)), space)


def _first_column(names: list[str], candidates) -> int | None:
    """Return the index of the first of the candidates that is among the names, or None."""
    return next((names.index(name) for name in candidates if name in names), None)


def _rows_by_face(
    path: Path, layout: ColumnLayout, width: int, lines: Iterator
) -> dict[str, FaceRows]:
    """Return the rows by the name of the face, which is "" if there is no such column."""
    faces, seen = {}, set()
    for count, (line, cells) in enumerate(lines):
        if len(cells) > width:
            raise UnreadableFile(
                "{}: {} values instead of {}.", f"{path}, line {line}", len(cells), width
            )
        if count >= MAX_TABLE_FRAMES:
            raise UnreadableFile("{} has more than {} rows; cut it first.", path, MAX_TABLE_FRAMES)
        cells += [""] * (width - len(cells))  # missing values, or the last row of a cut file
        face = "" if layout.face_column is None else cells[layout.face_column].strip()[:60]
        rows = faces.setdefault(face, FaceRows())
        frame = len(rows.frame_numbers)  # if there is no column of frames
        if layout.frame_column is not None:
            frame = parse_number(cells[layout.frame_column])
        if frame is None or not (math.isfinite(frame) and 0 <= frame < 1e9):
            continue  # a row without a frame
        if (face, int(frame)) in seen:
            rows.duplicates += 1
            continue
        seen.add((face, int(frame)))
        rows.frame_numbers.append(int(frame))
        rows.values.append(_values(cells, layout))
        time = None if layout.time_column is None else parse_number(cells[layout.time_column])
        rows.times.append(math.nan if time is None else time / layout.time_units_per_second)
    return faces


def _values(cells: list[str], layout: ColumnLayout) -> list[float]:
    """Return the values of a row, all NaN if no face was found or a value is not a number."""
    values = [parse_number(cells[i]) for i in layout.axes]
    valid = all(v is not None and math.isfinite(v) for v in values)
    if layout.found_column is not None:
        found = cells[layout.found_column].strip().lower()
        valid = valid and found not in ("false", "no", "") and parse_number(found) != 0
    return values if valid else [math.nan] * len(values)


def _choose_face(
    path: Path, faces: dict[str, FaceRows], clip: str | None, notes: list
) -> str | None:
    """Return the name of the face to read, see `read_faces`; None if there are no faces."""
    if clip is not None:
        check_clip(path, clip, faces)
        return clip
    best = max(faces, key=lambda name: faces[name].valid_count, default=None)
    if len(faces) > 1:
        notes.append(
            Message(
                "{} holds {} faces; {} is taken, which was found in the most rows.",
                path,
                len(faces),
                best,
            )
        )
    return best


def _interpolate(path: Path, rows: FaceRows, notes: list) -> tuple[np.ndarray, list[int]]:
    """Return values (T, D) and frame numbers (T,) of all frames from the first row to the last.

    Frame numbers may have a constant step, the most common one of the rows.
    """
    frames, values = np.array(rows.frame_numbers), np.array(rows.values)
    order = np.argsort(frames)
    frames, values = frames[order], values[order]
    step = Counter(np.diff(frames).tolist()).most_common(1)[0][0] if len(frames) > 1 else 1
    count = (frames[-1] - frames[0]) // step + 1
    if count > MAX_TABLE_FRAMES:
        raise UnreadableFile(
            "{}: frames {} to {} are more than {}; cut the table first, or renumber its frames.",
            path,
            int(frames[0]),
            int(frames[-1]),
            MAX_TABLE_FRAMES,
        )
    all_frames = frames[0] + step * np.arange(count)
    valid = ~np.isnan(values[:, 0])
    missing = int((~np.isin(all_frames, frames[valid])).sum())
    if missing:
        notes.append(
            Message(
                "{} of {} frames show no face; they are interpolated from those around them.",
                missing,
                count,
            )
        )
    columns = [np.interp(all_frames, frames[valid], column[valid]) for column in values.T]
    return np.stack(columns, 1), all_frames.tolist()


def _column_notes(path: Path, layout: ColumnLayout) -> list[Message]:
    """Return notes on the range of the values and on columns that are not read."""
    notes, units, columns = [], layout.unused_units, layout.unused_columns
    if layout.divisor != 1:
        notes.append(Message("{}: intensities from 0 to 5 are taken as 0 to 1.", path))
    if units:
        notes.append(
            Message("{}: units that are left out are {}.", path, ", ".join(dict.fromkeys(units)))
        )
    if columns:
        names = ", ".join(name[:40] for name in columns[:3]) + (", ..." if columns[3:] else "")
        notes.append(Message("{}: {} other columns are left out ({}).", path, len(columns), names))
    return notes
