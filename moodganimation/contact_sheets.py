"""Contact sheets: one face with many expressions in one picture."""

from collections.abc import Callable, Iterator

import numpy as np

from .animator import Animator
from .errors import InvalidExpression
from .expressions.moods import mood_of
from .expressions.presets import PRESETS, SHEET_PRESET_NAMES
from .expressions.spaces import ACTION_UNITS, FACS, PAD, Expression
from .faces.portrait import Portrait
from .frame import Frame
from .media import figures

FIGURE_INTENSITIES = (0, 0.12, 0.25, 0.5, 0.75, 0.87, 1)  # as in the original's figure
LEVELS = (0, 0.25, 0.5, 0.75, 1)  # of axes from 0 to 1
MOOD_LEVELS = (-1, -0.5, 0, 0.5, 1)  # of axes from -1 to 1
PER_ROW = 6  # pictures: two units (both sides, left, right), or six axes without sides

Rows = list[tuple[str, list[Expression]]]  # label and expressions of each row
Progress = Callable[[int, int], None]  # called with the number of pictures drawn so far, and of all


# Each of these functions returns the rows of a sheet and the labels of its columns.


def _figure_rows(reading: Expression) -> tuple[Rows, list[str]]:
    """The seven presets of the figure down, intensities across."""
    rows = [
        (name, [reading.blend_to(PRESETS[name], intensity) for intensity in FIGURE_INTENSITIES])
        for name in SHEET_PRESET_NAMES
    ]
    return rows, [f"{intensity:g}" for intensity in FIGURE_INTENSITIES]


def _unit_rows(reading: Expression) -> tuple[Rows, list[str]]:
    """Action Units down, their values across."""
    keys = ACTION_UNITS.keys
    rows = [(key, [reading.replace(**{key: level}) for level in LEVELS]) for key in keys]
    return rows, [f"{level:g}" for level in LEVELS]


def _mood_rows(reading: Expression) -> tuple[Rows, list[str]]:
    """Arousal down, pleasure across, with the dominance of the reading."""
    dominance = mood_of(reading)["dominance"]
    rows = [
        (
            f"arousal {arousal:+g}",
            [
                Expression.of(PAD, pleasure=pleasure, arousal=arousal, dominance=dominance)
                for pleasure in MOOD_LEVELS
            ],
        )
        for arousal in reversed(MOOD_LEVELS)
    ]
    return rows, [f"pleasure {pleasure:+g}" for pleasure in MOOD_LEVELS]


def _mood_axis_rows(reading: Expression) -> tuple[Rows, list[str]]:
    """Both ends of each axis of a mood down, the share of the way to that end across."""
    mood = mood_of(reading)
    rows = [
        (
            f"{'+' if end > 0 else '-'}{key}",
            [mood.replace(**{key: mood[key] + share * (end - mood[key])}) for share in LEVELS],
        )
        for key in PAD.keys
        for end in (1, -1)
    ]
    return rows, [f"{share:g}" for share in LEVELS]


def _preset_row(reading: Expression) -> tuple[Rows, list[str]]:
    """One row: PRESETS, seven of the figure and seven basic emotions, at full intensity."""
    names = [*PRESETS]
    return [("", [reading.blend_to(PRESETS[name], 1) for name in names])], names


# Units with a small effect, mouths with too many units at once, and all units.
ALL_UNITS = "everything"
LIMIT_CASES = ("AU05", "AU06", "AU14", "AU23", "AU12 AU23 AU26", "AU12 AU20 AU25 AU26", ALL_UNITS)


def _limit_rows(reading: Expression) -> tuple[Rows, list[str]]:
    """One row: the reading, then each of LIMIT_CASES with its units at 1."""
    expressions = []
    for case in LIMIT_CASES:
        keys = ACTION_UNITS.keys if case == ALL_UNITS else case.split()
        expressions.append(reading.replace(**dict.fromkeys(keys, 1)))
    return [("", [reading, *expressions])], ["photo", *LIMIT_CASES]


