"""Reenactment: read the expressions of a face in a film, and drive a photo by them.

film = open_film("talk.mp4")
performance = capture_performance(animator, film)
expressions = performance.retarget(animator.read(portrait), strength=1.2)
frames = (frame.view("face", 512) for frame in animator.animate(portrait, expressions))
write_film("photo.mp4", frames, film)
"""

import csv
import warnings
from collections.abc import Iterable, Iterator
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from ..animator import Animator
from ..deprecation import renamed_parameters
from ..errors import InvalidExpression, Message, NoFaceFound, Unwritable, join_names
from ..expressions.moods import mood_of, values_by_axis, with_mood
from ..expressions.request import add_offset
from ..expressions.sides import GAZE_AND_HEAD, convert_units
from ..expressions.spaces import ACTION_UNITS, FACS, PAD, Expression, ExpressionSpace
from ..files.atomic import atomic_write, check_writable
from ..media.video_reader import Film
from .editing import Progress, check_strength, no_face_message, report_progress, truncation_notes
from .tracking import track

# Regions of FACS that a user cannot choose -> the region with which they are driven.
DRIVEN_REGIONS = {"gaze": "eyes", "cheeks": "mouth"}
NEUTRALS = ("calm", "median", "first")
CALM_SHARE = 0.1  # of the frames, those with the weakest expression, for the neutral "calm"


@dataclass(frozen=True, eq=False)
class Performance:
    """The expressions of one face over the T frames of a film."""

    fps: float
    units: np.ndarray  # (T, D) float32: smoothed readings, interpolated where no face was found
    found: np.ndarray  # (T,) bool: whether a face was found
    notes: list[str]  # sentences about what was changed or left out
    space: ExpressionSpace = ACTION_UNITS  # of the D axes: ACTION_UNITS or FACS

    def neutral(self, how: str = "calm") -> np.ndarray:
        """(D,) The performer's neutral expression.

        how: "calm", the median of the tenth of the frames (CALM_SHARE) with the smallest sum of
        units, without gaze and head; "median", that of all frames; "first", the first frame with a
        face. Frames without a face do not count.
        """
        rows = self.units[self.found]
        if how not in NEUTRALS:
            raise InvalidExpression("Neutral is one of {}, not {}.", ", ".join(NEUTRALS), repr(how))
        if how == "first":
            return rows[0]
        if how == "calm":
            in_face = [axis.region not in GAZE_AND_HEAD for axis in self.space.axes]
            activity = rows[:, in_face].sum(1)
            rows = rows[activity <= np.quantile(activity, CALM_SHARE)]
        return np.median(rows, axis=0)

    @renamed_parameters(by="carry")
    def retarget(
        self,
        start: Expression,
        *,
        strength: float = 1.0,
        regions: Iterable[str] = ("all",),
        neutral: str = "calm",
        carry: str = "units",
    ) -> Iterator[Expression]:
        """Transfer the performance to a face whose expression is `start`: one expression per frame.

        start: in ACTION_UNITS or FACS. strength: 0 to 2, factor of the difference from the
        performer's neutral, which is added to `start`. regions: those that are driven; "eyes"
        includes the gaze, "head" needs FACS. neutral: the argument `how` of the method `neutral`.
        carry: "units" transfers every unit; "moods" only pleasure, arousal and dominance. Raises
        InvalidExpression.
        """
        check_strength(strength)
        if self.space == FACS:
            start = convert_units(start, FACS, start)
        mask = region_mask(regions, start.space if carry == "moods" else self.space)
        neutral_values = self.neutral(neutral)
        if carry not in ("units", "moods"):
            raise InvalidExpression(
                "A photo is driven by units or by moods, not by {}.", repr(carry)
            )
        if carry == "moods":
            return self._retargeted_moods(start, strength, mask, neutral_values)
        changes = (row - neutral_values for row in self.units)
        return (add_masked_change(start, change, self.space, strength, mask) for change in changes)

    def played_by(self, start: Expression, **options) -> Iterator[Expression]:
        """Deprecated name of `retarget`."""
        warnings.warn("Performance.played_by is now retarget.", DeprecationWarning, stacklevel=2)
        return self.retarget(start, **options)

    def _retargeted_moods(self, start, strength, mask, neutral_values) -> Iterator[Expression]:
        """Transfer the change of the mood only. mask: (D,) on the axes of `start`."""
        neutral_mood = mood_of(Expression.clipped(self.space, neutral_values)).vector()
        for row in self.units:
            change = mood_of(Expression.clipped(self.space, row)).vector() - neutral_mood
            mood = Expression.clipped(PAD, mood_of(start).vector() + strength * change)
            change = with_mood(start, mood).vector() - start.vector()
            yield add_masked_change(start, change, start.space, 1.0, mask)


