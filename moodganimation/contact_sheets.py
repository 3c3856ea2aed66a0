"""Contact sheets of one face: what the sliders do to it, all at once."""

from collections.abc import Callable

import numpy as np

from .animator import Animator
from .errors import InvalidExpression
from .expressions.moods import mood_of
from .expressions.presets import PRESETS, SHEET_PRESETS
from .expressions.spaces import ACTION_UNITS, FACS, PAD, Expression
from .faces.portrait import Portrait
from .media import figures

INTENSITIES = (0, 0.12, 0.25, 0.5, 0.75, 0.87, 1)  # of the MoodGANimation figure
LEVELS = (0, 0.25, 0.5, 0.75, 1)
STEPS = (-1, -0.5, 0, 0.5, 1)

Rows = list[tuple[str, list[Expression]]]


def _figure(reading: Expression) -> tuple[Rows, list[str]]:
    rows = [(n, [reading.towards(PRESETS[n], t) for t in INTENSITIES]) for n in SHEET_PRESETS]
    return rows, [f"{t:g}" for t in INTENSITIES]


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
                for pleasure in STEPS
            ],
        )
        for arousal in reversed(STEPS)
    ]
    return rows, [f"pleasure {pleasure:+g}" for pleasure in STEPS]


def _scales(reading: Expression) -> tuple[Rows, list[str]]:
    mood = mood_of(reading)
    rows = [
        (
            f"{'+' if end > 0 else '-'}{key}",
            [mood.replace(**{key: mood[key] + t * (end - mood[key])}) for t in LEVELS],
        )
        for key in PAD.keys
        for end in (1, -1)
    ]
    return rows, [f"{level:g}" for level in LEVELS]


def _emotions(reading: Expression) -> tuple[Rows, list[str]]:
    names = [*PRESETS]
    return [("", [reading.towards(PRESETS[name], 1) for name in names])], names


# Units that hardly show, mouths that want too much at once, and everything.
HARD = ("AU05", "AU06", "AU14", "AU23", "AU12 AU23 AU26", "AU12 AU20 AU25 AU26", "everything")


def _limits(reading: Expression) -> tuple[Rows, list[str]]:
    asked = [
        reading.replace(**dict.fromkeys(ACTION_UNITS.keys if name == HARD[-1] else name.split(), 1))
        for name in HARD
    ]
    return [("", [reading, *asked])], ["photo", *HARD]


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
    side: int = figures.PANEL,
    progress: Callable[[int, int], None] = lambda done, total: None,
) -> np.ndarray:
    """(H, W, 3) uint8, faces of `side` pixels. kind: one of KINDS. progress: told how many of how
    many pictures are drawn."""
    if kind == "fields":
        return _fields(animator, portrait, progress)
    if kind == "muscles":
        return _muscles(animator, portrait, side, progress)
    rows, columns = KINDS[kind][1](portrait.reading)
    portrait = portrait.enough_for("face", side)
    total, drawn = len(rows) * len(columns), []
    for point in (point for _, way in rows for point in way):
        frame = animator.edit(portrait, point)  # apart: no memory from one to the next
        drawn.append(figures.panel(frame.face, side))
        progress(len(drawn), total)
    n = len(columns)
    lines = [(name, drawn[i * n : (i + 1) * n]) for i, (name, _) in enumerate(rows)]
    return figures.sheet(lines, columns)


def _fields(animator: Animator, portrait: Portrait, progress) -> np.ndarray:
    start, axes = animator.start(portrait), animator.space.axes
    cells = []
    for axis in axes:
        frame = animator.edit(portrait, start.replace(**{axis.key: axis.high}))
        cells.append(figures.labelled(frame.motion, f"{axis.key} {axis.label}"))
        progress(len(cells), len(axes))
    return figures.grid(cells, 6)


def _muscles(animator: Animator, portrait: Portrait, side: int, progress) -> np.ndarray:
    """Rows of two units with sides, or of six axes without."""
    if animator.space != FACS:
        raise InvalidExpression(
            "This model knows neither sides nor gaze nor head; the default model warp does."
        )
    start, portrait = animator.start(portrait), portrait.enough_for("face", side)
    groups = [[key, f"{key}L", f"{key}R"] for key in FACS.lateral]
    opposites = [key for pair in FACS.opposites for key in pair]
    lateral = [key for group in groups for key in group]
    central = [key for key in FACS.keys if key not in (*lateral, *opposites)]
    blocks, drawn = (lateral, central, opposites), 0
    rows = []
    for keys in blocks:
        cells = []
        for key in keys:
            face = animator.edit(portrait, start.replace(**{key: 1.0})).face
            cells.append(figures.labelled(figures.panel(face, side), key))
            drawn += 1
            progress(drawn, sum(map(len, blocks)))
        rows.append(figures.grid(cells, 6))
    return np.concatenate(rows)
