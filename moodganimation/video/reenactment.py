"""Reenactment: the expressions of a face in a video, and a photo that is driven by them.

film = open_film("talk.mp4")
performance = perform(animator, film)
way = performance.played_by(animator.read(portrait), strength=1.2)
write_film("photo.mp4", (f.view("face", 512) for f in animator.animate(portrait, way)), film)
"""

import contextlib
import csv
import os
import warnings
from collections.abc import Iterable, Iterator
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from ..animator import Animator
from ..errors import InvalidExpression, Message, NoFaceFound, Unwritable, listing
from ..expressions.moods import mood_of, values_by_axis, with_mood
from ..expressions.request import add_offset
from ..expressions.sides import POSE, in_units
from ..expressions.spaces import (
    ACTION_UNITS,
    FACS,
    PAD,
    Expression,
    ExpressionSpace,
    space_of_size,
)
from ..media.video_reader import Film
from .editing import Progress, check_strength, no_face_message, report, truncation_notes
from .tracking import follow

REGIONS = tuple(dict.fromkeys(axis.region for axis in ACTION_UNITS.axes))  # brows, eyes, nose ...
MOVES_WITH = {"gaze": "eyes", "cheeks": "mouth"}  # regions that FACS has beside these and the head
NEUTRALS = ("calm", "median", "first")
CALM = 0.1  # share of the frames that are the calmest


@dataclass(frozen=True, eq=False)
class Performance:
    """The expressions of one face over a film: T frames."""

    fps: float
    units: np.ndarray  # (T, D) float32: Action Units as read, steadied; gaps are bridged
    found: np.ndarray  # (T,) bool: whether a face was seen
    notes: list[str]  # what was changed or left out, in sentences for people
    space: ExpressionSpace = ACTION_UNITS  # of the D axes: ACTION_UNITS or FACS

    def neutral(self, how: str = "calm") -> np.ndarray:
        """(D,) The units of the face at rest: the median of the tenth of the frames with the
        smallest sum of units, gaze and head aside ("calm"), of all frames ("median"), or the first
        frame ("first")."""
        rows = self.units[self.found]
        if how not in NEUTRALS:
            raise InvalidExpression("Neutral is one of {}, not {}.", ", ".join(NEUTRALS), repr(how))
        if how == "first":
            return rows[0]
        if how == "calm":
            active = rows[:, [axis.region not in POSE for axis in self.space.axes]].sum(1)
            rows = rows[active <= np.quantile(active, CALM)]
        return np.median(rows, axis=0)

    def retarget(
        self,
        start: Expression,
        *,
        strength: float = 1.0,
        regions: Iterable[str] = ("all",),
        neutral: str = "calm",
        by: str = "units",
    ) -> Iterator[Expression]:
        """The same on a face that begins with `start` (Action Units): an expression a frame.

        What differs from the performer's neutral is added, `strength` times (0 to 2), in the units
        of the chosen regions of the face: "eyes" with the gaze, and in FACS also "head". by
        "moods": not every unit, but the pleasure, arousal and dominance that all of them show are
        carried over. Raises InvalidExpression.
        """
        check_strength(strength)
        if self.space == FACS:
            start = in_units(start, FACS, start)
        takes = taking_part(regions, start.space if by == "moods" else self.space)
        rest = self.neutral(neutral)
        if by not in ("units", "moods"):
            raise InvalidExpression("A photo is driven by units or by moods, not by {}.", repr(by))
        return self._played(start, strength, takes, rest, by == "moods")

    def played_by(self, start: Expression, **options) -> Iterator[Expression]:
        """Deprecated name of `retarget`."""
        warnings.warn("Performance.played_by is now retarget.", DeprecationWarning, stacklevel=2)
        return self.retarget(start, **options)

    def _played(self, start, strength, takes, rest, moods) -> Iterator[Expression]:
        calm = mood_of(Expression.clipped(self.space, rest)).vector()
        for row in self.units:
            if moods:
                change = mood_of(Expression.clipped(self.space, row)).vector() - calm
                mood = Expression.clipped(PAD, mood_of(start).vector() + strength * change)
                change = with_mood(start, mood).vector() - start.vector()
                yield played(start, change, 1.0, takes)
            else:
                yield played(start, row - rest, strength, takes)


def played(start: Expression, change: np.ndarray, strength: float, takes: np.ndarray) -> Expression:
    """Action Units with `strength` times a change (D,) in those that take part (D,)."""
    step = np.where(takes, change, 0)
    return add_offset(start, [(space_of_size(len(step)), step)], strength)


def capture_performance(
    animator: Animator, film: Film, progress: Progress | None = None
) -> Performance:
    """Read the largest face of every frame of a film.

    Of a frame only its units are kept. Between frames without a face they are interpolated.
    Raises NoFaceFound if there is nobody in the whole film, and UnreadableFile.
    """
    rows, space = [], animator.reader_space
    with closing(film.frames()) as photos:
        for _, faces in follow(animator, photos, float(film.fps)):
            units = faces[0].portrait.reading.values if faces else [np.nan] * len(space.axes)
            rows.append(np.array(units, np.float32))
            report(progress, len(rows), film)
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
                "No face was found on {} of {} frames of {}; the expression goes on evenly there.",
                (~found).sum(),
                len(found),
                film.path,
            )
        )
    return Performance(float(film.fps), units, found, notes, space)


def write_curves(
    path: str | Path, points: Iterable[Expression], fps: float, found: Iterable[bool]
) -> Path:
    """A table with a row a frame, whole or not at all: time [s], Action Units, their mood, the
    other axes of FACS if the points have them, and whether a face was found. `read_trajectory`
    reads it. Raises Unwritable."""
    path = check_curves(path)
    part = path.with_name(f".{path.name[:80]}.part")
    try:
        with part.open("w", newline="", encoding="utf-8") as file:
            table = csv.writer(file)
            for i, (point, seen) in enumerate(zip(points, found, strict=True)):
                values = values_by_axis(point)
                if i == 0:
                    table.writerow(["time", *values, "face_found"])
                cells = (f"{value:.4f}" for value in values.values())
                table.writerow([f"{i / fps:.3f}", *cells, int(seen)])
        os.replace(part, path)
    except OSError as problem:
        raise Unwritable("{} cannot be written ({}).", path, problem.strerror) from problem
    finally:
        with contextlib.suppress(OSError):
            part.unlink(missing_ok=True)
    return path


def check_curves(path: str | Path) -> Path:
    """The path of a table that could be written. Raises Unwritable."""
    path = Path(path)
    if path.suffix.lower() != ".csv":
        raise Unwritable("{}: curves are written as .csv.", path)
    if not path.parent.is_dir():
        raise Unwritable("There is no folder {}.", path.parent)
    return path


def regions_of(space: ExpressionSpace) -> tuple[str, ...]:
    """What can be driven apart: brows, eyes, nose, mouth; in FACS the head, too."""
    return tuple(dict.fromkeys(MOVES_WITH.get(axis.region, axis.region) for axis in space.axes))


def taking_part(regions: Iterable[str], space: ExpressionSpace = ACTION_UNITS) -> np.ndarray:
    """(D,) bool: the axes of these regions of the face."""
    regions, known = set(regions), regions_of(space)
    regions = set(known) if "all" in regions else regions
    if not regions or regions - set(known):
        raise InvalidExpression(
            "Regions are any of {}, or all; got {}.",
            listing(known),
            ", ".join(sorted(regions)) or "none",
        )
    return np.array([MOVES_WITH.get(axis.region, axis.region) in regions for axis in space.axes])