def add_masked_change(
    start: Expression,
    change: np.ndarray,
    space: ExpressionSpace,
    strength: float,
    mask: np.ndarray,
) -> Expression:
    """Add `strength` times a change to an expression, on the axes where `mask` is true.

    start: in ACTION_UNITS or FACS. change, mask: (D,) on the axes of `space`.
    """
    return add_offset(start, [(space, np.where(mask, change, 0))], strength)


def capture_performance(
    animator: Animator, film: Film, progress: Progress | None = None
) -> Performance:
    """Read a face over a film; interpolate on frames without a face.

    The face is the largest when tracking begins, see `track`. Raises NoFaceFound if no frame shows
    a face, and UnreadableFile.
    """
    rows, space = [], animator.reader_space
    with closing(film.frames()) as frames:
        for _, faces in track(animator, frames, float(film.fps)):
            units = faces[0].portrait.reading.values if faces else [np.nan] * len(space.axes)
            rows.append(np.array(units, np.float32))
            report_progress(progress, len(rows), film)
    units = np.array(rows)
    found = np.isfinite(units).all(1)
    if not found.any():
        raise NoFaceFound(no_face_message(film, len(rows)))
    times = np.arange(len(rows))
    for column in units.T:
        column[~found] = np.interp(times[~found], times[found], column[found])
    notes = [*film.notes, *truncation_notes(film, len(rows))]
    if not found.all():
        notes.append(
            Message(
                "No face was found on {} of {} frames of {}; the expression is interpolated there.",
                (~found).sum(),
                len(found),
                film.path,
            )
        )
    return Performance(float(film.fps), units, found, notes, space)


@renamed_parameters(points="expressions")
def write_curves(
    path: str | Path, expressions: Iterable[Expression], fps: float, found: Iterable[bool]
) -> Path:
    """Write expressions as a table for `read_trajectory`, one row per frame.

    Columns: time [s], Action Units, their mood, the other axes of FACS if the expressions have
    them, and whether a face was found. Written completely or not at all. Raises Unwritable.
    """
    path = check_table_path(path)
    with atomic_write(path) as temporary, temporary.open("w", newline="", encoding="utf-8") as file:
        table = csv.writer(file)
        for i, (expression, face_found) in enumerate(zip(expressions, found, strict=True)):
            values = values_by_axis(expression)
            if i == 0:
                table.writerow(["time", *values, "face_found"])
            cells = (f"{value:.4f}" for value in values.values())
            table.writerow([f"{i / fps:.3f}", *cells, int(face_found)])
    return path


def check_table_path(path: str | Path) -> Path:
    """The path, if a table can be written there. Raises Unwritable."""
    path = Path(path)
    if path.suffix.lower() != ".csv":
        raise Unwritable("{}: the table of expressions must be a .csv file.", path)
    return check_writable(path)


def _driven_region(region: str) -> str:
    """The region that a user chooses to drive this one."""
    return DRIVEN_REGIONS.get(region, region)


def regions_of(space: ExpressionSpace) -> tuple[str, ...]:
    """The regions that can be driven separately: brows, eyes, nose, mouth; in FACS also head."""
    return tuple(dict.fromkeys(_driven_region(axis.region) for axis in space.axes))


def region_mask(regions: Iterable[str], space: ExpressionSpace = ACTION_UNITS) -> np.ndarray:
    """(D,) bool: the axes of these regions; "all" stands for all. Raises InvalidExpression."""
    regions, known = set(regions), regions_of(space)
    regions = set(known) if "all" in regions else regions
    if not regions or regions - set(known):
        raise InvalidExpression(
            "Regions are any of {}, or all; got {}.",
            join_names(known),
            ", ".join(sorted(regions)) or "none",
        )
    return np.array([_driven_region(axis.region) in regions for axis in space.axes])
