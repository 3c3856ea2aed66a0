"""Contact sheets: one face with many expressions, to see the effect of the sliders at once."""

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

FIGURE_INTENSITIES = (0, 0.12, 0.25, 0.5, 0.75, 0.87, 1)  # of the MoodGANimation figure
LEVELS = (0, 0.25, 0.5, 0.75, 1)  # of axes from 0 to 1
MOOD_LEVELS = (-1, -0.5, 0, 0.5, 1)  # of axes from -1 to 1
PER_ROW = 6  # two units with both, left and right, or six axes without sides

Rows = list[tuple[str, list[Expression]]]  # label and expressions of each row
Progress = Callable[[int, int], None]  # called with the number of pictures drawn, and of all


def _figure(reading: Expression) -> tuple[Rows, list[str]]:
    rows = [
        (name, [reading.blend_to(PRESETS[name], share) for share in FIGURE_INTENSITIES])
        for name in SHEET_PRESET_NAMES
    ]
    return rows, [f"{share:g}" for share in FIGURE_INTENSITIES]


def _units(reading: Expression) -> tuple[Rows, list[str]]:
    keys = ACTION_UNITS.keys
    rows = [(key, [reading.replace(**{key: level}) for level in LEVELS]) for key in keys]
    return rows, [f"{level:g}" for level in LEVELS]


def _moods(reading: Expression) -> tuple[Rows, list[str]]:
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


def _scales(reading: Expression) -> tuple[Rows, list[str]]:
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


def _emotions(reading: Expression) -> tuple[Rows, list[str]]:
    names = [*PRESETS]
    return [("", [reading.blend_to(PRESETS[name], 1) for name in names])], names


# Units with a small effect, mouths with too many units at once, and all units.
HARD = ("AU05", "AU06", "AU14", "AU23", "AU12 AU23 AU26", "AU12 AU20 AU25 AU26", "everything")


def _limits(reading: Expression) -> tuple[Rows, list[str]]:
    expressions = [
        reading.replace(**dict.fromkeys(ACTION_UNITS.keys if name == HARD[-1] else name.split(), 1))
        for name in HARD
    ]
    return [("", [reading, *expressions])], ["photo", *HARD]


# Name -> description, and the function from a reading to rows and labels of columns (None: drawn
# by a function of its own).
KINDS: dict[str, tuple[str, Callable]] = {
    "figure": ("seven expressions at seven intensities, as the MoodGANimation figure", _figure),
    "units": ("every Action Unit at five levels", _units),
    "moods": ("pleasure across, arousal down", _moods),
    "scales": ("pleasure, arousal and dominance, each up and down", _scales),
    "emotions": ("every emotion in a strip", _emotions),
    "limits": ("where it fails: units that hardly show, and too much at once", _limits),
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
    """Draw a contact sheet, (H, W, 3) uint8, with faces of `side` pixels. kind: one of KINDS."""
    if kind == "fields":
        return _fields(animator, portrait, progress)
    portrait = portrait.downscaled_for("face", side)
    if kind == "muscles":
        return _muscles(animator, portrait, side, progress)
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
    """Yield a frame for each expression, edited alone, so that recurrent generators start anew."""
    for count, expression in enumerate(expressions, 1):
        yield animator.edit(portrait, expression)
        progress(count, len(expressions))


def _fields(animator: Animator, portrait: Portrait, progress: Progress) -> np.ndarray:
    """Draw the motion of every axis at its highest value, as arrows."""
    start, axes = animator.start(portrait), animator.space.axes
    expressions = [start.replace(**{axis.key: axis.high}) for axis in axes]
    frames = _edit_each(animator, portrait, expressions, progress)
    panels = [
        figures.captioned(frame.motion, f"{axis.key} {axis.label}")
        for axis, frame in zip(axes, frames, strict=True)
    ]
    return figures.grid(panels, PER_ROW)


def _muscles(animator: Animator, portrait: Portrait, side: int, progress: Progress) -> np.ndarray:
    """Draw the face with every unit of FACS at 1: units with sides, without, gaze and head."""
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
    blocks = (lateral, central, opposites)  # each begins a new row
    return np.concatenate([figures.grid([panels[k] for k in keys], PER_ROW) for keys in blocks])