# Name -> description, and the function from a reading to rows and labels of columns; None for
# sheets that `contact_sheet` draws in another way.
KINDS: dict[str, tuple[str, Callable | None]] = {
    "figure": (
        "seven expressions at seven intensities, as in the figure of the original MoodGANimation",
        _figure_rows,
    ),
    "units": ("every Action Unit at five levels", _unit_rows),
    "moods": ("pleasure across, arousal down", _mood_rows),
    "scales": ("pleasure, arousal and dominance, each up and down", _mood_axis_rows),
    "emotions": (
        "the seven expressions of the figure and seven basic emotions, in one row",
        _preset_row,
    ),
    "limits": (
        "limits of the model: units with a small effect, and too many units at once",
        _limit_rows,
    ),
    "fields": ("where every axis moves this face, as arrows", None),
    "muscles": ("every unit at 1, on both sides and on each, with gaze and head", None),
}


def contact_sheet(
    animator: Animator,
    portrait: Portrait,
    kind: str,
    side: int = figures.PANEL_SIDE,
    progress: Progress = lambda drawn, total: None,
) -> np.ndarray:
    """Draw a contact sheet, (H, W, 3) uint8. kind: a key of KINDS. side: of its faces [px], but
    for the kind "fields".

    Raises InvalidExpression for a kind that the generator's space does not allow.
    """
    if kind == "fields":
        return _draw_motion(animator, portrait, progress)
    portrait = portrait.downscaled_for("face", side)
    if kind == "muscles":
        return _draw_sides(animator, portrait, side, progress)
    rows, columns = KINDS[kind][1](portrait.reading)
    expressions = [expression for _, row in rows for expression in row]
    frames = _edit_each(animator, portrait, expressions, progress)
    faces = [figures.panel(frame.face, side) for frame in frames]
    n = len(columns)
    lines = [(name, faces[i * n : (i + 1) * n]) for i, (name, _) in enumerate(rows)]
    return figures.sheet(lines, columns)


def _edit_each(
    animator: Animator, portrait: Portrait, expressions: list[Expression], progress: Progress
) -> Iterator[Frame]:
    """Yield a frame for each expression, edited independently: without a recurrent state."""
    for count, expression in enumerate(expressions, 1):
        yield animator.edit(portrait, expression)
        progress(count, len(expressions))


def _draw_motion(animator: Animator, portrait: Portrait, progress: Progress) -> np.ndarray:
    """Draw, for every axis, the motion of the edit that raises it to its highest value."""
    start, axes = animator.start(portrait), animator.space.axes
    expressions = [start.replace(**{axis.key: axis.high}) for axis in axes]
    frames = _edit_each(animator, portrait, expressions, progress)
    panels = [
        figures.captioned(frame.motion, f"{axis.key} {axis.label}")
        for axis, frame in zip(axes, frames, strict=True)
    ]
    return figures.grid(panels, PER_ROW)


def _draw_sides(
    animator: Animator, portrait: Portrait, side: int, progress: Progress
) -> np.ndarray:
    """Draw the face with each axis of FACS at 1: units with both sides and each side, units without
    sides, and opposites (jaw sideways, gaze and head)."""
    if animator.space != FACS:
        raise InvalidExpression(
            "The sheet muscles needs left and right units, gaze and head pose, which this model "
            "does not have; use the default model, warp."
        )
    start = animator.start(portrait)
    lateral = [key for unit in FACS.lateral for key in (unit, f"{unit}L", f"{unit}R")]
    opposites = [key for pair in FACS.opposites for key in pair]
    central = [key for key in FACS.keys if key not in (*lateral, *opposites)]
    keys = [*lateral, *central, *opposites]
    expressions = [start.replace(**{key: 1.0}) for key in keys]
    frames = _edit_each(animator, portrait, expressions, progress)
    panels = {
        key: figures.captioned(figures.panel(frame.face, side), key)
        for key, frame in zip(keys, frames, strict=True)
    }
    blocks = (lateral, central, opposites)  # each begins on a new row
    grids = [figures.grid([panels[key] for key in block], PER_ROW) for block in blocks]
    return np.concatenate(grids)
