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
from ..expressions.moods import mood_of, with_mood
from ..expressions.spaces import ACTION_UNITS, PAD, Expression
from ..media.video_reader import Film
from .editing import Progress, check_strength, no_face_message, report, truncation_notes
from .tracking import follow

REGIONS = tuple(dict.fromkeys(axis.region for axis in ACTION_UNITS.axes))  # brows, eyes, nose ...
NEUTRALS = ("calm", "median", "first")
CALM = 0.1  # share of the frames that are the calmest


@dataclass(frozen=True, eq=False)
class Performance:
    """The expressions of one face over a film: T frames."""

    fps: float
    units: np.ndarray  # (T, 17) float32: Action Units as read, steadied; gaps are bridged
    found: np.ndarray  # (T,) bool: whether a face was seen
    notes: list[str]  # what was changed or left out, in sentences for people

    def neutral(self, how: str = "calm") -> np.ndarray:
        """(17,) The units of the face at rest: the median of the tenth of the frames with the
        smallest sum of units ("calm"), of all frames ("median"), or the first frame ("first")."""
        rows = self.units[self.found]
        if how not in NEUTRALS:
            raise InvalidExpression("Neutral is one of {}, not {}.", ", ".join(NEUTRALS), repr(how))
        if how == "first":
            return rows[0]
        if how == "calm":
            active = rows.sum(1)
            rows = rows[active <= np.quantile(active, CALM)]
        return np.median(rows, axis=0)

    def retarget(
        self,
        start: Expression,
        *,
        strength: float = 1.0,
        regions: Iterable[str] = REGIONS,
        neutral: str = "calm",
        by: str = "units",
    ) -> Iterator[Expression]:
        """The same on a face that begins with `start` (Action Units): an expression a frame.

        What differs from the performer's neutral is added, `strength` times (0 to 2), in the units
        of the chosen regions of the face. by "moods": not every unit, but the pleasure, arousal
        and dominance that all of them show are carried over. Raises InvalidExpression.
        """
        check_strength(strength)
        takes = taking_part(regions)
        rest = self.neutral(neutral)
        if by not in ("units", "moods"):
            raise InvalidExpression("A photo is driven by units or by moods, not by {}.", repr(by))
        return self._played(start, strength, takes, rest, by == "moods")

    def played_by(self, start: Expression, **options) -> Iterator[Expression]:
        """Deprecated name of `retarget`."""
        warnings.warn("Performance.played_by is now retarget.", DeprecationWarning, stacklevel=2)
        return self.retarget(start, **options)

    def _played(self, start, strength, takes, rest, moods) -> Iterator[Expression]:
        calm = mood_of(Expression.clipped(ACTION_UNITS, rest)).vector()
        for row in self.units:
            if moods:
                change = mood_of(Expression.clipped(ACTION_UNITS, row)).vector() - calm
                mood = Expression.clipped(PAD, mood_of(start).vector() + strength * change)
                change = with_mood(start, mood).vector() - start.vector()
                yield played(start, change, 1.0, takes)
            else:
                yield played(start, row - rest, strength, takes)


def played(start: Expression, change: np.ndarray, strength: float, takes: np.ndarray) -> Expression:
    """Action Units with `strength` times a change (17,) in those that take part."""
    return Expression.clipped(ACTION_UNITS, start.vector() + strength * np.where(takes, change, 0))


def capture_performance(
    animator: Animator, film: Film, progress: Progress | None = None
) -> Performance:
    """Read the largest face of every frame of a film.

    Of a frame only its 17 units are kept. Between frames without a face they are interpolated.
    Raises NoFaceFound if there is nobody in the whole film, and UnreadableFile.
    """
    rows = []
    with closing(film.frames()) as photos:
        for _, faces in follow(animator, photos, float(film.fps)):
            units = faces[0].portrait.reading.values if faces else [np.nan] * len(ACTION_UNITS.axes)
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
    return Performance(float(film.fps), units, found, notes)


def write_curves(
    path: str | Path, points: Iterable[Expression], fps: float, found: Iterable[bool]
) -> Path:
    """A table with a row a frame, whole or not at all: time [s], Action Units, their mood, and
    whether a face was found. `read_trajectory` reads it. Raises Unwritable."""
    path = check_curves(path)
    part = path.with_name(f".{path.name[:80]}.part")
    try:
        with part.open("w", newline="", encoding="utf-8") as file:
            table = csv.writer(file)
            table.writerow(["time", *ACTION_UNITS.keys, *PAD.keys, "face_found"])
            for i, (point, seen) in enumerate(zip(points, found, strict=True)):
                values = (*point.values, *mood_of(point).values)
                table.writerow([f"{i / fps:.3f}", *(f"{v:.4f}" for v in values), int(seen)])
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


def taking_part(regions: Iterable[str]) -> np.ndarray:
    """(17,) bool: the units of these regions of the face."""
    regions = set(regions)
    regions = set(REGIONS) if "all" in regions else regions
    if not regions or regions - set(REGIONS):
        raise InvalidExpression(
            "Regions are any of {}, or all; got {}.",
            listing(REGIONS),
            ", ".join(sorted(regions)) or "none",
        )
    return np.array([axis.region in regions for axis in ACTION_UNITS.axes])
