"""Reading tables that other programs write about the faces in a video.

Action Units are columns `AU12_r` from 0 to 5 of OpenFace 2 (Baltrusaitis et al. 2018),
`au_12_intensity` from 0 to 5 of LibreFace (Chang et al. 2024), and `AU12` from 0 to 1 of py-feat
(Cheong et al. 2023). Other columns hold the frame, the time, the face, and whether it was found.
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
MAX_TABLE_FRAMES = 100_000  # of a video, from the first row to the last
_INTENSITY = re.compile(r"(AU)(\d{1,2})_r|(au)_(\d{1,2})_intensity", re.IGNORECASE)
_UNIT = re.compile(r"AU\d{1,2}", re.IGNORECASE)
# Axes that only tables in FACS have: sides, action descriptors, gaze and head.
_ONLY_IN_FACS_TABLES = {
    a.key for a in FACS.axes if a.region in GAZE_AND_HEAD or not _UNIT.fullmatch(a.key)
}
# Names of other columns: frame, time (with its units per second), face, and face found.
_FRAME = ("frame", "frame_idx", "frame_number", "frame_id")
_TIMES = {"timestamp": 1, "time": 1, "frame_time_in_ms": 1000, "approx_time": 1}
_FACE = ("face_id", "identity", "person_id", "track_id", "face")
_FACE_FOUND = ("success",)
# Columns that are not read: they tell tables of other programs from those of MoodGANimation.
_FOREIGN = ("input", "confidence", "facescore", "facerectx", "filename", "file", "image", "")


@dataclass(frozen=True)
class Layout:
    """The columns of a table by their meaning, as indices; None if there is no such column."""

    axes: dict[int, str]  # column -> key of the axis, all in one space
    scale: float  # by which the table's values are divided
    left_out: tuple[list[str], list[str]]  # names of unused units, and of unused other columns
    first: int  # number of the first frame: OpenFace counts from 1
    frame: int | None
    time: int | None
    per_second: int  # units of `time` in a second
    face: int | None
    found: int | None


@dataclass
class Rows:
    """The rows of one face: values (T, D) of the axes, NaN where no face was found."""

    values: list[list[float]] = field(default_factory=list)
    frame_numbers: list[int] = field(default_factory=list)
    times: list[float] = field(default_factory=list)
    duplicates: int = 0  # further rows of the same frames, which are not in `values`

    @property
    def valid_count(self) -> int:
        return sum(not math.isnan(row[0]) for row in self.values)


@dataclass
class FaceTable:
    """The table of one face: one row for every frame, without gaps."""

    rows: np.ndarray  # (T, D)
    names: list[str]  # (D,) keys of the axes
    frame_numbers: list[int]  # (T,) in the video, the first being 0
    fps: float | None
    notes: list[Message]


def face_layout(names: list[str], space: ExpressionSpace) -> Layout | None:
    """Return the layout of a table with these column names, for a generator of `space`.

    Returns None for a table of MoodGANimation, which has no other columns than axes and `time`.
    """
    names = [name.strip() for name in names]
    lowered = [name.lower() for name in names]
    intensities = {
        i: f"AU{m[2] or m[4]}" for i, n in enumerate(names) if (m := _INTENSITY.fullmatch(n))
    }
    spaces = _spaces(space)
    own = (*spaces, FACS)  # in which tables of MoodGANimation can be
    unknown_units = [n for n in names if _UNIT.fullmatch(n) and not any(n in s for s in own)]
    foreign = {*lowered} & {*_FRAME, *_FACE, *_FACE_FOUND, *_FOREIGN, *_TIMES} - {"time"}
    if not (intensities or unknown_units or foreign):
        return None
    axes = intensities or {i: n for i, n in enumerate(names) if any(n in s for s in spaces)}
    chosen = _choose_space(space, spaces, axes.values())
    kept = {i: name for i, name in axes.items() if name in chosen}
    used = {*_FRAME, *_TIMES, *_FACE, *_FACE_FOUND, ""}
    others = [i for i in range(len(names)) if i not in kept and lowered[i] not in used]
    units = [name for i in others if _UNIT.fullmatch(name := axes.get(i, names[i]))]
    columns = [names[i] for i in others if not _UNIT.fullmatch(axes.get(i, names[i]))]
    time = _first_column(lowered, _TIMES)
    return Layout(
        kept,
        MAX_INTENSITY if intensities else 1.0,
        (units, columns),
        int(any(name.endswith("_r") for name in lowered) and bool(intensities)),
        _first_column(lowered, _FRAME),
        time,
        1 if time is None else _TIMES[lowered[time]],
        _first_column(lowered, _FACE),
        _first_column(lowered, _FACE_FOUND),
    )


def read_faces(
    path: Path, layout: Layout, width: int, lines: Iterator, clip: str | None
) -> FaceTable:
    """Read the face named `clip`, or by default the one with the most rows in which it was found.

    width: number of columns of the header. lines: the rows below it, see `tables.read_cells`.
    Frames without a face, or without a row, are interpolated. Raises UnreadableFile.
    """
    if clip is not None and layout.face is None:
        raise single_clip_error(path)
    if not layout.axes:
        raise UnreadableFile(
            "{} has no column of an Action Unit or a mood; OpenFace writes them with -aus.", path
        )
    faces = _rows_by_face(path, layout, width, lines)
    notes = _notes_of_columns(path, layout)
    name = _choose_face(path, faces, clip, notes)
    rows = faces.get(name, Rows())
    if not rows.valid_count:
        raise UnreadableFile("{} has no row in which a face was found.", path)
    if rows.duplicates:
        notes.append(Message("{}: {} further rows of a frame are left out.", path, rows.duplicates))
    values, numbers = _interpolate(path, rows, notes)
    fps = frame_rate(rows.times, len(numbers))
    first = min(layout.first, numbers[0])
    numbers = [number - first for number in numbers]
    return FaceTable(values / layout.scale, [*layout.axes.values()], numbers, fps, notes)


def frame_rate(times: list[float], frames: int) -> float | None:
    """Return the frames per second of rows at these times [s]; None if it cannot be computed.

    Tables round times to thousandths, so a usual rate (25, 29.97) is taken if it fits them.
    """
    if frames < 2 or len(times) < 2 or not np.isfinite(times).all():
        return None
    span = max(times) - min(times)
    if span <= 0:
        return None
    fps = (frames - 1) / span
    for usual in (round(fps), math.ceil(fps) * 1000 / 1001):
        if usual > 0 and abs((frames - 1) / usual - span) < 0.0015:  # 1.5 thousandths
            return float(usual)
    return fps


def _spaces(space: ExpressionSpace) -> list[ExpressionSpace]:
    """Return the spaces that can be converted to `space`, in the order in which they are tried."""
    others = [ACTION_UNITS, VALENCE_AROUSAL, PAD]
    return [space, *others] if space.name in SPACES else [space]


def _choose_space(space: ExpressionSpace, spaces: list[ExpressionSpace], names) -> ExpressionSpace:
    """Return the space in which a table with these axes is read.

    It is the generator's `space` if the table has all its axes, or axes that only FACS has;
    otherwise the first of the other spaces of which the table has an axis.
    """
    named = {space.canonical(name) for name in names}
    if named.issuperset(space.keys) or (space == FACS and named & _ONLY_IN_FACS_TABLES):
        return space
    return next((s for s in spaces[1:] if any(name in s for name in named)), space)


def _first_column(names: list[str], candidates) -> int | None:
    """Return the column of the first candidate that is among the names."""
    return next((names.index(name) for name in candidates if name in names), None)


def _rows_by_face(path: Path, layout: Layout, width: int, lines: Iterator) -> dict[str, Rows]:
    faces, seen = {}, set()
    for count, (line, cells) in enumerate(lines):
        if len(cells) > width:
            raise UnreadableFile(
                "{}: {} values instead of {}.", f"{path}, line {line}", len(cells), width
            )
        if count >= MAX_TABLE_FRAMES:
            raise UnreadableFile("{} has more than {} rows; cut it first.", path, MAX_TABLE_FRAMES)
        cells += [""] * (width - len(cells))  # missing values, or the last row of a cut file
        face = "" if layout.face is None else cells[layout.face].strip()[:60]
        rows = faces.setdefault(face, Rows())
        frame = len(rows.frame_numbers)
        if layout.frame is not None:
            frame = parse_number(cells[layout.frame])
        if frame is None or not (math.isfinite(frame) and 0 <= frame < 1e9):
            continue  # a row without a frame
        if (face, int(frame)) in seen:
            rows.duplicates += 1
            continue
        seen.add((face, int(frame)))
        rows.frame_numbers.append(int(frame))
        rows.values.append(_values(cells, layout))
        time = None if layout.time is None else parse_number(cells[layout.time])
        rows.times.append(math.nan if time is None else time / layout.per_second)
    return faces


def _values(cells: list[str], layout: Layout) -> list[float]:
    """Return the values of a row, all NaN if no face was found or a value is no number."""
    values = [parse_number(cells[i]) for i in layout.axes]
    found = layout.found is None or cells[layout.found].strip().lower() not in ("false", "no", "")
    found = found and (layout.found is None or parse_number(cells[layout.found]) != 0)
    valid = found and all(v is not None and math.isfinite(v) for v in values)
    return values if valid else [math.nan] * len(values)


def _choose_face(path: Path, faces: dict[str, Rows], clip: str | None, notes: list) -> str | None:
    """Return the face named `clip`, or the one with the most valid rows; None without faces."""
    if clip is not None:
        check_clip(path, clip, faces)
        return clip
    best = max(faces, key=lambda name: faces[name].valid_count, default=None)
    if len(faces) > 1:
        notes.append(
            Message(
                "{} holds {} faces; {} is taken, which has the most rows.", path, len(faces), best
            )
        )
    return best


def _interpolate(path: Path, rows: Rows, notes: list) -> tuple[np.ndarray, list[int]]:
    """Return values (T, D) for every frame from the first row to the last, and frame numbers."""
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


def _notes_of_columns(path: Path, layout: Layout) -> list[Message]:
    notes = []
    units, columns = layout.left_out
    if layout.scale != 1:
        notes.append(Message("{}: intensities from 0 to 5 are taken as 0 to 1.", path))
    if units:
        notes.append(
            Message("{}: units that are left out are {}.", path, ", ".join(dict.fromkeys(units)))
        )
    if columns:
        names = ", ".join(name[:40] for name in columns[:3]) + (", ..." if columns[3:] else "")
        notes.append(Message("{}: {} other columns are left out ({}).", path, len(columns), names))
    return notes
